"""Number words in plain text ─► atoms: `two`, `half`, `threefold`, `an order of magnitude`.

Knows English number words and the idioms in which they count nothing; knows no digits.
"""

from __future__ import annotations

import re
from functools import cache

from claimgrid.quantities.lexicon import Lexicon, lexicon
from claimgrid.quantities.quantity import Number, Quantity
from claimgrid.quantities.units import unit_at

ORDERS = re.compile(r"[ -]orders?[ -]of[ -]magnitudes?(?![a-z])")
_TO_ORDERS = re.compile(r" to [a-z]{2,5} orders?(?![a-z])")
_ONE_TIME = re.compile(
    r" (?:nanosecond|microsecond|millisecond|second|minute|hour|day|week|month|year)"
    r"(?=[.,;)]| (?:of|per|for|on|to|and|with|using|in|while|at|by|when|even|from)(?![a-z])|\Z)"
)
_BOUNDED = re.compile(
    r"(?:under|within|than|about|around|almost|nearly|roughly|over|below|half) \Z"
)
_MAGNITUDE = re.compile(r"[ -](hundred|thousand|million|billion|trillion)(?![a-z])")
_UNITS_DIGIT = re.compile(r"-(one|two|three|four|five|six|seven|eight|nine)(?![a-z])")
_FRACTION = re.compile(
    r"[ -](halves|(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s?)(?![a-z])"
)
_VAGUE_OF = re.compile(r"(?: of (?:tens|hundreds|thousands|millions|billions|trillions))?")
_SCALE = re.compile(r"[ -](?:scale|class|plus)(?![a-z])")
_BARE_ORDER = re.compile(r"order[ -]of[ -]magnitude(?![a-z])")
_SINGLE = re.compile(r"(?P<article>[Aa]n?|[Oo]ne|[Ss]ub)[ -]\Z")
_NEXT_WORD = re.compile(r"(?P<gap>[ -])(?P<word>[a-z]+)")
_DOUBLE = re.compile(r"[Dd]ouble (?=the|that|its|their|our|any|what)")
_LAST_WORD = re.compile(r"(?P<word>[A-Za-z]+)[ -]\Z")


@cache
def _pattern() -> re.Pattern[str]:
    words = lexicon()
    every = {*words.numbers, *words.multipliers, *words.vague, *words.magnitudes}
    every |= {"half", "order", "quarter", "double", "third"}
    rests: dict[str, list[str]] = {}
    for word in sorted(every, key=lambda word: (-len(word), word)):
        rests.setdefault(word[0], []).append(word[1:])
    # The boundary and the first letter are tested first: few places get as far as the words.
    by_letter = [
        f"[{letter}{letter.upper()}](?:{'|'.join(rest)})" for letter, rest in rests.items()
    ]
    article = rf"[Aa]n?(?={_ONE_TIME.pattern})"
    first = "".join(rests) + "".join(rests).upper()
    return re.compile(
        rf"\b(?=[Aa{first}])(?:" + "|".join([*by_letter, article]) + ")(?![A-Za-z0-9_])"
    )


def word_atoms(text: str) -> list[Quantity]:
    """Every number word of plain text that counts something, in order, without overlap."""
    words = lexicon()
    found: list[Quantity] = []
    end = 0
    for match in _pattern().finditer(text):
        start = match.start()
        if start < end or (start and (text[start - 1].isalnum() or text[start - 1] in "_\\")):
            continue
        atom = _read(text, match, words)
        if atom is not None:
            found.append(atom)
            end = atom.end
    return found


def _read(text: str, match: re.Match[str], words: Lexicon) -> Quantity | None:
    word, start, end = match.group().lower(), match.start(), match.end()
    if word in ("a", "an"):
        return _single(text, start, end)
    if word == "order":
        order = _BARE_ORDER.match(text, start)
        return None if order is None else _times(start, order.end(), 10.0)
    if word == "double":
        return _times(start, end, 2.0) if _DOUBLE.match(text, start) else None
    if word in words.multipliers:
        return _times(start, end, words.multipliers[word])
    if word in words.vague:
        end = _vague_end(text, end)
        return _counted(text, Number(start, end, None))
    if word in ("half", "quarter", "third"):
        return _share(text, start, end, word)
    if word in words.magnitudes:
        return _magnitude(text, start, end, word, words)
    return _number(text, start, end, word, words)


