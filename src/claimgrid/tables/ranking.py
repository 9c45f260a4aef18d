"""The rows of a table are selected, ranked, grouped and marked, before any format.

Every row that stands in a ranking says in `better` whether a higher or a lower number is better,
and in `differs` what keeps it from being compared with the first row of that ranking. Rows of one
`class` were measured under the same conditions, as far as the abstracts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from claimgrid.errors import UsageError
from claimgrid.tables import comparability, hardware_filter
from claimgrid.tables.comparability import Conflict
from claimgrid.tables.filters import TableFilters, select
from claimgrid.tables.grid import text, unstated
from claimgrid.tables.ordering import Row, best_first, better, by_columns
from claimgrid.tables.table_specs import KINDS, TableSpec
from claimgrid.tables.views import Database, Frame
from claimgrid.text.readable import readable

CONDITIONS = "conditions"
_CONFLICT = {"conflict": "VARCHAR[]"}
_MARKS = {"class": "INTEGER", "better": "VARCHAR", "differs": "VARCHAR[]"} | _CONFLICT
_ALIASES = {"baseline": "baselines", "paper": "title"}
_ALONE = "comparable with no other row"


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
    """Rows in order, under a heading; None where the table is not split.

    `alone` says that no row can be compared with another one, so that none is marked.
    """

    heading: str | None
    rows: tuple[Row, ...]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A table before it is made into text: `columns` are those of the view and the marks.

    `grouped` are the columns that the headings of the rankings say.
    """

    kind: TableSpec
    columns: dict[str, str]
    rankings: tuple[Ranking, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]
    grouped: tuple[str, ...] = ()

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
    for row in everything:
        row["better"] = better(row, kind)
    known = dict(zip(frame.columns, frame.types, strict=True))
    rows = in_order(everything, kind, options.sort, known)
    grouped = _grouped(kind, options, known)
    rankings = _first(
        _split(rows, kind, grouped, conditions=_by_conditions(options)), options.limit
    )
    conflicts: tuple[Conflict, ...] = ()
    if kind.measure:
        _number_classes(rankings, kind)
        for ranking in rankings:
            mark(() if ranking.alone else ranking.rows, kind)
            for row in ranking.rows if ranking.alone else ():
                row["differs"] = []
    if kind.holds_claims:
        conflicts = _conflicts(database, kind, rankings)
    notes = list(_notes(database, options, rankings, len(everything), undated))
    notes += _unranked(kind, rankings, options.sort)
    if rankings and all(ranking.alone for ranking in rankings):
        notes.append("Nothing is comparable: no two rows were measured under the same conditions.")
    added = _MARKS if kind.measure else _CONFLICT if kind.holds_claims else {}
    return Ranked(kind, known | added, rankings, conflicts, (*notes, *database.about), grouped)


def in_order(
    rows: Iterable[Row], kind: TableSpec, sort: str | None, known: Iterable[str]
) -> list[Row]:
    """Rows sorted by a column, or as the table's kind wants; what is empty comes last."""
    if sort is None:
        return best_first(rows, kind)
    name = column(sort.removeprefix("-"), known)
    names = kind.number if name == kind.measure else (name,)
    return by_columns(rows, names, descending=sort.startswith("-"))


def column(name: str, known: Iterable[str]) -> str:
    """The column of this name. Raises UsageError with the names that there are."""
    found = name if name in known else _ALIASES.get(name, name)
    if found not in known:
        raise UsageError(f"no column {name}. There are {', '.join(known)}")
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
                for name in kind.conditions
                if comparability.field_of(name) not in given
                or comparability.condition(row, name) is None
            ]
            row["differs"] += comparability.differences(row, first, names)


def _is_ranked(row: Row, kind: TableSpec) -> bool:
    return row[kind.number[0]] is not None


def _by_conditions(options: TableOptions) -> bool:
    return options.group_by == CONDITIONS


