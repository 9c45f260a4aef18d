"""Makes an answer of a local model's findings, and says how far it is to be trusted.

The findings go through the same grounding and building as the reply of any model; each claim then
carries the probability of the finding that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

from claimgrid.reader.findings import Finding, reply
from claimgrid.types.answer import Answer, Usage

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
