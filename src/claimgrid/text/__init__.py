"""Text of abstracts: LaTeX, normalized text with offsets, alignment of quotes, sentences."""
