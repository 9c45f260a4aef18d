"""Scores of a run against labelled claims."""
