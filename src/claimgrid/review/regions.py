"""Marked regions of abstracts are what other annotation tools exchange; this reads them as claims.

A region says "these characters are this field of this claim". Regions of one claim make it: a claim
of the run whose regions are all where they were is accepted, one whose regions moved is edited, and
regions of no claim of the run make an added one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from claimgrid.review import rebuilding
from claimgrid.review.corrections import Correction
from claimgrid.types.claim import KINDS, Claim, Kind, PaperLine, Span
from claimgrid.types.grounded import Refusal

QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Region:
    """One marked run of characters; `group` is shared by the regions of one claim."""

    group: str
    claim_id: str | None
    kind: Kind
    field: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unread:
    """A region or a claim that could not be taken over: where it stands, and why."""

    where: str
    why: str


def of_claim(claim: Claim) -> Iterator[Region]:
    """The evidence of a claim and the spans of its fields."""
    evidence = Span(claim.evidence.start, claim.evidence.end)
    yield Region(claim.claim_id, claim.claim_id, claim.kind, QUOTE, evidence)
    for name in sorted(claim.spans):
        for span in claim.spans[name]:
            yield Region(claim.claim_id, claim.claim_id, claim.kind, name, Span(*span))


def label(region: Region) -> str:
    """How the tools show a region: `speedup.value`."""
    return f"{region.kind}.{region.field}"


def read_label(text: str) -> tuple[Kind, str] | None:
    """The kind and field of a label, or None where it is none of ours."""
    kind, _, name = text.partition(".")
    found = next((one for one in KINDS if one == kind), None)
    if found is None or name not in (QUOTE, *rebuilding.FIELDS[found]):
        return None
    return found, name


def corrections(
    paper: PaperLine, claims: Iterable[Claim], found: Iterable[Region], *, by: str, at: str
) -> tuple[list[Correction], list[Unread]]:
    """The decisions that the regions of one paper make, and those that make none.

    Args:
        by: who marked them, and at: when (ISO 8601, UTC).
    """
    known = {claim.claim_id: claim for claim in claims}
    groups: dict[str, list[Region]] = {}
    for region in found:
        groups.setdefault(region.group, []).append(region)
    made: list[Correction] = []
    unread: list[Unread] = []
    for group in groups.values():
        name = next((one.claim_id for one in group if one.claim_id in known), None)
        before = known[name] if name is not None else None
        claim = _claim(paper, before, group)
        if isinstance(claim, Refusal):
            unread.append(Unread(f"{paper.paper_id}, {label(group[0])}", claim.detail))
            continue
        action = "add" if before is None else "accept" if claim is before else "edit"
        made.append(
            Correction(
                id=_id(paper, by, action, group),
                action=action,
                abstract_sha256=paper.abstract_sha256,
                paper_id=paper.paper_id,
                claim_id=before.claim_id if before is not None else claim.claim_id,
                before=before,
                claim=claim,
                by=by,
                at=at,
            )
        )
    return made, unread


def _claim(paper: PaperLine, before: Claim | None, group: Sequence[Region]) -> Claim | Refusal:
    spans: dict[str, list[Span]] = {}
    for region in sorted(group, key=lambda one: one.span):
        spans.setdefault(region.field, []).append(region.span)
    if before is None:
        anchor = rebuilding.FIELDS[group[0].kind]
        ordered = {name: spans[name] for name in (*anchor, QUOTE) if name in spans}
        labels = _guessed(group[0].kind, spans)
        return rebuilding.added(paper, group[0].kind, rebuilding.Change(ordered, labels))
    was: dict[str, list[Span]] = {}
    for region in sorted(of_claim(before), key=lambda one: one.span):
        was.setdefault(region.field, []).append(region.span)
    if spans == was:
        return before
    moved: dict[str, list[Span]] = {
        name: spans.get(name, [])
        for name in {*was, *spans}
        if spans.get(name, []) != was.get(name, []) and (name != QUOTE or name in spans)
    }
    return rebuilding.edited(paper, before, rebuilding.Change(moved))


def _guessed(kind: Kind, spans: Mapping[str, Sequence[Span]]) -> dict[str, str]:
    """Labels that the regions imply: a benchmark without a number is one that was used."""
    return {"role": "evaluated_on"} if kind == "benchmark" and "value" not in spans else {}


def _id(paper: PaperLine, by: str, action: str, group: Sequence[Region]) -> str:
    """The same import twice gives the same corrections, which count once."""
    places = sorted(f"{label(one)}:{one.span.start}-{one.span.end}" for one in group)
    key = "|".join([paper.abstract_sha256, by, action, *places])
    return hashlib.sha256(key.encode()).hexdigest()[:16]
