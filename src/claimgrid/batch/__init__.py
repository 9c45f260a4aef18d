"""Batch APIs: requests go out as files at half the price, and replies come back as recordings."""
