"""Leaderboards: the results of all papers on one benchmark by one metric, the best first.

A board holds scores as such, not differences to a baseline. Dates say which score was the best so
far. What a board cannot know, it says: rows measured under other conditions are marked, and a
metric without a direction is listed by date and not ranked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from claimgrid.entities import metrics
from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.errors import UsageError
from claimgrid.tables.cells import paper_name, words
from claimgrid.tables.comparability import paper, spelled
from claimgrid.tables.filters import TableFilters, select
from claimgrid.tables.grid import Grid, Section
from claimgrid.tables.ordering import Row, best_first, better
from claimgrid.tables.ranking import mark
from claimgrid.tables.table_specs import KINDS
from claimgrid.tables.views import Database, Frame
from claimgrid.text.readable import readable

_COLUMNS = {
    "benchmark": "VARCHAR", "metric": "VARCHAR", "better": "VARCHAR", "rank": "INTEGER",
    "subject": "VARCHAR", "score": "VARCHAR", "score_low": "DOUBLE", "score_high": "DOUBLE",
    "unit": "VARCHAR", "best_so_far": "BOOLEAN", "date": "VARCHAR", "dated": "VARCHAR",
    "model_size": "VARCHAR", "conditions": "VARCHAR", "not_comparable": "VARCHAR[]",
    "paper": "VARCHAR", "citation_key": "VARCHAR", "paper_id": "VARCHAR", "quote": "VARCHAR",
    "location": "VARCHAR", "claim_id": "VARCHAR", "run": "VARCHAR", "extracted_by": "VARCHAR",
    "extracted_on": "VARCHAR", "caution": "VARCHAR",
}  # fmt: skip
_SHOWN = (
    "subject", "score", "rank", "best_so_far", "dated", "model_size", "conditions",
    "not_comparable", "paper",
)  # fmt: skip
_BEST = "★: better than every earlier score of the board. A paper without a year has no place."
_MARKED = "not comparable: what differs from the best row's conditions; ?: not stated."


@dataclass(frozen=True, slots=True)
class Board:
    """The results on one benchmark by one metric; `better` is None where none is ranked."""

    benchmark: str
    metric: str
    better: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Boards:
    """Leaderboards for people and for machines."""

    grid: Grid
    frame: Frame


def boards(
    database: Database,
    benchmark: str | None,
    metric: str | None,
    least: int,
    min_confidence: float | None = None,
) -> list[Board]:
    """The boards with enough results, the fullest first.

    Args:
        database: the runs.
        benchmark: its name in any spelling; None for all.
        metric: likewise.
        least: papers that a board must hold.
        min_confidence: of the claims, as `TableFilters` has it.
    """
    kind = KINDS["benchmarks"]
    rows = [
        row
        for row in select(database, kind, TableFilters(min_confidence=min_confidence))[0].dicts()
        if row["role"] == "result" and row["relation"] == "absolute" and row["benchmark"]
    ]
    sizes = _sizes(database)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        row["better"] = better(row, kind)
        row["model_size"] = _size(row, sizes)
        groups.setdefault((spelled(row["benchmark"]), spelled(row["metric"] or "")), []).append(row)
    found = [_board(group) for group in groups.values() if len({*map(paper, group)}) >= least]
    kept = [
        board
        for board in found
        if (benchmark is None or same_benchmark(benchmark, board.benchmark))
        and (metric is None or metrics.metric(metric) == metrics.metric(board.metric))
    ]
    return sorted(kept, key=lambda board: -len(board.rows))


def laid_out(found: Sequence[Board], notes: Sequence[str]) -> Boards:
    """Boards as a grid, a section each, and as rows for machines."""
    sections, rows = [], []
    for board in found:
        way = f"{board.better} is better" if board.better else "not ranked"
        name = board.metric or "metric not stated"
        sections.append(
            Section(f"{board.benchmark} · {name} ({way})", tuple(map(_cells, board.rows)))
        )
        rows += [tuple(_value(board, row, name) for name in _COLUMNS) for row in board.rows]
    frame = Frame(tuple(_COLUMNS), tuple(_COLUMNS.values()), rows)
    said = [
        *([_BEST] if any(row["best_so_far"] for board in found for row in board.rows) else []),
        *([_MARKED] if any(row["differs"] for board in found for row in board.rows) else []),
        *_unranked(found),
        *notes,
    ]
    grid = Grid(
        "leaderboard", "Leaderboards", _SHOWN, tuple(sections), frozenset({"rank", "score"}),
        tuple(said), records=True,
    ).without_empty_columns()  # fmt: skip
    return Boards(grid, frame)


def wanted(database: Database, benchmark: str) -> UsageError:
    """The error for a benchmark that no board has, with those that there are."""
    names = [board.benchmark for board in boards(database, None, None, 1)]
    near = [name for name in names if spelled(benchmark) in spelled(name)] or names
    listed = ", ".join(list(dict.fromkeys(near))[:8]) or "none"
    return UsageError(f"no results on {benchmark} in these runs. There are: {listed}")


def _board(group: Sequence[Row]) -> Board:
    kind = KINDS["benchmarks"]
    way = group[0]["better"]
    ordered = best_first(group, kind) if way else sorted(group, key=lambda row: row["date"] or "9")
    mark(ordered, kind)
    ranked = [row for row in ordered if way and not row["differs"]]
    for row in ordered:
        row["rank"] = None
    for place, row in enumerate(ranked, 1):
        row["rank"] = place
    best = _best_so_far(ordered, way)
    for row in ordered:
        row["best_so_far"] = row["claim_id"] in best
    return Board(group[0]["benchmark"], group[0]["metric"] or "", way, tuple(ordered))


def _best_so_far(rows: Iterable[Row], way: str | None) -> set[str]:
    """The claims that beat every dated one before them; of one day, the best alone."""
    if way is None:
        return set()
    sign = 1 if way == "higher" else -1
    found: set[str] = set()
    record = None
    dated = [row for row in rows if row["date"] and row["score_low"] is not None]
    # Of the scores of one day, the best comes first.
    for row in sorted(dated, key=lambda row: (row["date"], -sign * row["score_high"])):
        score = sign * (row["score_high"] if way == "higher" else row["score_low"])
        if record is None or score > record:
            record = score
            found.add(row["claim_id"])
    return found


def _sizes(database: Database) -> dict[tuple[Any, Any], list[Row]]:
    found: dict[tuple[Any, Any], list[Row]] = {}
    for row in database.query("from models where stance = 'own'").dicts():
        found.setdefault(paper(row), []).append(row)
    return found


def _size(row: Row, sizes: dict[tuple[Any, Any], list[Row]]) -> str | None:
    """The size of the model that has the score: by its name, else the only one of its paper."""
    there = sizes.get(paper(row), [])
    subject = spelled(row["subject"] or "")
    named = [size for size in there if subject and spelled(size["model"] or "") == subject]
    if len(named) == 1 or len(there) == 1:
        size: str = (named or there)[0]["size"]
        return size
    return None


def _conditions(row: Row) -> str:
    parts = [
        {"up_to": "at most", "at_least": "at least", "average": "average"}.get(row["bound"], ""),
        f"over {', '.join(row['baselines'])}" if row["baselines"] else "",
    ]
    return " · ".join(filter(None, parts))


def _cells(row: Row) -> tuple[str, ...]:
    made = {
        "rank": "" if row["rank"] is None else str(row["rank"]),
        "best_so_far": "★" if row["best_so_far"] else "",
        "model_size": row["model_size"] or "",
        "conditions": _conditions(row),
        "not_comparable": ", ".join(row["differs"]),
        "paper": paper_name(row),
    }
    return tuple(made[name] if name in made else words(row, name) for name in _SHOWN)


def _value(board: Board, row: Row, name: str) -> Any:
    special = {
        "metric": board.metric or None,
        "benchmark": board.benchmark,
        "conditions": _conditions(row) or None,
        "not_comparable": row["differs"],
        "paper": paper_name(row),
    }
    return special[name] if name in special else row[name]


def _unranked(found: Iterable[Board]) -> list[str]:
    names = dict.fromkeys(board.metric or "not stated" for board in found if not board.better)
    if not names:
        return []
    listed = readable(", ".join(names))
    return [f"Not ranked, because it is not known which way is better: metric {listed}."]