def _grouped(kind: TableSpec, options: TableOptions, known: dict[str, str]) -> tuple[str, ...]:
    """The columns that split the table. A table that the user sorts is one list."""
    if _by_conditions(options) and kind.conditions:
        return ()
    if options.group_by:
        return (column(options.group_by, known),)
    return () if options.sort else kind.group


def _split(
    rows: Sequence[Row], kind: TableSpec, names: tuple[str, ...], *, conditions: bool
) -> tuple[Ranking, ...]:
    if conditions and kind.conditions:
        return _alike(rows, kind)
    if not names:
        return (Ranking(None, tuple(rows)),) if rows else ()
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        key = tuple(comparability.condition(row, name) for name in names)
        groups.setdefault(key, []).append(row)
    # What is not stated comes last, however often; else the longest ranking first.
    order = sorted(groups.values(), key=lambda group: (not _named(group[0], names[0]), -len(group)))
    return tuple(Ranking(_heading(group[0], names), tuple(group)) for group in order)


def _alike(rows: Sequence[Row], kind: TableSpec) -> tuple[Ranking, ...]:
    """One ranking for each set of conditions that several rows share, then all other rows."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(comparability.comparable(row, kind.conditions), []).append(row)
    shared = sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)
    made = [Ranking(_stated(group[0], kind), tuple(group)) for group in shared]
    alone = tuple(row for row in rows if all(row is not other for g in shared for other in g))
    if alone:
        made.append(Ranking(_ALONE if shared else None, alone, alone=True))
    return tuple(made)


def _named(row: Row, name: str) -> bool:
    return row[name] not in (None, [])


def _heading(row: Row, names: tuple[str, ...]) -> str:
    parts = [text(row[name]) if _named(row, name) else unstated(name) for name in names]
    return " · ".join(parts)


def _stated(row: Row, kind: TableSpec) -> str:
    """The conditions of a row in words: `at most · batch size · over Base`."""
    words = {"up_to": "at most", "at_least": "at least", "about": "about"}
    parts = []
    for name in kind.conditions:
        value = text(row.get(comparability.field_of(name)))
        if value and value not in ("exact", "absolute"):
            led = f"over {value}" if name == "baseline" else value.replace("_", " ")
            parts.append(words.get(value, led))
    return " · ".join(parts) or "no condition stated"


def _first(rankings: tuple[Ranking, ...], limit: int | None) -> tuple[Ranking, ...]:
    if limit is None:
        return rankings
    kept: list[Ranking] = []
    for ranking in rankings:
        rows = ranking.rows[:limit]
        limit -= len(rows)
        if rows:
            kept.append(replace(ranking, rows=rows))
    return tuple(kept)


def _number_classes(rankings: Iterable[Ranking], kind: TableSpec) -> None:
    numbers: dict[Any, int] = {}
    for ranking in rankings:
        for row in ranking.rows:
            key = comparability.comparable(row, kind.conditions)
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


def _unranked(kind: TableSpec, rankings: Iterable[Ranking], sort: str | None) -> list[str]:
    """Which numbers are listed and not ranked, because nobody said which way is better."""
    if kind.direction in (None, "higher") or sort:
        return []
    rows = [row for ranking in rankings for row in ranking.rows if not row["better"]]
    rows = [row for row in rows if row[kind.number[0]] is not None]
    absolute = [row for row in rows if row.get("relation", "absolute") == "absolute"]
    said = []
    if absolute:
        names = dict.fromkeys(row["metric"] or "metric not stated" for row in absolute)
        listed = ", ".join(readable(name.replace("_", " ")) for name in names)
        said.append(f"Not ranked, because it is not known which way is better: {listed}.")
    if len(absolute) < len(rows):
        said.append("Differences (Δ) and shares of a baseline are listed, not ranked.")
    return said


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
        yield hardware_filter.nothing_found(database, options.filters.hardware)
