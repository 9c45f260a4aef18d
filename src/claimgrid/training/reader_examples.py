"""Turns abstracts with known claims into what the reader learns from: labels and words to point at.

An example keeps characters, not tokens, so that it can be varied (names and digits swapped) before
it is turned into tokens.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from claimgrid.decisions.candidates import Candidate
from claimgrid.entities import hardware
from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.reader import features
from claimgrid.reader.heads import BOUNDS, DEVICES_FOR, FIELDS, METRICS
from claimgrid.text import sentences
from claimgrid.training import training_labels as labels
from claimgrid.training.training_labels import Known
from claimgrid.types.paper import Paper

Span = tuple[int, int]
_IN_LATEX = 0.3  # of the numbers that are changed anyway
_PLAIN_NUMBER = re.compile(r"([0-9][0-9.,]*)(x|%)?")


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one candidate.

    `fields` holds for each field that applies the values, each with the places where its words
    stand; no value means that there is none to point at. A field that is missing is not learned.
    """

    label: str = "no"
    background: bool = False
    loss: bool | None = None
    metric: str | None = None
    bound: str | None = None
    fields: Mapping[str, tuple[tuple[Span, ...], ...]] = field(default_factory=dict)
    hardware: tuple[str, ...] | None = None
    soft: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One abstract, its candidates, the devices that it mentions, and what is known of each."""

    name: str
    title: str
    abstract: str
    questions: tuple[Candidate, ...]
    devices: tuple[tuple[str, int, int], ...]
    marks: tuple[Mark, ...]
    weight: float = 1.0


def example(paper: Paper, claims: Sequence[Known], weight: float = 1.0) -> Example:
    """The example that the known claims of a paper make."""
    listed, decisions, sources = labels.trace(paper, claims)
    borders = [start for start, _ in sentences.spans(paper.abstract)]
    marks = []
    for index, (question, decision) in enumerate(zip(listed.questions, decisions, strict=True)):
        claim = sources.get(index)
        if claim is None:
            # An active count belongs to the claim of its total.
            marks.append(Mark(decision.label))
            continue
        bound = claim.get("qualifier")
        marks.append(
            Mark(
                decision.label,
                claim.get("stance") == "background",
                decision.loss if decision.label in DEVICES_FOR[:-1] else None,
                decision.metric if decision.metric in METRICS else None,
                bound if bound in BOUNDS and question.about == "number" else None,
                _fields(paper.abstract, question, decision.label, claim, borders, listed.names),
                _hardware(decision.label, claim),
            )
        )
    devices = tuple((m.device.slug, m.start, m.end) for m in hardware.find(paper.abstract))
    return Example(
        paper.abstract_sha256,
        paper.title,
        paper.abstract,
        listed.questions,
        devices,
        tuple(marks),
        weight,
    )


def _hardware(label: str, claim: Known) -> tuple[str, ...] | None:
    if label not in DEVICES_FOR or "hardware" not in claim:
        return None
    return tuple(claim["hardware"])


def _fields(
    text: str,
    question: Candidate,
    label: str,
    claim: Known,
    borders: Sequence[int],
    names: Sequence[str],
) -> dict[str, tuple[tuple[Span, ...], ...]]:
    found: dict[str, tuple[tuple[Span, ...], ...]] = {}
    for name, applies in FIELDS.items():
        if label not in applies or name not in claim:
            continue
        values = claim[name] if isinstance(claim[name], (list, tuple)) else [claim[name]]
        spans = claim.get("spans", {}).get(name, ())
        words = [text[s:e] for s, e in spans] or [value for value in values if value]
        places = [
            _places(text, said, question, borders)
            or (_alias(text, said, question, borders, names) if name == "benchmark" else ())
            for said in words
        ]
        if all(places):
            found[name] = tuple(places)
    return found


def _places(text: str, words: str, near: Candidate, borders: Sequence[int]) -> tuple[Span, ...]:
    """Where words stand: in the candidate's own sentence if they do, else anywhere."""
    all_ = list(features.mentions(text, words)) or [
        match.span() for match in re.finditer(re.escape(words), text, re.IGNORECASE)
    ]
    mine = bisect_right(borders, near.start)
    here = [span for span in all_ if bisect_right(borders, span[0]) == mine]
    return tuple(here or all_)


def _alias(
    text: str, words: str, near: Candidate, borders: Sequence[int], names: Sequence[str]
) -> tuple[Span, ...]:
    """Where a benchmark stands under another spelling."""
    other = next((name for name in names if same_benchmark(name, words)), None)
    return _places(text, other, near, borders) if other else ()


# Variation ───────────────────────────────────────────────────────────────────────────────────────


