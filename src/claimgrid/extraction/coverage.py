"""Lists the numbers of an abstract that no claim covers, with the reason where one is known.

A number is covered when one of its digits lies in a span of a claim's field (its value, a count, a
device's or benchmark's name …); standing in the quoted evidence alone does not cover it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from claimgrid.quantities.lexer import Quantity
from claimgrid.types.claim import Claim, Span, UnclaimedNumber


def unclaimed(
    text: str, quantities: Sequence[Quantity], claims: Sequence[Claim]
) -> list[UnclaimedNumber]:
    """Every number of `text` that no claim covers, in order; `reason` as far as the lexer knows."""
    covered = _merged(span for claim in claims for spans in claim.spans.values() for span in spans)
    return [
        UnclaimedNumber(text=text[q.start : q.end], start=q.start, end=q.end, reason=q.reason)
        for q in quantities
        if not any(_touches(covered, Span(p.start, p.end)) for p in q.parts)
    ]


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same characters as spans in order that do not overlap."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _touches(covered: Sequence[Span], number: Span) -> bool:
    """Whether a number shares a character with the merged spans; only one of them can decide."""
    after = bisect_left(covered, number.end, key=_start)
    return after > 0 and number.start < covered[after - 1].end


def _start(span: Span) -> int:
    return span.start
