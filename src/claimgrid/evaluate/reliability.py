"""Measures on gold how far the confidence of claims can be believed.

Two questions: of the claims with a confidence of 0.7, are 70% right (reliability); and what is
left, and how right is it, where claims below a confidence are dropped (risk and coverage)?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_BINS = 10
_FEW = 6  # different confidences that get a row each, such as the shares of three runs


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with a confidence, as gold judges it: the claim, and every field of its row."""

    confidence: float
    right: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class ReliabilityRow:
    """The claims of one range of confidence: how sure they are, and the share that is right."""

    low: float
    high: float
    claims: int
    confidence: float
    right: float
    whole: float


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What is kept at a least confidence.

    `coverage` is the share of the claims that stay, `risk` the share of them that is wrong,
    `recall` the share of gold's claims among them.
    """

    least: float
    claims: int
    coverage: float
    risk: float
    whole_risk: float
    recall: float


def reliability(judged: Sequence[Judged]) -> list[ReliabilityRow]:
    """The claims by confidence: one row for each value where there are few, else for each tenth."""
    values = sorted({claim.confidence for claim in judged})
    groups: dict[tuple[float, float], list[Judged]] = {}
    for claim in sorted(judged, key=lambda claim: claim.confidence):
        tenth = min(_BINS - 1, int(claim.confidence * _BINS))
        ends = (tenth / _BINS, (tenth + 1) / _BINS)
        key = (claim.confidence, claim.confidence) if len(values) <= _FEW else ends
        groups.setdefault(key, []).append(claim)
    return [
        ReliabilityRow(
            low,
            high,
            len(some),
            sum(claim.confidence for claim in some) / len(some),
            _share(some, "right"),
            _share(some, "whole"),
        )
        for (low, high), some in groups.items()
    ]


def coverage(judged: Sequence[Judged], due: int) -> list[CoverageRow]:
    """What stays, and how wrong it is, at each least confidence that makes a difference.

    Args:
        due: claims that gold has.
    """
    values = sorted({claim.confidence for claim in judged})
    steps = values if len(values) <= _FEW else [step / _BINS for step in range(_BINS)]
    rows: list[CoverageRow] = []
    for least in steps:
        kept = [claim for claim in judged if claim.confidence >= least]
        if not kept or (rows and rows[-1].claims == len(kept)):
            continue
        right = sum(claim.right for claim in kept)
        rows.append(
            CoverageRow(
                least,
                len(kept),
                len(kept) / len(judged),
                1 - right / len(kept),
                1 - _share(kept, "whole"),
                right / due if due else 1.0,
            )
        )
    return rows


def calibration_error(outcomes: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error: how far confidence and share right are apart, over ten bins."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for sure, right in outcomes:
        bins.setdefault(min(_BINS - 1, int(sure * _BINS)), []).append((sure, right))
    apart = [abs(sum(s for s, _ in b) - sum(r for _, r in b)) for b in bins.values()]
    return sum(apart) / len(outcomes) if outcomes else 0.0


def _share(claims: Sequence[Judged], what: Literal["right", "whole"]) -> float:
    return sum(claim.right if what == "right" else claim.whole for claim in claims) / len(claims)
