"""Computes the improvement factor from a number and the change that the words name."""

from __future__ import annotations

import math
from typing import Literal

Change = Literal["up", "down", "of", "from_to"]


def remaining(number: float, unit: str, change: Change) -> float:
    """What is left of the measured quantity, as a factor of the baseline's.

    >>> remaining(40, "%", "up"), remaining(75, "%", "down"), remaining(4, "x", "down")
    (1.4, 0.25, 0.25)
    """
    if change == "of":
        return number / 100 if unit == "%" else number
    if unit == "%":
        return 1 + number / 100 if change == "up" else 1 - number / 100
    return number if change == "up" else (1 / number if number else math.inf)


def ratio(
    ends: tuple[float, ...], unit: str, change: Change, *, better: bool
) -> tuple[float, float] | None:
    """The improvement factor (low, high): larger is better, below 1 is a loss.

    Whether more of the quantity is good follows from `better`: if it grew and that is a gain, more
    is good; if it shrank and that is a gain, less is. A range may run across 1 ("62-101% of"); its
    end farther from 1 says which way is good.

    Args:
        ends: the number, or the two ends of a range, or the two numbers of a from-to change in
            the order of the text.
        unit: canonical unit; only `%` and multiples matter here.

    Returns:
        None where no finite positive factor exists ("reduced by 100%").
    """
    if change == "from_to":
        if len(ends) != 2 or not ends[0]:
            return None
        factors = [ends[1] / ends[0]]
    else:
        # "+12%" and "-12%" carry a sign that the change already says.
        factors = [remaining(abs(end), unit, change) for end in ends]
    if not factors or any(not math.isfinite(f) or f <= 0 for f in factors):
        return None
    decisive = max(factors, key=lambda f: abs(math.log(f)))
    if (decisive >= 1) != better:
        factors = [1 / f for f in factors]
    low, high = (float(f"{end:.12g}") for end in (min(factors), max(factors)))
    return (low, high) if math.isfinite(high) else None
