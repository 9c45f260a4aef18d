"""Ranked rows are laid out as grids of text for people: the table, and what contradicts what.

A full grid says in words what sets a row apart and where its words stand. A brief one has the
columns that fit a line or a page, and letters that its notes explain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from string import ascii_lowercase
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.quantities.shown_numbers import unit_words
from claimgrid.tables.bibliography import keys_of
from claimgrid.tables.cells import paper_name, stands_in, worded, words
from claimgrid.tables.comparability import Conflict, paper
from claimgrid.tables.grid import CITE, MARKS, Grid, Section, text
from claimgrid.tables.ordering import Row
from claimgrid.tables.ranking import Ranked
from claimgrid.tables.table_specs import KINDS
from claimgrid.tables.views import Frame

_NUMERIC = ("INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL")
_DIFFERS = (
    "differs: measured under other conditions than the first row of the same ranking, so not to be "
    "ranked against it. With ?, one of the abstracts, or both, leave the condition out."
)
_CONFLICT = "conflict: another paper states another value for the same thing; see below."
_COMPUTED = "≙: the factor is computed from what is written, and rounded to its digits."
_STANDS_IN = "In brackets: the abstract names no system, the paper stands in for it."
_OF_THE_RUN = ("status", "rejected", "unclaimed")  # they say nothing of the papers
_BRIEF_CONFLICT = ("paper", "stated", "metric", "quote")


def full(ranked: Ranked) -> list[Grid]:
    """The table with its sources, and the conflicts that its rows are part of, if there are any."""
    columns = _full_columns(ranked)
    notes = [
        *([_DIFFERS] if any(row.get("differs") for row in ranked.rows) else []),
        *([_CONFLICT] if ranked.conflicts else []),
        *_explanations(ranked),
        *ranked.notes,
    ]
    grid = _grid(ranked, columns, notes).without_empty_columns()
    return [grid, _conflicts(ranked.conflicts)] if ranked.conflicts else [grid]


def brief(
    ranked: Ranked, *, cite: bool = False, paged: bool = False, sure: bool = False
) -> list[Grid]:
    """The same in few columns, what sets a row apart as letters.

    Args:
        ranked: the rows.
        cite: the papers' citation keys instead of their names.
        paged: for a paper, which needs nothing of how the run went.
        sure: with the confidence of each claim.
    """
    columns = [*ranked.kind.brief, *(["confidence"] if sure else [])]
    if any(row.get("stance") == "background" for row in ranked.rows):
        columns.append("stance")
    if len({row["run"] for row in ranked.rows}) > 1 and _several(ranked.rows):
        columns.append("run")
    if paged:
        columns = [name for name in columns if name not in _OF_THE_RUN]
    if cite:
        columns = [CITE if name == "paper" else name for name in columns]
    grid = _lettered(ranked, columns).without_empty_columns()
    told = set(grid.grouped) <= set(grid.columns)  # else the heading alone says it
    if grid.grouped and told and len(grid.sections) * 2 > len(grid.rows):
        # Headings over single rows make a table longer, not clearer.
        group = " and ".join(name.replace("_", " ") for name in grid.grouped)
        return _explained(ranked, grid.without_headings(), f"of the same {group}")
    return _explained(ranked, grid.without_repeated_headings())


def chosen(ranked: Ranked, columns: Sequence[str]) -> list[Grid]:
    """The same in the columns that the user named; ranked numbers keep their marks."""
    if ranked.kind.measure not in columns:
        return [_grid(ranked, columns, ranked.notes)]
    return _explained(ranked, _lettered(ranked, columns))


def plain(frame: Frame, name: str, title: str) -> Grid:
    """Rows of any query as a grid."""
    rows = tuple(tuple(map(text, row)) for row in frame.rows)
    numeric = frozenset(
        name for name, kind in zip(frame.columns, frame.types, strict=True) if _is_numeric(kind)
    )
    sections = (Section(None, rows),) if rows else ()
    return Grid(name, title, frame.columns, sections, numeric, verbatim=True)


# Columns and cells ───────────────────────────────────────────────────────────────────────────────


def _full_columns(ranked: Ranked) -> tuple[str, ...]:
    columns = list(ranked.kind.columns)
    if ranked.kind.measure:
        at = columns.index(ranked.kind.measure) + 1
        columns[at:at] = ["differs", "conflict"]
    elif ranked.kind.holds_claims:
        columns.insert(2, "conflict")
    if any(row.get("stance") == "background" for row in ranked.rows):
        columns.insert(columns.index("paper"), "stance")
    if len({row["run"] for row in ranked.rows}) > 1:
        columns.append("run")
    return tuple(columns)


def _grid(ranked: Ranked, columns: Sequence[str], notes: Iterable[str]) -> Grid:
    sections = tuple(
        Section(
            _worded_heading(ranking.heading, ranking.rows),
            tuple(tuple(words(row, c) for c in columns) for row in ranking.rows),
        )
        for ranking in ranked.rankings
    )
    numeric = {name for name, kind in ranked.columns.items() if _is_numeric(kind)}
    numeric |= {"start", "end", "shown"} | ({ranked.kind.measure} if ranked.kind.measure else set())
    return Grid(
        ranked.kind.view,
        ranked.kind.title,
        tuple(columns),
        sections,
        frozenset(numeric),
        tuple(notes),
        records=True,
        grouped=ranked.grouped,
    )


def _several(rows: Sequence[Row]) -> bool:
    """Whether a paper is shown from several runs."""
    return len({(row["run"], *paper(row)) for row in rows}) > len({paper(row) for row in rows})


def _explanations(ranked: Ranked) -> list[str]:
    said = []
    if any(row.get("computed") for row in ranked.rows):
        said.append(_COMPUTED)
    if any(not row.get("subject") and "subject" in row and stands_in(row) for row in ranked.rows):
        said.append(_STANDS_IN)
    return said


# Letters ─────────────────────────────────────────────────────────────────────────────────────────


def _lettered(ranked: Ranked, columns: Sequence[str]) -> Grid:
    """A grid with letters beside the ranked numbers; its notes are still to come."""
    columns = list(columns)
    letters = _letters(ranked.rows)
    measure = ranked.kind.measure or "shown"
    if measure in columns and (letters or ranked.conflicts) and "differs" not in columns:
        columns.insert(columns.index(measure) + 1, MARKS)
    keys = keys_of(ranked.rows) if CITE in columns else {}

    def made(row: Row) -> tuple[str, ...]:
        special = {MARKS: _marks(row, letters), CITE: keys.get(paper(row), "")}
        return tuple(_brief_cell(row, column, measure, special) for column in columns)

    sections = tuple(
        Section(_worded_heading(ranking.heading, ranking.rows), tuple(map(made, ranking.rows)))
        for ranking in ranked.rankings
    )
    return replace(_grid(replace(ranked, rankings=()), columns, ()), sections=sections)


def _explained(ranked: Ranked, grid: Grid, group: str = "of its group") -> list[Grid]:
    """The grid with what its letters and numbers mean, and one of the conflicts if it has any."""
    letters, notes = _letters(ranked.rows), [*_explanations(ranked), *ranked.notes]
    if MARKS in grid.columns and ranked.conflicts:
        notes.insert(0, "!: another paper states another value for the same thing; see below.")
    if MARKS in grid.columns and letters:
        notes.insert(0, _meaning(letters, group))
    grid = replace(grid, notes=tuple(notes))
    if not ranked.conflicts:
        return [grid]
    return [grid, _conflicts(ranked.conflicts).select_known(_BRIEF_CONFLICT)]


def _letters(rows: Iterable[Row]) -> dict[str, str]:
    names = (name.removesuffix("?") for row in rows for name in row.get("differs") or ())
    return dict(zip(dict.fromkeys(names), ascii_lowercase, strict=False))


def _marks(row: Row, letters: Mapping[str, str]) -> str:
    marks = [
        letters[name.removesuffix("?")] + "?" * name.endswith("?")
        for name in row.get("differs") or ()
    ]
    return " ".join([*sorted(marks), *["!"] * bool(row.get("conflict"))])


def _meaning(letters: Mapping[str, str], group: str) -> str:
    stated = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    return (
        f"Measured under other conditions than the first row {group}, so not to be ranked "
        f"against it: {stated}. With ?, one of the abstracts, or both, leave the condition out."
    )


def _brief_cell(row: Row, column: str, measure: str | None, special: Mapping[str, str]) -> str:
    if column in special:
        return special[column]
    cell = words(row, column)
    # A benchmark that is named without a score: what the paper does with it stands in its place.
    return cell or worded("role", row.get("role") or "") if column == measure else cell


def _worded_heading(heading: str | None, rows: Sequence[Row]) -> str | None:
    """A heading with its codes in words: `batch_size` is batch size, nvidia-a100 NVIDIA A100."""
    if heading is None:
        return None
    slugs = {slug for row in rows for slug in row.get("hardware") or ()}
    slugs |= {row["device"] for row in rows if row.get("device")}
    codes = {row.get(name) for row in rows for name in ("metric", "kind", "role", "status")}
    units = {row.get("unit") for row in rows}
    parts = (
        "; ".join(
            product_name(part)
            if part in slugs
            else unit_words(part)
            if part in units
            else worded("metric", part)
            if part in codes
            else part
            for part in piece.split("; ")
        )
        for piece in heading.split(" · ")
    )
    return " · ".join(parts)


# Conflicts ───────────────────────────────────────────────────────────────────────────────────────


def _conflicts(conflicts: Iterable[Conflict]) -> Grid:
    columns = ("paper", "stated", "written", "metric", "quote", "location", "claim_id")
    sections = tuple(
        Section(conflict.about, tuple(_statement(row, conflict.view) for row in conflict.rows))
        for conflict in conflicts
    )
    return Grid(
        "conflicts",
        "Conflicts: papers that state different values for the same thing",
        columns,
        sections,
        frozenset({"stated"}),
        records=True,
    ).without_empty_columns()


def _statement(row: Mapping[str, Any], view: str) -> tuple[str, ...]:
    return (
        paper_name(row),
        text(row[KINDS[view].measure or ""]),
        text(row["written"]),
        text(row.get("metric")),
        row["quote"],
        row["location"],
        row["claim_id"],
    )


def _is_numeric(kind: str) -> bool:
    return kind.startswith(_NUMERIC) and not kind.endswith("]")
