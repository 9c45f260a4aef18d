"""Reads how a quantity is bounded, by the words and signs around it."""

from __future__ import annotations

import re
from dataclasses import replace

from claimgrid.quantities.lexicon import lexicon
from claimgrid.quantities.quantity import Quantity, QuantityBound, TextSpan

_STRENGTH: dict[QuantityBound, int] = {
    "up_to": 5, "at_least": 4, "at_most": 4, "average": 3, "about": 2, "exact": 0
}  # fmt: skip
_WINDOW = 48
_SUMMARY_OF = re.compile(
    r"(?<![A-Za-z@-])"
    r"(?P<word>[Aa]verage|[Mm]ean|[Gg]eomean|[Aa]veraged|[Mm]aximum|[Pp]eak|[Mm]inimum)"
    r"(?P<of>(?: [A-Za-z-]+){1,4}) (?:of|by|is|was|reached|reaching|being|=|to|\() ?\Z"
)
"""`average throughput gain of`: what is averaged stands between the cue and the number."""
_SUMMARY_ENDS = tuple(
    word + space
    for word in ("of", "by", "is", "was", "reached", "reaching", "being", "=", "to", "(")
    for space in ("", " ")
)
_METRIC_NAMES = re.compile(r" (?:absolute|squared?|average|percentile|percentage)(?![a-z])")
"""A mean that names a metric (mean absolute error) bounds nothing."""
_SUMMARIES: dict[str, QuantityBound] = {"maximum": "up_to", "peak": "up_to", "minimum": "at_least"}
_ROUGH = ("magnitude", "magnitudes")
_SMALL = 100
_PLUS = re.compile(r"\+(?![0-9/+-])")
_COORDINATED = 70
_COORDINATION = re.compile(r"(?:,? (?:and|or)(?: an?| by)? |, |/| / | \()[~≈]?\Z")
_OTHER_CLAUSE = re.compile(
    r"[.;:] | (?:while|but|whereas|with|from|versus|vs|when|which|that|compared|only|up|the)[ .]",
    re.I,
)
"""Words after which an earlier "up to" no longer binds."""


def bounded(text: str, found: list[Quantity]) -> list[Quantity]:
    """The quantities, in order, with their bounds; `reason` quantities stay as they are."""
    out: list[Quantity] = []
    floor = 0
    for quantity in found:
        if quantity.reason in (None, "context_length"):
            bound = _before(text, quantity.start, floor)
            if bound is not None and _is_place(text, quantity, bound[1]):
                bound = None
            after = _after(text, quantity.end) or _inner_plus(text, quantity)
            if bound is None or (after is not None and bound[0] == "about"):
                bound = after or bound
            if bound is None and _is_vague(text, quantity):
                bound = "about", (quantity.start, quantity.end)
            if bound is None and out:
                bound = _inherited(text, out, quantity)
            if bound is not None:
                quantity = replace(quantity, bound=bound[0], bound_span=bound[1])
        out.append(quantity)
        floor = quantity.end
    return out


def _before(text: str, start: int, floor: int) -> tuple[QuantityBound, TextSpan] | None:
    """The bound that stands before `start`: `up to`, `more than a`, `~`, and where.

    Of several in a row ("up to about") the strongest counts.
    """
    words = lexicon()
    low = max(floor, start - _WINDOW)
    end = start
    best: tuple[QuantityBound, TextSpan] | None = None
    for _ in range(5):
        while end > low and text[end - 1] == " ":
            end -= 1
        word_start = _word_start(text, low, end)
        if word_start == end:
            break
        word = text[word_start:end].lower()
        cue = _cue(text, low, end, word)
        if cue is not None:
            phrase, bound = cue
            span = (end - len(phrase), end)
            if best is None or _STRENGTH[bound] > _STRENGTH[best[0]]:
                best = (bound, span)
            end = span[0]
        elif word in words.fillers:
            end = word_start
        else:
            break
    if best is None or best[0] == "about":
        return _summary(text, low, best[1][0] if best else start) or best
    return best


