"""The cells of a row: columns of its view, columns made of others, and both in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.errors import UsageError
from claimgrid.tables.grid import short_title, text
from claimgrid.tables.ranking import Ranked, column
from claimgrid.tables.views import Frame

# Columns that no view has, with their types: where the words stand and what people ask of a row.
_MADE = {"paper": "VARCHAR", "what": "VARCHAR", "on": "VARCHAR"}
_PLACE = {"start": "INTEGER", "end": "INTEGER"}
_JOINED = {"what": ("benchmark", "metric", "device", "model"), "on": ("workload", "hardware")}
_CODES = ("metric", "role", "kind", "status", "relation", "ambiguous")
_LONGEST = 120  # characters of a paper's name; longer titles are cut, in a narrow column shorter


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


def whole(ranked: Ranked) -> Frame:
    """All columns of all rows, with what each paper is called, for machines."""
    columns = list(ranked.columns)
    if "title" in columns:
        columns.insert(columns.index("title"), "paper")
    return frame(ranked, columns)


def value(row: Mapping[str, Any], name: str) -> Any:
    """What a row holds in a column of its view or in one that is made of others.

    `what` is the benchmark and metric, the device or the model; `on` the workload and the
    hardware; `start` and `end` are character offsets of the quote in the abstract.
    """
    if name == "paper":
        return paper_name(row)
    if name in _PLACE:
        start, _, end = row["location"].rpartition(":")[2].partition("-")
        return int(start if name == "start" else end)
    if name in _JOINED:
        parts = [worded(part, text(row.get(part))) for part in _JOINED[name]]
        return " · ".join(filter(None, parts)) or None
    if name == "ratio" and isinstance(row[name], dict) and row["computed"]:
        return {"low": row["number_low"], "high": row["number_high"]}
    return row[name]


def words(row: Mapping[str, Any], name: str) -> str:
    """The same in words: products for device slugs, and the paper for a system without a name."""
    if name == "subject":
        return text(row["subject"]) or (f"({paper_name(row)})" if stands_in(row) else "")
    if name in _JOINED:
        parts = [words(row, part) for part in _JOINED[name] if row.get(part)]
        return " · ".join(filter(None, parts))
    if name in ("hardware", "device"):
        held = row[name]
        return "; ".join(map(product_name, held if isinstance(held, list) else [held or ""]))
    if name == "context_tokens":
        return _short_count(row[name]) if row[name] else ""
    if name == "confidence":
        return "" if row[name] is None else f"{row[name]:.2f}"
    if name == "computed":
        return "yes" if row[name] else ""
    if name in ("differs", "conflict"):
        return ", ".join(row[name])
    return worded(name, text(value(row, name)))


def stands_in(row: Mapping[str, Any]) -> bool:
    """Whether the paper stands in for a subject: not where the row is of a device or a model."""
    return "kind" in row or not ({"device", "model"} & row.keys())


def paper_name(row: Mapping[str, Any]) -> str:
    """What the paper of a row is called: its short title, else its citation key or its id."""
    return short_title(row["title"], row.get("citation_key") or row["paper_id"], _LONGEST)


def worded(name: str, cell: str) -> str:
    """A cell in words where the column has codes: `batch_size` is batch size."""
    return cell.replace("_", " ") if name in _CODES else cell


def _short_count(tokens: int) -> str:
    """A length of context as names write it: 128000 is 128K."""
    for size, letter in ((10**6, "M"), (10**3, "K")):
        if tokens >= size:
            return f"{tokens / size:g}{letter}"
    return str(tokens)


def _types(ranked: Ranked) -> dict[str, str]:
    return ranked.columns | _MADE | (_PLACE if "location" in ranked.columns else {})
