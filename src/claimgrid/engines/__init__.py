"""Engines: how many papers are under way at once. They never change a stage."""
