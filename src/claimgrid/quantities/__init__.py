"""Numbers in text: values, units, ranges, bounds, and numerals that are no quantity."""
