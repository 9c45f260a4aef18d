"""Tells a `$` that opens math from a `$` that is money."""

from __future__ import annotations

import re

LONGEST_MATH = 400
_TEXT_ARGUMENT = re.compile(r"\\(?:text|mathrm|textrm|mbox)[a-z]{0,2}\{[^{}]{0,80}\}")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[a-z]{2,}[,;.]? ")
_CUT_SHORT = re.compile(r"[-–—/,;:(→~][ \n]*\Z")


def closing_dollar(text: str, start: int) -> int:
    """Where the math closes that opens at `start`, or -1 if this `$` is money.

    TeX and prices share the sign. A group that holds prose ("$5 and $7"), or starts with a digit
    and is cut short by the next sign ("$5-$7"), is two prices.
    """
    close = text.find("$", start + 1, start + LONGEST_MATH)
    while close > 0 and text[close - 1] == "\\":
        close = text.find("$", close + 1, start + LONGEST_MATH)
    if close <= start + 1:
        return -1
    content = text[start + 1 : close]
    if "\\" in content:
        content = _TEXT_ARGUMENT.sub("T", content)
    if _PROSE.search(content) or "\n\n" in content:
        return -1
    if content[:1].isdigit() and _CUT_SHORT.search(content[-8:]):
        return -1
    return close
