"""Rows are compared: what keeps two from being ranked together, which papers contradict each other.

The rule: two numbers may be ranked against each other only if they were measured under the same
conditions. A condition that an abstract leaves out is unknown: the same for two numbers of one
paper, and not known to be the same for two papers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import inf, isclose
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.entities.spelling import plain

Row = Mapping[str, Any]
_FIELDS = {"baseline": "baselines"}
_NOT_ASKED = {"baseline": ("relation", ("absolute", None))}
_ABOUT = 0.05  # "about 100" may be 95 to 105
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SEPARATORS = re.compile(r"[\s\-_‐‑–]+")


@lru_cache(maxsize=50_000)
def spelled(name: str) -> str:
    """A name without what writers vary: case, spaces, hyphens, LaTeX. `GPT-4` is `gpt 4`."""
    return _SEPARATORS.sub("", plain(name).casefold())


def field_of(condition: str) -> str:
    """The column that a condition is about."""
    return _FIELDS.get(condition, condition)


def condition(row: Row, name: str) -> Hashable:
    """A condition of a row in comparable form, None where the abstract does not state it."""
    value = row.get(field_of(name))
    if name == "unit" and value and spelled(value) == spelled(row.get("metric") or ""):
        return "score"  # "30.1 BLEU" and a BLEU of 29.8 are in one unit
    if isinstance(value, list):
        return frozenset(map(spelled, value)) or None
    return spelled(value) if isinstance(value, str) and value else value


def differences(row: Row, other: Row, conditions: Iterable[str]) -> tuple[str, ...]:
    """The conditions that keep two rows from being ranked against each other.

    `baseline` says that both abstracts state one and they differ, `baseline?` that one or both of
    two papers leave it out.
    """
    found = []
    for name in conditions:
        mine, theirs = _component(row, name), _component(other, name)
        if mine != theirs:
            both = None not in (condition(row, name), condition(other, name))
            found.append(name if both else f"{name}?")
    return tuple(found)


def comparable(row: Row, conditions: Iterable[str]) -> Hashable:
    """A key that two rows share if and only if `differences` finds none between them."""
    return tuple(_component(row, name) for name in conditions)


def _component(row: Row, name: str) -> Hashable:
    value = condition(row, name)
    unknown = value is None and not _not_asked(row, name)
    return ("unstated", paper(row)) if unknown else ("stated", value)


def paper(row: Row) -> tuple[Any, Any]:
    """What tells papers apart: two runs may use one id for two papers.

    One paper of two runs is one paper, told by its title.
    """
    return row["paper_id"], row.get("title") or row["run"]


def _not_asked(row: Row, name: str) -> bool:
    """A score in itself has no baseline, and then none is missing."""
    if name not in _NOT_ASKED:
        return False
    field, values = _NOT_ASKED[name]
    return field in row and row[field] in values


# Contradictions ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Conflict:
    """Statements of different papers about one thing that cannot all be right."""

    about: str
    view: str
    rows: tuple[Row, ...]

    def against(self, row: Row) -> list[Row]:
        """The statements that contradict this one."""
        return [other for other in self.rows if _contradict(row, other, self.view)]


def conflicts(rows: Iterable[Row], view: str) -> list[Conflict]:
    """The contradictions among the rows of a view; empty for a view that has no such notion.

    Two statements contradict each other if they come from different papers, are about the same
    thing (system and benchmark; system and all conditions of a speedup; model), and no number
    satisfies both: equal bounds must have equal numbers, other bounds must overlap. Numbers agree
    up to the precision in which the coarser one is written.
    """
    if view not in _ABOUT_WHAT:
        return []
    same: dict[tuple[Hashable, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if (key := _about_what(row, view)) is not None:
            same[key].append(row)
    found = []
    for group in same.values():
        torn = [pair for pair in combinations(group, 2) if _contradict(*pair, view)]
        if torn:
            kept = {id(row) for pair in torn for row in pair}
            rows_kept = tuple(row for row in group if id(row) in kept)
            found.append(Conflict(_title(group[0], view), view, rows_kept))
    return found


def subject_of(view: str) -> str | None:
    """The column that statements which contradict each other must share; None where none do."""
    return _ABOUT_WHAT[view][0][0] if view in _ABOUT_WHAT else None


def _about_what(row: Row, view: str) -> tuple[Hashable, ...] | None:
    stated, as_well = _ABOUT_WHAT[view]
    must = [condition(row, name) for name in stated]
    if None in must or (view == "benchmarks" and row["relation"] != "absolute"):
        return None
    return (*must, *(condition(row, name) for name in as_well))


# View: what must be stated and equal, and what must be equal or left out by both.
_ABOUT_WHAT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "speedups": (("subject", "metric", "baseline"), ("workload", "hardware")),
    "benchmarks": (("subject", "benchmark"), ()),
    "efficiency": (("subject", "metric", "unit"), ("workload", "hardware")),
    "models": (("model",), ()),
}
_NUMBERS = {"speedups": "ratio", "benchmarks": "score", "efficiency": "value"}


def _title(row: Row, view: str) -> str:
    stated, as_well = _ABOUT_WHAT[view]
    fields: list[Any] = [row.get(field_of(name)) for name in stated]
    fields += [
        list(map(product_name, row[name])) if name == "hardware" else row.get(name)
        for name in as_well
    ]
    return ", ".join(
        ", ".join(field) if isinstance(field, list) else str(field) for field in fields if field
    )


def _contradict(row: Row, other: Row, view: str) -> bool:
    if paper(row) == paper(other):
        return False
    if view == "models":
        sizes = (row["active_params"], other["active_params"])
        if None not in sizes and sizes[0] != sizes[1]:
            return True
        return _apart((row["params"],) * 2, (other["params"],) * 2, row, other)
    if view == "benchmarks" and not _one_scale(row, other):
        return False
    name = _NUMBERS[view]
    mine, theirs = ((r[f"{name}_low"], r[f"{name}_high"]) for r in (row, other))
    return None not in (*mine, *theirs) and _apart(mine, theirs, row, other)


def _one_scale(row: Row, other: Row) -> bool:
    """Metrics must not differ; a bare score may be meant in percent."""
    metrics = {condition(r, "metric") for r in (row, other)} - {None}
    units = {"score" if r["unit"] == "%" else r["unit"] for r in (row, other)}
    return len(metrics) < 2 and len(units) == 1


def _apart(mine: Sequence[float], theirs: Sequence[float], row: Row, other: Row) -> bool:
    if row["bound"] == other["bound"]:
        slack = max(_precision(row, mine), _precision(other, theirs))
        return any(
            not isclose(a, b, rel_tol=1e-9, abs_tol=slack * (1 + 1e-9))
            for a, b in zip(mine, theirs, strict=True)
        )
    if "average" in (row["bound"], other["bound"]):
        return False  # a mean and a single number are both right at once
    (low, high), (bottom, top) = _interval(row, mine), _interval(other, theirs)
    return high < bottom or top < low


def _interval(row: Row, ends: Sequence[float]) -> tuple[float, float]:
    slack = _precision(row, ends)
    low, high = ends[0] - slack, ends[1] + slack
    match row["bound"]:
        case "up_to":
            return -inf, high
        case "at_least":
            return low, inf
        case "about":
            return low - _ABOUT * abs(low), high + _ABOUT * abs(high)
        case _:
            return low, high


def _precision(row: Row, ends: Sequence[float]) -> float:
    """Half a unit of the last written digit, on the scale of the number that it became."""
    numbers = _NUMBER.findall(row["written"] or "")
    if not numbers:
        return 0.0
    whole, _, fraction = numbers[-1].replace(",", "").partition(".")
    step: float = 0.5 * 10.0 ** -len(fraction)
    if "ratio_high" in row and "%" in row["written"]:
        # 1 + P/100 grows by a hundredth a point, 1 / (1 - P/100) by its square.
        return step / 100 * max(1.0, ends[1] ** 2)
    written = float(f"{whole}.{fraction or 0}")
    return step * abs(ends[1]) / written if written else step
