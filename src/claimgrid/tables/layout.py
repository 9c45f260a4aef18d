"""Ranked rows ─► grids of text for people: the table, and what contradicts what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claimgrid.tables.build import Ranked, Row
from claimgrid.tables.compare import Conflict
from claimgrid.tables.grid import Grid, Section, short_title, text
from claimgrid.tables.kinds import KINDS
from claimgrid.tables.views import Frame

_NUMERIC = ("INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL")
_DIFFERS = (
    "differs: measured under other conditions than the first row of the same ranking, so not to be "
    "ranked against it. With ?, one of the abstracts, or both, leave the condition out."
)
_CONFLICT = "conflict: another paper states another value for the same thing; see below."


def lay_out(ranked: Ranked) -> list[Grid]:
    """The table, and after it the conflicts that its rows are part of, if there are any."""
    columns = _columns(ranked)
    notes = [
        *([_DIFFERS] if any(row.get("differs") for row in ranked.rows) else []),
        *([_CONFLICT] if ranked.conflicts else []),
        *ranked.notes,
    ]
    sections = tuple(
        Section(
            ranking.heading, tuple(tuple(_cell(row, c) for c in columns) for row in ranking.rows)
        )
        for ranking in ranked.rankings
    )
    numeric = {name for name, kind in ranked.columns.items() if _is_numeric(kind)}
    numeric |= {ranked.kind.measure} if ranked.kind.measure else set()
    grid = Grid(
        ranked.kind.view,
        ranked.kind.title,
        columns,
        sections,
        frozenset(numeric),
        tuple(notes),
        records=True,
    ).without_empty_columns()
    return [grid, _conflicts(ranked.conflicts)] if ranked.conflicts else [grid]


def plain(frame: Frame, name: str, title: str) -> Grid:
    """Rows of any query as a grid."""
    rows = tuple(tuple(map(text, row)) for row in frame.rows)
    numeric = frozenset(
        name for name, kind in zip(frame.columns, frame.types, strict=True) if _is_numeric(kind)
    )
    return Grid(name, title, frame.columns, (Section(None, rows),) if rows else (), numeric)


def _columns(ranked: Ranked) -> tuple[str, ...]:
    columns = list(ranked.kind.columns)
    if ranked.kind.measure:
        at = columns.index(ranked.kind.measure) + 1
        columns[at:at] = ["differs", "conflict"]
    if any(row.get("stance") == "background" for row in ranked.rows):
        columns.insert(columns.index("paper"), "stance")
    if len({row["run"] for row in ranked.rows}) > 1:
        columns.append("run")
    return tuple(columns)


def _cell(row: Row, column: str) -> str:
    if column == "paper":
        return short_title(row["title"], row["paper_id"])
    if column in ("differs", "conflict"):
        return ", ".join(row[column])
    return text(row[column])


def _conflicts(conflicts: Iterable[Conflict]) -> Grid:
    columns = ("paper", "stated", "written", "metric", "quote", "location", "claim_id")
    sections = tuple(
        Section(conflict.about, tuple(_statement(row, conflict.view) for row in conflict.rows))
        for conflict in conflicts
    )
    return Grid(
        "conflicts",
        "Conflicts: papers that state different values for the same thing",
        columns,
        sections,
        frozenset({"stated"}),
        records=True,
    ).without_empty_columns()


def _statement(row: Mapping[str, Any], view: str) -> tuple[str, ...]:
    return (
        short_title(row["title"], row["paper_id"]),
        text(row[KINDS[view].measure or ""]),
        text(row["written"]),
        text(row.get("metric")),
        row["quote"],
        row["location"],
        row["claim_id"],
    )


def _is_numeric(kind: str) -> bool:
    return kind.startswith(_NUMERIC) and not kind.endswith("]")
