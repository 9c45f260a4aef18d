"""The claim browser as one HTML page that opens from disk."""
