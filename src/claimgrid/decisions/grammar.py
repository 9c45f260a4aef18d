"""Says what a decision on a candidate is, and makes the items of a reply out of decisions.

An answer is one line: the question as shown, ` = `, and a decision:

    no                                   not a claim
    score [on NAME]                      a result, absolute
    delta [on NAME] [vs NAME, NAME]      a result, better or worse by
    share [on NAME] [vs NAME, NAME]      a result, as a share or multiple
    up|down|of|from [loss] METRIC [vs …] a relative gain or loss
    amount METRIC                        an absolute speed, cost or share
    size, active                         a model's parameters; which are active, the words tell
    run, deploy, aim                     a device, by its role
    used, new, system                    a name: evaluated on, introduced, the paper's own system
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from claimgrid.decisions.candidates import Candidate, Candidates, window
from claimgrid.entities import metrics, model_sizes
from claimgrid.types.reply import RelativeMetric, Reply

RELATIVE: tuple[str, ...] = get_args(RelativeMetric)
ABSOLUTE: tuple[str, ...] = (*RELATIVE, "power", "area", "frequency")
CHANGES = {"up": "up", "down": "down", "of": "of", "from": "from_to"}
RELATIONS = {"score": "absolute", "delta": "delta", "share": "ratio"}
ROLES = {"run": "evaluation", "deploy": "deployment", "aim": "target"}
GIVES = " = "


@dataclass(frozen=True, slots=True)
class Decision:
    """What is said of one question."""

    label: str = "no"
    loss: bool = False
    metric: str | None = None
    benchmark: str | None = None
    baselines: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        words = [self.label]
        words += ["loss"] if self.loss else []
        words += [self.metric] if self.metric else []
        words += ["on", self.benchmark] if self.benchmark else []
        words += ["vs", ", ".join(self.baselines)] if self.baselines else []
        return " ".join(words)


def lines(listed: Candidates, made: Sequence[Decision]) -> str:
    """The reply that gives these decisions, one for each question."""
    pairs = zip(listed.questions, made, strict=True)
    return "".join(f"{question.shown}{GIVES}{decision}\n" for question, decision in pairs)


def read(listed: Candidates, text: str) -> Reply:
    """The items that the decisions in a reply's text make.

    Raises:
        ValueError: a line does not answer the list's next question, or with no known decision.
    """
    return reply(listed, decisions(listed, text)) if listed.questions else Reply()


def decisions(listed: Candidates, text: str) -> list[tuple[Candidate, Decision]]:
    """The decision on each question, as a reply's text gives them.

    Raises:
        ValueError: as `read`.
    """
    given = text.strip("\n").split("\n")
    if len(given) != len(listed.questions):
        raise ValueError(f"{len(given)} lines answer {len(listed.questions)} questions")
    return [
        (question, _decision(question, line))
        for question, line in zip(listed.questions, given, strict=True)
    ]


def _decision(question: Candidate, line: str) -> Decision:
    if not line.startswith(question.shown + GIVES):
        raise ValueError(f"{line!r} does not answer {question.shown!r}")
    said = line[len(question.shown + GIVES) :]
    rest, _, against = said.partition(" vs ")
    head, _, benchmark = rest.partition(" on ")
    label, *words = head.split()
    decision = Decision(
        label,
        "loss" in words,
        next((w for w in words if w != "loss"), None),
        benchmark or None,
        # No name holds a comma: the shape of names ends at one.
        tuple(against.split(", ")) if against else (),
    )
    if str(decision) != said or label not in labels(question):
        raise ValueError(f"{said!r} is no decision on {question.shown!r}")
    return decision


def labels(question: Candidate) -> tuple[str, ...]:
    """The labels that a decision on this question may have."""
    match question.about:
        case "number":
            return ("no", *RELATIONS, *CHANGES, "amount")
        case "size":
            return ("no", "size", "active")
        case "device":
            return ("no", *ROLES)
        case _:
            return ("no", "used", "new", "system")


def reply(listed: Candidates, decided: Sequence[tuple[Candidate, Decision]]) -> Reply:
    """The items that decisions make; the words of each are copied from the abstract."""
    return Reply.model_validate(_items(listed, decided))


def _items(listed: Candidates, decided: Sequence[tuple[Candidate, Decision]]) -> dict[str, Any]:
    text = listed.abstract
    system = next((q.shown for q, d in decided if d.label == "system"), None)
    out: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("benchmarks", "speedups", "efficiencies", "hardware", "model_sizes")
    }
    devices = [(q.start, q.end) for q, d in decided if d.label in ROLES]
    sizes: list[tuple[int, int]] = []
    for question, decision in decided:
        span = (question.start, question.end)
        words = text[slice(*span)]
        quote = text[slice(*window(text, span, 5, 6))]
        about = {"quote": quote, "value": words, "subject": system}
        match decision.label:
            case "no" | "system":
                pass
            case "used":
                out["benchmarks"].append(
                    {"quote": words, "role": "evaluated_on", "benchmark": words}
                )
            case "new":
                out["benchmarks"].append({"quote": words, "role": "introduced", "benchmark": words})
            case "size" | "active":
                sizes.append(span)
            case label if label in ROLES:
                quote = text[slice(*window(text, span, 5, 0))]
                out["hardware"].append({"quote": quote, "device": words, "role": ROLES[label]})
            case label if label in RELATIONS:
                # Of a score that goes from one number to another, the later one is the result.
                later = text[question.after or question.start : question.end]
                out["benchmarks"].append(
                    about
                    | {
                        "value": later,
                        "metric": metric_words(text, span),
                        "relation": RELATIONS[label],
                        "benchmark": decision.benchmark,
                        "baselines": list(decision.baselines),
                    }
                )
            case label if label in CHANGES:
                out["speedups"].append(
                    about
                    | {
                        "change": CHANGES[label],
                        "better": not decision.loss,
                        "metric": decision.metric,
                        "baselines": list(decision.baselines),
                        "hardware": measured_on(text, span, devices),
                    }
                )
            case _:
                hardware = measured_on(text, span, devices)
                out["efficiencies"].append(
                    about | {"metric": decision.metric, "hardware": hardware}
                )
    out["model_sizes"] = list(_sizes(text, sizes))
    return out


def _sizes(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """The sizes that were taken; one that the words call active joins the total of its sentence
    that stands nearest, before or after it."""
    here = [(size.start, size.end) for size in model_sizes.active(text)]
    active = [span for span in taken if span in here]
    totals = [span for span in taken if span not in here]
    joined: dict[tuple[int, int], tuple[int, int]] = {}
    for span in active:
        low, high = window(text, span, len(text), len(text))
        near = [t for t in totals if low <= t[0] < high and t not in joined]
        if near:
            joined[min(near, key=lambda t: abs(t[0] - span[0]))] = span
    for span in totals:
        other = joined.get(span, span)
        first, last = min(span, other), max(span, other)
        start, end = window(text, first, 5, 0)[0], window(text, last, 0, 4)[1]
        item: dict[str, Any] = {"quote": text[start:end], "total": text[slice(*span)]}
        if other != span:
            item["active"] = text[slice(*other)]
        yield item | {"model": model_name(text, span)}


def measured_on(text: str, span: tuple[int, int], devices: Sequence[tuple[int, int]]) -> list[str]:
    """The devices of the number's own sentence; else the only device of the abstract."""
    low, high = window(text, span, len(text), len(text))
    here = [device for device in devices if low <= device[0] < high]
    if not here and len(devices) == 1:
        here = list(devices)
    return [text[start:end] for start, end in here]


