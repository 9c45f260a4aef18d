"""Training of small models on the claims or replies of runs (extra `train`)."""
