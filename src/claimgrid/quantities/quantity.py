"""Number and Quantity: what the lexer hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QuantityForm = Literal["single", "range", "from_to"]
QuantityBound = Literal["exact", "up_to", "at_least", "about", "average", "at_most"]
TextSpan = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Number:
    """One numeral: its own characters with magnitude (`20B`, `1.5 billion`, `two`), no unit.

    `value` has the magnitude applied; None for vague words (`thousands`).
    `magnitude` is the class of the suffix or word as written: "", "k", "m", "b" or "t".
    """

    start: int
    end: int
    value: float | None
    magnitude: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One numeral or several that make one value, with the unit, and why it is not one, if so.

    `start:end` is what a person would copy: numerals, unit, currency sign, and the enclosing
    `$…$` if the math holds nothing else. A bound's own words (`up to`, `~`) are `bound_span`.
    `low <= high`; they differ only where `form` is `range` or `from_to`.
    `unit` is canonical ("" for none); `unit_span` may lie in a later, coordinated number.
    `reason` is None for a quantity, else what the digits are instead (`name`, `year` …).
    """

    start: int
    end: int
    parts: tuple[Number, ...]
    low: float | None
    high: float | None
    unit: str = ""
    unit_span: TextSpan | None = None
    form: QuantityForm = "single"
    bound: QuantityBound = "exact"
    bound_span: TextSpan | None = None
    reason: str | None = None
