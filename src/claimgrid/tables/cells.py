"""A row and a column's name ─► what its cell holds. Knows the columns made of others, no looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claimgrid.errors import UsageError
from claimgrid.tables.grid import short_title, text
from claimgrid.tables.ranking import Ranked, column
from claimgrid.tables.views import Frame

# Columns that no view has, with their types: where the words stand and what people ask of a row.
_MADE = {"paper": "VARCHAR", "what": "VARCHAR", "on": "VARCHAR"}
_PLACE = {"start": "INTEGER", "end": "INTEGER"}
_JOINED = {"what": ("benchmark", "metric", "device", "model"), "on": ("workload", "hardware")}


def choose(ranked: Ranked, names: str) -> tuple[str, ...]:
    """The columns of a comma-separated list.

    Raises:
        UsageError: one of them is not there; names those that are.
    """
    known = _types(ranked)
    wanted = [name.strip() for name in names.split(",")]
    if not all(wanted):
        raise UsageError(f"--columns {names!r}: want names with commas between: subject,quote")
    return tuple(dict.fromkeys(column(name, known) for name in wanted))


def frame(ranked: Ranked, columns: Sequence[str]) -> Frame:
    """These columns of all rows, for machines."""
    types = _types(ranked)
    rows = [tuple(value(row, name) for name in columns) for row in ranked.rows]
    return Frame(tuple(columns), tuple(types[name] for name in columns), rows)


def value(row: Mapping[str, Any], name: str) -> Any:
    """What a row holds in a column of its view or in one that is made of others.

    `what` is the benchmark and metric, the device or the model; `on` the workload and the
    hardware; `start` and `end` are character offsets of the quote in the abstract.
    """
    if name == "paper":
        return short_title(row["title"], row["paper_id"])
    if name in _PLACE:
        start, _, end = row["location"].rpartition(":")[2].partition("-")
        return int(start if name == "start" else end)
    if name in _JOINED:
        parts = [worded(part, text(row.get(part))) for part in _JOINED[name]]
        return " · ".join(filter(None, parts)) or None
    return row[name]


def worded(name: str, cell: str) -> str:
    """A cell in words where the column has codes: `batch_size` is batch size."""
    return cell.replace("_", " ") if name in ("metric", "role", "kind", "status") else cell


def _types(ranked: Ranked) -> dict[str, str]:
    return ranked.columns | _MADE | (_PLACE if "location" in ranked.columns else {})
