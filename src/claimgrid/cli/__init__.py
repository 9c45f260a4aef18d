"""The `extract` command: one file for each command, loaded when it is called."""
