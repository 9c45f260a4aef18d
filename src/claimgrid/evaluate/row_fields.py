"""Compares a matched claim with its gold claim field by field: is the row of the table right?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.entities.metrics import metric
from claimgrid.entities.spelling import plain
from claimgrid.evaluate.gold_files import Gold
from claimgrid.evaluate.matching import same_numbers, same_ratio, same_unit
from claimgrid.evaluate.name_likeness import alike
from claimgrid.types.claim import Claim, Kind

_NOT_WORD = re.compile(r"[^a-z0-9]+")
# The fields of a row of each kind, in the order of the tables.
ROW: dict[Kind, tuple[str, ...]] = {
    "benchmark": (
        "role", "benchmark", "metric", "value", "unit", "relation", "qualifier", "subject",
        "baselines",
    ),
    "speedup": (
        "metric", "value", "unit", "ratio", "qualifier", "subject", "baselines", "workload",
        "hardware",
    ),
    "efficiency": ("metric", "value", "unit", "qualifier", "subject", "workload", "hardware"),
    "hardware": ("device", "count", "nodes", "per_node", "role"),
    "model_size": ("model", "params", "active_params", "context_tokens"),
}  # fmt: skip
FIELDS: tuple[str, ...] = tuple(dict.fromkeys(name for names in ROW.values() for name in names))
# Fields that say what a number belongs to.
BINDING = frozenset(("subject", "benchmark", "baselines", "workload", "hardware", "model"))


def compare(gold: Gold, claim: Claim, *, lenient: bool = False) -> dict[str, bool]:
    """Whether each field that gold has is right in the claim.

    A field that the gold line leaves out is not compared. Strict names are equal but for case,
    punctuation and LaTeX (benchmarks and metrics: but for their aliases); lenient ones are alike.
    """
    names = ROW[claim.kind]
    if claim.kind == "benchmark" and claim.role != "result":
        names = ("role", "benchmark")  # a name without a score: its row has no more
    return {
        name: _right(name, gold, claim, lenient=lenient) for name in names if _stated(name, gold)
    }


def _stated(name: str, gold: Gold) -> bool:
    return gold.get("value") is not None if name == "unit" else name in gold


def _right(name: str, gold: Gold, claim: Any, *, lenient: bool) -> bool:
    if name in _OWN:
        return _OWN[name](gold, claim)
    theirs, mine = gold[name], getattr(claim, name)
    if isinstance(theirs, list):
        return _same_names(theirs, mine, lenient=lenient and name != "hardware")
    if not (isinstance(theirs, str) and isinstance(mine, str)):
        return bool((theirs or None) == (mine or None))
    if name == "benchmark" and same_benchmark(theirs, mine):
        return True
    if name == "metric":
        theirs, mine = metric(theirs), metric(mine)
    return _fold(theirs) == _fold(mine) or (lenient and name in _NAMES and alike(theirs, mine))


def _same_names(theirs: Sequence[str], mine: Sequence[str], *, lenient: bool) -> bool:
    if {_fold(name) for name in theirs} == {_fold(name) for name in mine}:
        return True
    return (
        lenient
        and all(any(alike(a, b) for b in mine) for a in theirs)
        and all(any(alike(a, b) for a in theirs) for b in mine)
    )


def _fold(name: str) -> str:
    return _NOT_WORD.sub(" ", plain(name).lower()).strip()


_NAMES = frozenset(("subject", "benchmark", "metric", "workload", "model"))
_OWN: dict[str, Callable[[Gold, Any], bool]] = {
    "value": same_numbers,
    "unit": same_unit,
    "ratio": same_ratio,
}
