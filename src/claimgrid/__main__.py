"""`python -m claimgrid` is `extract`."""

from claimgrid.cli import main

main(prog_name="extract")
