"""Reads a copied number from the text at its span: value, unit and bound, or why there is none.

The number comes from the text, never from what the model wrote. Every digit and number word of the
copied words must be part of what is read; else the words are refused.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from claimgrid.quantities import unit_conversion
from claimgrid.quantities.lexer import Number, Quantity, QuantityForm, unit_of
from claimgrid.quantities.unit_table import unit_table
from claimgrid.quantities.unread import unread
from claimgrid.text.latex import plain_text
from claimgrid.types.claim import Qualifier, Span, Value

# Reasons of the lexer that make a number no quantity at all, whoever claims it.
_NEVER = frozenset({
    "name", "year", "date", "version", "citation", "section", "list_item", "identifier", "formula",
    "markup", "sparsity_pattern",
})  # fmt: skip
_BOUND_WORDS = (
    r"(?: ?(?:about|around|nearly|roughly|over|under|below|above|approximately|only|just|almost"
    r"|less than|more than|fewer than|at least|at most|[~≈<>≤≥]))*"
)
# Between the two numbers of a change or a range that the lexer reads as two quantities.
_RANGE_SIGN = re.compile(rf" ?(?:-|–|~|to|up to|→|->|-->){_BOUND_WORDS} ?")
_ARROW = re.compile(rf",? ?(?:(?:all the way )?(?:down |up )?to|→|->|-->|=>){_BOUND_WORDS} ?")
_BACK = re.compile(
    rf",? \(?(?:instead of|rather than|(?:down |up )?from|vs\.?|versus|compared (?:to|with)"
    rf"|against)(?: the| a)?{_BOUND_WORDS} ?"
)
_FAR_TO = re.compile(rf" [a-z-]+(?: [a-z-]+){{0,5}} (?:down |up )?to{_BOUND_WORDS} ?")
"""`354.77 MB model to about 3.31 MB`: what is changed stands between the two."""
_FROM = re.compile(rf"(?<![a-z])from{_BOUND_WORDS} ?\$?\Z", re.I)
_BETWEEN = re.compile(r"between \Z", re.I)
_PERIOD = re.compile(
    r"\b(?:per|a|each|every)\s+(second|minute|hour|day|week|month|year|query|token|step|image"
    r"|sample|request|task|epoch|iteration|inference|frame|run|user|node|GPU)\b"
)
# Amounts that add up over time; "30 FPS … per second" must not become fps/second.
_ADDS_UP = frozenset({
    "gpu_hours", "gpu_days", "hours", "usd", "eur", "gbp", "jpy", "cny", "cent", "kwh", "j", "mj",
    "tokens", "gb", "tb", "mb",
})  # fmt: skip
_NO_UNIT = frozenset(
    ["the", "its", "their", "our", "this", "these", "those", "all", "each", "both"]
)
_PUNCTUATION = re.compile(r"[()\[\],;:$^{}\"]")  # no unit of copied words goes beyond it
_PERIOD_UNIT = {"second": "s", "minute": "min", "GPU": "gpu"}
_CUES: dict[Qualifier, re.Pattern[str]] = {
    "up_to": re.compile(
        r"up ?to|as (?:much|many|high|large|low|little|few|fast) as|maxim|at most|no more than"
        r"|peak|under|below|within|less than|fewer than|at best|<|\\leq?\b|≤|down to|capped|exceed"
        r"|bounded by|limit|not more|or less|or fewer|sub-",
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
    "average": re.compile(
        r"average|averag|mean|median|typical|overall|geomean|\bavg\b|p50\b", re.I
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A number read from the text.

    `ends` are its numbers, in the order of time for a change. `form` tells a range from a change
    that the words name ("from 3 to 5"). `apart` says that the two are quantities of their own
    ("10 ms instead of 40 ms"), which only a change can hold.
    """

    span: Span
    text: str
    low: float | None
    high: float | None
    ends: tuple[float, ...]
    unit: str
    bound: Qualifier
    parts: tuple[Number, ...]
    form: QuantityForm = "single"
    apart: bool = False

    def value(self, unit: str) -> Value:
        """As the claim line has it, with the unit that the kind of claim settles on."""
        return Value(text=self.text, low=self.low, high=self.high, unit=unit)

    def result(self, text: str) -> Reading:
        """What a change ends at: 94.42 of "from 93.07 to 94.42"; itself where it is none."""
        started = _FROM.search(text, max(0, self.span.start - 24), self.parts[0].start)
        if self.form != "from_to" or len(self.ends) != 2 or not started:
            return self
        last = self.ends[1]
        return Reading(self.span, self.text, last, last, (last,), self.unit, self.bound, self.parts)


