"""`extract report`: a run ─► one HTML file, and where it is."""

from __future__ import annotations

from pathlib import Path

import click

from claimgrid.report.build import report as build


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
