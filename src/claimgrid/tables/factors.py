"""Computed factors are rounded to the digits of the number that they were computed from.

`sql/macros.sql` does the same for the views; a test holds the two together.
"""

from __future__ import annotations

import re
from math import floor, log10

from claimgrid.types.claim import SpeedupClaim

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_MOST = 2  # digits: the second already promises more than most abstracts do


def rounded(factor: float, written: str) -> float:
    """A gain with as many digits as the text: 73.1% less is 3.7 times, 5% more is 1.05 times."""
    if not 0.5 <= factor <= 10:
        return _significant(factor, _MOST)
    found = _NUMBER.search(written)
    digits = re.sub(r"[^0-9]", "", found[0]).lstrip("0") if found else ""
    return round(1 + _significant(factor - 1, min(_MOST, max(1, len(digits)))), 9)


def computed(claim: SpeedupClaim) -> str | None:
    """The factor of a claim as `≙ 3.7×`, None where the text states the factor itself."""
    ratio, value = claim.ratio, claim.value
    if ratio is None or value is None:
        return None
    if value.unit == "x" and (value.low, value.high) == (ratio.low, ratio.high):
        return None
    low, high = (rounded(end, value.text) for end in (ratio.low, ratio.high))
    return f"≙ {low:.4g}×" if low == high else f"≙ {low:.4g}–{high:.4g}×"


def _significant(number: float, digits: int) -> float:
    if number == 0:
        return 0.0
    return round(number, digits - 1 - floor(log10(abs(number))))
