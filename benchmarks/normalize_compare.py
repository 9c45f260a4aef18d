"""Counts how many expected quantities our lexer and quantulum3 each get right.

The cases are `tests/cases/numbers.jsonl`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantulum3 import parser

from claimgrid.quantities.lexer import lex

CASES = Path(__file__).resolve().parent.parent / "tests/cases/numbers.jsonl"

QUANTULUM_UNITS = {
    "": ("dimensionless", "count"),
    "x": ("dimensionless", "count"),
    "%": ("percentage", "per cent"), "‰": ("per mille",),
    "usd": ("dollar", "united states dollar"), "eur": ("euro",), "gbp": ("pound sterling",),
    "usd/year": ("dollar per year",), "usd/month": ("dollar per month",),
    "usd/day": ("dollar per day",), "usd/hour": ("dollar per hour",),
    "ns": ("nanosecond",), "us": ("microsecond",), "ms": ("millisecond",), "s": ("second",),
    "min": ("minute",), "hours": ("hour",), "days": ("day",), "week": ("week",),
    "month": ("month",), "hours/day": ("hour per day",),
    "kb": ("kilobyte",), "mb": ("megabyte",), "gb": ("gigabyte",), "tb": ("terabyte",),
    "kib": ("kibibyte",), "gib": ("gibibyte",), "bit": ("bit",), "gb/s": ("gigabyte per second",),
    "mbps": ("megabit per second",), "gbps": ("gigabit per second",),
    "uw": ("microwatt",), "mw": ("milliwatt",), "w": ("watt",), "megawatt": ("megawatt",),
    "aj": ("attojoule",), "mj": ("millijoule",), "kwh": ("kilowatt hour",),
    "mm2": ("square millimetre",), "nm": ("nanometre",), "m": ("metre",), "db": ("decibel",),
    "khz": ("kilohertz",), "mhz": ("megahertz",), "ghz": ("gigahertz",),
}  # fmt: skip
"""Our unit ─► the names by which quantulum3 may call it.

A multiple is a pure number to it, so `dimensionless` is right for `5.9x`. What is missing here it
does not define (FPS, tokens, FLOPs).
"""


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity as a tool reads it: place, the two ends of its value, unit as we name it."""

    start: int
    end: int
    low: float | None
    high: float | None
    units: frozenset[str]


def ours(text: str) -> list[Reading]:
    return [
        Reading(q.start, q.end, q.low, q.high, frozenset([q.unit]))
        for q in lex(text)
        if q.reason is None
    ]


def theirs(text: str) -> list[Reading]:
    """quantulum3's readings; a range is its value less and plus its uncertainty."""
    try:
        found = parser.parse(text)
    except Exception as error:  # noqa: BLE001 - a text on which it fails has no readings
        print(f"  quantulum3 fails on {text!r}: {error!r}")
        return []
    readings = []
    for q in found:
        units = frozenset(u for u, names in QUANTULUM_UNITS.items() if q.unit.name in names)
        spread = q.uncertainty or 0.0
        readings.append(Reading(*q.span, q.value - spread, q.value + spread, units))
    return readings


TOOLS = {"claimgrid": ours, "quantulum3": theirs}


GROUPS = (
    "all", "unit known to both", "plain text", "LaTeX", "multiple", "percent", "bare number",
    "money", "other unit", "range or change", "bounded", "number word",
)  # fmt: skip


def _groups(text: str, expected: dict[str, Any]) -> list[str]:
    """The groups of an expected quantity; they overlap."""
    unit = expected["unit"]
    kinds = {"x": "multiple", "%": "percent", "": "bare number"}
    kind = "money" if unit[:3] in ("usd", "eur", "gbp") else kinds.get(unit, "other unit")
    groups = ["all", kind, "LaTeX" if re.search(r"\\|\$[^$]*\$", text) else "plain text"]
    if unit in QUANTULUM_UNITS:
        groups.append("unit known to both")
    if expected["form"] != "single":
        groups.append("range or change")
    if expected["bound"] != "exact":
        groups.append("bounded")
    if not re.search("[0-9]", expected["words"]):
        groups.append("number word")
    return groups


