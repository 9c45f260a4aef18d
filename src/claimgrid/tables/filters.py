"""The rows of a view that pass the filters are selected; rows without a date are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from claimgrid.errors import UsageError
from claimgrid.tables.hardware_filter import slug_of
from claimgrid.tables.table_specs import TableSpec
from claimgrid.tables.views import Database, Frame, Row

_DATE = re.compile(r"\d{4}(-\d{2}){0,2}")


@dataclass(frozen=True, slots=True)
class TableFilters:
    """What the user wants to see of a table; None and False filter nothing.

    Attributes:
        where: an SQL expression over the columns of the view.
        claim_kind: `speedup`, `benchmark` …, for the table `claims`.
        hardware: a device as people write it (A100) or a slug, `*` standing for anything
            (`nvidia-*`). Speedups and efficiency:
            measured on it, as the claim says; hardware: that device; else: the paper names it.
        since: a year, month or day, ISO 8601; papers dated without a year do not pass.
        background: background claims too, not the papers' own alone.
        min_confidence: claims of at least this confidence; those that have none do not pass.
    """

    where: str | None = None
    claim_kind: str | None = None
    hardware: str | None = None
    since: str | None = None
    background: bool = False
    min_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of a table that pass its filters, in the order of the runs, not yet fetched."""

    database: Database
    kind: TableSpec
    filters: TableFilters
    sql: str
    parameters: dict[str, Any]
    undated: int = 0

    def count(self) -> int:
        """How many rows there are. Raises UsageError where a filter is wrong."""
        found: int = self.ask(f"select count(*) from ({self.sql})").rows[0][0]  # noqa: S608
        return found

    def columns(self) -> dict[str, str]:
        """The columns and their types, in order."""
        frame = self.ask(f"from ({self.sql}) limit 0")
        return dict(zip(frame.columns, frame.types, strict=True))

    def stream(self, sql: str) -> Iterator[Row]:
        """The rows of a query over this one, few of them held at a time."""
        return self.database.stream(sql, self.parameters)

    def ask(self, sql: str) -> Frame:
        """The rows of a query over this one. Raises UsageError where a filter is wrong."""
        return _ask(self.database, self.kind, self.filters, sql, self.parameters)


def select(database: Database, kind: TableSpec, filters: TableFilters) -> tuple[Frame, int]:
    """The rows of a table, in the order of the runs, and how many `since` could not judge.

    Raises:
        UsageError: a filter makes no sense for this table, or its SQL is wrong.
    """
    found = selection(database, kind, filters)
    return found.ask(found.sql), found.undated


def selection(database: Database, kind: TableSpec, filters: TableFilters) -> Selection:
    """The same, before the rows are fetched. Raises UsageError as `select` does."""
    tests, parameters = _tests(kind, filters)
    sql = f"from {kind.view} where {' and '.join(tests)}"
    if filters.where:
        # The line break ends a comment in the user's expression.
        sql = f"from ({sql}) where ({filters.where}\n)"
    every = Selection(database, kind, filters, sql, parameters)
    if filters.since is None:
        return every
    if not _is_date(filters.since):
        raise UsageError(f"--since {filters.since}: want a date such as 2024, 2024-06, 2024-06-30")
    undated = replace(every, sql=f"from ({sql}) where year is null").count()
    return Selection(
        database,
        kind,
        filters,
        f"from ({sql}) where left(date, $width) >= $since",
        parameters | {"since": filters.since, "width": len(filters.since)},
        undated,
    )


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01" * (2 - text.count("-")))
    except ValueError:
        return False
    return True


def _tests(kind: TableSpec, filters: TableFilters) -> tuple[list[str], dict[str, Any]]:
    tests = ["true"]
    parameters: dict[str, Any] = {}
    if kind.holds_claims and not filters.background:
        tests.append("stance = 'own'")
    if filters.claim_kind is not None:
        if kind.view != "claims":
            raise UsageError(
                f"--kind goes with the table claims; {kind.view} holds one kind only"
                if kind.holds_claims
                else "--kind goes with the table claims; for papers say --where 'speedups > 0'"
            )
        tests.append("kind = $kind")
        parameters["kind"] = filters.claim_kind
    if filters.hardware is not None:
        tests.append(_ON_HARDWARE.get(kind.view, _PAPER_NAMES_IT))
        parameters["device"] = slug_of(filters.hardware)
    if filters.min_confidence is not None:
        if not kind.holds_claims:
            raise UsageError(f"--min-confidence goes with tables of claims; {kind.view} has none")
        tests.append(_SURE)
        parameters["confidence"] = filters.min_confidence
    return tests, parameters


_ON_HARDWARE = {
    "speedups": "len(list_filter(hardware, lambda slug: slug glob $device)) > 0",
    "efficiency": "len(list_filter(hardware, lambda slug: slug glob $device)) > 0",
    "hardware": "device glob $device",
    "claims": "(device glob $device or len(list_filter(hardware, lambda s: s glob $device)) > 0)",
}
_SURE = "confidence >= $confidence"
_PAPER_NAMES_IT = (
    "(run, paper_id) in (select (h.run, h.paper_id) from hardware h where h.device glob $device)"
)


def _ask(
    database: Database, kind: TableSpec, filters: TableFilters, sql: str, parameters: dict[str, Any]
) -> Frame:
    try:
        return database.query(sql, parameters)
    except UsageError as error:
        # What DuckDB points at is a line of ours, which the user did not write.
        said, _, line = str(error).partition("\n\nLINE ")
        if line.startswith("2: )"):
            said = "the condition is not complete"
        raise UsageError(
            f"--where {filters.where}: {said}\n"
            f"(columns of {kind.view}: {', '.join(database.columns(kind.view))})"
        ) from error
