"""Models that run on this machine: which there are, where they lie, how they are served."""
