"""Turns what a local model found about an abstract's candidates into a reply like any other.

The words of each field are copied from the abstract, so that they go through the same grounding as
those of a model that writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimgrid.decisions import grammar
from claimgrid.decisions.candidates import Candidate, window
from claimgrid.decisions.grammar import CHANGES, RELATIONS, ROLES
from claimgrid.entities import model_sizes
from claimgrid.types.reply import Reply

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found about one candidate; `confidence`: how likely its claim is right."""

    question: Candidate
    label: str
    background: bool = False
    loss: bool = False
    measure: str | None = None
    bound: str = "exact"
    subject: str | None = None
    metric: str | None = None
    benchmark: str | None = None
    baselines: tuple[str, ...] = field(default=())
    workload: str | None = None
    hardware: tuple[str, ...] = field(default=())
    model: str | None = None
    confidence: float | None = None


def reply(abstract: str, findings: Sequence[Finding]) -> Reply:
    """The items that the findings of one abstract make."""
    lists: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("benchmarks", "speedups", "efficiencies", "hardware", "model_sizes")
    }
    for found in findings:
        if found.label in ("size", "active"):
            continue
        name, item = _item(abstract, found)
        lists[name].append(item | {"stance": "background" if found.background else "own"})
    sizes = [found for found in findings if found.label in ("size", "active")]
    lists["model_sizes"] = list(_sizes(abstract, sizes))
    return Reply.model_validate(lists)


def _item(abstract: str, found: Finding) -> tuple[str, dict[str, Any]]:
    span = (found.question.start, found.question.end)
    words = abstract[slice(*span)]
    if found.label in ("used", "new"):
        role = "evaluated_on" if found.label == "used" else "introduced"
        return "benchmarks", {"quote": words, "role": role, "benchmark": words}
    if found.label in ROLES:
        quote = abstract[slice(*window(abstract, span, 5, 0))]
        return "hardware", {"quote": quote, "device": words, "role": ROLES[found.label]}
    about: dict[str, Any] = {
        "quote": abstract[slice(*window(abstract, span, 5, 6))],
        "value": words,
        "subject": found.subject,
        "bound": found.bound,
    }
    baselines = list(found.baselines)
    if found.label in RELATIONS:
        # Of a score that goes from one number to another, the later one is the result.
        return "benchmarks", about | {
            "value": abstract[found.question.after or span[0] : span[1]],
            "metric": found.metric,
            "relation": RELATIONS[found.label],
            "benchmark": found.benchmark,
            "baselines": baselines,
        }
    setting = {"workload": found.workload, "hardware": list(found.hardware)}
    if found.label in CHANGES:
        return "speedups", about | setting | {
            "change": CHANGES[found.label],
            "better": not found.loss,
            "metric": found.measure,
            "baselines": baselines,
        }
    return "efficiencies", about | setting | {"metric": found.measure}


def _sizes(abstract: str, sizes: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """The sizes; one that the words call active joins the total of its sentence that stands
    nearest, before or after it."""
    here = [(size.start, size.end) for size in model_sizes.active(abstract)]
    spans = {(s.question.start, s.question.end): s for s in sizes}
    active = [span for span in spans if span in here]
    totals = [span for span in spans if span not in here]
    joined: dict[Span, Span] = {}
    for span in active:
        low, high = window(abstract, span, len(abstract), len(abstract))
        near = [t for t in totals if low <= t[0] < high and t not in joined]
        if near:
            joined[min(near, key=lambda t: abs(t[0] - span[0]))] = span
    for span in totals:
        other = joined.get(span, span)
        first, last = min(span, other), max(span, other)
        start, end = window(abstract, first, 5, 0)[0], window(abstract, last, 0, 4)[1]
        item: dict[str, Any] = {"quote": abstract[start:end], "total": abstract[slice(*span)]}
        if other != span:
            item["active"] = abstract[slice(*other)]
        found = spans[span]
        stance = "background" if found.background else "own"
        yield item | {"model": found.model or grammar.model_name(abstract, span), "stance": stance}
