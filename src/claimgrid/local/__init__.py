"""Models that run on this machine: which there are, how they are fetched, served and trained."""
