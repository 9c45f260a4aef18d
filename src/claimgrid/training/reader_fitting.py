"""Chooses a trained reader's thresholds, calibrates it and measures it, on held-out abstracts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from claimgrid.decisions import candidates
from claimgrid.evaluate import scoring
from claimgrid.evaluate.matching import same
from claimgrid.extraction.pipeline import read_answer
from claimgrid.reader import calibration, decoding, encoder, features, reading
from claimgrid.reader.decoding import Outputs, Rules
from claimgrid.reader.features import Features
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

Known = tuple[Paper, Sequence[Mapping[str, Any]]]
# What is tried beside one half; more would fit the held-out abstracts and not the model.
_TRIED = {
    "claim": {"number": (0.65,), "size": (0.35, 0.65), "device": (0.35, 0.65), "name": (0.35,)},
    "none": {"benchmark": (0.7, 0.85), "workload": (0.7,), "baselines": (0.35,)},
}
_HALVES = 2


@dataclass(frozen=True, slots=True)
class _Read:
    """One held-out abstract as the network sees it, and what the network says."""

    paper: Paper
    known: Sequence[Mapping[str, Any]]
    row: Features | None
    out: Outputs | None

    def outcome(self, rules: Rules) -> Outcome:
        found: list[Any] = []
        if self.row is not None and self.out is not None:
            found, _ = decoding.findings(self.paper.abstract, self.row, self.out, rules)
        read = reading.Reading(tuple(found))
        return read_answer(self.paper, reading.answer(self.paper.abstract, read, model="reader"))


def fit(folder: Path, unseen: Sequence[Known], about: Mapping[str, Any]) -> dict[str, Any]:
    """Write `reader.json` beside a model, from abstracts that it did not learn from.

    Args:
        folder: holds the model and its tokenizer.
        about: what else is to be told of the model, such as its training.

    Returns:
        What was measured.
    """
    version = hashlib.sha256((folder / encoder.MODEL).read_bytes()).hexdigest()[:8]
    told: dict[str, Any] = {
        "version": version,
        **asdict(Rules()),
        "calibration": {},
        "measured": {},
    }
    (folder / encoder.SETTINGS).write_text(json.dumps(told), encoding="utf-8")
    encoder.load.cache_clear()
    read = list(_read(encoder.load(folder), unseen))
    rules = _tuned(read)
    rows = [(kind, sure, right) for one in read for kind, sure, right in _claims(one, rules)]
    measured = {"abstracts": len(read), **_scored(read, rules), "ece": _crossed(read, rules)}
    told |= asdict(rules) | {
        "calibration": {
            kind: calibration.fit([(s, r) for k, s, r in rows if k == kind])
            for kind in sorted({kind for kind, _, _ in rows})
        },
        "measured": measured,
        "about": dict(about),
    }
    (folder / encoder.SETTINGS).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    encoder.load.cache_clear()
    return measured


def _read(reader: encoder.Reader, unseen: Sequence[Known]) -> Iterator[_Read]:
    for paper, known in unseen:
        asked = candidates.candidates_of(paper.abstract).questions
        if not asked:
            yield _Read(paper, known, None, None)
            continue
        row = features.features(reader.tokenizer, paper.title, paper.abstract, asked)
        outputs = reader.session.run(None, features.arrays(row))
        yield _Read(paper, known, row, decoding.batch_of_one(outputs))


def _tuned(read: Sequence[_Read]) -> Rules:
    """The thresholds that give the best F1 of claims and of whole rows together, one by one."""
    rules = Rules()
    best = _worth(read, rules)
    for name, kinds in _TRIED.items():
        for kind, thresholds in kinds.items():
            for threshold in thresholds:
                changed: Any = {name: {**getattr(rules, name), kind: threshold}}
                tried = replace(rules, **changed)
                worth = _worth(read, tried)
                # A threshold is moved only for more than one claim's worth.
                if worth > best + 0.002:
                    rules, best = tried, worth
    return rules


def _worth(read: Sequence[_Read], rules: Rules) -> float:
    scored = _scored(read, rules)
    return scored["f1"] + scored["whole"]


def _scored(read: Sequence[_Read], rules: Rules) -> dict[str, float]:
    made = [one.outcome(rules) for one in read]
    gold = [{"id": one.paper.paper_id, "claims": list(one.known)} for one in read]
    claims = [claim for outcome in made for claim in outcome.claims]
    report = scoring.evaluate(gold, [outcome.paper for outcome in made], claims)
    total = report.total
    return {
        "precision": round(total.precision, 4),
        "recall": round(total.recall, 4),
        "f1": round(total.f1, 4),
        "whole": round(report.whole_claims.f1, 4),
    }


def _claims(one: _Read, rules: Rules) -> Iterator[tuple[str, float, bool]]:
    """The claims of an abstract: kind, raw probability, and whether it is a known claim."""
    for claim in one.outcome(rules).claims:
        if claim.confidence is not None and claim.stance == "own":
            kind: str = claim.kind
            if claim.kind == "benchmark" and claim.role != "result":
                kind = "name"
            yield kind, claim.confidence, any(same(g, claim) for g in one.known)


def _crossed(read: Sequence[_Read], rules: Rules) -> float:
    """The calibration error of each half of the abstracts under the map of the other half."""
    outcomes: list[tuple[float, bool]] = []
    halves = [[*read[start::_HALVES]] for start in range(_HALVES)]
    for mine, other in zip(halves, reversed(halves), strict=True):
        rows = [row for one in other for row in _claims(one, rules)]
        for kind, sure, right in (row for one in mine for row in _claims(one, rules)):
            points = calibration.fit([(s, r) for k, s, r in rows if k == kind])
            outcomes.append((calibration.apply(points, sure), right))
    return round(calibration.error(outcomes), 4)
