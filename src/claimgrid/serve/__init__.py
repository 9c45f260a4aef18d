"""The claim browser and a read-only JSON API over HTTP, for runs of any size."""
