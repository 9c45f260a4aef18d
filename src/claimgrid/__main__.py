"""`python -m claimgrid` is `extract`."""

from claimgrid.cli.main import main

main(prog_name="extract")
