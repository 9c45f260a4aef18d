"""A table's name and options ─► its rows, ranked, grouped and marked. Knows no formats.

Every row that stands in a ranking says in `differs` what keeps it from being compared with the
first row of that ranking. Rows of one `class` were measured under the same conditions, as far as
the abstracts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from claimgrid.errors import UsageError
from claimgrid.tables import comparability
from claimgrid.tables.comparability import Conflict
from claimgrid.tables.filters import TableFilters, devices, select
from claimgrid.tables.grid import text, unstated
from claimgrid.tables.table_specs import KINDS, TableSpec
from claimgrid.tables.views import Database, Frame

Row = dict[str, Any]
CONDITIONS = "conditions"
_MARKS = {"class": "INTEGER", "differs": "VARCHAR[]", "conflict": "VARCHAR[]"}
_ALIASES = {"baseline": "baselines"}


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What is shown of a table, and in which order.

    Attributes:
        sort: a column, with `-` before it for descending; what it ranks by default.
        group_by: a column, or `conditions` for one ranking per set of conditions.
        limit: how many rows, in all.
    """

    filters: TableFilters = field(default_factory=TableFilters)
    sort: str | None = None
    group_by: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order, under a heading; None where the table is not split."""

    heading: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A table before it is made into text: `columns` are those of the view and the marks."""

    kind: TableSpec
    columns: dict[str, str]
    rankings: tuple[Ranking, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [row for ranking in self.rankings for row in ranking.rows]

    def frame(self) -> Frame:
        """All columns and rows, for machines."""
        rows = [tuple(row[name] for name in self.columns) for row in self.rows]
        return Frame(tuple(self.columns), tuple(self.columns.values()), rows)


def rank(database: Database, kind: TableSpec, options: TableOptions) -> Ranked:
    """Select, sort, group and mark the rows of a table.

    Raises:
        UsageError: a filter or a column is wrong.
    """
    frame, undated = select(database, kind, options.filters)
    everything = list(frame.dicts())
    known = dict(zip(frame.columns, frame.types, strict=True))
    rows = in_order(everything, kind, options.sort, known)
    rankings = _split(rows, kind, options.group_by, known)
    rankings = _first(rankings, options.limit)
    conflicts: tuple[Conflict, ...] = ()
    if kind.measure:
        _number_classes(rankings, kind)
        for ranking in rankings:
            mark(ranking.rows, kind)
        conflicts = _conflicts(database, kind, rankings)
    notes = list(_notes(database, options, rankings, len(everything), undated))
    columns = known | (_MARKS if kind.measure else {})
    return Ranked(kind, columns, rankings, conflicts, tuple(notes))


def in_order(
    rows: Iterable[Row], kind: TableSpec, sort: str | None, known: Iterable[str]
) -> list[Row]:
    """Rows sorted by a column, or as the table's kind wants; what is empty comes last."""
    if sort is None:
        if kind.measure:
            return _sorted(rows, kind.number, descending=True)
        return _sorted(rows, kind.order, descending=False) if kind.order else list(rows)
    name = column(sort.removeprefix("-"), known)
    names = kind.number if name == kind.measure else (name,)
    return _sorted(rows, names, descending=sort.startswith("-"))


def column(name: str, known: Iterable[str]) -> str:
    """The column of this name. Raises UsageError with the names that there are."""
    found = _ALIASES.get(name, name)
    if found not in known:
        raise UsageError(f"no column {name}; there are {', '.join(known)}")
    return found


def mark(rows: Sequence[Row], kind: TableSpec, given: Iterable[str] = ()) -> None:
    """Write into `differs` what keeps each row from being compared with the first one.

    Args:
        rows: a ranking, in order.
        kind: the table that they are from.
        given: columns that need no mark, because the layout shows that they differ.
    """
    first = next((row for row in rows if _is_ranked(row, kind)), None)
    for row in rows:
        row["differs"] = []
        if first is not None and _is_ranked(row, kind):
            # The layout cannot show what is not stated to be the same.
            names = [
                name
                for name in _conditions(row, kind)
                if comparability.field_of(name) not in given
                or comparability.condition(row, name) is None
            ]
            row["differs"] += comparability.differences(row, first, names)


def _conditions(row: Row, kind: TableSpec) -> tuple[str, ...]:
    """A claim among others needs the conditions of its own kind's table, and to be of that kind."""
    if kind.view != "claims":
        return kind.conditions
    own = next(k.conditions for k in KINDS.values() if k.claim_kind == row["kind"])
    return (*kind.conditions, *own)


def _is_ranked(row: Row, kind: TableSpec) -> bool:
    return row[kind.number[0]] is not None


def _sorted(rows: Iterable[Row], names: Sequence[str], *, descending: bool) -> list[Row]:
    found = list(rows)
    for name in reversed(names):
        empty = [row for row in found if row[name] in (None, [])]
        full = [row for row in found if row[name] not in (None, [])]
        full.sort(key=lambda row: _key(row[name]), reverse=descending)
        found = full + empty
    return found


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float) else text(value).casefold()