def compare() -> None:
    """Print the share of expected quantities of which each tool has the value, unit and span."""
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    total: Counter[str] = Counter()
    right: Counter[tuple[str, str, str]] = Counter()
    surplus: Counter[str] = Counter()
    for case in cases:
        text, expected = case["text"], case["expect"]
        places = _places(case)
        groups = [_groups(text, quantity) for quantity in expected]
        total.update(group for each in groups for group in each)
        for tool, read in TOOLS.items():
            found = read(text)
            for quantity, place, each in zip(expected, places, groups, strict=True):
                marks = _marks(text, quantity, place, found)
                right.update((tool, group, mark) for group in each for mark in marks)
            surplus[tool] += sum(all(_apart(r, place) for place in places) for r in found)
    print(f"{len(cases)} texts, {total['all']} quantities expected; share that is right, in %\n")
    print(f"{'':26}" + "".join(f"  {tool:26}" for tool in TOOLS))
    print(f"{'':20}{'n':>6}" + "   value  unit  span   all" * len(TOOLS))
    for group in GROUPS:
        shares = (
            f"{100 * right[tool, group, mark] / total[group]:{width}.1f}"
            for tool in TOOLS
            for mark, width in (("value", 8), ("unit", 6), ("span", 6), ("every", 6))
        )
        print(f"{group:20}{total[group]:6}{''.join(shares)}")
    found_too = ", ".join(f"{tool} {count}" for tool, count in surplus.items())
    print(f"\nquantities read where none is expected (names, years …): {found_too}")


def _marks(text: str, expected: dict[str, Any], span: Span, found: Sequence[Reading]) -> set[str]:
    """What of one expected quantity is right in the readings that touch it."""
    here = [reading for reading in found if not _apart(reading, span)]
    low, high = expected["low"], expected["high"]
    marks: set[str] = set()
    for reading in here:
        got = {
            "value": _same(reading.low, low) and _same(reading.high, high),
            "unit": expected["unit"] in reading.units,
            "span": _core(text, (reading.start, reading.end)) == _core(text, span),
        }
        marks |= {mark for mark, is_right in got.items() if is_right}
        if all(got.values()):
            marks.add("every")
    if len(here) == 2 and low != high:  # both ends of a range, as two quantities
        ends = sorted((reading.low for reading in here), key=lambda end: end or 0.0)
        if _same(ends[0], low) and _same(ends[1], high):
            marks.add("value")
    return marks


def _same(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= 1e-9 * max(abs(expected), 1e-9)


def _apart(reading: Reading, span: Span) -> bool:
    return reading.end <= span[0] or span[1] <= reading.start


def _core(text: str, span: Span) -> Span:
    """The span without white space, brackets and markup at its ends: these are matters of taste."""
    words = text[span[0] : span[1]]
    inner = words.strip(" \t\n$~{}\\(),.;")
    start = span[0] + words.index(inner)
    return start, start + len(inner)


def _places(case: dict[str, Any]) -> list[Span]:
    """Where the expected words stand: each after the one before, none in what is no quantity."""
    text = case["text"]
    for refused in case.get("not", ()):
        place = _at(text, refused["words"], 0)
        text = text[: place[0]] + "\0" * (place[1] - place[0]) + text[place[1] :]
    places: list[Span] = []
    for expected in case["expect"]:
        places.append(_at(text, expected["words"], places[-1][1] if places else 0))
    return places


def _at(text: str, words: str, start: int) -> Span:
    found = re.compile(rf"(?<![A-Za-z0-9]){re.escape(words)}(?![a-z0-9])").search(text, start)
    first = found.start() if found else text.index(words, start)
    return first, first + len(words)
