"""Reads the parameter count that a model-size claim points at, with the words around it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from claimgrid.entities import model_sizes
from claimgrid.quantities.quantity import Quantity
from claimgrid.quantities.unread import unread_words
from claimgrid.types.claim import Span

_PARSERS: dict[str, Callable[[str], list[model_sizes.Size]]] = {
    "total": model_sizes.sizes,
    "active": model_sizes.may_be_active,
    "context": model_sizes.contexts,
}


def sizes_at(span: Span, text: str, quantities: Sequence[Quantity], field: str) -> int | str:
    """The count at a span, or the reason code for which it cannot be taken.

    It is read with the words around it: the 7 of `Foo-7/13B` is 7B.
    """
    here = [
        (size.start, size.end, size.params)
        for size in _PARSERS[field](text)
        if size.start < span.end and span.start < size.end
    ]
    if not here:
        return "no_parameter_count"
    if len(here) > 1:
        return "several_numbers"
    start, end, params = here[0]
    outside = text[start : max(start, span.start)] + text[min(end, span.end) : end]
    if any(char.isnumeric() for char in outside):
        return "cuts_number"
    if not 0 < params < 10**16:
        return "no_parameter_count"
    first = bisect_right(quantities, span.start, key=lambda quantity: quantity.end)
    stop = bisect_left(quantities, span.end, key=lambda quantity: quantity.start)
    named = [
        (quantity.start, quantity.end)
        for quantity in quantities[first:stop]
        if quantity.reason in ("name", "citation", "version")
        and any(char.isalpha() for char in text[quantity.start : quantity.end])
    ]
    return "unread_number" if unread_words(text, [(start, end), *named], span) else params
