"""`extract table` and `extract sql`: their arguments and options. Imports nothing but click."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from claimgrid.cli_options import PATH, Command

_TABLES = ("speedups", "benchmarks", "hardware", "models", "efficiency", "papers", "claims")
_KINDS = ("benchmark", "speedup", "efficiency", "hardware", "model_size")


def _format_options(command: Command) -> Command:
    """The options that decide what a table is printed as, and where to."""
    command = click.option("-o", "--out", type=PATH, help="File to write instead of printing.")(
        command
    )
    formats = click.Choice(["terminal", "markdown", "csv", "latex", "html", "parquet", "xlsx"])
    return click.option(
        "--format",
        "form",
        type=formats,
        help="csv, parquet and xlsx hold every column of the view; latex needs the packages "
        "array, booktabs and longtable. Default: what the name of the file ends in (.txt .md .csv "
        ".tex .html .parquet .xlsx), else terminal.",
    )(command)


@click.command()
@click.argument("name", metavar="TABLE", type=click.Choice(_TABLES))
@click.argument("outs", metavar="OUT…", nargs=-1, required=True)
@click.option("--where", metavar="SQL", help="Condition on columns, such as 'ratio_low > 2'.")
@click.option("--kind", type=click.Choice(_KINDS), help="For the table claims: this kind only.")
@click.option("--hardware", metavar="SLUG", help="Measured on this device: nvidia-a100, nvidia-*.")
@click.option(
    "--since",
    metavar="DATE",
    help="Papers from 2024 or 2024-06 on. Those dated without a year are left out and counted.",
)
@click.option(
    "--own/--background",
    default=True,
    help="--background: also what abstracts say of the field and of others. Default: --own.",
)
@click.option("--sort", metavar="COLUMN", help="Ascending; -COLUMN: descending.")
@click.option(
    "--group-by",
    metavar="COLUMN",
    help="One ranking for each baseline, hardware, metric …; conditions: for each set of "
    "conditions, so that only like is ranked with like.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows.")
@click.option(
    "--columns",
    metavar="A,B,…",
    help="These columns, in this order: those of `extract sql --schema OUT`, and paper, start, end "
    "(of the words in the abstract), what (benchmark, metric, device, model), on (workload, "
    "hardware), differs, conflict.",
)
@click.option("--rows", metavar="COLUMN", help="Pivot: what makes a row; with --cols and --value.")
@click.option("--cols", metavar="COLUMN", help="Pivot: what makes a column.")
@click.option("--value", metavar="COLUMN", help="Pivot: what stands in the cells.")
@_format_options
def table(
    name: str, outs: tuple[str, ...], form: str | None, out: Path | None, **options: Any
) -> None:
    """Compare the systems of one or more runs in a table.

    TABLE is speedups, benchmarks, hardware, models, efficiency, papers or claims (of all kinds).
    OUT is the folder of a run, a claims.jsonl or .parquet file, a quoted glob ("outputs/*") or a
    URL. Numbers of one ranking that were measured under other conditions than its first row are
    marked; papers that contradict each other are listed below the table.
    """
    from claimgrid.commands.table import table as command

    sys.exit(command(name, outs, options, form, out))


@click.command()
@click.argument("arguments", metavar="QUERY OUT…", nargs=-1, required=True)
@click.option("--schema", is_flag=True, help="List the views and their columns; takes OUT… only.")
@_format_options
def sql(arguments: tuple[str, ...], schema: bool, form: str | None, out: Path | None) -> None:
    """Query one or more runs with SQL.

    As in: extract sql "select subject, ratio from speedups" OUT. The dialect is DuckDB's.

    The views are claims, speedups, benchmarks, efficiency, hardware, models, papers, rejected and
    unclaimed. SQL can read them only: it changes nothing and opens no files.
    """
    from claimgrid.commands import sql as command

    if schema:
        sys.exit(command.schema(arguments))
    sys.exit(command.sql(arguments[0], arguments[1:], form, out))
