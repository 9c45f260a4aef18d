"""The types that stages hand to each other. They have no behaviour."""
