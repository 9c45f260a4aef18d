"""Moves claims that are less sure than `--min-confidence` to the rejected lines."""

from __future__ import annotations

from dataclasses import replace

from claimgrid.extraction import coverage
from claimgrid.quantities.lexer import lex
from claimgrid.types.claim import Rejected
from claimgrid.types.outcome import Outcome


def without_doubtful(made: Outcome, least: float | None) -> Outcome:
    """The outcome with the claims whose confidence is below `least` among the rejected lines.

    A claim without a confidence stays; None rejects nothing.
    """
    if least is None:
        return made
    doubtful = [c for c in made.claims if c.confidence is not None and c.confidence < least]
    if not doubtful:
        return made
    below = {claim.claim_id for claim in doubtful}
    kept = tuple(claim for claim in made.claims if claim.claim_id not in below)
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
