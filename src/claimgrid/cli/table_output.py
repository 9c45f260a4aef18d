"""The formats of tables: the options that choose one, and what prints or writes it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from claimgrid.cli.options import PATH, Command
from claimgrid.errors import StoreError, UsageError
from claimgrid.tables import export, terminal, views
from claimgrid.tables.grid import Grid
from claimgrid.tables.latex_output import latex
from claimgrid.tables.markup import html_page, markdown
from claimgrid.tables.views import Frame

_FILE_WIDTH = 160  # columns; a file has no terminal to fit
_SUFFIXES = {
    ".txt": "terminal",
    ".md": "markdown",
    ".csv": "csv",
    ".tex": "latex",
    ".html": "html",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_RENDERERS = {"markdown": markdown, "latex": latex, "html": html_page}
_WITHOUT_NOTES = ("csv", "parquet", "xlsx")


def format_options(command: Command) -> Command:
    """The options that decide what a table is printed as, and where to."""
    command = click.option("-o", "--out", type=PATH, help="File to write instead of printing.")(
        command
    )
    return click.option(
        "--format",
        "form",
        type=click.Choice(list(dict.fromkeys(_SUFFIXES.values()))),
        help="csv, json, parquet and xlsx hold every column of the view; latex needs the packages "
        "array, booktabs and longtable. Default: what the name of the file ends in (.txt .md .csv "
        ".tex .html .json .parquet .xlsx), else terminal.",
    )(command)


def every_run_option(command: Command) -> Command:
    """The option for papers that several runs have read."""
    return click.option(
        "--every-run",
        is_flag=True,
        help="Show a paper that several runs have read from each of them. Default: from the first "
        "run that read it without an error.",
    )(command)


def emit(
    grids: Sequence[Grid], frame: Frame, form: str, out: Path | None, notes: Sequence[str] = ()
) -> None:
    """Print a table or write it to a file: grids in formats for people, the frame in the others.

    Raises:
        SetupError: the format needs a package that is not installed.
        StoreError: the file cannot be written.
    """
    if form != "latex":  # which typesets the abstracts' math
        grids = [grid if grid.verbatim else grid.readable() for grid in grids]
    if form == "terminal":
        if out is None:
            terminal.show(Console(highlight=False), grids)
        else:
            text = io.StringIO()
            terminal.show(Console(file=text, width=_FILE_WIDTH, highlight=False), grids)
            write_text(out, text.getvalue())
    elif form in ("parquet", "xlsx"):
        assert out is not None
        if form == "parquet":
            views.write_parquet(frame, out)
        else:
            export.write_xlsx(frame, out, grids[0].name)
    else:
        made = _text(grids, frame, form, notes)
        if out is None:
            click.echo(made, nl=False)
        else:
            write_text(out, made)
    if form in _WITHOUT_NOTES:  # these files have no place for notes
        for note in notes:
            click.echo(f"extract: {note}", err=True)


def _text(grids: Sequence[Grid], frame: Frame, form: str, notes: Sequence[str]) -> str:
    if form == "csv":
        return export.csv_text(frame)
    if form == "json":
        return export.json_text(frame, grids[0].title, notes)
    return _RENDERERS[form](grids)


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


def write_text(path: Path, made: str) -> None:
    """Write a file in one step. Raises StoreError where that cannot be done."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(made, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error
