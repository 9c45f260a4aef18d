"""Reads spreadsheets (.xlsx, .xls, .ods): every sheet that has a row of column names of papers.

Rows of titles above that row, merged or not, are passed over.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError, SourceError
from claimgrid.sources.delimited import no_abstract_column
from claimgrid.sources.guessed_columns import NamedColumns, is_table_of_papers, record_of
from claimgrid.sources.lines import Problem, printable
from claimgrid.sources.paper_fields import paper
from claimgrid.types.paper import Paper

_TITLE_ROWS = 20  # rows in which the column names are looked for


def read_workbook(
    name: str, path: Path, told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper of each row under the column names.

    Raises:
        SetupError: the extra `[excel]` is not installed.
        SourceError: the file is damaged, or no sheet has a column for the abstract.
    """
    try:
        import python_calamine as calamine
    except ModuleNotFoundError as error:
        raise SetupError("spreadsheets need: pip install 'claimgrid[excel]'") from error
    told = told or NamedColumns()
    file = printable(name)
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        sheets = [(sheet, book.get_sheet_by_name(sheet)) for sheet in book.sheet_names]
    except (calamine.CalamineError, OSError) as error:
        raise SourceError(f"is a damaged spreadsheet: {error}", path=file) from error
    several = len(sheets) > 1
    found = False
    names: list[str] = []
    for title, sheet in sheets:
        where = f"{file}/{title}" if several else file
        for item in _rows(sheet.iter_rows(), where, told, names):
            found = True
            yield item
    if not found:
        raise no_abstract_column(names, told, file)


def _rows(
    rows: Iterator[list[Any]], file: str, told: NamedColumns, seen: list[str]
) -> Iterator[Paper | Problem]:
    header: tuple[str, ...] | None = None
    for number, row in enumerate(rows, 1):
        cells = [_cell(cell) for cell in row]
        if header is None:
            names = tuple(str(cell).strip() for cell in cells)
            if is_table_of_papers(names, told):
                header = tuple(name or f"column {n}" for n, name in enumerate(names, 1))
            elif len([name for name in names if name]) > len(seen):
                seen[:] = [name for name in names if name]
            if header is None and number >= _TITLE_ROWS:
                return
            continue
        if not any(cell != "" for cell in cells):
            continue
        values = {name: cell for name, cell in zip(header, cells, strict=False) if cell != ""}
        # Every column is there in every row, so that the guess of the columns is made once.
        whole = dict.fromkeys(header) | values
        record = record_of(whole, told, file, number, label=f"row {number}")
        record.extra = {key: value for key, value in record.extra.items() if value is not None}
        record.excerpt = " ".join(str(cell) for cell in cells if cell != "")
        yield paper(record)


def _cell(value: Any) -> Any:
    """A cell as JSON can hold it; spreadsheets know no whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        text = value.isoformat() if not isinstance(value, datetime.timedelta) else str(value)
        return text.removesuffix("T00:00:00")
    return value
