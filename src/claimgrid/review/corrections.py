"""Corrections are a person's decisions on claims; applying them to a paper is a pure function.

A correction names the abstract by its hash and the claim by its id. It holds for every run that
reads the same abstract. Where the abstract has changed it applies to nothing, and where a later run
reads a rejected claim differently, the claim stays and is marked as changed. A decision may also be
on what is no claim: a number that no claim covers, or an item that the run refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from claimgrid.extraction import coverage
from claimgrid.quantities.lexer import lex
from claimgrid.types.claim import (
    KINDS,
    Checked,
    Claim,
    PaperLine,
    Rejected,
    Status,
    UnclaimedNumber,
)

Action = Literal["accept", "reject", "edit", "add", "dismiss", "note", "undo"]
DISMISSED = "dismissed_by_a_person"  # why a number is in no claim
_DECISIONS: dict[Action, Literal["accepted", "edited", "added"]] = {
    "accept": "accepted",
    "edit": "edited",
    "add": "added",
}
# How a claim was found and how sure it is; two readings that differ in these alone are the same.
_NOT_READING = {
    "claim_id", "paper_id", "grounding", "candidates", "confidence", "confidence_source",
    "support", "checked",
}  # fmt: skip
_ANCHORS = ("value", "device", "total", "benchmark")


def _absent(value: Any) -> bool:
    return value is None


class Correction(BaseModel):
    """One decision of a person: a line of `corrections.jsonl`.

    `before` is the claim as the person saw it, `claim` as the person left it; a rejected claim has
    no `claim`, an added one no `before`. `undoes` is the id of the correction that is taken back.
    `number` is a number that was said to be no claim; `item` is the key of a refused item (see
    `refused_items`) that was dismissed, or added after all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    action: Action
    abstract_sha256: str
    paper_id: str
    claim_id: str | None = Field(default=None, exclude_if=_absent)
    before: Claim | None = Field(default=None, exclude_if=_absent)
    claim: Claim | None = Field(default=None, exclude_if=_absent)
    number: UnclaimedNumber | None = Field(default=None, exclude_if=_absent)
    item: str | None = Field(default=None, exclude_if=_absent)
    undoes: str | None = Field(default=None, exclude_if=_absent)
    note: str | None = Field(default=None, exclude_if=_absent)
    by: str
    at: str

    @property
    def about(self) -> tuple[object, ...]:
        """What the decision is on: decisions on one thing share it."""
        place = (self.number.start, self.number.end) if self.number is not None else None
        item = self.item if self.action == "dismiss" else None
        return (self.abstract_sha256, self.claim_id, place, item)


@dataclass(frozen=True, slots=True)
class Applied:
    """A paper after the decisions on it.

    `rejected` are the claims that a person took out, `changed` the decisions that were not applied
    because the claim with that id now says something else.
    """

    paper: PaperLine
    claims: tuple[Claim, ...]
    rejected: tuple[Rejected, ...] = ()
    changed: tuple[Correction, ...] = ()


def standing(corrections: Iterable[Correction]) -> list[Correction]:
    """The corrections that were not taken back, each id once, in order."""
    given: dict[str, Correction] = {}
    for correction in corrections:
        given.setdefault(correction.id, correction)
    undone = {one.undoes for one in given.values() if one.action == "undo"}
    return [one for one in given.values() if one.action != "undo" and one.id not in undone]


def merge(files: Sequence[Iterable[Correction]]) -> list[Correction]:
    """The corrections of several files as one: each id once, in the order of their time.

    Nothing is left out. Where reviewers differ on a claim, the later decision holds, and the claim
    stands among those to be checked first.
    """
    found: dict[str, Correction] = {}
    for file in files:
        for correction in file:
            found.setdefault(correction.id, correction)
    return sorted(found.values(), key=lambda one: (one.at, one.id))


def apply(paper: PaperLine, claims: Sequence[Claim], corrections: Iterable[Correction]) -> Applied:
    """The paper and its claims with every standing decision on this abstract applied."""
    mine = [one for one in standing(corrections) if one.abstract_sha256 == paper.abstract_sha256]
    if not mine:
        return Applied(paper, tuple(claims))
    current = {claim.claim_id: claim for claim in claims}
    rejected: list[Rejected] = []
    changed: list[Correction] = []
    for one in mine:
        if one.action == "reject" and one.claim_id is not None:
            found = current.get(one.claim_id)
            if found is not None and one.before is not None and same_reading(found, one.before):
                del current[one.claim_id]
                rejected.append(_rejected(paper, found, one))
            elif found is not None:
                changed.append(one)
        elif one.claim is not None:
            _take(current, one, one.claim.model_copy(update={"paper_id": paper.paper_id}))
    kept = sorted(
        current.values(), key=lambda c: (c.evidence.start, c.evidence.end, KINDS.index(c.kind))
    )
    dismissed = [one.number for one in mine if one.action == "dismiss" and one.number is not None]
    line = _line(paper, kept, len(rejected), dismissed)
    return Applied(line, tuple(kept), tuple(rejected), tuple(changed))