def _split(
    rows: Sequence[Row], kind: TableSpec, group_by: str | None, known: Iterable[str]
) -> tuple[Ranking, ...]:
    if group_by == CONDITIONS and kind.conditions:
        name = None
    else:
        name = column(group_by, known) if group_by else kind.group
        if name is None:
            return (Ranking(None, tuple(rows)),) if rows else ()
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        if name is None:
            key: Any = comparability.comparable(row, _conditions(row, kind))
        else:
            key = comparability.condition(row, name)
        groups.setdefault(key, []).append(row)
    # What is not stated comes last, however often; else the longest ranking first.
    order = sorted(groups.values(), key=lambda group: (not _named(group[0], name), -len(group)))
    return tuple(Ranking(_heading(group[0], name, kind), tuple(group)) for group in order)


def _named(row: Row, name: str | None) -> bool:
    return name is None or row[name] not in (None, [])


def _heading(row: Row, name: str | None, kind: TableSpec) -> str:
    if name is not None:
        return text(row[name]) if _named(row, name) else unstated(name)
    stated = (text(row.get(comparability.field_of(name))) for name in _conditions(row, kind))
    return " · ".join(filter(None, stated))


def _first(rankings: tuple[Ranking, ...], limit: int | None) -> tuple[Ranking, ...]:
    if limit is None:
        return rankings
    kept: list[Ranking] = []
    for ranking in rankings:
        rows = ranking.rows[:limit]
        limit -= len(rows)
        if rows:
            kept.append(Ranking(ranking.heading, rows))
    return tuple(kept)


def _number_classes(rankings: Iterable[Ranking], kind: TableSpec) -> None:
    numbers: dict[Any, int] = {}
    for ranking in rankings:
        for row in ranking.rows:
            key = comparability.comparable(row, _conditions(row, kind))
            ranked = _is_ranked(row, kind)
            row["class"] = numbers.setdefault(key, len(numbers) + 1) if ranked else None


def _conflicts(
    database: Database, kind: TableSpec, rankings: Iterable[Ranking]
) -> tuple[Conflict, ...]:
    """Contradictions that rows of the table are part of; the other side may be filtered out."""
    views = [kind.view] if kind.view != "claims" else [name for name in KINDS if name != "claims"]
    found = [
        conflict
        for view in views
        for conflict in comparability.conflicts(database.query(f"from {view}").dicts(), view)
    ]
    torn = {row["claim_id"]: (conflict, row) for conflict in found for row in conflict.rows}
    concerned = set()
    for ranking in rankings:
        for row in ranking.rows:
            row["conflict"] = []
            if row["claim_id"] in torn:
                conflict, statement = torn[row["claim_id"]]
                concerned.add(id(conflict))
                row["conflict"] = [
                    f"{other[KINDS[conflict.view].measure or '']} in {other['paper_id']}"
                    for other in conflict.against(statement)
                ]
    return tuple(conflict for conflict in found if id(conflict) in concerned)


def _notes(
    database: Database, options: TableOptions, rankings: Iterable[Ranking], total: int, undated: int
) -> Iterable[str]:
    shown = sum(len(ranking.rows) for ranking in rankings)
    if shown < total:
        yield f"{shown} of {total} rows are shown."
    if undated:
        rows = "row of a paper" if undated == 1 else "rows of papers"
        yield f"{undated} {rows} dated without a year left out."
    if not total and options.filters.hardware:
        yield _no_device(options.filters.hardware.lower(), devices(database))


def _no_device(asked: str, there: Sequence[str]) -> str:
    if any(fnmatchcase(slug, asked) for slug in there):
        return f"devices in these runs: {', '.join(there)}."
    part = asked.strip("*-")
    near = [slug for slug in there if part and part in slug] or get_close_matches(asked, there, n=1)
    if near:
        return f"no device {asked} in these runs; did you mean {' or '.join(near[:3])}?"
    return f"no device {asked} in these runs; there are: {', '.join(there) or 'none'}."
