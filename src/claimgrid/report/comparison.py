"""Several runs are compared: claims of one and not of another, and fields that differ.

Claims of two runs are the same where they are of the same abstract and have the same id, or point at
the same number in it. The first run that has a claim gives its row; the others say where they differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimgrid.review.corrections import reading
from claimgrid.types.claim import Claim, PaperLine, Rejected

_ANCHORS = ("value", "device", "total", "benchmark")
_PLACES = {"evidence", "spans"}  # compared by the words that they hold


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A run as read, under the name that the report shows."""

    name: str
    papers: Sequence[PaperLine]
    claims: Sequence[Claim]
    rejected: Sequence[Rejected] = ()


@dataclass(slots=True)
class Pair:
    """One claim in the runs that make it: by the name of the run, in their order."""

    paper: PaperLine
    by_run: dict[str, Claim] = field(default_factory=dict)

    @property
    def claim(self) -> Claim:
        """The claim as the first of the runs has it."""
        return next(iter(self.by_run.values()))

    def differences(self) -> dict[str, dict[str, Any]]:
        """The fields that differ, each with what every run says."""
        read = {run: _comparable(claim) for run, claim in self.by_run.items()}
        names = dict.fromkeys(name for fields in read.values() for name in fields)
        said = {n: {run: fields.get(n) for run, fields in read.items()} for n in names}
        return {
            n: of
            for n, of in said.items()
            if any(v != next(iter(of.values())) for v in of.values())
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All papers and claims of several runs, each once."""

    papers: list[PaperLine]
    pairs: list[Pair]
    rejected: list[Rejected]


def compare(runs: Sequence[NamedRun]) -> Comparison:
    """Bring the claims of several runs together."""
    papers: dict[tuple[str, str], PaperLine] = {}
    pairs: dict[tuple[object, ...], Pair] = {}
    for run in runs:
        own = {paper.paper_id: paper for paper in run.papers}
        for paper in run.papers:
            papers.setdefault((paper.paper_id, paper.abstract_sha256), paper)
        for claim in run.claims:
            if claim.paper_id not in own:
                continue
            paper = own[claim.paper_id]
            key = _key(pairs, run.name, paper, claim)
            pairs.setdefault(key, Pair(paper)).by_run[run.name] = claim
    return Comparison(
        list(papers.values()), list(pairs.values()), _rejected(run.rejected for run in runs)
    )


def _key(
    pairs: dict[tuple[object, ...], Pair], run: str, paper: PaperLine, claim: Claim
) -> tuple[object, ...]:
    """Where a claim belongs: with the same number of an earlier run, else by itself."""
    of = (paper.paper_id, paper.abstract_sha256)
    anchors = tuple(tuple(claim.spans[name][0]) for name in _ANCHORS if claim.spans.get(name))
    key = (*of, claim.kind, anchors, getattr(claim, "benchmark", None) if not anchors else None)
    while key in pairs and run in pairs[key].by_run:
        # One number may be claimed of two measures: the second has a row of its own.
        key = (*key, getattr(claim, "metric", None), claim.claim_id)
    return key


def _comparable(claim: Claim) -> dict[str, Any]:
    return {n: v for n, v in reading(claim).items() if n not in _PLACES} | {
        "quote": claim.evidence.quote
    }


def _rejected(runs: Iterable[Sequence[Rejected]]) -> list[Rejected]:
    """The rejected items of all runs, those that two runs share once."""
    found: dict[str, Rejected] = {}
    for items in runs:
        for item in items:
            found.setdefault(item.model_dump_json(), item)
    return list(found.values())
