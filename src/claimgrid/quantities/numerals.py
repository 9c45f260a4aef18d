"""Reads the numeral that starts at a digit: separators, fractions, powers, magnitudes.

One number may be written `1,000`, `1 000`, `1'000`, `12,5`, `81.2(3)`, `2 1/2`, `1.2e3` or
`2.5 × 10^6`. Signs and units are read elsewhere.
"""

from __future__ import annotations

import re
from decimal import Decimal

from claimgrid.quantities.lexicon import FACTORS, MAGNITUDES, lexicon
from claimgrid.quantities.quantity import Number

_GROUPED = (
    r"[0-9]{1,3}(?:,[0-9]{3})+(?!,?[0-9])"  # 1,000,000
    r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?!,?[0-9])"  # 1,20,000
    r"|[0-9]{1,3}(?:'[0-9]{3})+(?![0-9])"  # 40'000
    r"|[0-9]{1,3}(?:_[0-9]{3})+(?![0-9_])"  # 40_000
    r"|(?!0)[0-9]{1,3}(?: [0-9]{3})+"  # 40 000
    r"(?![0-9]|[,/-][0-9]| ?%|[KkMBbT](?![A-Za-z])| [0-9]{3})"
)
NUMERAL = re.compile(rf"(?:{_GROUPED}|[0-9]+)(?:\.[0-9]+)?")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?(?![0-9]|[.,'_ ][0-9])")
"""A numeral without separators, as most are: none of the forms above has to be tried."""
_POINT_GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}(?![0-9,])")  # 1.234,5
_DECIMAL_COMMA = re.compile(r"(?P<whole>[0-9]{1,4}),(?P<decimals>[0-9]{1,3})(?!,?[0-9]|\.[0-9])")
_AFTER_COMMA = re.compile(
    rf" ?(?:%|[x×](?![A-Za-z0-9])|[kKMBbT](?![A-Za-z])|(?:percent|times|{MAGNITUDES}|dozen"
    r"|bn|mn|points?)(?![a-z])|[µnmup]?s(?![A-Za-z])|[KMGT]i?B(?![A-Za-z])|[MG]Hz"
    r"|[mk]?[WJ](?![A-Za-z])|[A-Za-z]+/|dB|FPS|fps|hours?|minutes?|seconds?|days?|h(?![a-z]))"
)
"""What shows that a comma before one or two digits is a decimal one; a list has none of it."""
_ERROR = re.compile(r"\([0-9]{1,3}\)(?![A-Za-z0-9])")
_TEN = r" ?(?:[×xX*·]|times) ?10(?:\^|\*\*) ?\(?(?P<caret>[-−+]?[0-9]{1,3})\)?"
_POWER = re.compile(
    rf"(?:{_TEN}| ?[×xX*·] ?(?:10(?P<flat>[-−][0-9]{{1,2}})|2\^(?P<binary>[0-9]{{1,3}})))"
    r"(?!\.?[0-9])"
)
_ERROR_POWER = re.compile(rf" ?(?:±|\+/-|\+-) ?[0-9]+(?:\.[0-9]+)?\)?{_TEN}(?!\.?[0-9])")
_EXPONENT = re.compile(r"[eE](?P<power>[-−+]?[0-9]{1,3})(?![A-Za-z0-9]|\.[0-9])")
_TIMES_EXPONENT = re.compile(r"[eE](?P<power>[-−+]?[0-9]{1,3})(?=[x×%](?![A-Za-z0-9]))")
_CARET = re.compile(r"(?:\^|\*\*) ?(?P<power>[-−+]?[0-9]{1,3})(?![0-9])")
_SUFFIX = re.compile(r"(?P<letter>[KkMBbT])(?![A-Za-z0-9_]|\.[0-9])|(?P<other>[KkMB])(?=[x×][0-9])")
_WORD = re.compile(
    rf"[ -]?(?P<word>{MAGNITUDES}|dozen|billon|bilion|bn|mn|bln|mln|tn|trn)(?![A-Za-z])", re.I
)
_SPACED = re.compile(
    r" (?:(?P<noun>[Kk])(?= [a-z]{3}| [A-Z][A-Za-z]*[0-9])|(?P<letter>[MBT])(?![A-Za-z0-9/-]))"
    r"(?! [A-Z](?![A-Za-z]*[0-9]))"
)
_MIXED = re.compile(r" (?P<top>[1-9])/(?P<bottom>[1-9][0-9]?)(?![0-9/.A-Za-z])")
_AND_SHARE = re.compile(
    r"[ -]and[ -](?:an?|one)[ -](?P<share>half|quarter|third|fifth|tenth)(?![a-z])"
)
_FRACTION = re.compile(
    r"(?P<top>[0-9]{1,3})/(?P<bottom>[1-9][0-9]{0,6})(?P<order>ths?|rds?|nds?|st)?"
    r"(?![0-9/,'-]|\.[0-9]|[A-Za-wyz]|x[A-Za-z0-9])"
)
_SHARED = re.compile(
    r" (?:of|the|as|its|their|that|a[ -]|an |less|fewer|lower|smaller|shorter|cheaper|more|higher"
    r"|faster|slower|larger|bigger|reduction|cut|decrease|saving|increase|drop|million|billion"
    r"|trillion|quadrillion|quintillion|lakh|crore|thousand)"
)
_SHARE_BEFORE = re.compile(r"(?:by|to|just|only|about|around|nearly|roughly|with|a|at) [~≈]?\Z")
_OF_MAGNITUDE = re.compile(rf" (?:of )?(?:an? )?(?P<word>{MAGNITUDES})(?![A-Za-z])")
PREFIXED = re.compile(
    r" ?(?P<letter>[KMGTPE]) (?P<word>FLOPs?|FLOPS|MACs?|OPs|OPS|ops)(?:/s)?(?![A-Za-z0-9])"
)
"""A letter that belongs to the unit of operations after it: `1.0G FLOPs`."""
_SHORT_WORDS = {
    "bn": "billion", "bln": "billion", "billon": "billion", "bilion": "billion", "mn": "million",
    "mln": "million", "tn": "trillion", "trn": "trillion",
}  # fmt: skip


def finite(value: float) -> float | None:
    """The value, or None where it is too large to be a number that anyone means."""
    return value if -1e300 < value < 1e300 else None


def scaled(value: float, factor: float) -> float:
    """The product as a person would write it: 1.1 and a billion give 1,100,000,000 exactly."""
    return float(Decimal(repr(value)) * int(factor)) if value < 1e300 else value


def fraction_at(text: str, digit: int, floor: int) -> Number | None:
    """Read `3/4` at a digit where it is a share and no list, date or model pair; None otherwise."""
    match = _FRACTION.match(text, digit)
    if match is None or text[max(floor, digit - 1) : digit] == "/":
        return None
    top, bottom, end = int(match["top"]), int(match["bottom"]), match.end()
    if not 0 < top < bottom or text[end : end + 1] == "%":
        return None
    told = match["order"] or top == 1 or text[end : end + 1] == "x"
    if not told and bottom <= 12:
        told = _SHARED.match(text, end) or _SHARE_BEFORE.search(text, max(floor, digit - 9), digit)
    if not told:
        return None
    value, kind = top / bottom, ""
    magnitude = _OF_MAGNITUDE.match(text, end)
    if magnitude is not None:
        factor, kind = lexicon().magnitudes[magnitude["word"]]
        value, end = scaled(value, factor), magnitude.end()
    return Number(digit, end, value, kind)


# Characters after which a numeral has no power, error, share or magnitude. "" is the end.
_NOTHING_MORE = frozenset(["", "%", ",", ".", ";", ":", ")", "]", "/"])
_NOTHING_MORE_WORD = re.compile(
    r" (?:[e-gijnopr-suvwyzE-GIJNOPRSUVWYZ]|[cCdDlLqQ](?!rore|ozen|akh|uadri|uinti))"
)
"""Most words that may follow have another first letter than those of powers and magnitudes."""


def numeral_at(text: str, start: int, digit: int) -> tuple[Number, int]:
    """The numeral whose first digit is at `digit`, with power, exponent and magnitude."""
    literal, end = _literal(text, start, digit)
    value = float(literal)
    if text[end : end + 1] in _NOTHING_MORE or _NOTHING_MORE_WORD.match(text, end):
        return Number(start, end, finite(value), ""), end
    power = (
        _POWER.match(text, end)
        or _EXPONENT.match(text, end)
        or _TIMES_EXPONENT.match(text, end)
        or _ERROR_POWER.match(text, end)
    )
    if power is not None:
        return Number(start, power.end(), _raised_ten(literal, power.groupdict())), power.end()
    caret = _CARET.match(text, end)
    if caret is not None:
        return Number(start, caret.end(), _raised(value, caret["power"])), caret.end()
    error = _ERROR.match(text, end) if "." in literal else None
    end = error.end() if error is not None else end
    mixed = _MIXED.match(text, end) if "." not in literal else None
    if mixed is not None and int(mixed["top"]) < int(mixed["bottom"]):
        value, end = value + int(mixed["top"]) / int(mixed["bottom"]), mixed.end()
    half = _AND_SHARE.match(text, end)
    if half is not None:
        value, end = value + 1 / lexicon().fractions[half["share"]], half.end()
    return _with_magnitude(text, start, end, value)


def _literal(text: str, start: int, digit: int) -> tuple[str, int]:
    """The digits of a numeral as a literal of Python, and where they end."""
    plain = _PLAIN.match(text, digit)
    if plain is not None:
        return text[start : plain.end()], plain.end()
    grouped = _POINT_GROUPED.match(text, digit)
    if grouped is not None:
        return grouped.group().replace(".", "").replace(",", "."), grouped.end()
    comma = _DECIMAL_COMMA.match(text, digit) if text[digit - 1 : digit] != "," else None
    if comma is not None:
        zero = comma["whole"] == "0"
        few = len(comma["decimals"]) < 3 and _AFTER_COMMA.match(text, comma.end())
        if zero or few:
            return f"{comma['whole']}.{comma['decimals']}", comma.end()
    match = NUMERAL.match(text, digit)
    end = match.end() if match else digit + 1
    return re.sub(r"[,' _]", "", text[start:end]), end


def _with_magnitude(text: str, start: int, end: int, value: float) -> tuple[Number, int]:
    """The numeral with the letter or the words of magnitude that follow it."""
    suffix = _SUFFIX.match(text, end)
    if suffix is not None and not PREFIXED.match(text, end):
        letter = suffix.group().lower()
        end = suffix.end()
        return Number(start, end, finite(scaled(value, FACTORS[letter])), letter), end
    kind, word = "", _WORD.match(text, end)
    while word is not None and not kind:  # "3 hundred thousand"
        name = word["word"].lower()
        factor, kind = lexicon().magnitudes[_SHORT_WORDS.get(name, name)]
        value, end = scaled(value, factor), word.end()
        word = _WORD.match(text, end)
    if text[end - 1 : end].isalpha():
        return Number(start, end, finite(value), kind), end
    spaced = _SPACED.match(text, end)
    if spaced is not None and not PREFIXED.match(text, end):
        letter = (spaced["noun"] or spaced["letter"]).lower()
        end = end + 2
        return Number(start, end, finite(scaled(value, FACTORS[letter])), letter), end
    return Number(start, end, finite(value), ""), end


def _raised_ten(literal: str, groups: dict[str, str | None]) -> float | None:
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
