"""Confidence intervals by resampling papers: claims of one abstract are not independent."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

SEED = 20260101
RESAMPLES = 1000
LEVEL = 0.95
_Item = TypeVar("_Item")


class Interval(NamedTuple):
    """A two-sided 95% interval."""

    low: float
    high: float


def interval(
    papers: Sequence[_Item],
    statistic: Callable[[Sequence[_Item]], float],
    *,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """The percentile bootstrap of a statistic over papers; None where there are none.

    The seed is fixed, so that the same papers give the same interval.
    """
    if not papers:
        return None
    draw = random.Random(SEED)  # noqa: S311 a statistic, no secret
    found = sorted(statistic(draw.choices(papers, k=len(papers))) for _ in range(resamples))
    tail = (1 - LEVEL) / 2
    last = len(found) - 1
    return Interval(found[round(tail * last)], found[round((1 - tail) * last)])
