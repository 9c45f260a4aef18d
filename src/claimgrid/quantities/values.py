"""The span of a copied number + the abstract's quantities ─► its value, unit and bound; or why not.

The number is read from the text at the span, never from what the model wrote. Knows nothing of
kinds of claims.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from claimgrid.quantities import unit_conversion
from claimgrid.quantities.lexer import Number, Quantity, unit_of
from claimgrid.types.claim import Qualifier, Span, Value

# Reasons of the lexer that make a number no quantity at all, whoever claims it.
_NEVER = frozenset(
    {"name", "year", "date", "version", "citation", "section", "list_item", "identifier"}
)
# Between the two ends of one range that the lexer reads as two quantities of one unit.
_JOINED = re.compile(r"(?:[\s/$%×x–—-]|\\times|\\%|to\b)*")
_TO = re.compile(r"[\s,(]*(?:to|down to|up to|→|->|\\to|\\rightarrow|--?|–|—)\s*")
_PERIOD = re.compile(
    r"\b(?:per|a|each|every)\s+(second|minute|hour|day|week|month|year|query|token|step|image"
    r"|sample|request|task|epoch|iteration|inference|frame)\b"
)
# Amounts that add up over time; "30 FPS … per second" must not become fps/second.
_ADDS_UP = frozenset(
    {"gpu_hours", "gpu_days", "hours", "usd", "eur", "kwh", "j", "mj", "tokens", "gb", "tb", "mb"}
)
_PERIOD_UNIT = {"second": "s", "minute": "min", "hour": "hour"}
_CUES: dict[Qualifier, re.Pattern[str]] = {
    "up_to": re.compile(
        r"up ?to|as (?:much|many|high|large|low|little|few|fast) as|maxim|at most|no more than"
        r"|peak|under|below|within|less than|fewer than|at best|<|\\leq?\b|≤|down to",
        re.I,
    ),
    "at_least": re.compile(
        r"at least|over\b|more than|above|exceed|beyond|greater than|no less than|minim|>|≥"
        r"|\\geq?\b|\+|upwards|surpass|or more|higher than|larger than",
        re.I,
    ),
    "about": re.compile(
        r"about|around|approx|roughly|nearly|almost|close to|circa|some\b|order|~|≈|∼|\\sim"
        r"|\\approx",
        re.I,
    ),
    "average": re.compile(r"average|averag|mean|median|typical|overall|geomean", re.I),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A number read from the text. `ends` are its numbers in the order of the text."""

    span: Span
    text: str
    low: float | None
    high: float | None
    ends: tuple[float, ...]
    unit: str
    bound: Qualifier
    parts: tuple[Number, ...]

    def value(self, unit: str) -> Value:
        """As the claim line has it, with the unit that the kind of claim settles on."""
        return Value(text=self.text, low=self.low, high=self.high, unit=unit)


def read(text: str, quantities: Sequence[Quantity], span: Span) -> Reading | str:
    """The number at `span`, or the reason code for which it cannot be taken.

    Reasons: `no_number`; `number_in_name` and its like (the digits belong to a name, a year …);
    `cuts_number` (the span ends inside a number); `several_numbers` (more than one claim's worth).
    """
    first = bisect_right(quantities, span.start, key=_end)
    here = quantities[first : bisect_left(quantities, span.end, key=_start)]
    touched = [(q, p) for q in here for p in q.parts if p.start < span.end and span.start < p.end]
    if not touched:
        return "no_number"
    if any(p.start < span.start or span.end < p.end for _, p in touched):
        return "cuts_number"
    usable = [(q, p) for q, p in touched if q.reason not in _NEVER]
    if not usable:
        return f"number_in_{touched[0][0].reason}"
    owners = list(dict.fromkeys(q for q, _ in usable))
    parts = tuple(p for _, p in usable)
    ends = _ends(text, owners, parts)
    if ends is None:
        return "several_numbers"
    unit = next((q.unit for q in reversed(owners) if q.unit), "") or _trailing(text, parts, span)
    bound: Qualifier = "up_to" if owners[0].bound == "at_most" else owners[0].bound
    words = text[span.start : span.end]
    low, high = (min(ends), max(ends)) if ends else (None, None)
    return Reading(span, words, low, high, ends, unit, bound, parts)


def _start(quantity: Quantity) -> int:
    return quantity.start


def _end(quantity: Quantity) -> int:
    return quantity.end


def _ends(
    text: str, owners: Sequence[Quantity], parts: Sequence[Number]
) -> tuple[float, ...] | None:
    """The number, or the two numbers of a range or a change in the order of the text, in the last
    one's unit; () for vague words; None where they are more than one claim's worth."""
    first, last = parts[0], parts[-1]
    if len(owners) == 1 and len(parts) == len(owners[0].parts):
        low, high = owners[0].low, owners[0].high
        if low is None or high is None:
            return ()
        return (low,) if low == high else _in_order(low, high, first, last)
    if len(parts) == 1:
        return () if first.value is None else (first.value,)
    if len(parts) != 2 or first.value is None or last.value is None:
        return None
    units = {owner.unit for owner in owners if owner.unit}
    if len(units) < 2 and _JOINED.fullmatch(text, first.end, last.start):
        return (first.value, last.value)
    # "from 2 s to 300 ms": two quantities whose units convert.
    if len(owners) == 2 and _TO.fullmatch(text, owners[0].end, owners[1].start):
        factor = unit_conversion.factor(owners[0].unit, owners[1].unit)
        return None if factor is None else (first.value * factor, last.value)
    return None


def _in_order(low: float, high: float, first: Number, last: Number) -> tuple[float, float]:
    falls = first.value is not None and last.value is not None and first.value > last.value
    return (high, low) if falls else (low, high)


def qualifier(reading: Reading, labelled: Qualifier, sentence: str, *, change: bool) -> Qualifier:
    """How the number is bounded: a range by its form, else the model's label where the sentence
    has a word for it, else the words beside the number.

    `change` says that two numbers are a change from one to the other and no range.
    """
    if reading.low != reading.high and not change:
        return "range"
    if labelled != "exact" and _CUES[labelled].search(sentence):
        return labelled
    return reading.bound


def rate(unit: str, after: str) -> str:
    """An amount's unit with the period that the rest of the quote names ("… per month")."""
    if unit not in _ADDS_UP:
        return unit
    period = _PERIOD.search(after)
    if period is None or re.search(r"\d", after[: period.start()]):
        return unit
    return f"{unit}/{_PERIOD_UNIT.get(period[1], period[1])}"


def _trailing(text: str, parts: tuple[Number, ...], span: Span) -> str:
    """The unit that the copied words themselves end with: "60 lines" → line."""
    rest = text[parts[-1].end : span.end].strip(" \t\n$~{}\\,-").removeprefix("of ")
    return unit_of(rest) if re.search(r"[A-Za-z]", rest) else ""
