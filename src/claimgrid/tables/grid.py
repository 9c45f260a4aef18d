"""What a table says, before any format: columns, sections of rows, notes. Types and cell text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from claimgrid.text.readable import readable

MARKS = "marks"  # a brief grid's column of letters, which its notes explain
REF = "ref"  # its column of numbered papers, likewise


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that stand under one heading; None where the table is not split."""

    heading: str | None
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table for people. Cells are plain text: each format escapes them in its own way.

    `records` says that rows are claims with their words, which a narrow screen shows as records:
    the first two columns, and the others below each other.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    records: bool = False

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The rows of all sections, in order."""
        return [row for section in self.sections for row in section.rows]

    def without_empty_columns(self) -> Grid:
        """The grid less the columns that no row fills; a record keeps its head."""
        if not self.rows:
            return self
        first = 2 if self.records else 0
        return self.select(
            name
            for n, name in enumerate(self.columns)
            if n < first or any(row[n] for row in self.rows)
        )

    def without_repeated_headings(self) -> Grid:
        """The grid less the columns that say in every row what its section's heading says."""
        return self.select(
            name for n, name in enumerate(self.columns) if not self.rows or not self._repeats(n)
        )

    def grouping(self) -> str | None:
        """The column that says in every row what its section's heading says, if there is one."""
        return next((name for n, name in enumerate(self.columns) if self._repeats(n)), None)

    def _repeats(self, n: int) -> bool:
        return all(
            section.heading == (row[n] or unstated(self.columns[n]))
            for section in self.sections
            for row in section.rows
        )

    def without_headings(self) -> Grid:
        """The grid as one list of rows."""
        return replace(self, sections=(Section(None, tuple(self.rows)),) if self.rows else ())

    def readable(self) -> Grid:
        """The grid with the LaTeX of the abstracts as it is read."""
        return replace(
            self,
            sections=tuple(
                Section(
                    section.heading and readable(section.heading),
                    tuple(tuple(map(readable, row)) for row in section.rows),
                )
                for section in self.sections
            ),
            notes=tuple(map(readable, self.notes)),
        )

    def select_known(self, columns: Iterable[str]) -> Grid:
        """The grid with those of these columns that it has."""
        return self.select(name for name in columns if name in self.columns)

    def select(self, columns: Iterable[str]) -> Grid:
        """The grid with these of its columns."""
        kept = [self.columns.index(name) for name in columns]
        return replace(
            self,
            columns=tuple(self.columns[n] for n in kept),
            sections=tuple(
                Section(section.heading, tuple(tuple(row[n] for n in kept) for row in section.rows))
                for section in self.sections
            ),
        )


def unstated(column: str) -> str:
    """The heading of rows that leave a column empty."""
    return f"{column.removesuffix('s')} not stated"


def text(value: Any) -> str:
    """A value as one cell of text: nothing for null, lists joined by `; `, structures as JSON."""
    if value is None:
        return ""
    if isinstance(value, list | tuple) and not any(isinstance(v, list | dict) for v in value):
        return "; ".join(map(text, value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


def short_title(title: str | None, paper_id: str, longest: int = 40) -> str:
    """What a paper is called in a narrow column: its title up to the colon, or cut at a word."""
    if not title:
        return paper_id
    head = title.partition(":")[0].strip()
    if head and len(head) <= longest:
        return head
    cut = head[: longest - 1].rpartition(" ")[0] or head[: longest - 1]
    return f"{cut}…"
