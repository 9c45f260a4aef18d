"""What each `extract` command does, one module each; imported when the command is called."""
