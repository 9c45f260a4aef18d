"""Comparison tables: SQL views over runs, rankings, checks of comparability, and the formats."""
