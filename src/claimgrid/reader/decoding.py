"""Turns the outputs of the reader's network into findings with probabilities."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from claimgrid.decisions import grammar
from claimgrid.decisions.candidates import Candidate
from claimgrid.reader.features import ABOUT, Features
from claimgrid.reader.findings import Finding
from claimgrid.reader.heads import (
    BACKGROUND,
    BOUND,
    BOUNDS,
    CHANGE,
    CHANNELS,
    DEVICES_FOR,
    FIELDS,
    LOSS,
    METRIC,
    METRICS,
    OWN_LABELS,
    QUALITY,
    RELATIVES,
    SLICES,
)

Array = np.ndarray[Any, Any]
_EDGES = 6  # the likeliest first and last tokens that are looked at together
_LONGEST_FIELD = 16  # tokens
_SHORTER = 0.75  # a field with one token more must be likelier by as much; measured on held-out
_BEFORE_DEVICE = re.compile(r"\b(?:on|with|using|for)\b[^,;]{0,40}\Z")
_LISTED = re.compile(r"\band\b|[,/]")
_LIST_GAP = 40  # characters between two devices of one list
_POSSIBLE = 0.1  # a device that stands right behind its number need not be likelier than this


@dataclass(frozen=True, slots=True)
class Rules:
    """Where the reader draws the line.

    `claim` is the probability from which a candidate of a sort is a claim; `none` the one from
    which a field is left empty; `devices` the one from which a device belongs to a number.
    """

    claim: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(ABOUT, 0.5))
    none: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0.5))
    devices: float = 0.5


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the network says of one abstract: labels [C,·], details [C,·], pointers [A,T,·]."""

    labels: Array
    details: Array
    pointers: Array


def findings(
    abstract: str, row: Features, out: Outputs, rules: Rules
) -> tuple[list[Finding], float]:
    """The candidates that are claims, each with its fields and the probability of its key; and the
    number of claims that are expected among the other candidates."""
    anchors = {c: a for a, c in enumerate(row.anchors)}
    found, missed = [], 0.0
    for c, question in enumerate(row.questions):
        names = OWN_LABELS[question.about]
        chances = softmax(out.labels[c, SLICES[question.about]])
        if row.first[c] == (0,) or 1 - chances[0] < rules.claim[question.about]:
            missed += float(1 - chances[0])
            continue
        best = 1 + int(chances[1:].argmax())
        known = _Known(abstract, row, out, rules, question, names[best], c, anchors.get(c))
        found.append(known.finding(float(chances[best])))
    return found, missed


