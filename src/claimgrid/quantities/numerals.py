"""A digit in plain text ─► the numeral that starts there: separators, powers, magnitudes.

Knows how one number is written; knows nothing of signs, units or names.
"""

from __future__ import annotations

import re

from claimgrid.quantities.lexicon import FACTORS, lexicon
from claimgrid.quantities.quantity import Number

NUMERAL = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?")
_POWER = re.compile(
    r" ?[×xX*·] ?(?:10\^ ?\(?(?P<caret>[-−+]?[0-9]{1,3})\)?|10(?P<flat>[-−][0-9]{1,2})"
    r"|2\^(?P<binary>[0-9]{1,3}))(?!\.?[0-9])"
)
_EXPONENT = re.compile(r"[eE](?P<power>[-−+]?[0-9]{1,3})(?![A-Za-z0-9]|\.[0-9])")
_CARET = re.compile(r"\^ ?(?P<power>[-−+]?[0-9]{1,3})(?![0-9])")
_SUFFIX = re.compile(r"(?P<letter>[KkMBbT])(?![A-Za-z0-9_]|\.[0-9])|(?P<other>[KkMB])(?=[x×][0-9])")
_WORD = re.compile(r"[ -]?(?P<word>hundred|thousand|million|billion|trillion|bn|mn)(?![A-Za-z])")
_SPACED = re.compile(
    r" (?:(?P<noun>[Kk])(?= [a-z]{3})|(?P<letter>[MBT])(?![A-Za-z0-9/-]))(?! [A-Z])"
)
PREFIXED = re.compile(
    r" ?(?P<letter>[KMGTPE]) (?P<word>FLOPs?|FLOPS|MACs?|OPs|OPS|ops)(?:/s)?(?![A-Za-z0-9])"
)
"""A letter that belongs to the unit of operations after it: `1.0G FLOPs`."""
_SHORT_WORDS = {"bn": "billion", "mn": "million"}


def finite(value: float) -> float | None:
    """The value, or None where it is too large to be a number that anyone means."""
    return value if -1e300 < value < 1e300 else None


def numeral_at(text: str, start: int, digit: int) -> tuple[Number, int]:
    """The numeral whose first digit is at `digit`, with power, exponent and magnitude."""
    match = NUMERAL.match(text, digit)
    end = match.end() if match else digit + 1
    literal = text[start:end].replace(",", "")
    value = float(literal)
    power = _POWER.match(text, end) or _EXPONENT.match(text, end)
    if power is not None:
        return Number(start, power.end(), _scaled(literal, power.groupdict())), power.end()
    caret = _CARET.match(text, end)
    if caret is not None:
        return Number(start, caret.end(), _raised(value, caret["power"])), caret.end()
    suffix = _SUFFIX.match(text, end)
    if suffix is not None and not PREFIXED.match(text, end):
        letter = suffix.group().lower()
        end = suffix.end()
        return Number(start, end, finite(value * FACTORS[letter]), letter), end
    word = _WORD.match(text, end)
    if word is not None:
        name = _SHORT_WORDS.get(word["word"], word["word"])
        factor, kind = lexicon().magnitudes[name]
        return Number(start, word.end(), finite(value * factor), kind), word.end()
    spaced = _SPACED.match(text, end)
    if spaced is not None and not PREFIXED.match(text, end):
        letter = (spaced["noun"] or spaced["letter"]).lower()
        end = end + 2
        return Number(start, end, finite(value * FACTORS[letter]), letter), end
    return Number(start, end, finite(value), ""), end


def _scaled(literal: str, groups: dict[str, str | None]) -> float | None:
    """The numeral times its power of ten or two, read as one literal so that nothing is rounded."""
    binary = groups.get("binary")
    if binary:
        return finite(float(literal) * 2.0 ** int(binary))
    power = next(group for group in groups.values() if group)
    return finite(float(f"{literal}e{power.replace('−', '-')}"))


def _raised(base: float, exponent: str) -> float | None:
    power = int(exponent.replace("−", "-"))
    if base <= 0 or base > 1e6 or (abs(power) > 50 and base > 1e5):
        return None
    try:
        return finite(base**power)
    except OverflowError:
        return None
