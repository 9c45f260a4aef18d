"""Turns the reader's raw probabilities into shares of claims that are right, and measures that.

The map is isotonic: fitted on held-out abstracts by pooling adjacent violators (Ayer et al. 1955),
one map for each kind of claim, read off by linear interpolation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from claimgrid.evaluate.reliability import calibration_error as error

__all__ = ["Map", "apply", "coverage", "error", "fit"]

Map = Sequence[tuple[float, float]]
_PRIOR = 4.0  # claims' worth of the overall share that each block is drawn to


def fit(outcomes: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """The points of a map that never falls: raw probability, share of claims that are right."""
    if not outcomes:
        return [(0.0, 0.0), (1.0, 1.0)]
    overall = sum(right for _, right in outcomes) / len(outcomes)
    blocks: list[list[float]] = []  # sum of raw, count, right
    for raw, hit in sorted(outcomes):
        blocks.append([raw, 1.0, float(hit)])
        while len(blocks) > 1 and blocks[-2][2] / blocks[-2][1] >= blocks[-1][2] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    points: list[tuple[float, float]] = []
    for raw, n, right in blocks:
        share = (right + _PRIOR * overall) / (n + _PRIOR)
        # Small blocks are drawn further to the overall share than large ones.
        points.append((round(raw / n, 4), round(max(share, points[-1][1] if points else 0.0), 4)))
    return points


def apply(points: Map, raw: float) -> float:
    """What a map says of a raw probability."""
    at = bisect_right([x for x, _ in points], raw)
    if at == 0:
        return points[0][1]
    if at == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[at - 1], points[at]
    return y0 + (y1 - y0) * (raw - x0) / (x1 - x0) if x1 > x0 else y1


def coverage(
    outcomes: Sequence[tuple[float, bool]], shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0)
) -> Mapping[float, float]:
    """The precision of the surest share of the claims."""
    ranked = sorted(outcomes, key=lambda o: -o[0])
    taken = {share: ranked[: max(1, round(share * len(ranked)))] for share in shares}
    return {share: sum(r for _, r in rows) / len(rows) for share, rows in taken.items() if rows}
