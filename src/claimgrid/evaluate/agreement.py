"""Joins the claims of several runs over the same papers: how many of the runs make each claim.

The runs are samples of one model, or several models. A claim's `support` is the share of the runs
that make the same row, among those that read the paper; its `confidence` is the same number, by
`confidence_source: support`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from claimgrid.evaluate.run_diff import field_changes, join
from claimgrid.types.claim import Claim

# A difference in these makes no other row: the same claim may be quoted longer or shorter.
_SILENT = frozenset({"quote", "claim_id"})


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A claim that not every run makes, or that they make differently.

    `made_by` are the runs, counted from 1, that make the row as it was kept; `variants` lists what
    other runs have in its place, by field.
    """

    claim_id: str
    paper_id: str
    quote: str
    support: float
    made_by: tuple[int, ...]
    variants: dict[str, list[Any]]


def agree(
    abstract: str, runs: Sequence[Sequence[Claim] | None]
) -> tuple[list[Claim], list[Disagreement]]:
    """The claims of one abstract with their support, and where the runs disagree.

    Every claim of any run is kept, as the row that most runs make: `support` tells how many do.
    None stands for a run in which the paper failed. Where fewer than two read it, nothing can
    agree: the claims stay as they are.
    """
    read = [(number, claims) for number, claims in enumerate(runs) if claims is not None]
    if len(read) < 2:
        return [claim for _, claims in read for claim in claims], []
    groups: list[dict[int, Claim]] = []
    for number, claims in read:
        first = [next(iter(group.values())) for group in groups]
        pairs = join(abstract, first, claims)
        for index, other in pairs.items():
            groups[index][number] = claims[other]
        taken = set(pairs.values())
        groups += [{number: c} for i, c in enumerate(claims) if i not in taken]
    kept: list[Claim] = []
    found: list[Disagreement] = []
    for group in groups:
        claim, made_by = _most_common(group)
        support = len(made_by) / len(read)
        told = {"support": support, "confidence": support, "confidence_source": "support"}
        kept.append(claim.model_copy(update=told))
        if len(made_by) < len(read):
            found.append(
                Disagreement(
                    claim.claim_id,
                    claim.paper_id,
                    claim.evidence.quote,
                    support,
                    tuple(number + 1 for number in made_by),
                    _variants(claim, group),
                )
            )
    kept.sort(key=lambda c: (c.evidence.start, c.evidence.end))
    return kept, found


def _most_common(group: dict[int, Claim]) -> tuple[Claim, tuple[int, ...]]:
    """The row that most runs make, the earliest of equals, and the runs that make it."""
    rows: list[tuple[Claim, list[int]]] = []
    for number, claim in group.items():
        for one, made_by in rows:
            if not _changes(one, claim):
                made_by.append(number)
                break
        else:
            rows.append((claim, [number]))
    claim, made_by = max(rows, key=lambda row: len(row[1]))
    return claim, tuple(made_by)


def _variants(claim: Claim, group: dict[int, Claim]) -> dict[str, list[Any]]:
    variants: dict[str, Counter[str]] = {}
    shown: dict[str, Any] = {}
    for other in group.values():
        for name, value in _changes(claim, other).items():
            variants.setdefault(name, Counter())[repr(value)] += 1
            shown[repr(value)] = value
    return {name: [shown[text] for text, _ in c.most_common()] for name, c in variants.items()}


def _changes(before: Claim, after: Claim) -> dict[str, Any]:
    return {
        change.field: change.after
        for change in field_changes(before, after)
        if change.field not in _SILENT
    }
