"""Compares figures that a document shows with those of today, where they may differ a little.

The reader is a network with 8-bit weights. Its sums differ in their last digits between processors,
and a claim or two of a hundred falls to the other side of a threshold.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SHARE = 0.12  # of shares, and of each number itself
_CLAIMS = 12


def alike(shown: str, made: str) -> bool:
    """Whether two texts have the same words, and numbers that differ by little."""
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", made):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(made), strict=True)
    return all(_close(one, other) for one, other in pairs)


def _close(one: str, other: str) -> bool:
    low, high = sorted((float(one), float(other)))
    if "." in one:
        return high - low <= _SHARE
    return high - low <= max(_CLAIMS, _SHARE * high)
