"""The Python interface: extract claims from abstracts, read papers, load runs."""
