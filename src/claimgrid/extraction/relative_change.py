"""Turns the number of a speedup claim into its improvement factor, or says why it gives none."""

from __future__ import annotations

import re
from typing import NamedTuple

from claimgrid.quantities.ratios import Change, ratio
from claimgrid.quantities.values import Reading
from claimgrid.types.claim import Span
from claimgrid.types.reply import SpeedupItem

_NEAR = 60
_BECOMES = re.compile(
    r"(?<![a-z])to (?:(?:about|around|roughly|nearly|only|just|under|below|less than|approximately"
    r"|almost|an?|[~≈]) ?)*\Z",
    re.I,
)
_TAKES_AWAY = re.compile(
    r"(?<![a-z])(?:cut|reduc|sav|eliminat|remov|lower|decreas|drop|skip|prun|trim|shrink|shed|avoid"
    r"|los|discard)[a-z]*",
    re.I,
)
_OF = re.compile(r"\s+(?:of|the|as|its|their|that|what)\b", re.I)
_LESS = re.compile(
    r"\s+(?:less|fewer|lower|smaller|shorter|cheaper|reduction|cut|decrease|savings?|drop)\b", re.I
)
_SHARES = re.compile(
    r"\b(?:MFU|HFU|MBU|utili[sz]ation|accuracy|occupancy|(?:CPU|GPU|core|device) usage"
    r"|(?:hit|miss|success|acceptance|win|error|pass)[ -]rates?|recall|precision"
    r"|(?:scaling|parallel) efficiency)\b",
    re.I,
)
_RELATIVE = re.compile(r"\brelativ(?:e|ely)\b", re.I)
_SHARE_METRICS = frozenset(["efficiency", "speed", "compute", "communication"])


class RelativeChange(NamedTuple):
    """The factor (low, high) with the unit that the value is written in.

    `factor` is None where a percent change of a share may as well be points.
    """

    factor: tuple[float, float] | None
    unit: str


def relative_change(
    item: SpeedupItem, reading: Reading, text: str, quote: Span
) -> RelativeChange | str:
    """The improvement factor that a reading makes, or the reason code for which it makes none.

    A fraction under "up" or "down" is a share of one: "a third less" leaves two thirds.
    """
    if item.change == "from_to":
        found = ratio(reading.ends, reading.unit, "from_to", better=item.better)
        return "no_ratio" if found is None else RelativeChange(found, reading.unit or "score")
    unit, ends, change = reading.unit, reading.ends, _change(item.change, reading, text)
    if unit not in ("x", "%"):
        # "one third of the tokens" is a share; "16 GB" is none, whatever the model calls it.
        share = _is_fraction(reading)
        if unit and not (change == "of" and any(end < 1 for end in ends)):
            return "not_relative"
        if not unit and change != "of" and any(end < 1 for end in ends) and not share:
            return "not_relative"  # "improves by 0.3": neither a factor nor a share
        if share and change != "of":
            found = ratio(tuple(100 * end for end in ends), "%", change, better=item.better)
            return "no_ratio" if found is None else RelativeChange(found, "x")
        unit = "x"
    if unit == "%" and change != "of" and _is_of_share(item, reading, text, quote):
        return RelativeChange(None, unit)
    found = ratio(ends, unit, change, better=item.better)
    return "no_ratio" if found is None else RelativeChange(found, unit)


def _is_fraction(reading: Reading) -> bool:
    """Whether the number was written as a fraction (`1/3`, `two thirds`, `½`) below one."""
    below = bool(reading.ends) and all(0 < end < 1 for end in reading.ends)
    return below and "." not in reading.text


def _change(change: Change, reading: Reading, text: str) -> Change:
    """The change that the words around a fraction say, where the label says another."""
    if not _is_fraction(reading) or reading.unit:
        return change
    before = text[max(0, reading.span.start - _NEAR) : reading.span.start]
    after = text[reading.span.end : reading.span.end + 20]
    if change == "down":
        if _BECOMES.search(before):
            return "of"
        if _OF.match(after) and not _TAKES_AWAY.search(before):
            return "of"
    return "down" if change == "of" and _LESS.match(after) else change


def _is_of_share(item: SpeedupItem, reading: Reading, text: str, quote: Span) -> bool:
    """Whether a percent change is of a quantity that is itself a share, and not called relative."""
    words = text[quote.start : quote.end]
    if _RELATIVE.search(words):
        return False
    if item.metric == "utilization":
        return _SHARES.search(words) is not None
    low = max(quote.start, reading.span.start - _NEAR)
    near = text[low : min(quote.end, reading.span.end + 30)]
    return item.metric in _SHARE_METRICS and _SHARES.search(near) is not None