@dataclass(frozen=True, slots=True)
class _Known:
    """One candidate that is a claim, on its way to a finding."""

    abstract: str
    row: Features
    out: Outputs
    rules: Rules
    question: Candidate
    label: str
    candidate: int
    anchor: int | None

    def finding(self, chance: float) -> Finding:
        detail = self.out.details[self.candidate]
        own = softmax(detail[BACKGROUND])
        background = bool(own[1] > own[0])
        loss, measure = False, None
        if self.label in CHANGE:
            losing = softmax(detail[LOSS])
            loss = bool(losing[1] > losing[0])
            chance *= float(losing.max())
            measure = METRICS[int(detail[METRIC][:RELATIVES].argmax())]
        elif self.label == "amount":
            measure = METRICS[int(detail[METRIC].argmax())]
        if not background:
            chance *= float(own[0])
        fields = {}
        for name, applies in FIELDS.items():
            if self.label in applies and self.anchor is not None:
                words, sure = self.pointed(name)
                fields[name] = words
                if name == "benchmark":
                    chance *= sure
        bound = BOUNDS[int(detail[BOUND].argmax())]
        span = (self.question.start, self.question.end)
        metric = fields.get("metric")
        if metric is None and self.label in QUALITY:
            metric = grammar.metric_words(self.abstract, span)
        baseline = fields.get("baselines")
        return Finding(
            self.question,
            self.label,
            background,
            loss,
            measure,
            bound if self.question.about == "number" else "exact",
            fields.get("subject"),
            metric,
            fields.get("benchmark"),
            (baseline,) if baseline else (),
            fields.get("workload"),
            self.devices() if self.label in DEVICES_FOR else (),
            fields.get("model"),
            chance,
        )

    def pointed(self, name: str) -> tuple[str | None, float]:
        """The words that a field points at, or None, and how sure that is."""
        assert self.anchor is not None
        scores = self.out.pointers[self.anchor]
        shut = self.row.sentence_of < 0
        shut[0] = False
        chances = []
        for edge in ("start", "end"):
            column = scores[:, CHANNELS.index(f"{name}:{edge}")].copy()
            column[shut] = -1e4
            chances.append(softmax(column))
        first, last = chances
        none = float(first[0] + last[0]) / 2
        spans: dict[str, float] = {}
        shown: dict[str, tuple[float, str]] = {}
        for s in np.argsort(first[1:])[-_EDGES:] + 1:
            for e in np.argsort(last[1:])[-_EDGES:] + 1:
                if not s <= e < s + _LONGEST_FIELD:
                    continue
                sentence = self.row.sentence_of[s]
                if sentence < 0 or sentence != self.row.sentence_of[e]:
                    continue
                words = whole(self.abstract, self.row.offsets[s][0], self.row.offsets[e][1])
                chance = float(first[s] * last[e] * _SHORTER ** (e - s))
                key = " ".join(words.lower().split())
                spans[key] = spans.get(key, 0.0) + chance
                shown[key] = max(shown.get(key, (0.0, "")), (chance, words))
        if not spans or none >= self.rules.none[name]:
            return None, none
        best = max(spans, key=spans.__getitem__)
        return shown[best][1], spans[best]

    def devices(self) -> tuple[str, ...]:
        """The words of the devices that a number was measured on, the nearest mention of each."""
        if self.anchor is None:
            return ()
        channel = self.out.pointers[self.anchor][:, CHANNELS.index("hardware")]
        chance: dict[str, float] = {}
        nearest: dict[str, tuple[int, str]] = {}
        for slug, (start, end), tokens in self.row.devices:
            sure = 1 / (1 + float(np.exp(-channel[list(tokens)].mean())))
            chance[slug] = max(chance.get(slug, 0.0), sure)
            mention = (abs(start - self.question.start), self.abstract[start:end])
            nearest[slug] = min(nearest.get(slug, mention), mention)
        behind = self._right_behind()
        taken = [s for s in behind if chance[s] >= _POSSIBLE]
        if not behind:
            taken = [s for s, p in chance.items() if p >= self.rules.devices]
        # "GPU" beside an A100 is that A100.
        named = [s for s in taken if "-" in s]
        return tuple(nearest[s][1] for s in named or taken)

    def _right_behind(self) -> list[str]:
        """The devices that the words after a number say it was measured on, if they do: "2.5x on
        an A100 and a V100", without another number between."""
        at = self.question.end
        sentence = self.row.sentence_of[self.row.first[self.candidate][0]]
        others = [q.start for q in self.row.questions if q.about == "number" and q.start >= at]
        following = [
            (slug, start, end)
            for slug, (start, end), tokens in self.row.devices
            if start >= at
            and self.row.sentence_of[tokens[0]] == sentence
            and not any(other < start for other in others)
            and _BEFORE_DEVICE.search(self.abstract[at:start])
        ]
        if not following:
            return []
        slug, _, last = following[0]
        taken = [slug]
        for slug, start, end in following[1:]:
            between = self.abstract[last:start]
            if len(between) < _LIST_GAP and _LISTED.search(between):
                taken.append(slug)
                last = end
        return list(dict.fromkeys(taken))


def whole(text: str, start: int, end: int) -> str:
    """The words at a span, with the rest of a word that it cuts."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return balanced(text[start:end])


_OPEN = re.compile(r"\(([^()]*)\Z")


def balanced(words: str) -> str:
    """Words without a bracket that is not closed or opened."""
    if words.count("(") > words.count(")"):
        # "Foo (Bar" lacks its end; the bracket closes in the text, or the words stop before it.
        words = _OPEN.sub("", words) or words
    return words.strip(" ,;:")


def softmax(scores: Array) -> Array:
    """Probabilities of scores along the last axis."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    made: Array = raised / raised.sum(-1, keepdims=True)
    return made


def batch_of_one(outputs: Sequence[Array]) -> Outputs:
    """The network's outputs for a batch that holds one abstract."""
    return Outputs(*(output[0] for output in outputs))