def _summary(text: str, low: int, end: int) -> tuple[QuantityBound, TextSpan] | None:
    """`average accuracy of 81%`, `a maximum speedup of 3x`: what is bounded stands between."""
    if not text.endswith(_SUMMARY_ENDS, low, end):
        return None
    match = _SUMMARY_OF.search(text, low, end)
    if match is None or _METRIC_NAMES.match(match["of"]):
        return None
    return _SUMMARIES.get(match["word"].lower(), "average"), match.span("word")


def _word_start(text: str, low: int, end: int) -> int:
    """Where the word or sign begins that ends at `end`."""
    start = end
    if start > low and text[start - 1] in "<>≤≥~≈=(,":
        return start - 1
    if start > low and text[start - 1] in ".:-":
        start -= 1
    while start > low and text[start - 1].isalpha():
        start -= 1
    return start


def _cue(text: str, low: int, end: int, word: str) -> tuple[str, QuantityBound] | None:
    for phrase, bound in lexicon().cues_before.get(word, ()):
        begin = end - len(phrase)
        if begin < low or text[begin:end].lower() != phrase:
            continue
        before = text[begin - 1 : begin] if begin else " "
        if not phrase[0].isalpha() or not (before.isalnum() or before in "@_"):
            return phrase, bound
    return None


def _after(text: str, end: int) -> tuple[QuantityBound, TextSpan] | None:
    """The bound that directly follows: `10x+`, `or more`, `on average`."""
    begin = end
    if _PLUS.match(text, begin):
        return "at_least", (begin, begin + 1)
    while begin < end + 2 and text[begin : begin + 1] in (" ", "("):
        begin += 1
    tail = text[begin : begin + 18].lower()
    for phrase, bound in lexicon().cues_after.get(tail[:1], ()):
        if not tail.startswith(phrase) or tail[len(phrase) : len(phrase) + 1].isalnum():
            continue
        if bound != "average" or not _METRIC_NAMES.match(text, begin + len(phrase)):
            return bound, (begin, begin + len(phrase))
    return None


def _is_place(text: str, quantity: Quantity, cue: TextSpan) -> bool:
    """`over three data sets`, `under two regimes`: a cue that only tells a place."""
    if quantity.unit or quantity.form != "single" or quantity.low is None:
        return False
    count = quantity.low == int(quantity.low) and 0 < quantity.low < _SMALL
    return count and text[cue[0] : cue[1]].lower() in lexicon().prepositions


def _is_vague(text: str, quantity: Quantity) -> bool:
    """`thousands`, `two orders of magnitude`: words that say themselves that they are rough."""
    if quantity.low is None:
        return True
    span = quantity.unit_span
    return quantity.unit == "x" and span is not None and text[span[0] : span[1]].endswith(_ROUGH)


def _inner_plus(text: str, quantity: Quantity) -> tuple[QuantityBound, TextSpan] | None:
    """`60+ FPS`: the plus between numeral and unit."""
    end = quantity.parts[-1].end
    return ("at_least", (end, end + 1)) if _PLUS.match(text, end) else None


def _inherited(
    text: str, found: list[Quantity], quantity: Quantity
) -> tuple[QuantityBound, TextSpan] | None:
    """ "up to 1.6x and 1.3x" binds both, "up to 1.6x on A and 1.3x on B" as well.

    Only the same unit takes part, and only while nothing but names stands between.
    """
    for before in reversed(found):
        if quantity.start - before.end > _COORDINATED:
            return None
        if before.reason is None:
            break
    else:
        return None
    if before.bound not in ("up_to", "average", "at_least") or before.unit != quantity.unit:
        return None
    if before.bound_span is None or before.bound_span[0] > before.start:
        return None
    gap = text[before.end : quantity.start]
    if not quantity.unit and len(gap) > len(", and "):
        return None
    if not _COORDINATION.search(gap) or _OTHER_CLAUSE.search(gap):
        return None
    return before.bound, before.bound_span
