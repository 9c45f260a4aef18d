"""Reads CSV and TSV tables of papers, such as Zotero's, Scopus' and spreadsheets' exports.

The delimiter is the one that splits the first row into columns of papers. A row whose quotes do
not balance costs itself: reading continues at the line after it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from claimgrid.errors import SourceError
from claimgrid.sources.bibliography_items import arxiv_id_in, citation_key_in
from claimgrid.sources.dates import loose_date
from claimgrid.sources.guessed_columns import (
    NamedColumns,
    is_table_of_papers,
    record_of,
)
from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.sources.paper_fields import Record, paper
from claimgrid.text.counted import counted
from claimgrid.types.paper import Paper

_DELIMITERS = ",\t;|"
_ZOTERO = frozenset({"Key", "Item Type", "Abstract Note"})
_LONGEST_CELL = 1 << 17  # characters; an abstract has two thousand


class _Lines:
    """Gives lines to `csv`, and takes back those of a row that could not be read."""

    def __init__(self, lines: Iterable[SourceLine]) -> None:
        self._lines = iter(lines)
        self._again: deque[SourceLine] = deque()
        self.taken: list[SourceLine] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return f"{line.text}\n"

    def row_ended(self) -> list[SourceLine]:
        """The lines of the row that was read last."""
        taken, self.taken = self.taken, []
        return taken

    def give_back_all_but_the_first(self) -> SourceLine:
        """Read the lines after the first of this row once more."""
        first, *rest = self.row_ended()
        self._again.extendleft(reversed(rest))
        return first


def delimiter_of(header: str, told: NamedColumns) -> str | None:
    """The delimiter of a table of papers that begins with this line; None if it begins none."""
    for delimiter in _DELIMITERS:
        names = _header(header, delimiter)
        if len(names) > 1 and is_table_of_papers(names, told):
            return delimiter
    return None


def columns_in(header: str) -> list[str]:
    """The columns that a line names, by the delimiter that gives most of them."""
    read = [list(_header(header, one)) for one in _DELIMITERS]
    return max(read, key=len)


def read_delimited(
    lines: Iterable[SourceLine], told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper of each row under the first.

    Raises:
        SourceError: no column of the first row can be the abstract.
    """
    told = told or NamedColumns()
    source = _Lines(line for line in lines if not line.text.startswith("sep="))
    first = next((text for text in source if text.strip()), "")
    head = source.row_ended()[-1]
    delimiter = delimiter_of(first.rstrip("\n"), told)
    if delimiter is None:
        raise no_abstract_column(columns_in(first.rstrip("\n")), told, head.file, head.number)
    names = _header(first.rstrip("\n"), delimiter)
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            line = source.give_back_all_but_the_first()
            yield line.problem(f"its quotes do not balance ({error}); quote its cells anew")
            rows = csv.reader(source, delimiter=delimiter, strict=True)
            continue
        taken = source.row_ended()
        if row and any(cell.strip() for cell in row):
            yield _of(row, names, taken, told)


def no_abstract_column(
    names: list[str], told: NamedColumns, file: str, line: int | None = None
) -> SourceError:
    """What to say of a table whose columns are not those of papers."""
    there = ", ".join(names[:20])
    if told.abstract and told.abstract not in names:
        return SourceError(
            f"there is no column {told.abstract!r}; there are {there}", path=file, line=line
        )
    if told.title and told.title not in names:
        return SourceError(
            f"there is no column {told.title!r}; there are {there}", path=file, line=line
        )
    return SourceError(
        f"no column looks like an abstract beside a title ({there}); name them with "
        "--abstract-col and --title-col",
        path=file,
        line=line,
    )


def _header(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return ()
    names = [cell.strip() for cell in row]
    return tuple(name or f"column {n}" for n, name in enumerate(names, 1))


def _of(
    row: list[str], names: tuple[str, ...], taken: list[SourceLine], told: NamedColumns
) -> Paper | Problem:
    line = taken[0]
    if any(one.cut for one in taken):
        return line.problem(f"a line of the row is longer than {LONGEST_LINE} bytes")
    if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
        return line.problem(
            f"the row has {counted(len(row), 'cell')} where the table has "
            f"{counted(len(names), 'column')}; quote the cells that hold the delimiter"
        )
    cells = dict(zip(names, row, strict=False))
    record = record_of(cells, told, line.file, line.number)
    _complete(record, cells)
    record.extra = {name: cell for name, cell in record.extra.items() if cell}
    record.warnings += [warning for one in taken for warning in one.warnings]
    record.excerpt = line.text
    return paper(record)


def _complete(record: Record, cells: dict[str, str]) -> None:
    """Zotero's own words, and dates as spreadsheets write them."""
    record.fields["date"] = loose_date(record.fields.get("date")) or record.fields.get("date")
    if set(cells) < _ZOTERO or "Abstract Note" not in cells:
        return
    note = cells.get("Extra", "")
    key = record.fields.get("citation_key") or citation_key_in(note)
    record.fields |= {
        "id": key or cells.get("Key"),
        "citation_key": key,
        "arxiv_id": cells.get("Archive ID") or arxiv_id_in(note) or record.fields.get("arxiv_id"),
    }
    record.extra = {}
