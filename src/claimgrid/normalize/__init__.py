"""Copied words to canonical values; knows nothing of models, sources or grounding."""
