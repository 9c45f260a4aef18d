"""Reads numbers that are written out in words: `one hundred and seventy-five billion`."""

from __future__ import annotations

import re
from typing import NamedTuple

from claimgrid.quantities.lexicon import MAGNITUDES, lexicon

_WORD = re.compile(r"(?P<gap>[ -]|)(?P<and>and[ -])?(?P<word>[A-Za-z]+)(?![A-Za-z0-9])")
_FRACTION_WORDS = (
    "half|halves|(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twentieth"
    "|hundredth|thousandth)s?"
)
_MIXED = re.compile(
    r"[ -]and[ -](?:(?P<top>an?|one|two|three|four|five)[ -])"
    rf"(?P<share>{_FRACTION_WORDS})(?![a-z])",
    re.I,
)
_SHARE = re.compile(rf"[ -](?P<share>{_FRACTION_WORDS})(?![a-z])", re.I)
_NO_SHARE = re.compile(
    r"[ -](?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)[ -](?:party|person"
    r"|generation|grade|floor|order)(?![a-z])"
)
_MAGNITUDE = re.compile(
    r"[ -](?:(?P<of>of )?(?P<article>an?[ -])?)"
    rf"(?P<word>{MAGNITUDES}|dozen)(?![A-Za-z])",
    re.I,
)
_POINT = re.compile(
    r" point(?P<digits>(?: (?:zero|oh|one|two|three|four|five|six|seven|eight|nine)){1,6})(?![a-z])"
)


class WordNumber(NamedTuple):
    """A number in words: its value, where its words end, and the class of its magnitude."""

    value: float
    end: int
    kind: str


class Magnitude(NamedTuple):
    """A word of magnitude: what it multiplies by, where it ends, its class."""

    factor: float
    end: int
    kind: str


def cardinal_at(text: str, start: int) -> WordNumber | None:
    """The whole number that starts at `start`: units, tens, hundreds and magnitudes in order.

    `five six` is two numbers, and so is `one hundred and two hundred`.
    """
    numbers, magnitudes = lexicon().numbers, lexicon().magnitudes
    total, current, room, end = 0.0, None, 1e21, start
    kind, position = "", start
    while (match := _WORD.match(text, position)) is not None:
        word = match["word"].lower()
        first = position == start
        if bool(match["gap"]) == first or (match["and"] and (first or not total + (current or 0))):
            break
        if word in numbers:
            value = numbers[word]
            if not _fits(current, value, match, total):
                break
            if match["and"] and _counts_on(text, match.end()):
                break
            current = (current or 0) + value
        elif word in magnitudes and not match["and"]:
            factor, class_ = magnitudes[word]
            if factor <= 100:
                if current is not None and not 0 < current < 100:
                    break
                current = (1 if current is None else current) * factor
            elif (current or first) and factor < room:
                total += (1 if current is None else current) * factor
                current, room, kind = None, factor, class_
            else:
                break
        else:
            break
        position = end = match.end()
    if end == start:
        return None
    value = total + (current or 0)
    point = _POINT.match(text, end) if not kind else None
    if point is not None:
        digits = "".join(str(int(numbers.get(word, 0))) for word in point["digits"].split())
        return _magnified(text, WordNumber(float(f"{value:.0f}.{digits}"), point.end(), ""))
    return WordNumber(value, end, kind)


def _fits(current: float | None, value: float, match: re.Match[str], total: float) -> bool:
    """Whether a number word continues the number so far: `twenty-five`, `hundred fifty`."""
    if current is None:
        return not total or bool(match["gap"])
    if match["and"] or current % 100 == 0:
        return current >= 100 and current % 100 == 0 and 0 < value < 100
    return current % 100 >= 20 and current % 10 == 0 and 0 < value < 10


def _counts_on(text: str, end: int) -> bool:
    """Whether a second number continues: the `two` of `one hundred and two hundred`."""
    match = _WORD.match(text, end)
    return match is not None and match["word"].lower() in ("hundred", "dozen")


def _magnified(text: str, number: WordNumber) -> WordNumber:
    magnitude = magnitude_at(text, number.end, of=False)
    if magnitude is None:
        return number
    return WordNumber(number.value * magnitude.factor, magnitude.end, magnitude.kind)


def magnitude_at(text: str, end: int, *, of: bool) -> Magnitude | None:
    """The magnitude after a number or a share; with `of`, also `half a million`."""
    match = _MAGNITUDE.match(text, end)
    if match is None or (not of and (match["of"] or match["article"])):
        return None
    if match["of"] and not match["article"]:
        return None
    factor, kind = lexicon().magnitudes[match["word"].lower()]
    return Magnitude(factor, match.end(), kind)


def mixed_at(text: str, end: int, whole: float) -> WordNumber | None:
    """Read `and a half` after a whole number, with the magnitude after it."""
    match = _MIXED.match(text, end)
    if match is None:
        return None
    top = lexicon().numbers.get(match["top"].lower(), 1.0)
    value = whole + top / lexicon().fractions[match["share"].lower()]
    return _magnified(text, WordNumber(value, match.end(), ""))


def share_word_at(text: str, end: int) -> WordNumber | None:
    """The `thirds` of `two thirds` as a share of one, with the magnitude that it is a share of."""
    match = _SHARE.match(text, end)
    if match is None or _NO_SHARE.match(text, end):
        return None
    share = WordNumber(1 / lexicon().fractions[match["share"].lower()], match.end(), "")
    whole = magnitude_at(text, share.end, of=True)
    if whole is None:
        return share
    return WordNumber(share.value * whole.factor, whole.end, whole.kind)
