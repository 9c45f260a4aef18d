"""Fine-tune a small model on the replies of a stronger one (extra `train`)."""