def roles(examples: Sequence[Example]) -> dict[str, list[str]]:
    """The names of all examples by what they are pointed at as; "" for those that never are."""
    found: dict[str, set[str]] = {}
    for one in examples:
        for name, role in _roles(one).items():
            found.setdefault(role, set()).add(name)
    return {role: sorted(names) for role, names in found.items()}


def _roles(one: Example) -> dict[str, str]:
    found = {q.shown: "" for q in one.questions if q.about == "name"}
    for question, mark in zip(one.questions, one.marks, strict=True):
        if question.about == "name" and mark.label != "no":
            found[question.shown] = "benchmark"
        for name, values in mark.fields.items():
            for places in values:
                words = one.abstract[slice(*places[0])]
                if words in found and name in ("subject", "benchmark", "baselines", "metric"):
                    found[words] = name
    return found


def asides(examples: Sequence[Example]) -> list[str]:
    """The sentences of all examples in which nothing is asked about: they can stand anywhere."""
    found: set[str] = set()
    for one in examples:
        starts = sorted(question.start for question in one.questions)
        for start, end in sentences.spans(one.abstract):
            if bisect_left(starts, start) == bisect_left(starts, end):
                found.add(one.abstract[start:end].strip())
    return sorted(found - {""})


def vary(
    one: Example,
    pool: Mapping[str, Sequence[str]],
    rng: random.Random,
    share: float,
    mixed: Sequence[str] = (),
) -> Example:
    """The same abstract with some names and digits swapped, consistently, and numbers in LaTeX.

    Args:
        pool: names by their role, from `roles`.
        share: of the names and numbers that are changed, and of the abstracts that get one of the
            `mixed` sentences (from `asides`) between their own.
    """
    edits: list[tuple[int, int, str]] = []
    renamed: dict[str, str] = {}
    for name, role in _roles(one).items():
        others = pool.get(role, ())
        if others and rng.random() < share:
            new = rng.choice(others)
            renamed[name] = new
            edits += [(s, e, new) for s, e in features.mentions(one.abstract, name)]
    for question in one.questions:
        if question.about == "number" and question.after is None and rng.random() < share:
            words = one.abstract[question.start : question.end]
            new = re.sub(r"\d", lambda m: str(rng.randrange(1 if m[0] != "0" else 0, 10)), words)
            in_math = one.abstract.count("$", 0, question.start) % 2
            new = new if in_math or rng.random() > _IN_LATEX else _in_latex(new)
            edits.append((question.start, question.end, new))
    if mixed and rng.random() < share:
        at = rng.choice([start for start, _ in sentences.spans(one.abstract)] or [0])
        edits.append((at, at, f"{rng.choice(mixed)} "))
    edits.sort()
    kept: list[tuple[int, int, str]] = []
    for edit in edits:
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    if not kept:
        return one
    title = one.title
    for name, new in renamed.items():
        for start, end in reversed(list(features.mentions(title, name))):
            title = title[:start] + new + title[end:]
    return _edited(one, title, kept, renamed)


def _in_latex(words: str) -> str:
    r"""A number as LaTeX writes it: `$2.5\times$`, `$71.9\%$`; other words stay as they are."""
    match = _PLAIN_NUMBER.fullmatch(words)
    sign = {"x": "\\times", "%": "\\%", None: ""}
    return words if match is None else f"${match[1]}{sign[match[2]]}$"


def _edited(
    one: Example, title: str, edits: Sequence[tuple[int, int, str]], renamed: Mapping[str, str]
) -> Example:
    starts = [start for start, _, _ in edits]
    shifts = [0]
    pieces, last = [], 0
    for start, end, new in edits:
        pieces += [one.abstract[last:start], new]
        shifts.append(shifts[-1] + len(new) - (end - start))
        last = end
    abstract = "".join([*pieces, one.abstract[last:]])

    def moved(at: int, ending: bool) -> int:
        index = bisect_right(starts, at - 1 if ending else at)
        if index and at < edits[index - 1][1]:
            start, _, new = edits[index - 1]
            return start + shifts[index - 1] + (len(new) if ending else 0)
        return at + shifts[index]

    def span(given: Span) -> Span:
        return moved(given[0], ending=False), moved(given[1], ending=True)

    questions = tuple(
        replace(
            q,
            start=span((q.start, q.end))[0],
            end=span((q.start, q.end))[1],
            shown=renamed.get(q.shown, q.shown) if q.about == "name" else q.shown,
            after=None if q.after is None else moved(q.after, ending=False),
        )
        for q in one.questions
    )
    marks = tuple(
        replace(
            mark,
            fields={
                name: tuple(tuple(span(place) for place in places) for places in values)
                for name, values in mark.fields.items()
            },
        )
        for mark in one.marks
    )
    devices = tuple((slug, *span((start, end))) for slug, start, end in one.devices)
    return replace(
        one, title=title, abstract=abstract, questions=questions, marks=marks, devices=devices
    )
