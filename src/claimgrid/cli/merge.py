"""`extract merge`: puts the shards of a run together."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from claimgrid.cli.options import PATH
from claimgrid.engines.merge import merge
from claimgrid.io import run_folder


@click.command()
@click.argument("shards", metavar="SHARD…", nargs=-1, required=True, type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the whole run.")
def command(shards: tuple[Path, ...], out: Path) -> None:
    """Put the shards of a run together into one run's folder.

    SHARD is the folder of a finished `extract run SOURCE --shard I/N`; all N of them are needed, in
    any order. The result has the bytes of one run of everything, and the shards' replies. Exit code
    1 if a shard has failed papers; 2 if a shard is missing, there twice or unfinished.
    """
    told = merge(shards, out)
    claims = sum(told["claims"].values())
    click.echo(
        f"{told['shards']} shards: {told['papers']:,} papers, {claims:,} claims\n"
        f"written {out}/ {{{', '.join((*run_folder.NAMES, run_folder.MANIFEST))}}}"
    )
    sys.exit(int(told["exit_code"]))
