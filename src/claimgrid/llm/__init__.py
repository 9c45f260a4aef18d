"""The only way to an online model: requests go out, replies come back, all replies are stored."""
