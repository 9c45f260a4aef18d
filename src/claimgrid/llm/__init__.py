"""Request ─► Answer: the only way to a model. Knows nothing of abstracts or claims."""
