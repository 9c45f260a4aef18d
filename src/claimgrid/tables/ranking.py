"""The rows of a table are selected, ranked, grouped and marked, before any format.

Every row that stands in a ranking says in `better` whether a higher or a lower number is better,
and in `differs` what keeps it from being compared with the first row of that ranking. Rows of one
`class` were measured under the same conditions, as far as the abstracts say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimgrid.errors import UsageError
from claimgrid.tables import comparability, hardware_filter
from claimgrid.tables.comparability import Conflict
from claimgrid.tables.filters import Selection, TableFilters, selection
from claimgrid.tables.ordering import Row, SortKey, best_first_key, better, columns_key
from claimgrid.tables.splitting import Ranking, RowSource, held, split
from claimgrid.tables.table_specs import KINDS, TableSpec
from claimgrid.tables.views import Database, Frame
from claimgrid.text.readable import readable

CONDITIONS = "conditions"
_CONFLICT = {"conflict": "VARCHAR[]"}
_MARKS = {"class": "INTEGER", "better": "VARCHAR", "differs": "VARCHAR[]"} | _CONFLICT
_ALIASES = {"baseline": "baselines", "paper": "title"}
_JUDGED = ("metric", "relation", "unit")  # what `better` goes by, beside the number
_PAPER = ("run", "paper_id", "title")
_MOST = 20_000  # rows that are held and shown; a table of more is no table for people


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
    chosen = selection(database, kind, options.filters)
    total = chosen.count()
    _refuse_too_many(kind, options, total)
    known = chosen.columns()
    order = _order(kind, options.sort, known)
    grouped = _grouped(kind, options, known)
    source = _held(chosen, kind) if total <= _MOST else _streamed(chosen, kind, options, grouped)
    rankings = split(
        source, kind, order, grouped, options.limit, conditions=_by_conditions(options)
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
    notes = list(_notes(database, options, rankings, total, chosen.undated))
    notes += _unranked(kind, rankings, options.sort)
    if rankings and all(ranking.alone for ranking in rankings):
        notes.append("Nothing is comparable: no two rows were measured under the same conditions.")
    added = _MARKS if kind.measure else _CONFLICT if kind.holds_claims else {}
    return Ranked(kind, known | added, rankings, conflicts, (*notes, *database.about), grouped)


def _refuse_too_many(kind: TableSpec, options: TableOptions, total: int) -> None:
    shown = total if options.limit is None else min(total, options.limit)
    if shown > _MOST:
        raise UsageError(
            f"{shown:,} rows of {kind.view} are too many for a table, which holds {_MOST:,}: pass "
            "--limit N or a narrower --where. `extract export OUT FILE --to parquet` or `--to csv` "
            "writes every claim"
        )


def _held(chosen: Selection, kind: TableSpec) -> RowSource:
    return held([_judged(row, kind) for row in chosen.ask(chosen.sql).dicts()])


def _streamed(
    chosen: Selection, kind: TableSpec, options: TableOptions, grouped: Sequence[str]
) -> RowSource:
    """The rows of a table that is too long to be held, from the database each time."""
    known = chosen.columns()
    sort = [column(options.sort.removeprefix("-"), known)] if options.sort else kind.order
    asked = [*kind.number, *sort, *_JUDGED, *_PAPER]
    asked += [comparability.field_of(name) for name in (*kind.conditions, *grouped)]
    columns = ", ".join(f'"{name}"' for name in dict.fromkeys(asked) if name in known)
    # Numbering them makes the order one and the same each time.
    numbered = f"from (select *, row_number() over () - 1 as place from ({chosen.sql}))"  # noqa: S608

    def read() -> Iterator[Row]:
        for row in chosen.stream(f"select {columns}, place {numbered}"):
            yield _judged(row, kind)

    def fetch(places: Sequence[int]) -> dict[int, Row]:
        listed = ", ".join(map(str, places)) or "-1"
        found = chosen.stream(f"{numbered} where place in ({listed})")
        return {row.pop("place"): _judged(row, kind) for row in found}

    return RowSource(read, fetch)


def _judged(row: Row, kind: TableSpec) -> Row:
    row["better"] = better(row, kind)
    return row


def _order(kind: TableSpec, sort: str | None, known: Iterable[str]) -> SortKey:
    """Sorted by a column, or as the table's kind wants; what is empty comes last."""
    if sort is None:
        return best_first_key(kind)
    name = column(sort.removeprefix("-"), known)
    names = kind.number if name == kind.measure else (name,)
    return columns_key(names, descending=sort.startswith("-"))


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
    shown = [row["claim_id"] for ranking in rankings for row in ranking.rows]
    found = [
        conflict
        for view in views
        for conflict in comparability.conflicts(_of_the_same(database, view, shown), view)
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


def _of_the_same(database: Database, view: str, shown: Sequence[str]) -> Iterable[Row]:
    """The statements of a view about the systems that these claims are about."""
    name = comparability.subject_of(view)
    if name is None:
        return ()
    mine = f"select distinct {name} from {view} where list_contains($shown, claim_id)"  # noqa: S608
    asked = {comparability.condition(row, name) for row in database.stream(mine, {"shown": shown})}
    spellings = [
        row[name]
        for row in database.stream(f"select distinct {name} from {view}")  # noqa: S608
        if row[name] is not None and comparability.condition(row, name) in asked
    ]
    every = f"from {view} where list_contains($spellings, {name})"
    return database.query(every, {"spellings": spellings}).dicts()


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
