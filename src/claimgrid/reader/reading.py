"""Makes a paper's outcome of a local model's findings, and says how far they are to be trusted.

The findings go through the same grounding and building as the reply of any model; each claim then
carries the probability of the finding that it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from claimgrid.extraction.pipeline import read_answer
from claimgrid.reader.findings import Finding, reply
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Claim, Rejected
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

ORIGIN = "in-process"
_ANCHORS = ("value", "device", "total", "benchmark")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model on this machine read in one abstract.

    `doubt` is how many claims it expects to have wrong or to have missed; None where it cannot say.
    """

    findings: tuple[Finding, ...]
    doubt: float | None = None


def outcome(paper: Paper, reading: Reading, *, model: str) -> Outcome:
    """The paper's claims, each with its probability where the model gives one."""
    answer = Answer(
        reply=reply(paper.abstract, reading.findings),
        dropped=(),
        usage=Usage(),
        source="live",
        origin=ORIGIN,
        model=model,
    )
    made = read_answer(paper, answer)
    return replace(made, claims=tuple(_sure(claim, reading.findings) for claim in made.claims))


def without_doubtful(made: Outcome, least: float) -> Outcome:
    """The outcome with the claims whose confidence is below `least` among the rejected lines."""
    doubtful = [c for c in made.claims if c.confidence is not None and c.confidence < least]
    if not doubtful:
        return made
    kept = tuple(claim for claim in made.claims if claim not in doubtful)
    rejected = tuple(
        Rejected(
            paper_id=claim.paper_id,
            kind=claim.kind,
            reason="low_confidence",
            detail=f"its confidence is {claim.confidence:.2f}, below --min-confidence {least:g}",
            item=claim.model_dump(mode="json", include={"evidence", "spans", "confidence"}),
        )
        for claim in doubtful
    )
    counts = dict(made.paper.claims)
    for claim in doubtful:
        counts[claim.kind] -= 1
    line = made.paper.model_copy(
        update={
            "claims": counts,
            "rejected": made.paper.rejected + len(rejected),
            "status": "claims" if kept else "no_claims",
        }
    )
    return replace(made, paper=line, claims=kept, rejected=(*made.rejected, *rejected))


def _sure(claim: Claim, findings: Sequence[Finding]) -> Claim:
    spans = next((claim.spans[name] for name in _ANCHORS if claim.spans.get(name)), None)
    if spans is None:
        return claim
    start, end = spans[0]
    met = [
        found.confidence
        for found in findings
        if found.confidence is not None
        and found.question.start < end
        and start < found.question.end
    ]
    if not met:
        return claim
    return claim.model_copy(update={"confidence": max(met), "confidence_source": "model"})
