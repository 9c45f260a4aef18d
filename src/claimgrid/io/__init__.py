"""Files: the folder of a run, and the files that ship with the package."""
