"""Rows are put in order: best first where it is known which way is better, else as they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from claimgrid.entities import metrics
from claimgrid.tables.grid import text
from claimgrid.tables.table_specs import TableSpec

Row = dict[str, Any]


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
    everything = list(rows)
    if kind.direction is None:
        return by_columns(everything, kind.order, descending=False) if kind.order else everything
    ranked = [row for row in everything if row["better"]]
    for name in reversed(kind.number):
        ranked.sort(key=lambda row: _badness(row, name))
    numbers = [row for row in everything if not row["better"] and row[kind.number[0]] is not None]
    return ranked + numbers + [row for row in everything if row[kind.number[0]] is None]


def by_columns(rows: Iterable[Row], names: Sequence[str], *, descending: bool) -> list[Row]:
    """Rows sorted by columns; what is empty comes last."""
    found = list(rows)
    for name in reversed(names):
        empty = [row for row in found if row[name] in (None, [])]
        full = [row for row in found if row[name] not in (None, [])]
        full.sort(key=lambda row: _key(row[name]), reverse=descending)
        found = full + empty
    return found


def _badness(row: Row, name: str) -> float:
    number = row[name]
    if number is None:
        return float("inf")
    return -float(number) if row["better"] == "higher" else float(number)


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float) else text(value).casefold()
