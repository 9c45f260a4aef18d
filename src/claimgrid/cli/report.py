"""`extract report`: a run ─► one HTML file, and where it is."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from claimgrid.cli.options import PATH
from claimgrid.report.page_builder import report as build


def report(folder: Path, out: Path | None) -> int:
    """Write the report of a run and say where it is.

    Raises:
        StoreError: the run cannot be read, or the file cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    file = out or folder / "report.html"
    size = build(folder, file)
    click.echo(f"{file}: {size / 1e6:.1f} MB; open it in a browser, it needs no network")
    return 0


@click.command()
@click.argument("folder", metavar="OUT", type=PATH)
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Default: report.html in OUT.")
def command(folder: Path, out: Path | None) -> None:
    """Write a run's claim browser: one HTML file that opens from disk without a network.

    Needs the extra [report].
    """
    sys.exit(report(folder, out))
