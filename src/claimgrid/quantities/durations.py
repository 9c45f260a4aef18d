"""Reads durations of several units as one: `2 h 30 min` is 2.5 hours."""

from __future__ import annotations

import re

from claimgrid.quantities.quantity import Number, Quantity

_SECONDS = {"days": 86400.0, "hours": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3}
_NEXT = {"days": "hours", "hours": "min", "min": "s", "s": "ms"}
_MOST = {"hours": 24.0, "min": 60.0, "s": 60.0, "ms": 1000.0}
_GAPS = frozenset([" ", "", " and ", ", "])
_GLUED = re.compile(
    r"(?P<hours>[0-9]{1,3}) ?h(?:r|rs)? ?(?P<min>[0-5]?[0-9]) ?m(?:in|ins)?"
    r"(?: ?(?P<s>[0-5]?[0-9]) ?s(?:ec)?)?(?![A-Za-z0-9])"
    r"|(?P<min2>[0-9]{1,3}) ?m(?:in)? ?(?P<s2>[0-5]?[0-9]) ?s(?:ec)?(?![A-Za-z0-9])"
)


def compound(left: Quantity, right: Quantity, gap: str) -> float | None:
    """The duration that two quantities make together, in the unit of the first; None if none.

    The second must be of a smaller unit and less than one of the larger: `2 h and 90 min` is two.
    """
    if gap not in _GAPS or left.unit not in _NEXT or left.low is None or right.low is None:
        return None
    finest = right.unit if len(left.parts) == 1 else _NEXT.get(_NEXT[left.unit], "")
    follows = right.unit == _NEXT[left.unit] or (len(left.parts) > 1 and right.unit == finest)
    if not follows or not 0 <= right.low < _MOST[right.unit]:
        return None
    if gap in (" and ", ", ") and right.unit in ("s", "ms") and left.unit == "s":
        return None  # "10 s and 200 ms" may be of two systems
    if left.low != int(left.low) and len(left.parts) == 1:
        return None
    added = right.low * _SECONDS[right.unit] / _SECONDS[left.unit]
    return float(f"{left.low + added:.12g}")


def glued_at(text: str, digit: int) -> Quantity | None:
    """Read `1h20min` or `2m30s`: a duration without spaces between a unit and the next number."""
    match = _GLUED.match(text, digit)
    if match is None:
        return None
    found = [
        (name[:-1] if name[-1] == "2" else name, name)
        for name, got in match.groupdict().items()
        if got
    ]
    parts = tuple(
        Number(match.start(group), match.end(group), float(match[group])) for _, group in found
    )
    unit = found[0][0]
    seconds = sum(float(match[group]) * _SECONDS[name] for name, group in found)
    value = float(f"{seconds / _SECONDS[unit]:.12g}")
    span = (parts[-1].end, match.end())
    return Quantity(digit, match.end(), parts, value, value, unit, span)
