"""The path of one abstract: prompt, grounding, claims, and the numbers that no claim covers."""
