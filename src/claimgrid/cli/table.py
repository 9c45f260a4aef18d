"""`extract table`: runs ─► a comparison table in one of the formats."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from claimgrid.cli.options import PATH, Command
from claimgrid.errors import StoreError, UsageError
from claimgrid.tables import cells, export, layout, terminal, views
from claimgrid.tables.filters import TableFilters
from claimgrid.tables.grid import Grid
from claimgrid.tables.latex_output import latex
from claimgrid.tables.markup import html_page, markdown
from claimgrid.tables.pivot import Axes, pivot
from claimgrid.tables.ranking import Ranked, TableOptions, rank
from claimgrid.tables.table_specs import kind
from claimgrid.tables.views import Frame

_FILE_WIDTH = 160  # columns; a file has no terminal to fit
_SUFFIXES = {
    ".txt": "terminal",
    ".md": "markdown",
    ".csv": "csv",
    ".tex": "latex",
    ".html": "html",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_RENDERERS = {"markdown": markdown, "latex": latex, "html": html_page}


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
    database = views.connect(outs)
    if axes is None:
        ranked = rank(database, wanted, options)
        grids, frame = _laid_out(ranked, given["columns"], form)
        notes = ranked.notes
    else:
        crossed = pivot(database, wanted, axes, options)
        grids, frame, notes = [crossed.grid], crossed.frame, crossed.ranked.notes
    if form != "latex":  # which typesets the abstracts' math
        grids = [grid.readable() for grid in grids]
    emit(grids, frame, form, out)
    if form in ("csv", "parquet", "xlsx"):  # these files have no place for notes
        for note in notes:
            click.echo(f"extract: {note}", err=True)
    return 0


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


def _laid_out(ranked: Ranked, names: str | None, form: str) -> tuple[list[Grid], Frame]:
    if names is not None:
        chosen = cells.choose(ranked, names)
        return layout.chosen(ranked, chosen), cells.frame(ranked, chosen)
    if form in ("terminal", "latex"):
        return layout.brief(ranked, refs=form == "latex"), ranked.frame()
    return layout.full(ranked), ranked.frame()


def _options(given: Mapping[str, Any]) -> TableOptions:
    filters = TableFilters(
        where=given["where"],
        claim_kind=given["kind"],
        hardware=given["hardware"],
        since=given["since"],
        background=not given["own"],
    )
    return TableOptions(filters, given["sort"], given["group_by"], given["limit"])


def emit(grids: Sequence[Grid], frame: Frame, form: str, out: Path | None) -> None:
    """Print a table or write it to a file: grids in formats for people, the frame in the others."""
    if form == "terminal":
        if out is None:
            terminal.show(Console(highlight=False), grids)
        else:
            text = io.StringIO()
            terminal.show(Console(file=text, width=_FILE_WIDTH, highlight=False), grids)
            _write(out, text.getvalue())
    elif form in ("parquet", "xlsx"):
        assert out is not None
        if form == "parquet":
            views.write_parquet(frame, out)
        else:
            export.write_xlsx(frame, out, grids[0].name)
    else:
        made = export.csv_text(frame) if form == "csv" else _RENDERERS[form](grids)
        if out is None:
            click.echo(made, nl=False)
        else:
            _write(out, made)


def format_of(form: str | None, out: Path | None) -> str:
    """The format that was named, else the one that the file's name ends in.

    Raises:
        UsageError: the name says no format, or the format needs a file and none is named.
    """
    if form is None:
        if out is None:
            return "terminal"
        if out.suffix.lower() not in _SUFFIXES:
            raise UsageError(
                f"-o {out}: which format? Give --format, or a name that ends in "
                f"{', '.join(_SUFFIXES)}"
            )
        return _SUFFIXES[out.suffix.lower()]
    if out is None and form in ("parquet", "xlsx"):
        raise UsageError(f"--format {form} makes a binary file; name it with -o FILE.{form}")
    return form


def _write(path: Path, made: str) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(made, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error


_TABLES = ("speedups", "benchmarks", "hardware", "models", "efficiency", "papers", "claims")
_KINDS = ("benchmark", "speedup", "efficiency", "hardware", "model_size")


def format_options(command: Command) -> Command:
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
