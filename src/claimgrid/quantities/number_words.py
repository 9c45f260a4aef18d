"""Reads number words of plain text: `two`, `one hundred and fifty`, `half`, `threefold`.

Words that count nothing (`no one`, `zero-shot`, `third party`) are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from claimgrid.quantities.cardinals import cardinal_at, magnitude_at, mixed_at, share_word_at
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
    r"(?:under|within|than|about|around|almost|nearly|roughly|over|below|half|up to|upto) \Z"
)
_VAGUE_OF = re.compile(r"(?: of (?:tens|hundreds|thousands|millions|billions|trillions))?")
_SCALE = re.compile(r"[ -](?:scale|class)(?![a-z])")
_PLUS = re.compile(r"-plus(?![a-z])")
_ROUGHLY = re.compile(r"-(?:odd|something|ish)(?![a-z])")
_BARE_ORDER = re.compile(r"orders?[ -]of[ -]magnitude(?![a-z])")
_SINGLE = re.compile(r"(?P<article>[Aa]n?|[Oo]ne|[Ss]ub)[ -]\Z")
_VAGUE_BEFORE = re.compile(
    r"(?P<word>(?:an? )?(?:few|couple(?: of)?)|several|many|multiple|multi)[ -]\Z", re.I
)
_NEXT_WORD = re.compile(r"(?P<gap>[ -])(?P<word>[a-z]+)")
_DOUBLE = re.compile(
    r"(?:double|triple|quadruple)(?=(?: (?:the|that|its|their|our|any|what|as|throughput|speed)"
    r"(?![a-z]))|[.,;)]|\Z)",
    re.I,
)
_DOUBLES = {"double": 2.0, "triple": 3.0, "quadruple": 4.0}
_DIGIT = re.compile(r"\d")
_LAST_WORD = re.compile(r"(?P<word>[A-Za-z]+)[ -]\Z")
_SHARE_END = re.compile(
    r"(?:[.,;:)]|\Z| (?:of|the|as|its|their|our|that|again|less|fewer|lower|smaller|shorter"
    r"|cheaper|more|higher|faster|slower|larger|bigger|better|worse|on|in|for|with|while|when|and"
    r"|to|compared|relative|over|at|reduction|cut|decrease|saving|increase|drop|gain|speed-?up)"
    r"(?![a-z]))"
)
_OF_SHARE = re.compile(r"(?:[.,;:)]|\Z| (?:of|the|as|less|fewer|lower|more|faster|again)(?![a-z]))")
_AGAIN = re.compile(r" (?:as (?:much|many|fast) )?again(?![a-z])")
_ONE_SHARE = re.compile(r"(?:^|[ (])(?:a|an|one|by|to|in)[ -]\Z", re.I)
_ORDINAL = re.compile(r"(?:first|second|other|the|latter) \Z", re.I)
_FOLD = re.compile(r"(?P<number>[a-z]+)fold(?![a-z])", re.I)


@cache
def _pattern() -> re.Pattern[str]:
    words = lexicon()
    every = {*words.numbers, *words.multipliers, *words.vague, *words.magnitudes, *_DOUBLES}
    every |= {*words.fractions, "half", "order", "orders"}
    rests: dict[str, list[str]] = {}
    for word in sorted(every, key=lambda word: (-len(word), word)):
        rests.setdefault(word[0], []).append(word[1:])
    # The boundary and the first letter are tested first: few places get as far as the words.
    by_letter = [
        f"[{letter}{letter.upper()}](?:{'|'.join(rest)})" for letter, rest in rests.items()
    ]
    article = rf"[Aa]n?(?={_ONE_TIME.pattern})"
    first = "".join(rests) + "".join(rests).upper()
    folds = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|eleven|twelve|fifteen)fold"
    return re.compile(
        rf"\b(?=[Aa{first}])(?:" + "|".join([folds, *by_letter, article]) + ")(?![A-Za-z0-9_])",
    )


def has_number(text: str) -> bool:
    """Whether plain text has a digit or a number word; a quick test before it is lexed."""
    return _DIGIT.search(text) is not None or _pattern().search(text) is not None


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
        if atom is not None and (not found or atom.start >= found[-1].end):
            found.append(atom)
            end = atom.end
    return found


def _read(text: str, match: re.Match[str], words: Lexicon) -> Quantity | None:
    word, start, end = match.group().lower(), match.start(), match.end()
    if word in ("a", "an"):
        return _single(text, start, end)
    if word in ("order", "orders"):
        order = _BARE_ORDER.match(text, start)
        value = 10.0 if word == "order" else None
        return None if order is None else _times(start, order.end(), value)
    if word in _DOUBLES:
        return _times(start, end, _DOUBLES[word]) if _DOUBLE.match(text, start) else None
    if word in words.multipliers and not text.startswith(" of ", end):
        return _times(start, end, words.multipliers[word])
    if word.endswith("fold"):
        return _times(start, end, words.numbers[word.removesuffix("fold")])
    if word in words.vague:
        return _counted(text, Number(start, _vague_end(text, end), None))
    if word in words.fractions:
        return _share(text, start, end, word)
    if word in words.magnitudes:
        return _magnitude(text, start, end, word, words)
    return _number(text, start, words)


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


def _times(start: int, end: int, value: float | None) -> Quantity:
    """A word that is a multiplier as a whole."""
    part = Number(start, end, value)
    return Quantity(start, end, (part,), value, value, "x", (start, end))


def _share(text: str, start: int, end: int, word: str) -> Quantity | None:
    """`half the memory`, `half a day`, `a third of`, `half a million`; not `third party`."""
    before = text[max(0, start - 8) : start]
    if text[end : end + 1] == "-" and not magnitude_at(text, end, of=True):
        return None
    if _ORDINAL.search(before):
        return None
    value, kind = 1 / lexicon().fractions[word], ""
    whole = magnitude_at(text, end, of=True)
    if whole is not None:
        value, end, kind = value * whole.factor, whole.end, whole.kind
        return _counted(text, Number(start, end, value, kind))
    again = _AGAIN.match(text, end)
    if again is not None:
        return _times(start, again.end(), 1 + value)
    unit = unit_at(text, end + 2) if text.startswith((" a ", " an "), end) else None
    part = Number(start, end, value)
    if unit is not None:
        return Quantity(start, unit.end, (part,), value, value, unit.name, (unit.start, unit.end))
    if word not in ("half", "quarter") and not _ONE_SHARE.search(before):
        return None
    ends = _SHARE_END if word in ("half", "third", "quarter", "fifth", "tenth") else _OF_SHARE
    if word != "half" and not ends.match(text, end):
        return None
    return Quantity(start, end, (part,), value, value)


def _magnitude(text: str, start: int, end: int, word: str, words: Lexicon) -> Quantity | None:
    """`a million`, `a hundred and fifty`, `trillion-parameter`; a scale has no value."""
    factor, kind = words.magnitudes[word]
    scale = _SCALE.match(text, end)
    if scale is not None:
        return Quantity(start, end, (Number(start, end, None, kind),), None, None)
    plus = _PLUS.match(text, end)
    if plus is not None:  # "trillion-plus parameters": a trillion at least
        part = Number(start, plus.end(), factor, kind)
        atom = Quantity(start, plus.end(), (part,), factor, factor, bound="at_least")
        return replace(atom, bound_span=(end, plus.end()))
    vague = _VAGUE_BEFORE.search(text, max(0, start - 14), start)
    if vague is not None:
        return _counted(text, Number(vague.start(), end, None, kind))
    article = _SINGLE.search(text, max(0, start - 4), start)
    if article is None and text[end : end + 1] != "-":
        return None
    read = cardinal_at(text, start)
    if read is not None and article is not None:
        return _counted(text, Number(start, read.end, read.value, read.kind))
    return _counted(text, Number(start, end, factor, kind))


def _number(text: str, start: int, words: Lexicon) -> Quantity | None:
    read = cardinal_at(text, start)
    if read is None:
        return None
    value, end, kind = read.value, read.end, read.kind
    rough = _ROUGHLY.match(text, end)
    if rough is not None or (kind and _SCALE.match(text, end)):
        end = rough.end() if rough else end
        return Quantity(start, end, (Number(start, end, None, kind),), None, None)
    mixed = mixed_at(text, end, value)
    share = share_word_at(text, end) if mixed is None and not kind else None
    if mixed is not None:
        value, end, kind = mixed.value, mixed.end, mixed.kind
    elif share is not None:
        value, end, kind = value * share.value, share.end, share.kind
        again = _AGAIN.match(text, end)
        if again is not None:
            return _times(start, again.end(), 1 + value)
        part = Number(start, end, value, kind)
        return _counted(text, part) if kind else Quantity(start, end, (part,), value, value)
    elif (
        not kind
        and text[start:end].lower() in ("one", "zero")
        and _is_idiom(text, start, end, words)
    ):
        return None
    return _counted(text, Number(start, end, value, kind))


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
    if orders is not None and (number.value is None or number.value < 100):
        value = None if number.value is None else 10.0**number.value
        span = (number.end + 1, orders.end())
        return Quantity(number.start, orders.end(), (number,), value, value, "x", span)
    unit = unit_at(text, number.end)
    if unit is None:
        return Quantity(number.start, number.end, (number,), number.value, number.value)
    span = (unit.start, unit.end)
    return Quantity(number.start, unit.end, (number,), number.value, number.value, unit.name, span)
