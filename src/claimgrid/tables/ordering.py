"""Rows are put in order: best first where it is known which way is better, else as they came.

An order is a key, so that rows can be sorted whether all of them are held or only the first ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

from claimgrid.entities import metrics
from claimgrid.tables.grid import text
from claimgrid.tables.table_specs import TableSpec

Row = dict[str, Any]
SortKey = Callable[[Row], tuple[Any, ...]]


def better(row: Mapping[str, Any], kind: TableSpec) -> str | None:
    """Which is better for this number, `higher` or `lower`; None where it is not known.

    A difference to a baseline, or a share of one, does not say whether it is a gain: it has none.
    """
    if kind.direction is None or row[kind.number[0]] is None:
        return None
    if kind.direction == "metric":
        return metrics.direction(row["metric"]) if row["relation"] == "absolute" else None
    if kind.direction == "unit":
        return metrics.direction_in(row["unit"] or "", row["metric"])
    return kind.direction


def best_first(rows: Iterable[Row], kind: TableSpec) -> list[Row]:
    """Ranked rows from the best on, then numbers that cannot be ranked, then what has no number."""
    return sorted(rows, key=best_first_key(kind))


def best_first_key(kind: TableSpec) -> SortKey:
    """The key of `best_first`; rows of equal keys stay as they came."""
    if kind.direction is None:
        return columns_key(kind.order, descending=False)

    def key(row: Row) -> tuple[Any, ...]:
        if row["better"]:
            return (0, *(_badness(row, name) for name in kind.number))
        return (1 if row[kind.number[0]] is not None else 2,)

    return key


def columns_key(names: Sequence[str], *, descending: bool) -> SortKey:
    """The key that sorts by columns; what is empty comes last."""

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(_column_key(row[name], descending=descending) for name in names)

    return key


def _column_key(value: Any, *, descending: bool) -> tuple[Any, ...]:
    if value in (None, []):
        return (True,)
    if isinstance(value, int | float):
        return (False, -value if descending else value)
    said = text(value).casefold()
    return (False, _Reversed(said) if descending else said)


@total_ordering
@dataclass(frozen=True, slots=True)
class _Reversed:
    """Text that is sorted from Z to A."""

    text: str

    def __lt__(self, other: _Reversed) -> bool:
        return self.text > other.text


def _badness(row: Row, name: str) -> float:
    number = row[name]
    if number is None:
        return float("inf")
    return -float(number) if row["better"] == "higher" else float(number)
