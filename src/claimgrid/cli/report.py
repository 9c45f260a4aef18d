"""`extract report`: one HTML file with the claims of a run, or of several runs compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from claimgrid.cli.options import PATH, run_folders
from claimgrid.errors import UsageError
from claimgrid.report.page_builder import refuse_too_many
from claimgrid.report.page_builder import report as build


def report(outs: Sequence[str], out: Path | None, where: str | None = None) -> int:
    """Write the report of the runs and say where it is.

    Args:
        where: SQL over the columns of claims; only papers with such a claim are shown.

    Raises:
        UsageError: what is named is no run, several runs are named without a file, a page cannot
            hold so many claims, or `where` is wrong.
        StoreError: a run cannot be read, or the file cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    folders = run_folders(outs)
    if out is None and len(folders) > 1:
        raise UsageError(f"{len(folders)} runs are compared in one file; pass its name: -o FILE")
    file = out or folders[0] / "report.html"
    size = build(folders, file, None if where is None else _chosen(folders, where))
    click.echo(f"{file}: {size / 1e6:.1f} MB; open it in a browser, it needs no network")
    return 0


def _chosen(folders: Sequence[Path], where: str) -> list[frozenset[str]]:
    """The papers of each run that have a claim for which the condition holds."""
    from claimgrid.tables import views

    chosen, claims = [], 0
    for folder in folders:
        database = views.connect([str(folder)])
        mine = f"select paper_id from claims where ({where}\n)"  # noqa: S608 views can only be read
        found = database.query(f"select count(*) from claims where paper_id in ({mine})")  # noqa: S608
        claims += found.rows[0][0]
        refuse_too_many(claims)
        papers = database.query(f"select distinct paper_id from ({mine})")  # noqa: S608
        chosen.append(frozenset(name for (name,) in papers.rows))
    return chosen


@click.command()
@click.argument("outs", metavar="OUT...", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Default: report.html in OUT.")
@click.option(
    "--where",
    metavar="SQL",
    help="Only papers with a claim like this, such as \"device = 'nvidia-h100'\" or 'year > 2024'. "
    "The columns are those of the view claims: `extract sql --schema OUT`.",
)
def command(outs: tuple[str, ...], out: Path | None, where: str | None) -> None:
    """Write a run's claim browser: one HTML file that opens from disk without a network.

    Several runs, or a glob in quotes, are compared: the page shows which claims are in one run and
    not in another, and which fields differ. A page holds 40,000 claims: `extract serve` shows
    larger runs, and --where makes a page of a part. Needs the extra [report].
    """
    sys.exit(report(outs, out, where))
