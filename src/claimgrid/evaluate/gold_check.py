"""Checks gold against the abstracts: quotes, offsets, numbers, ratios, counts, names of devices.

Gold is written by hand, so it is read with the same code that reads a model's words: a value must
parse to the number that the line states.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from claimgrid.entities import hardware, model_sizes
from claimgrid.entities.device_counts import counts_in, read_count
from claimgrid.evaluate.gold_files import Gold, joins, paper_name
from claimgrid.quantities import values
from claimgrid.quantities.lexer import Quantity, lex
from claimgrid.quantities.ratios import Change, ratio
from claimgrid.types.claim import Kind, Qualifier, Span, Stance
from claimgrid.types.paper import Paper
from claimgrid.types.reply import AbsoluteMetric, RelativeMetric

_TOLERANCE = 0.01  # of a ratio: the same as a match needs
_BARE_UNITS = frozenset({"score", "x", "%"})  # units that the words of a value may leave out
_RELATIVE = frozenset(get_args(RelativeMetric))
_ABSOLUTE = frozenset(m for part in get_args(AbsoluteMetric) for m in (get_args(part) or (part,)))
_LABELS: dict[str, frozenset[str]] = {
    "stance": frozenset(get_args(Stance)),
    "qualifier": frozenset(get_args(Qualifier)),
    "relation": frozenset({"absolute", "delta", "ratio"}),
}
_ROLES: dict[str, frozenset[str]] = {
    "benchmark": frozenset({"result", "evaluated_on", "introduced"}),
    "hardware": frozenset({"evaluation", "deployment", "target"}),
}


@dataclass(frozen=True, slots=True)
class GoldProblem:
    """One thing that is wrong with a gold line."""

    paper: str
    claim: int | None  # 1-based; None where the whole line is meant
    quote: str
    what: str


@dataclass(frozen=True, slots=True)
class _Abstract:
    text: str
    quantities: Sequence[Quantity]


def check(gold: Iterable[Gold], papers: Iterable[Paper]) -> Iterator[GoldProblem]:
    """Everything that is wrong with gold lines, in their order."""
    by_key: dict[str, Paper] = {}
    for paper in papers:
        for key in (paper.title, paper.abstract_sha256, paper.paper_id):
            by_key[key] = paper
    for line in gold:
        name = paper_name(line)
        found = next((by_key[key] for key in joins(line) if key in by_key), None)
        if found is None:
            yield GoldProblem(name, None, "", "no abstract has this id, hash or title")
            continue
        stated = line.get("abstract_sha256")
        if stated and stated != found.abstract_sha256:
            yield GoldProblem(name, None, "", "the abstract has another SHA-256 than the line says")
        abstract = _Abstract(found.abstract, lex(found.abstract))
        for number, claim in enumerate(line["claims"], 1):
            for what in _problems(claim, abstract):
                yield GoldProblem(name, number, claim["quote"], what)


def _problems(claim: Gold, abstract: _Abstract) -> Iterator[str]:
    at = _place(claim, abstract.text)
    if isinstance(at, str):
        yield at
        return
    words = abstract.text[at.start : at.end]
    yield from _labels(claim)
    # A slug is known where the registry holds it, or where it reads it from the quoted words.
    named = {mention.device.slug for mention in hardware.find(words) if mention.device.known}
    slugs = [*(claim.get("hardware") or ()), *([claim["device"]] if "device" in claim else [])]
    for slug in hardware.unmapped(slug for slug in slugs if slug not in named):
        yield f"unknown device {slug!r}"
    value = claim.get("value")
    reading: values.Reading | None = None
    if value is not None and value.get("low") is not None and claim["kind"] != "model_size":
        read = _read(value, at, abstract)
        if isinstance(read, str):
            yield read
        else:
            reading = read
            yield from _numbers(value, read)
    yield from _OWN[claim["kind"]](claim, reading, words)


def _place(claim: Gold, text: str) -> Span | str:
    """Where the quote stands, or what is wrong with it."""
    quote, start = claim["quote"], claim.get("start")
    if not quote:
        return "the quote is empty"
    if start is None:
        at = text.find(quote)
        return Span(at, at + len(quote)) if at >= 0 else "the abstract does not hold the quote"
    if text[start : claim.get("end", start + len(quote))] != quote:
        return f"the quote does not stand at {start}–{claim.get('end')}"
    return Span(start, start + len(quote))


def _labels(claim: Gold) -> Iterator[str]:
    for field, known in _LABELS.items():
        if claim.get(field) is not None and claim[field] not in known:
            yield f"unknown {field} {claim[field]!r}"
    known_roles = _ROLES.get(claim["kind"])
    if known_roles and claim.get("role") is not None and claim["role"] not in known_roles:
        yield f"unknown role {claim['role']!r}"


def _read(value: Mapping[str, Any], at: Span, abstract: _Abstract) -> values.Reading | str:
    """The number that the value's words say, read where they stand."""
    words = value["text"]
    start = abstract.text.find(words, at.start, at.end)
    if start < 0:
        return f"the quote does not hold the value {words!r}"
    read = values.read(abstract.text, abstract.quantities, Span(start, start + len(words)))
    return f"value {words!r}: {read.replace('_', ' ')}" if isinstance(read, str) else read


