"""Makes an answer of a local model's findings, and says how far it is to be trusted.

The findings go through the same grounding and building as the reply of any model; each claim then
carries the probability of the finding that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from claimgrid.extraction import coverage
from claimgrid.quantities.lexer import lex
from claimgrid.reader.findings import Finding, reply
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Rejected
from claimgrid.types.outcome import Outcome

ORIGIN = "in-process"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model on this machine read in one abstract.

    `doubt` is how many claims it expects to have wrong or to have missed; None where it cannot say.
    """

    findings: tuple[Finding, ...]
    doubt: float | None = None


def answer(abstract: str, reading: Reading, *, model: str) -> Answer:
    """The reading as the answer of any model, with the probability of each finding."""
    return Answer(
        reply=reply(abstract, reading.findings),
        dropped=(),
        usage=Usage(),
        source="live",
        origin=ORIGIN,
        model=model,
        confidences=tuple(
            (found.question.start, found.question.end, found.confidence)
            for found in reading.findings
            if found.confidence is not None
        ),
    )


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
    abstract = made.paper.abstract
    counts = dict(made.paper.claims)
    for claim in doubtful:
        counts[claim.kind] -= 1
    line = made.paper.model_copy(
        update={
            "claims": counts,
            "rejected": made.paper.rejected + len(rejected),
            "status": "claims" if kept else "no_claims",
            "unclaimed_numbers": coverage.unclaimed(abstract, lex(abstract), kept),
        }
    )
    return replace(made, paper=line, claims=kept, rejected=(*made.rejected, *rejected))
