"""Matches gold claims to extracted ones, one to one, by kind and key.

The keys: a benchmark's role, number, relation and (where gold has one) name; a speedup's ratio; an
efficiency's number and unit; a device's slug and count; a model's parameter counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.evaluate.gold_files import Gold
from claimgrid.evaluate.name_likeness import alike
from claimgrid.quantities.lexer import unit_of
from claimgrid.types.claim import Claim, Kind

SameName = Callable[[str, str], bool]
_RATIO = 0.01  # how far two ratios of one claim may lie apart


def same(gold: Gold, claim: Claim, *, lenient: bool = False) -> bool:
    """Whether a claim is a gold claim of its kind: the same key by the contract's rules.

    Args:
        lenient: names of benchmarks need only be alike.
    """
    if gold["kind"] != claim.kind:
        return False
    return bool(_SAME[claim.kind](gold, claim, alike if lenient else same_benchmark))


def is_free(gold: Gold) -> bool:
    """Whether a gold claim costs nothing when missed and nothing when found."""
    return bool(gold.get("optional")) or gold.get("stance") == "background"


def match(
    gold: Sequence[Gold], claims: Sequence[Claim], *, lenient: bool = False
) -> dict[int, int]:
    """Gold index to claim index: a maximum matching by augmenting paths, in the order of the gold.

    Among several claims with the same key the one whose evidence lies nearest is tried first.
    """
    fits = partial(same, lenient=lenient)
    options = [
        sorted(
            (i for i, claim in enumerate(claims) if fits(line, claim)),
            key=lambda i: abs(claims[i].evidence.start - int(line.get("start", 0))),
        )
        for line in gold
    ]
    owner: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for option in options[index]:
            if option in tried:
                continue
            tried.add(option)
            if option not in owner or place(owner[option], tried):
                owner[option] = index
                return True
        return False

    for index in range(len(gold)):
        place(index, set())
    return {index: option for option, index in owner.items()}


def same_numbers(gold: Gold, claim: Claim) -> bool:
    """Whether the numbers that a claim states are gold's."""
    line, value = gold.get("value"), claim.value
    if line is None or value is None:
        return line is None and value is None
    if line["low"] is None or value.low is None:
        return line["low"] is None and value.low is None
    return close(line["low"], value.low) and close(line["high"], value.high or 0.0)


def same_ratio(gold: Gold, claim: Any) -> bool:
    """Whether two improvement factors are one.

    A percent change of a share has no factor by the contract, and 1 + P/100 in older gold: both
    are right, so there the numbers as written decide.
    """
    ratio = gold["ratio"]
    if ratio is None or claim.ratio is None:
        return same_numbers(gold, claim)
    low = close(ratio["low"], claim.ratio.low, _RATIO)
    return low and close(ratio["high"], claim.ratio.high, _RATIO)


def same_unit(gold: Gold, claim: Claim) -> bool:
    """Whether two values are in one unit."""
    line, value = gold.get("value"), claim.value
    if line is None or value is None:
        return line is None and value is None
    return unit_of(str(line["unit"] or "score")) == unit_of(value.unit)


def close(a: float, b: float, tolerance: float = 1e-9) -> bool:
    """Whether two numbers are one but for rounding."""
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _benchmark(gold: Gold, claim: Any, same_name: SameName) -> bool:
    if gold["role"] != claim.role:
        return False
    name = gold.get("benchmark")
    if name and not (claim.benchmark and same_name(name, claim.benchmark)):
        return False
    if claim.role != "result":
        return True
    return gold.get("relation") == claim.relation and same_numbers(gold, claim)


def _speedup(gold: Gold, claim: Any, _: SameName) -> bool:
    return same_ratio(gold, claim)


def _efficiency(gold: Gold, claim: Any, _: SameName) -> bool:
    return same_numbers(gold, claim) and same_unit(gold, claim)


def _hardware(gold: Gold, claim: Any, _: SameName) -> bool:
    return bool(gold["device"] == claim.device and gold.get("count") == claim.count)


def _model_size(gold: Gold, claim: Any, _: SameName) -> bool:
    active = gold.get("active_params") or None
    return bool(gold["params"] == claim.params and active == claim.active_params)


_SAME: dict[Kind, Callable[[Gold, Any, SameName], bool]] = {
    "benchmark": _benchmark,
    "speedup": _speedup,
    "efficiency": _efficiency,
    "hardware": _hardware,
    "model_size": _model_size,
}
