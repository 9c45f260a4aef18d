"""Any text and any reply ─► what must hold of them, as asserts. Knows nothing of how they are made.

Shared by the hypothesis tests, the corpus that they replay, and the atheris runner.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from typing import Any

from claimgrid.entities import (
    benchmarks,
    device_counts,
    hardware,
    metrics,
    model_sizes,
    spelling,
)
from claimgrid.extraction.pipeline import read_answer
from claimgrid.llm import reply_items
from claimgrid.llm.tolerant_json import values
from claimgrid.quantities.lexer import Quantity, lex
from claimgrid.quantities.units import unit_of
from claimgrid.text import alignment, sentences
from claimgrid.text.normalized_text import fold
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.reply import LISTS, Reply

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9.+]+)*")
DIGIT = re.compile("[0-9]")


def check_text(text: str) -> None:
    """Every reader of an abstract is total, and its spans are in range, in order and apart."""
    _check_quantities(text, lex(text))
    borders = sentences.spans(text)
    _check_spans(text, borders)
    kept = {offset for start, end in borders for offset in range(start, end)}
    assert all(offset in kept or text[offset].isspace() for offset in range(len(text)))
    _check_spans(text, [(mention.start, mention.end) for mention in hardware.find(text)])
    sizes, active = model_sizes.sizes(text), model_sizes.active(text)
    _check_spans(text, [(size.start, size.end) for size in sizes])
    assert all(size.params >= 0 for size in sizes)
    assert set(active) <= set(sizes)
    assert not set(model_sizes.contexts(text)) & set(sizes)


def check_words(text: str, words: str) -> None:
    """Copied words, found or not: a place keeps every digit, a refusal has a reason."""
    doc = alignment.read(text)
    found = alignment.locate(doc, words)
    if found is None:
        assert alignment.why_not(doc, words)
    else:
        cited = text[found.start : found.end]
        assert _digits(cited) == _digits(words)
        assert _sentence(doc, found.start) == _sentence(doc, found.end - 1)
    assert SLUG.fullmatch(hardware.resolve(words).slug)
    counted = device_counts.counts_in(words)
    assert all(n is None or n >= 0 for n in (counted.count, counted.nodes, counted.per_node))
    assert (device_counts.read_count(words) or 0) >= 0
    assert spelling.plain(spelling.plain(words)) == spelling.plain(words)
    assert benchmarks.benchmark(benchmarks.benchmark(words)) == benchmarks.benchmark(words)
    assert benchmarks.same_benchmark(words, benchmarks.benchmark(words))
    assert metrics.metric(metrics.metric(words)) == metrics.metric(words)
    assert unit_of(words) == unit_of(words).strip()


def check_reply(text: str, lists: dict[str, Any]) -> None:
    """A reply to an abstract: every item is a claim or rejected, every number claimed or listed."""
    reply = Reply.model_validate(lists)
    paper = Paper(paper_id="fuzz", title="Fuzz", abstract=text)
    outcome = read_answer(paper, Answer(reply, (), Usage(), "live", "api", "any"))
    items = sum(len(getattr(reply, name)) for name in LISTS)
    carrying = {"quote", "value", "device", "total", "benchmark", None}
    refused = [r for r in outcome.rejected if r.field in carrying]
    assert len(outcome.claims) <= items <= len(outcome.claims) + len(refused)
    for claim in outcome.claims:
        evidence = claim.evidence
        assert text[evidence.start : evidence.end] == evidence.quote
        for spans in claim.spans.values():
            assert all(0 <= span.start < span.end <= len(text) for span in spans)
        if claim.value is not None and claim.value.low is not None:
            span = (claim.spans.get("value") or claim.spans["total"])[0]
            assert text[span.start : span.end] == claim.value.text
            assert math.isfinite(claim.value.low)
            assert math.isfinite(claim.value.high or 0.0)
        if claim.kind == "speedup":
            assert 0 < claim.ratio.low <= claim.ratio.high < math.inf
    _check_audit(text, outcome)
    for line in (outcome.paper, *outcome.claims, *outcome.rejected):
        dumped = json.dumps(line.model_dump(mode="json"))
        assert type(line).model_validate_json(dumped) == line


def check_body(body: str) -> None:
    """A server's words that may be no JSON at all give a reply or none, and never raise."""
    for value in values(body):
        found = reply_items.find(value)
        assert found is None or isinstance(reply_items.read(found).reply, Reply)


def _check_quantities(text: str, found: list[Quantity]) -> None:
    _check_spans(text, [(quantity.start, quantity.end) for quantity in found])
    covered: set[int] = set()
    for quantity in found:
        assert quantity.parts
        assert all(quantity.start <= p.start < p.end <= quantity.end for p in quantity.parts)
        values = [quantity.low, quantity.high, *(part.value for part in quantity.parts)]
        assert all(value is None or math.isfinite(value) for value in values)
        if quantity.low is not None and quantity.high is not None:
            assert quantity.low <= quantity.high
        covered.update(range(quantity.start, quantity.end))
    assert {match.start() for match in DIGIT.finditer(text)} <= covered


def _check_audit(text: str, outcome: Outcome) -> None:
    """Each number is either touched by a claim's field or listed; never both."""
    listed = {(number.start, number.end) for number in outcome.paper.unclaimed_numbers}
    spans = [span for claim in outcome.claims for each in claim.spans.values() for span in each]
    for quantity in lex(text):
        touched = any(s.start < p.end and p.start < s.end for p in quantity.parts for s in spans)
        assert touched != ((quantity.start, quantity.end) in listed)


def _check_spans(text: str, spans: list[tuple[int, int]]) -> None:
    done = 0
    for start, end in spans:
        assert done <= start < end <= len(text)
        done = end


def _digits(text: str) -> str:
    return "".join(c for c in fold(text).text if c.isnumeric())


def _sentence(doc: alignment.Document, offset: int) -> int:
    return bisect_right(doc.sentences, offset)
