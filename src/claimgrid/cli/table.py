"""`extract table` prints a comparison table of runs, or writes it in one of the formats."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from claimgrid.cli.options import min_confidence_option
from claimgrid.cli.table_output import (
    emit,
    every_run_option,
    format_of,
    format_options,
    write_text,
)
from claimgrid.errors import UsageError
from claimgrid.tables import bibliography, cells, layout, views
from claimgrid.tables.filters import TableFilters
from claimgrid.tables.grid import Grid
from claimgrid.tables.pivot import Axes, pivot
from claimgrid.tables.ranking import Ranked, TableOptions, rank
from claimgrid.tables.table_specs import kind
from claimgrid.tables.views import Frame


def table(
    name: str, outs: Sequence[str], given: Mapping[str, Any], form: str | None, out: Path | None
) -> int:
    """Print or write a table.

    Args:
        name: of the ready-made table.
        outs: the runs.
        given: the flags of `extract table`, by name.
        form: one of the formats that `emit` knows; None goes by the file's name.
        out: the file; None prints.

    Returns:
        0, whether the table has rows or not.

    Raises:
        UsageError: an option is wrong, or the format needs a file.
        StoreError: a run cannot be read, or the file cannot be written.
    """
    wanted, axes, options = kind(name), _axes(given), _options(given)
    form = format_of(form, out)
    if given["cite"]:
        _check_cite(form, out, axes)
    database = views.connect(outs, every_run=given["every_run"])
    if axes is None:
        ranked = rank(database, wanted, options)
        grids, frame = _laid_out(ranked, given, form)
    else:
        crossed = pivot(database, wanted, axes, options)
        ranked, grids, frame = crossed.ranked, [crossed.grid], crossed.frame
    emit(grids, frame, form, out, ranked.notes)
    if given["cite"] and out is not None:
        write_text(out.with_suffix(".bib"), bibliography.bibtex(database, ranked.rows))
    return 0


def _check_cite(form: str, out: Path | None, axes: Axes | None) -> None:
    if form != "latex" or axes is not None:
        raise UsageError("--cite goes with --format latex, and with no pivot")
    if out is None:
        raise UsageError("--cite writes a .bib file beside the table; name the table: -o FILE.tex")


def _axes(given: Mapping[str, Any]) -> Axes | None:
    axes = [given["rows"], given["cols"], given["value"]]
    if not any(axes):
        return None
    if not all(axes):
        raise UsageError("a pivot needs all of --rows, --cols and --value, each with a column")
    if given["group_by"]:
        raise UsageError("a pivot has no --group-by; its columns are the groups")
    if given["columns"]:
        raise UsageError("a pivot has no --columns; its columns are those of --cols")
    return Axes(*axes)


def _laid_out(ranked: Ranked, given: Mapping[str, Any], form: str) -> tuple[list[Grid], Frame]:
    if given["columns"] is not None:
        chosen = cells.choose(ranked, given["columns"])
        return layout.chosen(ranked, chosen), cells.frame(ranked, chosen)
    if form in ("terminal", "latex"):
        sure = given["min_confidence"] is not None or given["sort"] in ("confidence", "-confidence")
        grids = layout.brief(ranked, cite=given["cite"], paged=form == "latex", sure=sure)
    else:
        grids = layout.full(ranked)
    return grids, cells.whole(ranked)


def _options(given: Mapping[str, Any]) -> TableOptions:
    filters = TableFilters(
        where=given["where"],
        claim_kind=given["kind"],
        hardware=given["hardware"],
        since=given["since"],
        background=not given["own"],
        min_confidence=given["min_confidence"],
    )
    return TableOptions(filters, given["sort"], given["group_by"], given["limit"])


_TABLES = ("speedups", "benchmarks", "hardware", "models", "efficiency", "papers", "claims")
_KINDS = ("benchmark", "speedup", "efficiency", "hardware", "model_size")


@click.command()
@click.argument("name", metavar="TABLE", type=click.Choice(_TABLES))
@click.argument("outs", metavar="OUT…", nargs=-1, required=True)
@click.option("--where", metavar="SQL", help="Condition on columns, such as 'ratio_low > 2'.")
@click.option("--kind", type=click.Choice(_KINDS), help="For the table claims: this kind only.")
@min_confidence_option
@click.option("--hardware", metavar="DEVICE", help="Measured on this device: A100, nvidia-*.")
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
@click.option(
    "--sort",
    metavar="COLUMN",
    help="Ascending; -COLUMN: descending. confidence: what to check first.",
)
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
@click.option(
    "--cite",
    is_flag=True,
    help="With --format latex: papers as \\cite{KEY}, and a .bib with their entries beside it.",
)
@every_run_option
@format_options
def command(
    name: str, outs: tuple[str, ...], form: str | None, out: Path | None, **options: Any
) -> None:
    """Compare the systems of one or more runs in a table.

    TABLE is speedups, benchmarks, hardware, models, efficiency, papers or claims (of all kinds).
    OUT is the folder of a run, a claims.jsonl or .parquet file, a quoted glob ("outputs/*") or a
    URL. Numbers of one ranking that were measured under other conditions than its first row are
    marked; papers that contradict each other are listed below the table.
    """
    sys.exit(table(name, outs, options, form, out))
