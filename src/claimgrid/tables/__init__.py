"""Runs to comparison tables: views in SQL, the comparability guard, and the formats."""
