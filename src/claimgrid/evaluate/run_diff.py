"""Compares the claims of two runs: which were added, removed or changed, joined by evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from claimgrid.evaluate.evidence_overlap import WordsOf
from claimgrid.evaluate.row_text import claim_key
from claimgrid.types.claim import KINDS, Claim, PaperLine

What = Literal["added", "removed", "changed"]
QUOTE = "quote"  # the field that stands for the evidence
# Where a claim's own number or name stands; two claims of one number are one claim.
_ANCHORS = ("value", "device", "total", "benchmark")
# What no table shows, or what changes whenever another field does.
_SILENT = frozenset(
    {"claim_id", "paper_id", "spans", "grounding", "candidates", "evidence", "support",
     "confidence", "confidence_source", "checked"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs, with its value in the first and in the second run."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """A claim that only one run has, or that the two make differently."""

    what: What
    paper_id: str
    kind: str
    quote: str
    key: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperChange:
    """A paper that only one run has, or that ended otherwise."""

    paper_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs, in the order of the first run's papers.

    `same` counts the claims that both runs make alike; `by_paper` gives for each paper that both
    runs have how many of its claims differ, and how many there are in both runs together.
    """

    changes: tuple[ClaimChange, ...]
    papers: tuple[PaperChange, ...]
    same: int
    by_paper: tuple[tuple[str, int, int], ...]

    def __bool__(self) -> bool:
        return bool(self.changes or self.papers)

    def counts(self) -> dict[str, dict[What, int]]:
        """How many claims of each kind were added, removed and changed."""
        counted = Counter((change.kind, change.what) for change in self.changes)
        kinds: tuple[What, ...] = ("added", "removed", "changed")
        return {kind: {what: counted[kind, what] for what in kinds} for kind in KINDS}

    @property
    def quoted_otherwise(self) -> int:
        """How many changed claims differ in the quoted words alone: their rows are the same."""
        return sum({field.field for field in change.fields} == {QUOTE} for change in self.changes)

    @property
    def change_rate(self) -> float:
        """Share of the claims of both runs together that differ; 0 where there are none."""
        all_claims = self.same + len(self.changes)
        return len(self.changes) / all_claims if all_claims else 0.0


@dataclass(frozen=True, slots=True)
class RunSide:
    """The papers and claims of one run; streams are read once."""

    papers: Iterable[PaperLine]
    claims: Iterable[Claim]


def diff(before: RunSide, after: RunSide, ignore: Collection[str] = ()) -> RunDiff:
    """What differs between two runs.

    Papers are joined by the hash of their abstract, so that offsets mean the same, else by id.

    Args:
        ignore: fields whose difference makes no change, such as `quote`.
    """
    first, second = _grouped(before), _grouped(after)
    by_id = {line.paper_id: key for key, (line, _) in second.items()}
    changes: list[ClaimChange] = []
    papers: list[PaperChange] = []
    by_paper: list[tuple[str, int, int]] = []
    same = 0
    seen: set[str] = set()
    for key, (line, mine) in first.items():
        other = key if key in second else by_id.get(line.paper_id)
        if other is None or other in seen:
            papers.append(PaperChange(line.paper_id, line.status, None))
            changes += [_one("removed", claim) for claim in mine]
            continue
        seen.add(other)
        line_after, theirs = second[other]
        if line.status != line_after.status:
            papers.append(PaperChange(line.paper_id, line.status, line_after.status))
        found = list(_changes(line.abstract, mine, theirs, ignore))
        alike = len(mine) - sum(change.what != "added" for change in found)
        changes += found
        same += alike
        by_paper.append((line.paper_id, len(found), alike + len(found)))
    for key, (line, theirs) in second.items():
        if key not in seen:
            papers.append(PaperChange(line.paper_id, None, line.status))
            changes += [_one("added", claim) for claim in theirs]
    return RunDiff(tuple(changes), tuple(papers), same, tuple(by_paper))


def _grouped(side: RunSide) -> dict[str, tuple[PaperLine, list[Claim]]]:
    lines = {line.paper_id: line for line in side.papers}
    claims: dict[str, list[Claim]] = {paper_id: [] for paper_id in lines}
    for claim in side.claims:
        claims.setdefault(claim.paper_id, []).append(claim)
    found: dict[str, tuple[PaperLine, list[Claim]]] = {}
    for paper_id, line in lines.items():
        # Two papers with one abstract stay two.
        key = line.abstract_sha256 if line.abstract_sha256 not in found else paper_id
        found[key] = (line, claims[paper_id])
    return found


def _changes(
    abstract: str, before: Sequence[Claim], after: Sequence[Claim], ignore: Collection[str]
) -> Iterator[ClaimChange]:
    pairs = join(abstract, before, after)
    for index, claim in enumerate(before):
        if index not in pairs:
            yield _one("removed", claim)
        elif fields := tuple(
            change
            for change in field_changes(claim, after[pairs[index]])
            if change.field not in ignore
        ):
            kind, quote = claim.kind, claim.evidence.quote
            yield ClaimChange("changed", claim.paper_id, kind, quote, claim_key(claim), fields)
    taken = set(pairs.values())
    for index, claim in enumerate(after):
        if index not in taken:
            yield _one("added", claim)


def join(abstract: str, before: Sequence[Claim], after: Sequence[Claim]) -> dict[int, int]:
    """Which claims of one abstract are the same claim, each of them once.

    In this order: the same id; the same kind and number or name at the same place; another kind at
    the same place; the same kind and accepted overlap of the evidence.
    """
    words = WordsOf(abstract)

    def rank(one: Claim, two: Claim) -> tuple[int, float] | None:
        kind = one.kind == two.kind
        if kind and one.claim_id == two.claim_id:
            return 0, 0.0
        spans = [(c.evidence.start, c.evidence.end) for c in (one, two)]
        overlap = words.overlap(spans[0], spans[1])
        if (place := _anchor(one)) is not None and place == _anchor(two):
            return (1 if kind else 2), -overlap.f1
        if kind and overlap.accepted and not (_anchor(one) and _anchor(two)):
            return 3, -overlap.f1
        return (3, -overlap.f1) if kind and overlap.iou == 1 else None

    ranked = sorted(
        (found, i, o)
        for i, one in enumerate(before)
        for o, two in enumerate(after)
        if (found := rank(one, two)) is not None
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, index, other in ranked:
        if index not in pairs and other not in used:
            pairs[index] = other
            used.add(other)
    return pairs


def _anchor(claim: Claim) -> tuple[str, int, int] | None:
    for name in _ANCHORS:
        spans = claim.spans.get(name)
        if spans:
            return "", spans[0].start, spans[0].end
    return None


def field_changes(before: Claim, after: Claim) -> Iterator[FieldChange]:
    """The fields of a row in which two claims differ, `quote` among them."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    for name in dict.fromkeys((*old, *new)):
        if name not in _SILENT and old.get(name) != new.get(name):
            yield FieldChange(name, old.get(name), new.get(name))
    if before.evidence != after.evidence:
        yield FieldChange(QUOTE, before.evidence.quote, after.evidence.quote)


def _one(what: What, claim: Claim) -> ClaimChange:
    return ClaimChange(what, claim.paper_id, claim.kind, claim.evidence.quote, claim_key(claim))
