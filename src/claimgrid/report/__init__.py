"""A run ─► one HTML page that a browser opens from disk: the claim browser."""
