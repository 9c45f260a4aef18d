"""Rows with types are written for machines: CSV, JSON and Excel, every column of the view."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError, StoreError
from claimgrid.tables.grid import text
from claimgrid.tables.views import Frame

_LONGEST_CELL = 32_767  # characters; Excel refuses a file with a longer one


def csv_text(frame: Frame) -> str:
    """RFC 4180 with `\\n`: one header line, dots in numbers, lists joined by `; `, null empty."""
    out = io.StringIO()
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (frame.columns, *frame.rows):
        cells = [_csv(value) for value in row]
        # The csv module leaves a lone carriage return bare, which readers take for a line's end.
        returns = any("\r" in cell for cell in cells if isinstance(cell, str))
        (quoted if returns else plain).writerow(cells)
    return out.getvalue()


def json_text(frame: Frame, title: str, notes: Sequence[str]) -> str:
    """One object: what the table is, what must be known of it, and its rows by column name."""
    whole = {"title": title, "notes": list(notes), "rows": list(frame.dicts())}
    return json.dumps(whole, ensure_ascii=False, indent=1, default=str) + "\n"


def write_xlsx(frame: Frame, path: Path, title: str) -> None:
    """A sheet with a frozen, filterable header. Text stays text: no formula, no link.

    Raises:
        SetupError: xlsxwriter is not installed.
        StoreError: the file cannot be written.
    """
    try:
        import xlsxwriter
    except ModuleNotFoundError as error:
        raise SetupError("--format xlsx needs: pip install 'claimgrid[excel]'") from error
    part = path.with_name(f"{path.name}.part")
    try:
        with xlsxwriter.Workbook(str(part)) as book:
            sheet = book.add_worksheet(title[:31])
            bold = book.add_format({"bold": True})
            for column, name in enumerate(frame.columns):
                sheet.write_string(0, column, name, bold)
            for line, row in enumerate(frame.rows, 1):
                for column, value in enumerate(row):
                    _write(sheet, line, column, value)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, len(frame.rows), len(frame.columns) - 1)
            sheet.autofit(max_width=320)
        part.replace(path)
    except (OSError, xlsxwriter.exceptions.XlsxFileError) as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error


def _csv(value: Any) -> Any:
    return value if isinstance(value, int | float) else text(value)


def _write(sheet: Any, line: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(line, column, value)
    elif value is not None and value != []:
        # `write` would make a formula of a text that begins with `=`, a link of one with `://`.
        sheet.write_string(line, column, text(value)[:_LONGEST_CELL])