def read(text: str, quantities: Sequence[Quantity], span: Span) -> Reading | str:
    """The number at `span`, or the reason code for which it cannot be taken.

    Reasons: `no_number`; `number_in_name` and its like (the digits belong to a name, a year …);
    `cuts_number` (the span ends inside a number); `several_numbers` (more than one claim's worth);
    `unread_number` (a digit or a number word of the span is not part of what was read).
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
    found = _ends(text, owners, parts)
    if found is None:
        return "several_numbers"
    ends, form, unit_owner = found
    if unread(text, here, owners, span):
        return "unread_number"
    unit = unit_owner.unit or next((q.unit for q in reversed(owners) if q.unit), "")
    unit = unit or _trailing(text, parts, span)
    bound: Qualifier = "up_to" if owners[0].bound == "at_most" else owners[0].bound
    words = text[span.start : span.end]
    low, high = (min(ends), max(ends)) if ends else (None, None)
    apart = len(owners) > 1 and form == "from_to"
    return Reading(span, words, low, high, ends, unit, bound, parts, form, apart)


def _start(quantity: Quantity) -> int:
    return quantity.start


def _end(quantity: Quantity) -> int:
    return quantity.end


_Ends = tuple[tuple[float, ...], QuantityForm, Quantity]


def _ends(text: str, owners: Sequence[Quantity], parts: Sequence[Number]) -> _Ends | None:
    """The number, or the two of a range or a change, with the quantity whose unit they are in.

    () stands for vague words. None where they are more than one claim's worth.
    """
    if len(owners) == 1:
        return _of_one(text, owners[0], parts)
    if len(owners) != 2 or any(len(owner.parts) != 1 for owner in owners) or len(parts) != 2:
        return None
    left, right = owners
    if left.low is None or right.low is None:
        return None
    gap = plain_text(text[left.end : right.start]).text.lower()
    if _BETWEEN.search(text[max(0, left.start - 12) : left.start]) and gap == " and ":
        return _converted(left, right, into=left, form="range")
    if _ARROW.fullmatch(gap):
        return _converted(left, right, into=right, form="from_to")
    if _BACK.fullmatch(gap):
        back = _converted(right, left, into=left, form="from_to")
        return back if left.unit and right.unit else None
    if _FAR_TO.fullmatch(gap) and left.unit and left.unit == right.unit:
        return (left.low, right.low), "from_to", right
    if _RANGE_SIGN.fullmatch(gap) and left.unit == right.unit:
        return (left.low, right.low), "range", left
    return None


def _of_one(text: str, owner: Quantity, parts: Sequence[Number]) -> _Ends | None:
    """The ends of one quantity, or of its part that the span covers."""
    low, high = owner.low, owner.high
    if low is None or high is None:
        vague = not any(char.isdigit() for char in text[owner.start : owner.end])
        return ((), "single", owner) if vague else None
    if len(owner.parts) == 1 or low == high:
        if len(parts) == len(owner.parts):
            return ((low,), owner.form, owner) if low == high else ((low, high), owner.form, owner)
        value = parts[0].value if len(parts) == 1 else None
        return None if value is None else ((value,), "single", owner)
    ends = _in_order(low, high, owner.parts[0], owner.parts[-1])
    if len(parts) == len(owner.parts):
        return ends, owner.form, owner
    if len(parts) > 1 or len(owner.parts) != 2:
        return None
    return (ends[owner.parts.index(parts[0])],), "single", owner


def _converted(
    first: Quantity, last: Quantity, *, into: Quantity, form: QuantityForm
) -> _Ends | None:
    """Two quantities whose units convert, in the unit of one of them."""
    if first.low is None or last.low is None:
        return None
    if first.unit == last.unit or not (first.unit and last.unit):
        # "from 4.1 to 3.2 ms" leaves the unit to the second; "86.2% to 81.7" may be two measures.
        alike = first.unit == last.unit or not first.unit
        return ((first.low, last.low), form, last) if alike else None
    ends = []
    for quantity in (first, last):
        factor = unit_conversion.factor(quantity.unit, into.unit)
        if factor is None or quantity.low is None:
            return None
        ends.append(float(f"{quantity.low * factor:.12g}"))
    return (ends[0], ends[1]), form, into


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
    """The unit that the copied words themselves end with: "60 lines" is in `line`."""
    rest = plain_text(text[parts[-1].end : span.end]).text.strip(" \t\n$~{}\\,-")
    rest = rest.removeprefix("of ")
    small = _NO_UNIT | unit_table().connectives
    words = _PUNCTUATION.split(rest, maxsplit=1)[0].split()
    if words and re.split(r"[^A-Za-z]", words[0], maxsplit=1)[0].lower() in small:
        return ""
    while words and words[-1].lower() in small:
        words.pop()
    return unit_of(" ".join(words)) if any(map(str.isalpha, "".join(words))) else ""
