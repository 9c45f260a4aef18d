"""Speedups over time, and hardware by year: what the runs say of the field's development."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.tables.cells import paper_name, words
from claimgrid.tables.filters import TableFilters, select
from claimgrid.tables.grid import Grid, Section, text
from claimgrid.tables.table_specs import KINDS
from claimgrid.tables.views import Database, Frame

_SPEEDUP_COLUMNS = {
    "metric": "VARCHAR", "date": "VARCHAR", "dated": "VARCHAR", "year": "INTEGER",
    "subject": "VARCHAR", "ratio": "VARCHAR", "ratio_low": "DOUBLE", "ratio_high": "DOUBLE",
    "computed": "BOOLEAN", "ambiguous": "VARCHAR", "best_so_far": "BOOLEAN",
    "baselines": "VARCHAR[]", "hardware": "VARCHAR[]", "paper": "VARCHAR",
    "citation_key": "VARCHAR", "paper_id": "VARCHAR", "quote": "VARCHAR", "location": "VARCHAR",
    "claim_id": "VARCHAR", "run": "VARCHAR", "extracted_by": "VARCHAR", "extracted_on": "VARCHAR",
    "caution": "VARCHAR",
}  # fmt: skip
_SPEEDUP_SHOWN = (
    "subject", "ratio", "computed", "best_so_far", "dated", "baselines", "hardware", "paper",
)  # fmt: skip
_UNDATED = "no year"
_BASELINES = "★: the largest factor up to its date. Baselines differ: a record is no ranking."


def speedups(database: Database, min_confidence: float | None = None) -> tuple[Grid, Frame]:
    """The papers' own speedups by date, each metric apart, with the largest factor so far."""
    filters = TableFilters(min_confidence=min_confidence)
    rows = list(select(database, KINDS["speedups"], filters)[0].dicts())
    # Of the gains of one day, the largest comes first, so that it alone can be a record.
    rows.sort(key=lambda row: (row["date"] or "9", -(row["ratio_high"] or 0)))
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["metric"], []).append(row)
    for group in groups.values():
        record = 1.0
        for row in group:
            factor = row["ratio_high"]
            row["best_so_far"] = bool(row["date"] and factor is not None and factor > record)
            record = max(record, factor) if row["best_so_far"] else record
    order = sorted(groups.values(), key=len, reverse=True)
    sections = tuple(
        Section(words(group[0], "metric"), tuple(tuple(_speedup_cells(row)) for row in group))
        for group in order
    )
    lines = [
        tuple(paper_name(row) if name == "paper" else row[name] for name in _SPEEDUP_COLUMNS)
        for group in order
        for row in group
    ]
    grid = Grid(
        "speedups-over-time", "Speedups over time", _SPEEDUP_SHOWN, sections,
        frozenset({"ratio"}), (_BASELINES, *database.about), records=True,
    ).without_empty_columns()  # fmt: skip
    return grid, Frame(tuple(_SPEEDUP_COLUMNS), tuple(_SPEEDUP_COLUMNS.values()), lines)


def hardware(database: Database, min_confidence: float | None = None) -> tuple[Grid, Frame]:
    """How many papers of each year name each device, the most named first."""
    found = database.query(
        "select device, year, count(distinct (paper_id, title)) as papers from hardware "
        "where stance = 'own' and ($least is null or confidence >= $least) group by all",
        {"least": min_confidence},
    )
    years = sorted({row[1] for row in found.rows}, key=lambda year: (year is None, year))
    counts = {(device, year): papers for device, year, papers in found.rows}
    totals: dict[str, int] = {}
    for (device, _), papers in counts.items():
        totals[device] = totals.get(device, 0) + papers
    order = sorted(totals, key=lambda device: (-totals[device], device))
    heads = [_UNDATED if year is None else str(year) for year in years]
    cells = [
        (product_name(device), *(text(counts.get((device, year))) for year in years),
         str(totals[device]))
        for device in order
    ]  # fmt: skip
    columns = ("device", *heads, "papers")
    grid = Grid(
        "hardware-by-year", "Hardware by year: papers that name it", columns,
        (Section(None, tuple(cells)),) if cells else (), frozenset(columns[1:]), database.about,
        verbatim=True,
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (device, *(counts.get((device, year), 0) for year in years), totals[device])
        for device in order
    ]
    return grid, Frame(columns, ("VARCHAR", *["BIGINT"] * (len(columns) - 1)), rows)


def _speedup_cells(row: dict[str, Any]) -> Sequence[str]:
    made = {"best_so_far": "★" if row["best_so_far"] else "", "paper": paper_name(row)}
    return tuple(made[name] if name in made else words(row, name) for name in _SPEEDUP_SHOWN)
