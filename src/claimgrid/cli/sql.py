"""`extract sql` answers a query over the views of runs, in one of the formats."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.table_output import emit, every_run_option, format_of, format_options
from claimgrid.tables import views
from claimgrid.tables.layout import plain
from claimgrid.text.counted import counted


def sql(
    query: str, outs: Sequence[str], form: str | None, out: Path | None, *, every_run: bool
) -> int:
    """Print or write the rows of a query, and what must be known of the runs. Returns 0.

    Raises:
        UsageError: the SQL is wrong, writes, or reaches for a file.
        StoreError: a run cannot be read, or the file cannot be written.
    """
    form = format_of(form, out)
    database = views.connect(outs, every_run=every_run)
    frame = database.query(query)
    title = counted(len(frame.rows), "row")
    grid = replace(plain(frame, "query", title), notes=database.about)
    emit([grid], frame, form, out, database.about)
    return 0


def schema(outs: Sequence[str]) -> int:
    """List the views of runs with their columns. Returns 0."""
    database = views.connect(outs)
    console = Console(highlight=False)
    for view in views.VIEWS:
        rows = database.query(f"select count(*) from {view}").rows[0][0]  # noqa: S608 our own names
        console.print(Text.assemble((view, "bold"), (f"  {counted(rows, 'row')}", "dim")))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
        for name, kind in database.columns(view).items():
            table.add_row(name, Text(kind.lower(), "dim"))
        console.print(table)
    return 0


@click.command()
@click.argument("arguments", metavar="QUERY OUT…", nargs=-1, required=True)
@click.option(
    "--schema",
    "list_schema",
    is_flag=True,
    help="List the views and their columns; takes OUT… only.",
)
@every_run_option
@format_options
def command(
    arguments: tuple[str, ...],
    list_schema: bool,
    every_run: bool,
    form: str | None,
    out: Path | None,
) -> None:
    """Query one or more runs with SQL.

    As in: extract sql "select subject, ratio from speedups" OUT. The dialect is DuckDB's.

    The views are claims, speedups, benchmarks, efficiency, hardware, models, papers, rejected and
    unclaimed. SQL can read them only: it changes nothing and opens no files.
    """
    if list_schema:
        sys.exit(schema(arguments))
    sys.exit(sql(arguments[0], arguments[1:], form, out, every_run=every_run))
