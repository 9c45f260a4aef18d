"""`extract report`: one HTML file with the claims of a run, or of several runs compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from claimgrid.cli.options import PATH
from claimgrid.errors import UsageError
from claimgrid.report.page_builder import report as build


def report(outs: Sequence[str], out: Path | None) -> int:
    """Write the report of the runs and say where it is.

    Raises:
        UsageError: what is named is no run, or several runs are named without a file.
        StoreError: a run cannot be read, or the file cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    folders = _folders(outs)
    if out is None and len(folders) > 1:
        raise UsageError(f"{len(folders)} runs are compared in one file; pass its name: -o FILE")
    file = out or folders[0] / "report.html"
    size = build(folders, file)
    click.echo(f"{file}: {size / 1e6:.1f} MB; open it in a browser, it needs no network")
    return 0


def _folders(outs: Sequence[str]) -> list[Path]:
    """The folders of the runs that are named, by their paths or by globs, each once."""
    found: dict[Path, Path] = {}
    for out in outs:
        folder = Path(out)
        if not folder.exists() and any(sign in out for sign in "*?["):
            from claimgrid.tables.run_files import find

            for run in find([out]):
                matched = Path(run.claims).parent
                found.setdefault(matched.resolve(), matched)
        else:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


@click.command()
@click.argument("outs", metavar="OUT...", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Default: report.html in OUT.")
def command(outs: tuple[str, ...], out: Path | None) -> None:
    """Write a run's claim browser: one HTML file that opens from disk without a network.

    Several runs, or a glob in quotes, are compared: the page shows which claims are in one run and
    not in another, and which fields differ. Needs the extra [report].
    """
    sys.exit(report(outs, out))