def same_reading(one: Claim, other: Claim) -> bool:
    """Whether two claims say the same of the same words, however they were found."""
    return reading(one) == reading(other)


def reading(claim: Claim) -> dict[str, Any]:
    """What a claim says and of which words, without its id and how it was found."""
    return claim.model_dump(mode="json", exclude=_NOT_READING)


def to_gold(
    papers: Iterable[PaperLine], claims: Iterable[Claim], corrections: Iterable[Correction]
) -> Iterator[dict[str, Any]]:
    """Gold lines of the papers that a person decided on, in the format of `fixtures/gold`.

    `claims` are the claims as they stand in the run. A claim that nobody decided on is marked
    `optional`, so that it costs nothing whether it is found or not.
    """
    every = list(corrections)
    decided = {
        one.abstract_sha256 for one in standing(every) if one.action not in ("note", "dismiss")
    }
    of: dict[str, list[Claim]] = {}
    for claim in claims:
        of.setdefault(claim.paper_id, []).append(claim)
    for paper in papers:
        if paper.abstract_sha256 not in decided:
            continue
        applied = apply(paper, of.get(paper.paper_id, []), every)
        yield {
            "id": paper.paper_id,
            "title": paper.title,
            "authors": paper.authors,
            "organizations": paper.organizations,
            "abstract_sha256": paper.abstract_sha256,
            "claims": [_gold(claim) for claim in applied.claims],
        }


def _take(current: dict[str, Claim], one: Correction, claim: Claim) -> None:
    """Put a decided claim in the place of the one that it was, or of the same one found anew."""
    if one.claim_id is not None:
        current.pop(one.claim_id, None)
    twins = [name for name, other in current.items() if _identity(other) == _identity(claim)]
    for name in twins:
        del current[name]
    told = Checked(decision=_DECISIONS[one.action], by=one.by, at=one.at)
    current[claim.claim_id] = claim.model_copy(update={"checked": told})


def _identity(claim: Claim) -> tuple[object, ...]:
    """What two claims of one abstract share only where they are the same claim."""
    anchors = tuple(tuple(claim.spans[name][0]) for name in _ANCHORS if claim.spans.get(name))
    return (claim.kind, anchors, getattr(claim, "metric", None), getattr(claim, "role", None))


def _line(
    paper: PaperLine,
    claims: Sequence[Claim],
    rejected: int,
    dismissed: Sequence[UnclaimedNumber],
) -> PaperLine:
    status: Status = paper.status
    if claims or status == "claims":
        status = "claims" if claims else "no_claims"
    return paper.model_copy(
        update={
            "status": status,
            "claims": {kind: sum(c.kind == kind for c in claims) for kind in KINDS},
            "rejected": paper.rejected + rejected,
            "unclaimed_numbers": [
                _dismissed(number, dismissed)
                for number in coverage.unclaimed(paper.abstract, lex(paper.abstract), claims)
            ],
        }
    )


def _dismissed(number: UnclaimedNumber, dismissed: Sequence[UnclaimedNumber]) -> UnclaimedNumber:
    told = any(one.start < number.end and number.start < one.end for one in dismissed)
    return number.model_copy(update={"reason": DISMISSED}) if told else number


def _rejected(paper: PaperLine, claim: Claim, one: Correction) -> Rejected:
    return Rejected(
        paper_id=paper.paper_id,
        kind=claim.kind,
        reason="rejected_by_a_person",
        detail=f"{one.by} on {one.at[:10]}" + (f": {one.note}" if one.note else ""),
        item=claim.model_dump(mode="json", include={"claim_id", "evidence", "spans", "value"}),
    )


def _gold(claim: Claim) -> dict[str, Any]:
    line: Mapping[str, Any] = claim.model_dump(
        mode="json", exclude=_NOT_READING | {"evidence", "spans", "ambiguous"}
    )
    made = {
        "kind": claim.kind,
        "quote": claim.evidence.quote,
        **line,
        "start": claim.evidence.start,
        "end": claim.evidence.end,
    }
    if claim.kind in ("hardware", "model_size"):
        # The counts stand in fields of their own.
        for name in ("value", "subject", "qualifier"):
            made.pop(name)
    return made | ({} if claim.checked else {"optional": True})