def _numbers(value: Mapping[str, Any], read: values.Reading) -> Iterator[str]:
    stated = (value["low"], value["high"])
    # A minus may stand as a word or a sign that the reader leaves to the claim ("$-$0.6").
    if read.low is None or read.high is None:
        yield f"value {value['text']!r} says no number, the line {stated}"
    elif not all(_close(a, b) for a, b in zip(stated, (read.low, read.high), strict=True)):
        yield f"value {value['text']!r} parses to {read.low:g}–{read.high:g}, the line has {stated}"
    unit = value.get("unit") or ""
    if unit != unit.lower() or " " in unit:
        yield f"unit {unit!r} is not lower case without spaces"
    if read.unit and unit not in _BARE_UNITS and not _same_family(unit, read.unit):
        yield f"value {value['text']!r} is in {read.unit!r}, the line has {unit!r}"


def _same_family(unit: str, read: str) -> bool:
    """Whether a unit is the one read, or the one read with a divisor."""
    return unit == read or unit.split("/")[0] == read.split("/")[0]


def _close(a: float, b: float, tolerance: float = 1e-9) -> bool:
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _benchmark(claim: Gold, reading: values.Reading | None, words: str) -> Iterator[str]:  # noqa: ARG001
    result = claim["role"] == "result"
    if result != (claim.get("value") is not None):
        yield "a result needs a value" if result else "only a result has a value"
    if result and claim.get("relation") is None:
        yield "a result needs a relation"


def _speedup(claim: Gold, reading: values.Reading | None, words: str) -> Iterator[str]:  # noqa: ARG001
    if claim.get("metric") not in (None, *_RELATIVE):
        yield f"unknown metric {claim['metric']!r}"
    stated = claim["ratio"]
    if stated is None:
        if claim.get("ambiguous") is None:
            yield "no ratio, and the claim is not marked ambiguous"
        return
    if reading is not None and not any(
        _close(low, stated["low"], _TOLERANCE) and _close(high, stated["high"], _TOLERANCE)
        for low, high in _possible(reading)
    ):
        shown = f"{stated['low']:g}–{stated['high']:g}"
        yield f"ratio {shown} does not follow from {reading.text!r}"


def _possible(reading: values.Reading) -> Iterator[tuple[float, float]]:
    """Every improvement factor that a number may stand for."""
    unit = reading.unit if reading.unit == "%" else "x"
    changes: tuple[Change, ...] = ("up", "down", "of", "from_to")
    for change in changes:
        for better in (True, False):
            if found := ratio(reading.ends, unit, change, better=better):
                yield found
            # "by a third": a bare share of what was there.
            if unit == "x" and all(abs(end) < 1 for end in reading.ends):
                shares = tuple(100 * end for end in reading.ends)
                if found := ratio(shares, "%", change, better=better):
                    yield found


def _efficiency(claim: Gold, reading: values.Reading | None, words: str) -> Iterator[str]:  # noqa: ARG001
    if claim.get("metric") not in (None, *_ABSOLUTE):
        yield f"unknown metric {claim['metric']!r}"
    if claim.get("value") is None:
        yield "an efficiency claim needs a value"


def _hardware(claim: Gold, reading: values.Reading | None, words: str) -> Iterator[str]:  # noqa: ARG001
    found = counts_in(words)
    numbers = {read_count(word) for word in re.findall(r"[\w,]+", words)}
    for field in ("count", "nodes", "per_node"):
        stated = claim.get(field)
        if stated is not None and stated not in (getattr(found, field), *numbers):
            yield f"{field} {stated} does not stand in the quote"


def _model_size(claim: Gold, reading: values.Reading | None, words: str) -> Iterator[str]:  # noqa: ARG001
    said = {size.params for size in model_sizes.sizes(words)}
    for field in ("params", "active_params"):
        stated = claim.get(field)
        if stated is not None and stated not in said:
            yield f"{field} {stated:,} does not stand in the quote"
    window = claim.get("context_tokens")
    if window is not None and window not in {c.params for c in model_sizes.contexts(words)}:
        yield f"context_tokens {window:,} does not stand in the quote"


_OWN: dict[Kind, Callable[[Gold, values.Reading | None, str], Iterator[str]]] = {
    "benchmark": _benchmark,
    "speedup": _speedup,
    "efficiency": _efficiency,
    "hardware": _hardware,
    "model_size": _model_size,
}
