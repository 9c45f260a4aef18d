"""The rows of a table are put in order and split into rankings, however many there are.

Where a limit is given only the rows that will be shown are ever held: the source is read once to
count the rankings, once to find the first row of each, once for the rows that lead them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimgrid.tables import comparability
from claimgrid.tables.grid import text, unstated
from claimgrid.tables.ordering import Row, SortKey
from claimgrid.tables.table_specs import TableSpec

_ALONE = "comparable with no other row"
_Seat = tuple[tuple[Any, ...], int]  # by what a row is sorted, and its place in the source


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order, under a heading; None where the table is not split.

    `alone` says that no row can be compared with another one, so that none is marked.
    """

    heading: str | None
    rows: tuple[Row, ...]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class RowSource:
    """The rows of a table, to be read as often as need be.

    Attributes:
        read: all of them, with at least the columns that sort and split the table.
        fetch: those at these places, counted from 0, with all columns.
    """

    read: Callable[[], Iterable[Row]]
    fetch: Callable[[Sequence[int]], dict[int, Row]]


def held(rows: Sequence[Row]) -> RowSource:
    """A source of rows that are held already."""
    return RowSource(lambda: rows, lambda places: {place: rows[place] for place in places})


def split(
    source: RowSource,
    kind: TableSpec,
    order: SortKey,
    names: tuple[str, ...],
    limit: int | None,
    *,
    conditions: bool,
) -> tuple[Ranking, ...]:
    """The rankings of a table in order, each with its rows in order.

    Args:
        names: the columns that split the table; none: it is one list.
        limit: how many rows, in all.
        conditions: split by the conditions that several rows share, and not by columns.
    """
    grouping = _Alike(kind) if conditions and kind.conditions else _Named(names)
    sizes = Counter(map(grouping.key, source.read()))
    grouping.sizes = sizes
    firsts: dict[Hashable, _Seat] = {}
    for place, row in enumerate(source.read()):
        key = grouping.group(row)
        seat = (order(row), place)
        if key not in firsts or seat < firsts[key]:
            firsts[key] = seat
            grouping.meets(key, row)
    wanted = sorted(firsts, key=lambda key: (grouping.rank(key), firsts[key]))
    heads: dict[Hashable, _Head] = {}
    for key in wanted:
        share = grouping.size(key) if limit is None else min(limit, grouping.size(key))
        limit = None if limit is None else limit - share
        if share:
            heads[key] = _Head(share)
    for place, row in enumerate(source.read()):
        if (head := heads.get(grouping.group(row))) is not None:
            head.add((order(row), place))
    places = {key: head.places() for key, head in heads.items()}
    rows = source.fetch([place for own in places.values() for place in own])
    return tuple(
        grouping.ranking(key, tuple(rows[place] for place in own)) for key, own in places.items()
    )


@dataclass(slots=True)
class _Head:
    """The first rows of a ranking, by their seats."""

    share: int
    seats: list[_Seat] = field(default_factory=list)

    def add(self, seat: _Seat) -> None:
        self.seats.append(seat)
        if len(self.seats) > 2 * self.share + 100:
            self._cut()

    def places(self) -> list[int]:
        self._cut()
        return [place for _, place in self.seats]

    def _cut(self) -> None:
        self.seats.sort()
        del self.seats[self.share :]


class _Named:
    """Rankings by columns: those whose first column is stated come first, then the longest."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._is_named: dict[Hashable, bool] = {}
        self.sizes: Counter[Hashable] = Counter()

    def key(self, row: Row) -> Hashable:
        return tuple(comparability.condition(row, name) for name in self._names)

    group = key

    def meets(self, key: Hashable, row: Row) -> None:
        self._is_named[key] = not self._names or _named(row, self._names[0])

    def size(self, key: Hashable) -> int:
        return self.sizes[key]

    def rank(self, key: Hashable) -> tuple[bool, int]:
        return (not self._is_named[key], -self.sizes[key])

    def ranking(self, _: Hashable, rows: tuple[Row, ...]) -> Ranking:
        return Ranking(_heading(rows[0], self._names) if self._names else None, rows)


class _Alike:
    """One ranking for each set of conditions that several rows share, then all other rows."""

    def __init__(self, kind: TableSpec) -> None:
        self._kind = kind
        self._shared = False
        self.sizes: Counter[Hashable] = Counter()

    def key(self, row: Row) -> Hashable:
        # Most are of one row alone: 64 bits of each are held, and not all that it states.
        return hash(comparability.comparable(row, self._kind.conditions))

    def group(self, row: Row) -> Hashable:
        key = self.key(row)
        return key if self.sizes[key] > 1 else None

    def meets(self, key: Hashable, _: Row) -> None:
        self._shared = self._shared or key is not None

    def size(self, key: Hashable) -> int:
        if key is None:
            return sum(size == 1 for size in self.sizes.values())
        return self.sizes[key]

    def rank(self, key: Hashable) -> tuple[bool, int]:
        return (key is None, -self.size(key))

    def ranking(self, key: Hashable, rows: tuple[Row, ...]) -> Ranking:
        if key is None:
            return Ranking(_ALONE if self._shared else None, rows, alone=True)
        return Ranking(_stated(rows[0], self._kind), rows)


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
