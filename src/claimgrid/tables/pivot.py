"""A table is crossed: one column by another, its cells marked like rankings.

A system without a name is entered under its paper. Systems are compared along the other axis: down
a column where the columns are benchmarks, along a row where the columns are systems. A cell that
was measured under other conditions than the first one there has a letter, and the notes say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

from claimgrid.entities.device_names import product_name
from claimgrid.tables.cells import paper_name, worded
from claimgrid.tables.grid import Grid, Section, text
from claimgrid.tables.ordering import Row
from claimgrid.tables.ranking import Ranked, TableOptions, column, mark, rank
from claimgrid.tables.table_specs import TableSpec
from claimgrid.tables.views import Database, Frame

_SYSTEMS = ("subject", "model", "title", "paper_id", "run")
_ABSENT = "not stated"


@dataclass(frozen=True, slots=True)
class Axes:
    """What a pivot shows: the columns that make its rows, its columns and its cells."""

    rows: str
    cols: str
    value: str


@dataclass(frozen=True, slots=True)
class Pivot:
    """A cross table: for people (cells with marks), and for machines (without)."""

    grid: Grid
    frame: Frame
    ranked: Ranked


def pivot(database: Database, kind: TableSpec, axes: Axes, options: TableOptions) -> Pivot:
    """Cross two columns of a table.

    Raises:
        UsageError: a filter or a column is wrong.
    """
    ranked = rank(database, replace(kind, group=()), replace(options, limit=None))
    names = [column(name, ranked.columns) for name in (axes.rows, axes.cols, axes.value)]
    axes = Axes(*names)
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in ranked.rows:
        if text(row[axes.value]):
            for side in _entries(row, axes.rows):
                for top in _entries(row, axes.cols):
                    cells.setdefault((side, top), []).append(dict(row))
    sides, tops = _axis(cells, 0), _axis(cells, 1)
    kept = sides[: options.limit]
    if kind.measure:
        _mark(cells, kept, tops, axes, kind)
    marks = _letters(cells)
    shown = [
        (
            _name(axes.rows, side),
            *(_cell(cells.get((side, top), []), axes, marks) for top in tops),
        )
        for side in kept
    ]
    notes = [f"{letter}: measured under other conditions than the first cell here: {what}."
             for what, letter in marks.items()]  # fmt: skip
    notes += ranked.notes
    if any(row.get("conflict") for row in ranked.rows):
        notes.append("!: another paper states another value.")
    if len(kept) < len(sides):
        notes.append(f"{len(kept)} of {len(sides)} rows are shown.")
    title = f"{kind.title}: {axes.value} by {axes.rows} and {axes.cols}"
    grid = Grid(
        kind.view,
        title,
        (axes.rows, *(_name(axes.cols, top) for top in tops)),
        (Section(None, tuple(shown)),),
        notes=tuple(notes),
        verbatim=True,
    )
    return Pivot(grid, _frame(cells, kept, tops, axes), ranked)


def _entries(row: Row, name: str) -> list[str]:
    """What a row is entered under: each member of a list, the paper where no system is named."""
    value = row[name]
    if name == "subject" and not value:
        return [f"({paper_name(row)})"]
    members = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text(member) or _ABSENT for member in members)) or [_ABSENT]


def _name(column: str, entry: str) -> str:
    """An entry of an axis in words: a product for a slug."""
    if column in ("hardware", "device") and entry != _ABSENT:
        return product_name(entry)
    return worded(column, entry)


def _axis(cells: Iterable[tuple[str, str]], side: int) -> list[str]:
    """The entries of an axis, the fullest first; spellings of one name stay as they are."""
    counts: dict[str, int] = {}
    for key in cells:
        counts[key[side]] = counts.get(key[side], 0) + 1
    return sorted(counts, key=lambda entry: (entry == _ABSENT, -counts[entry]))


def _mark(
    cells: dict[tuple[str, str], list[Row]],
    sides: Sequence[str],
    tops: Sequence[str],
    axes: Axes,
    kind: TableSpec,
) -> None:
    along_rows = axes.cols in _SYSTEMS and axes.rows not in _SYSTEMS
    lines = (
        [[(side, top) for top in tops] for side in sides]
        if along_rows
        else [[(side, top) for side in sides] for top in tops]
    )
    for line in lines:
        mark([row for key in line for row in cells.get(key, [])], kind, (axes.rows, axes.cols))


def _letters(cells: dict[tuple[str, str], list[Row]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for rows in cells.values():
        for row in rows:
            what = ", ".join(row.get("differs") or [])
            if what and what not in found:
                n = len(found)
                found[what] = ascii_lowercase[n % 26] * (n // 26 + 1)
    return found


def _cell(rows: Sequence[Row], axes: Axes, marks: dict[str, str]) -> str:
    parts = []
    for row in rows:
        letter = marks.get(", ".join(row.get("differs") or []), "")
        letter += "!" if row.get("conflict") else ""
        value = row[axes.value]
        members = value if isinstance(value, list) else [value]
        shown = "; ".join(_name(axes.value, text(member)) for member in members)
        parts.append(shown + (f" [{letter}]" if letter else ""))
    return "; ".join(dict.fromkeys(parts))


def _frame(
    cells: dict[tuple[str, str], list[Row]], sides: Sequence[str], tops: Sequence[str], axes: Axes
) -> Frame:
    rows = []
    for side in sides:
        line = [(top, row) for top in tops for row in cells.get((side, top), [])]
        values = (list(dict.fromkeys(text(row[axes.value]) for row in cells.get((side, top), [])))
                  for top in tops)  # fmt: skip
        differs = [f"{top}: {', '.join(row['differs'])}" for top, row in line if row.get("differs")]
        ids = dict.fromkeys(row.get("claim_id", row["paper_id"]) for _, row in line)
        rows.append((side, *values, list(dict.fromkeys(differs)), list(ids)))
    columns = (axes.rows, *tops, "differs", "claim_ids")
    return Frame(columns, ("VARCHAR", *["VARCHAR[]"] * (len(columns) - 1)), rows)
