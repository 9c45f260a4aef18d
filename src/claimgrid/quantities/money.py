"""Reads the currency that stands before a number: `$5`, `US$ 5`, `EUR 5`."""

from __future__ import annotations

import re
from typing import NamedTuple

from claimgrid.quantities.unit_table import unit_table

CURRENCIES = frozenset(["usd", "eur", "gbp", "jpy", "cny", "inr", "krw", "chf", "¥"])
_SIGNS = "$€£¥₹₩"
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<sign>(?:[A-Z]{1,2})?\$|[€£¥₹₩]|USD|EUR|GBP|JPY|CNY|RMB|INR|CHF) ?\Z"
)
_CODE_ENDS = frozenset("DRPYBF")
_YUAN = re.compile(r"RMB|CNY|[Yy]uan|[Rr]enminbi|Chin(?:a|ese)")
_YEN = re.compile(r"JPY|(?<![A-Za-z])yen(?![a-z])|Japan")


class Money(NamedTuple):
    """A currency and the place of its sign."""

    unit: str
    start: int
    end: int


def money_before(text: str, start: int, floor: int) -> Money | None:
    """The currency whose sign or code ends directly before `start`."""
    last = text[start - 1 : start]
    if last == " ":
        last = text[start - 2 : start - 1]
    if not last or (last not in _SIGNS and last not in _CODE_ENDS):
        return None
    match = _CODE.search(text, max(floor, start - 5), start)
    if match is None:
        return None
    sign = match["sign"]
    unit = unit_table().symbols.get(sign, sign.lower())
    return Money(unit, match.start("sign"), match.end("sign"))


def yen_or_yuan(text: str) -> str:
    """Which currency a `¥` is in a text; the sign itself where the text does not say."""
    yuan, yen = _YUAN.search(text), _YEN.search(text)
    if bool(yuan) == bool(yen):
        return "¥"
    return "cny" if yuan else "jpy"