def _single(text: str, start: int, end: int) -> Quantity | None:
    """`under a second`, `about an hour`: one unit of time, where a bound shows that it counts."""
    match = _ONE_TIME.match(text, end)
    if match is None or not _BOUNDED.search(text, max(0, start - 14), start):
        return None
    unit = unit_at(text, end)
    if unit is None:
        return None
    part = Number(start, end, 1.0)
    return Quantity(start, unit.end, (part,), 1.0, 1.0, unit.name, (unit.start, unit.end))


def _vague_end(text: str, end: int) -> int:
    match = _VAGUE_OF.match(text, end)
    return match.end() if match else end


def _times(start: int, end: int, value: float) -> Quantity:
    """A word that is a multiplier as a whole."""
    part = Number(start, end, value)
    return Quantity(start, end, (part,), value, value, "x", (start, end))


def _share(text: str, start: int, end: int, word: str) -> Quantity | None:
    """`half the memory`, `half a day`, `a third of`; not `half-precision`, `third party`."""
    before = text[max(0, start - 8) : start].lower()
    following = text[end : end + 1]
    if following == "-" or (word == "third" and not before.endswith(("one ", "one-", " a "))):
        return None
    if word == "third" and not text.startswith((" of ", " the "), end):
        return None
    if word == "half" and before.endswith(("first ", "second ", "other ")):
        return None
    value = 1 / lexicon().fractions[word]
    unit = unit_at(text, end + 2) if text.startswith((" a ", " an "), end) else None
    part = Number(start, end, value)
    if unit is None:
        return Quantity(start, end, (part,), value, value)
    return Quantity(start, unit.end, (part,), value, value, unit.name, (unit.start, unit.end))


def _magnitude(text: str, start: int, end: int, word: str, words: Lexicon) -> Quantity | None:
    """`a million`, `trillion-parameter`; a scale (`billion-scale`) has no value."""
    factor, kind = words.magnitudes[word]
    scale = _SCALE.match(text, end)
    if scale is not None:
        return Quantity(start, end, (Number(start, end, None, kind),), None, None)
    article = _SINGLE.search(text, max(0, start - 4), start)
    if article is None and text[end : end + 1] != "-":
        return None
    return _counted(text, Number(start, end, factor, kind))


def _number(text: str, start: int, end: int, word: str, words: Lexicon) -> Quantity | None:
    value = words.numbers[word]
    unit_digit = _UNITS_DIGIT.match(text, end) if value >= 20 else None
    if unit_digit is not None:
        value, end = value + words.numbers[unit_digit.group(1)], unit_digit.end()
    fraction = _FRACTION.match(text, end) if value < 10 else None
    if fraction is not None:
        share = value / words.fractions[fraction.group(1)]
        part = Number(start, fraction.end(), share)
        return Quantity(start, fraction.end(), (part,), share, share)
    kind = ""
    for _ in range(2):  # "two hundred thousand"
        magnitude = _MAGNITUDE.match(text, end)
        if magnitude is None:
            break
        factor, kind = words.magnitudes[magnitude.group(1)]
        value, end = value * factor, magnitude.end()
    if kind and _SCALE.match(text, end):
        return Quantity(start, end, (Number(start, end, None, kind),), None, None)
    number = Number(start, end, value, kind)
    if not kind and word in ("one", "zero") and _is_idiom(text, start, end, words):
        return None
    return _counted(text, number)


def _is_idiom(text: str, start: int, end: int, words: Lexicon) -> bool:
    """`no one`, `one of`, `zero-shot`: words that count nothing."""
    if end == len(text) or text[end] in ".,;:)'":
        return True
    following = _NEXT_WORD.match(text, end)
    if following is not None and following["gap"] == "-":
        return unit_at(text, end) is None and not ORDERS.match(text, end)
    if following is not None and following["word"] in words.idiom_after:
        return _TO_ORDERS.match(text, end) is None
    before = _LAST_WORD.search(text, max(0, start - 10), start)
    return before is not None and before["word"].lower() in words.idiom_before


def _counted(text: str, number: Number) -> Quantity:
    """The atom of a number with the unit that follows it."""
    orders = ORDERS.match(text, number.end)
    if orders is not None and number.value is not None and number.value < 100:
        value = 10.0**number.value
        span = (number.end + 1, orders.end())
        return Quantity(number.start, orders.end(), (number,), value, value, "x", span)
    unit = unit_at(text, number.end)
    if unit is None:
        return Quantity(number.start, number.end, (number,), number.value, number.value)
    span = (unit.start, unit.end)
    return Quantity(number.start, unit.end, (number,), number.value, number.value, unit.name, span)
