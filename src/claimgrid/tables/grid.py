"""A table for people, before any format: columns, sections of rows, notes, and the cells' text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from claimgrid.text.readable import readable

MARKS = "marks"  # a brief grid's column of letters, which its notes explain
CITE = "cite"  # a column of citation keys, which LaTeX turns into \\cite


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that stand under one heading; None where the table is not split."""

    heading: str | None
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table for people. Cells are plain text: each format escapes them in its own way.

    `records` says that rows are claims with their words, which a narrow screen shows as records:
    the first two columns, and the others below each other. `grouped` are the columns that the
    sections' headings say. `verbatim` keeps the columns' names as they are, as in a query's result.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    records: bool = False
    grouped: tuple[str, ...] = ()
    verbatim: bool = False

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
        """The grid less the columns that its sections' headings say."""
        return self.select(name for name in self.columns if name not in self.grouped)

    def without_headings(self) -> Grid:
        """The grid as one list of rows."""
        return replace(self, sections=(Section(None, tuple(self.rows)),) if self.rows else ())

    def readable(self) -> Grid:
        """The grid with the LaTeX of the abstracts as it is read; notes are our own words."""
        return replace(
            self,
            sections=tuple(
                Section(
                    section.heading and readable(section.heading),
                    tuple(tuple(map(readable, row)) for row in section.rows),
                )
                for section in self.sections
            ),
        )

    def label(self, column: str) -> str:
        """A column's name as a heading."""
        return column if self.verbatim else label(column)

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


def label(column: str) -> str:
    """A column's name as a heading."""
    return column.replace("_", " ")


def unstated(column: str) -> str:
    """The heading of rows that leave a column empty."""
    return f"{label(column).removesuffix('s')} not stated"


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
    """What a paper is called in a table: its title up to the colon, or cut between words."""
    if not title:
        return paper_id
    head = title.partition(":")[0].strip()
    if head and len(head) <= longest:
        return head
    cut = head[: longest - 1].rpartition(" ")[0] or head[: longest - 1]
    return f"{cut}…"
