"""Reads abstracts on this machine in one pass: candidates in, claims with probabilities out."""
