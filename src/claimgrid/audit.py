"""An abstract's quantities + its claims ─► the numbers that no claim covers, with the reason. Pure.

A number is covered when one of its digits lies in a span of a claim's field (its value, a count, a
device's or benchmark's name …); standing in the quoted evidence alone does not cover it.
"""

from __future__ import annotations

from collections.abc import Sequence

from claimgrid.claims import Claim, Span, UnclaimedNumber
from claimgrid.normalize.numbers import Quantity


def unclaimed(
    text: str, quantities: Sequence[Quantity], claims: Sequence[Claim]
) -> list[UnclaimedNumber]:
    """Every number of `text` that no claim covers, in order; `reason` as far as the lexer knows."""
    covered = sorted(span for claim in claims for spans in claim.spans.values() for span in spans)
    return [
        UnclaimedNumber(text=text[q.start : q.end], start=q.start, end=q.end, reason=q.reason)
        for q in quantities
        if not any(_touches(covered, Span(p.start, p.end)) for p in q.parts or ())
    ]


def _touches(covered: Sequence[Span], number: Span) -> bool:
    return any(span.start < number.end and number.start < span.end for span in covered)
