"""Reads every number of a text, with its value, unit, bound and exact place.

Pure and total: any string gives a list, and every digit of it lies in exactly one Quantity. The
steps: `plain_text` takes the markup out, `atoms` reads one numeral at a time, `join` makes ranges
and shares of them, `bounded` reads "up to" and its like, and the places go back to the original.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from claimgrid.quantities.non_quantities import refused
from claimgrid.quantities.qualifiers import bounded
from claimgrid.quantities.quantity import Number, Quantity, QuantityBound, QuantityForm, TextSpan
from claimgrid.quantities.ranges import join
from claimgrid.quantities.tokens import atoms
from claimgrid.quantities.units import unit_of
from claimgrid.text.latex import Plain, plain_text

__all__ = ["Number", "Quantity", "QuantityBound", "QuantityForm", "lex", "lex_plain", "unit_of"]

_LEADING = re.compile(r"(?:[~≈<>≤≥±+]| )*\Z")


def lex(text: str) -> list[Quantity]:
    """Every number of `text` as a Quantity, in order and without overlap.

    Digits that are no quantity (names, years, citations …) come too, with their `reason`.
    Offsets count code points of `text`.
    """
    plain = plain_text(text)
    found = lex_plain(plain.text)
    if isinstance(plain.starts, range):  # no markup: plain text is the text
        return found
    return _with_hidden(plain, _placed(plain, found))


def lex_plain(text: str) -> list[Quantity]:
    """Every number of plain text, with offsets of that text."""
    return list(_read(text))


@lru_cache(maxsize=32)  # the abstract is read for its quantities and again for its model sizes
def _read(text: str) -> tuple[Quantity, ...]:
    return tuple(bounded(text, join(text, atoms(text))))


def _with_hidden(plain: Plain, found: list[Quantity]) -> list[Quantity]:
    """The quantities and the digits of markup that stands between them (citation keys)."""
    if not plain.hidden:
        return found
    apart = [
        refused(plain.original, start, end, reason)
        for start, end, reason in plain.hidden
        if not any(quantity.start < end and start < quantity.end for quantity in found)
    ]
    return sorted([*found, *apart], key=lambda quantity: quantity.start)


def _placed(plain: Plain, found: list[Quantity]) -> list[Quantity]:
    """The quantities with the offsets of the original text."""
    out: list[Quantity] = []
    for index, quantity in enumerate(found):
        floor = out[-1].end if out else 0
        following = found[index + 1].start if index + 1 < len(found) else len(plain.text)
        ceiling = plain.starts[following] if following < len(plain.text) else len(plain.original)
        start, end = _span(plain, (quantity.start, quantity.end))
        end = _closed(plain.original, start, end)
        start, end = _balanced(plain, quantity, (start, end), (floor, ceiling))
        if start < floor:
            # One sign that is read as several characters, as in `½from`: neither part is a number.
            reason = quantity.reason or out[-1].reason or "name"
            whole = (out[-1].start, max(end, floor))
            made = refused(plain.original, *whole, reason)
            out[-1] = made if made.parts else replace(made, parts=(Number(*whole, None),))
            continue
        out.append(
            Quantity(
                start,
                end,
                tuple(_number(plain, number) for number in quantity.parts),
                quantity.low,
                quantity.high,
                quantity.unit,
                _span(plain, quantity.unit_span) if quantity.unit_span else None,
                quantity.form,
                quantity.bound,
                _span(plain, quantity.bound_span) if quantity.bound_span else None,
                quantity.reason,
            )
        )
    return out


def _span(plain: Plain, span: TextSpan) -> TextSpan:
    return plain.starts[span[0]], plain.ends[span[1] - 1]


def _number(plain: Plain, number: Number) -> Number:
    start, end = _span(plain, (number.start, number.end))
    end = _closed(plain.original, start, end)
    return Number(start, end, number.value, number.magnitude)


def _closed(text: str, start: int, end: int) -> int:
    """`end` moved over the braces that close what was opened inside: `5\\times10^{5}`."""
    opened = text.count("{", start, end) - text.count("}", start, end)
    while opened > 0 and text[end : end + 1] == "}":
        end, opened = end + 1, opened - 1
    return end


def _balanced(plain: Plain, quantity: Quantity, span: TextSpan, limits: TextSpan) -> TextSpan:
    """The span widened over the markup that belongs to it: `$…$` around it, open braces."""
    start, end = span
    first = quantity.start
    lead = _LEADING.search(plain.text, max(0, first - 4), first)
    lead_start = plain.starts[lead.start()] if lead and lead.start() < first else start
    after = plain.starts[quantity.end] if quantity.end < len(plain.text) else len(plain.original)
    head = plain.math_at(start)
    tail = plain.math_at(end - 1)
    closes = tail is not None and tail[1] <= min(after, limits[1])
    opens = head is not None and head[0] >= limits[0] and _reaches(plain, head[0], lead_start)
    if head is not None and opens and (head != tail or closes):
        start = head[0]
    if tail is not None and closes and tail[0] >= start:
        end = tail[1]
    return _braced(plain.original, (start, end), limits)


def _reaches(plain: Plain, opening: int, start: int) -> bool:
    """Whether only markup stands between a math group's opening and `start`."""
    between = plain.original[opening:start].lstrip("$\\([")
    return not re.sub(r"\\[a-zA-Z]+|[{}\s~,!]", "", between)


def _braced(text: str, span: TextSpan, limits: TextSpan) -> TextSpan:
    """The span widened to the left over braces that it closes: `\\textbf{179.6}\\%`."""
    start, end = span
    inside = text[start:end]
    if "}" not in inside:
        return span
    depth = 0
    missing = 0
    for char in inside:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            missing, depth = missing + 1, 0
    for _ in range(missing):
        match = re.search(
            r"(?:\\[a-zA-Z]{1,20})?\{[~\s\\,]{0,4}\Z", text[max(limits[0], start - 24) : start]
        )
        if match is None:
            break
        start -= len(match.group())
    return start, end
