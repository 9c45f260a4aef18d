"""`extract report`: one HTML file with the claims of a run, or of several runs compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from claimgrid.cli.options import PATH, run_folders
from claimgrid.errors import UsageError
from claimgrid.report.page_builder import report as build


def report(outs: Sequence[str], out: Path | None) -> int:
    """Write the report of the runs and say where it is.

    Raises:
        UsageError: what is named is no run, or several runs are named without a file.
        StoreError: a run cannot be read, or the file cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    folders = run_folders(outs)
    if out is None and len(folders) > 1:
        raise UsageError(f"{len(folders)} runs are compared in one file; pass its name: -o FILE")
    file = out or folders[0] / "report.html"
    size = build(folders, file)
    click.echo(f"{file}: {size / 1e6:.1f} MB; open it in a browser, it needs no network")
    return 0


@click.command()
@click.argument("outs", metavar="OUT...", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Default: report.html in OUT.")
def command(outs: tuple[str, ...], out: Path | None) -> None:
    """Write a run's claim browser: one HTML file that opens from disk without a network.

    Several runs, or a glob in quotes, are compared: the page shows which claims are in one run and
    not in another, and which fields differ. Needs the extra [report].
    """
    sys.exit(report(outs, out))
