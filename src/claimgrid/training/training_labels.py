"""Finds the decisions that give the known claims of an abstract, so that a model can learn them.

The claims are gold, or those of a run by a stronger model. A decision is taken over only if the
extractor's own grounding and normalizing make the same claim of it: what is learned is what scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claimgrid.decisions import candidates, grammar
from claimgrid.decisions.candidates import Candidate, Candidates
from claimgrid.decisions.grammar import Decision
from claimgrid.entities import model_sizes
from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.evaluate import scoring
from claimgrid.extraction import claim_builder
from claimgrid.extraction.grounding import Grounder, items
from claimgrid.quantities.lexer import lex
from claimgrid.text import alignment
from claimgrid.types.claim import Claim
from claimgrid.types.grounded import Refusal
from claimgrid.types.paper import Paper

Known = Mapping[str, Any]
_EDGE = 3  # characters by which a candidate may reach over the words that gold quotes
_BASELINES = 2  # as many as the grammar allows


def known(claim: Claim) -> dict[str, Any]:
    """A claim of a run in the shape of a gold line."""
    line: dict[str, Any] = claim.model_dump(mode="json")
    evidence = claim.evidence
    return line | {"quote": evidence.quote, "start": evidence.start, "end": evidence.end}


def label(paper: Paper, claims: Sequence[Known]) -> tuple[Candidates, list[Decision]]:
    """The candidates of a paper with a decision on each question, "no" where no known claim is.

    Background claims are not decided for: they are left out of tables, and a small model has enough
    to tell apart. Claims that no candidate stands for (a device that the registry lacks, a data set
    without a name) are left out too: the form loses them, not the model.
    """
    labelling = _Labelling(paper)
    own = [claim for claim in claims if claim.get("stance", "own") == "own"]
    for claim in sorted(own, key=lambda c: (bool(c.get("optional")), c.get("start", 0))):
        labelling.add(claim)
    named = Counter(claim["subject"] for claim in own if claim.get("subject"))
    for subject, _ in named.most_common(1):
        labelling.name(subject)
    return labelling.listed, labelling.decisions


def trace(
    paper: Paper, claims: Sequence[Known]
) -> tuple[Candidates, list[Decision], dict[int, Known]]:
    """The candidates of a paper, a decision on each, and the claim that it stands for.

    Unlike `label`, background claims are decided for too, after the paper's own.
    """
    labelling = _Labelling(paper)
    for claim in sorted(
        claims,
        key=lambda c: (c.get("stance") == "background", bool(c.get("optional")), c.get("start", 0)),
    ):
        labelling.add(claim)
    return labelling.listed, labelling.decisions, labelling.sources


class _Labelling:
    def __init__(self, paper: Paper) -> None:
        self.sources: dict[int, Known] = {}
        self.listed = candidates.candidates_of(paper.abstract)
        self.decisions = [Decision() for _ in self.listed.questions]
        self._doc = alignment.read(paper.abstract)
        self._context = claim_builder.Context(paper, self._doc.sentences, lex(paper.abstract))

    def add(self, claim: Known) -> None:
        """Decide for the question that stands for a claim, if one does."""
        if claim["kind"] == "benchmark" and claim["role"] != "result":
            self._used(claim)
            return
        best: tuple[tuple[bool, int], int, Decision] | None = None
        for index, question in self._open():
            inside = (
                question.start >= claim["start"] - _EDGE and question.end <= claim["end"] + _EDGE
            )
            if question.about == "name" or (question.about == "number" and not inside):
                continue
            rank = (inside, -abs(question.start - claim["start"]))
            if best is None or rank > best[0]:
                gives = (d for d in _options(question, claim) if self._gives(question, d, claim))
                first = next(gives, None)
                if first is not None:
                    best = (rank, index, first)
        if best is not None:
            _, index, decision = best
            self.decisions[index] = self._filled(decision, claim)
            self.sources[index] = claim
            if claim["kind"] == "model_size" and claim.get("active_params"):
                self._active(index, claim["active_params"])

    def name(self, subject: str) -> None:
        """Decide which name is the paper's own system."""
        for index, question in self._open():
            if question.about == "name" and question.shown == subject:
                self.decisions[index] = Decision("system")
                return

    def _open(self) -> Iterator[tuple[int, Candidate]]:
        for index, question in enumerate(self.listed.questions):
            if self.decisions[index].label == "no":
                yield index, question

    def _used(self, claim: Known) -> None:
        name = claim.get("benchmark")
        for index, question in self._open():
            if question.about == "name" and name and same_benchmark(name, question.shown):
                label_ = "used" if claim["role"] == "evaluated_on" else "new"
                self.decisions[index] = Decision(label_)
                self.sources[index] = claim
                return

    def _active(self, total: int, params: int) -> None:
        text = self.listed.abstract
        here = [s for s in model_sizes.sizes(text) if s.params == params]
        for index, question in self._open():
            meets = any(s.start < question.end and question.start < s.end for s in here)
            if index > total and question.about == "size" and meets:
                self.decisions[index] = Decision("active")
                return

    def _gives(self, question: Candidate, decision: Decision, claim: Known) -> bool:
        """Whether the decision alone makes the claim, but for what other decisions add to it."""
        wanted = dict(claim)
        if claim["kind"] == "benchmark":
            wanted["benchmark"] = None
        if claim["kind"] == "model_size":
            wanted["active_params"] = None
        for kind, item in items(grammar.reply(self.listed, [(question, decision)])):
            grounded = Grounder(self._doc).ground(kind, item)
            if isinstance(grounded, Refusal):
                return False
            made = claim_builder.claim(grounded, self._context)
            return not isinstance(made, Refusal) and scoring.same(wanted, made)
        return False

    def _filled(self, decision: Decision, claim: Known) -> Decision:
        names = self.listed.names
        benchmark = None
        baselines: tuple[str, ...] = ()
        if claim["kind"] == "benchmark" and claim.get("benchmark"):
            benchmark = next((n for n in names if same_benchmark(claim["benchmark"], n)), None)
        if claim["kind"] in ("benchmark", "speedup") and decision.label != "score":
            given = [name for name in claim.get("baselines") or () if name in names]
            baselines = tuple(given[:_BASELINES])
        return Decision(decision.label, decision.loss, decision.metric, benchmark, baselines)


def _options(question: Candidate, claim: Known) -> Iterator[Decision]:
    metric = claim.get("metric")
    match question.about, claim["kind"]:
        case "number", "benchmark":
            for label_, relation in grammar.RELATIONS.items():
                if relation == claim.get("relation"):
                    yield Decision(label_)
        case "number", "speedup":
            for label_ in grammar.CHANGES:
                for loss in (False, True):
                    yield Decision(label_, loss, metric if metric in grammar.RELATIVE else "speed")
        case "number", "efficiency":
            yield Decision("amount", metric=metric if metric in grammar.ABSOLUTE else "speed")
        case "size", "model_size":
            yield Decision("size")
        case "device", "hardware":
            names = {role: label_ for label_, role in grammar.ROLES.items()}
            yield Decision(names.get(claim.get("role", "evaluation"), "run"))