_METRIC_WORD = re.compile(r"[A-Za-z][\w@/.-]*[\w]")
_LONGEST_METRIC = 4  # words


def metric_words(text: str, span: tuple[int, int]) -> str | None:
    """The metric that the number's sentence names nearest to it; of two, the longer one."""
    low, high = window(text, span, 30, 30)
    words = [(m.start() + low, m.end() + low) for m in _METRIC_WORD.finditer(text[low:high])]
    best: tuple[int, int, str] | None = None
    for first, (start, _) in enumerate(words):
        for count, (_, end) in enumerate(words[first : first + _LONGEST_METRIC], 1):
            if metrics.is_metric(text[start:end]):
                gap = max(span[0] - end, start - span[1], 0)
                if best is None or (gap, -count) < best[:2]:
                    best = (gap, -count, text[start:end])
    return best[2] if best else None


_NAMED = re.compile(r"[^\s()\[\],;:\"“”]*\Z")
_NAME_END = re.compile(r"[^\s()\[\],;:\"“”]*")


def model_name(text: str, span: tuple[int, int]) -> str | None:
    """The model's name that the size is part of or follows: `Foo-7B`, `Foo 7B`."""
    head = _NAMED.search(text[max(0, span[0] - 60) : span[0]])
    tail = _NAME_END.match(text, span[1])
    start = span[0] - len(head[0]) if head else span[0]
    end = tail.end() if tail else span[1]
    if start == span[0]:
        before = re.search(r"\S+[ ~]\Z", text[max(0, span[0] - 60) : span[0]])
        word = before[0].rstrip(" ~") if before else ""
        if re.search(r"[A-Z]", word) and re.search(r"\w\Z", word):
            start -= len(before[0]) if before else 0
    name = text[start:end].rstrip(".'’")
    return name if re.search(r"[A-Za-z]{2}", name.replace(text[slice(*span)], "")) else None
