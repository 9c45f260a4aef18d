"""`extract table`: runs ─► a comparison table in one of the formats."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from claimgrid.errors import StoreError, UsageError
from claimgrid.tables import columns, export, layout, terminal, views
from claimgrid.tables.build import Options, Ranked, rank
from claimgrid.tables.grid import Grid
from claimgrid.tables.kinds import kind
from claimgrid.tables.latex import latex
from claimgrid.tables.pivot import Axes, pivot
from claimgrid.tables.query import Filters
from claimgrid.tables.render import html_page, markdown
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
        chosen = columns.choose(ranked, names)
        return layout.chosen(ranked, chosen), columns.frame(ranked, chosen)
    if form in ("terminal", "latex"):
        return layout.brief(ranked, refs=form == "latex"), ranked.frame()
    return layout.full(ranked), ranked.frame()


def _options(given: Mapping[str, Any]) -> Options:
    filters = Filters(
        where=given["where"],
        claim_kind=given["kind"],
        hardware=given["hardware"],
        since=given["since"],
        background=not given["own"],
    )
    return Options(filters, given["sort"], given["group_by"], given["limit"])


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
