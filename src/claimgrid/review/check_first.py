"""The order in which a person reviews a run: what is most likely wrong comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from claimgrid.review import refused_items
from claimgrid.review.corrections import Correction
from claimgrid.types.claim import Claim, PaperLine, Rejected, UnclaimedNumber

Reason = Literal[
    "changed", "reviewers_differ", "ungrounded_field", "ambiguous", "low_confidence", "conflict",
    "unclaimed", "refused",
]  # fmt: skip
ORDER: tuple[Reason, ...] = (
    "changed",
    "reviewers_differ",
    "ungrounded_field",
    "ambiguous",
    "low_confidence",
    "conflict",
    "unclaimed",
    "refused",
)
_SURE = 0.7  # below it a claim is looked at before the others


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to decide on: a claim, a number that no claim covers, or a refused item."""

    paper: PaperLine
    claim: Claim | None
    number: UnclaimedNumber | None
    item: Rejected | None
    reasons: tuple[Reason, ...]

    @property
    def key(self) -> str:
        """What names it among the entries of a run."""
        if self.claim is not None:
            return self.claim.claim_id
        if self.item is not None:
            return f"{self.paper.abstract_sha256[:16]}:{refused_items.key(self.item)}"
        assert self.number is not None
        return f"{self.paper.abstract_sha256[:16]}:{self.number.start}-{self.number.end}"


def entries(
    paper: PaperLine,
    claims: Sequence[Claim],
    rejected: Iterable[Rejected],
    decisions: Mapping[str, Sequence[Correction]],
    refused: Sequence[Rejected] = (),
) -> Iterator[Entry]:
    """What there is to decide on in one paper.

    Args:
        paper: its line.
        claims: as they stand.
        rejected: what the run left out, whole items or fields.
        decisions: the standing ones by claim id.
        refused: the rejected items that became no claim.
    """
    lost = [item for item in rejected if item.field is not None and item not in refused]
    clashing = _conflicts(claims)
    for claim in claims:
        yield Entry(paper, claim, None, None, tuple(_reasons(claim, lost, clashing, decisions)))
    for number in paper.unclaimed_numbers:
        # A year or a version is no claim; a number without a known reason may be a missed one.
        reasons: tuple[Reason, ...] = ("unclaimed",) if number.reason is None else ()
        yield Entry(paper, None, number, None, reasons)
    for item in refused:
        missed = item.reason not in refused_items.NOTHING_MISSED
        yield Entry(paper, None, None, item, ("refused",) if missed else ())


def order(found: Iterable[Entry]) -> list[Entry]:
    """The entries with the most urgent reason first; within a reason as they were read."""
    return sorted(found, key=_urgency)


def _urgency(entry: Entry) -> tuple[int, float]:
    first = min((ORDER.index(reason) for reason in entry.reasons), default=None)
    confidence = entry.claim.confidence if entry.claim is not None else None
    if first is None:
        # Numbers and items that are known to be no claims come after everything else.
        return (len(ORDER) + (entry.claim is None), 1.0)
    return (first, 1.0 if confidence is None else confidence)


def _reasons(
    claim: Claim,
    lost: Sequence[Rejected],
    clashing: frozenset[str],
    decisions: Mapping[str, Sequence[Correction]],
) -> Iterator[Reason]:
    told = [one for one in decisions.get(claim.claim_id, ()) if one.action != "note"]
    if any(one.action == "reject" for one in told[-1:]):
        yield "changed"
    last = {one.by: one.action == "reject" for one in told}
    if len(set(last.values())) > 1:
        yield "reviewers_differ"
    if any(refused_items.belongs(item, claim) for item in lost):
        yield "ungrounded_field"
    if claim.grounding == "ambiguous" or claim.ambiguous is not None:
        yield "ambiguous"
    if claim.confidence is not None and claim.confidence < _SURE:
        yield "low_confidence"
    if claim.claim_id in clashing:
        yield "conflict"


def _conflicts(claims: Sequence[Claim]) -> frozenset[str]:
    """Claims that give two numbers for one thing."""
    groups: dict[tuple[object, ...], list[Claim]] = {}
    for claim in claims:
        if claim.value is None or claim.kind not in ("benchmark", "speedup", "efficiency"):
            continue
        named = [
            getattr(claim, name, None)
            for name in ("subject", "benchmark", "metric", "relation", "workload", "stance")
        ]
        lists = [tuple(getattr(claim, name, None) or ()) for name in ("baselines", "hardware")]
        key = (claim.kind, *named, *lists, claim.value.unit, claim.qualifier)
        groups.setdefault(key, []).append(claim)
    return frozenset(
        claim.claim_id
        for group in groups.values()
        if len({(c.value.low, c.value.high) for c in group if c.value}) > 1
        for claim in group
    )
