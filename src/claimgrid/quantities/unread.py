"""Finds digits and number words of copied words that no reading accounts for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from claimgrid.quantities.lexicon import lexicon
from claimgrid.quantities.quantity import Quantity, TextSpan
from claimgrid.text.latex import plain_text
from claimgrid.types.claim import Span

_WORD = re.compile(r"[A-Za-z]+")
_ALWAYS = frozenset(["minus", "negative", "dozen", "dozens", "couple", "score", "twice", "thrice"])
# Words that count as often as they do not: an ordinal, a pronoun, a verb.
_NEVER = frozenset(["one", "order", "orders", "score", "second", "double", "triple"])
# Digits of these are explained: they belong to a name or to markup, and to no number.
_EXPLAINED = frozenset(["name", "citation", "markup", "identifier", "version"])


@cache
def _number_words() -> frozenset[str]:
    words = lexicon()
    every = {*words.numbers, *words.magnitudes, *words.fractions, *words.multipliers, *words.vague}
    return frozenset((every | _ALWAYS) - _NEVER)


def unread(
    text: str, here: Sequence[Quantity], owners: Sequence[Quantity], span: Span
) -> list[str]:
    """The digits and number words of `text[span]` that are no part of what was read.

    Args:
        here: the quantities that the span touches.
        owners: those of them that the value is read from.
    """
    return unread_words(text, [*_known(text, here, owners)], span)


def unread_words(text: str, known: Sequence[TextSpan], span: Span) -> list[str]:
    """The digits and number words of `text[span]` that lie in no known span."""
    if _within(known, span.start, span.end):
        return []  # most copied words are what was read, and no more
    words = text[span.start : span.end]
    left = [
        char
        for at, char in enumerate(words, span.start)
        if char.isnumeric() and not _within(known, at, at + 1)
    ]
    if not any(char.isalpha() for char in words):
        return left
    plain = plain_text(words)
    for match in _WORD.finditer(plain.text):
        if match.group().lower() not in _number_words():
            continue
        start = span.start + plain.starts[match.start()]
        end = span.start + plain.ends[match.end() - 1]
        if not _within(known, start, end):
            left.append(match.group())
    return left


def _known(text: str, here: Sequence[Quantity], owners: Sequence[Quantity]) -> Iterator[TextSpan]:
    """The spans whose digits and number words are accounted for."""
    for quantity in here:
        if quantity in owners:
            yield quantity.start, quantity.end
            if quantity.unit_span is not None:
                yield quantity.unit_span
            if quantity.bound_span is not None:
                yield quantity.bound_span
        elif quantity.reason in _EXPLAINED and not (
            # "12th" and "3D" begin with their number, which may be the one that is meant.
            quantity.reason == "name" and text[quantity.start].isdigit()
        ):
            yield quantity.start, quantity.end


def _within(known: Sequence[TextSpan], start: int, end: int) -> bool:
    return any(low <= start and end <= high for low, high in known)
