"""Two reviewers are compared: Cohen's kappa on what both decided, F1 on the words they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claimgrid.review.corrections import Action, Correction, standing
from claimgrid.types.claim import Claim

_Place = tuple[str, str, str, int, int]
_GROUP: dict[Action, str] = {"accept": "keep", "edit": "edit", "reject": "reject"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two reviewers agree.

    `kappa` is over the claims that both decided on, in three classes: kept as it is, edited,
    rejected. It is None where both gave one and the same class throughout, which leaves nothing
    to measure. `span_f1` is over the spans of the claims that each of them left standing, in the
    abstracts that both decided on; None where there are none.
    """

    both: int
    same: int
    kappa: float | None
    span_f1: float | None
    differ: tuple[tuple[Correction, Correction], ...]


def agreement(first: Iterable[Correction], second: Iterable[Correction]) -> Agreement:
    """Compare the decisions of two files of corrections."""
    one, other = standing(first), standing(second)
    mine, theirs = _decisions(one), _decisions(other)
    pairs = [(mine[key], theirs[key]) for key in mine if key in theirs]
    classes = [(_GROUP[a.action], _GROUP[b.action]) for a, b in pairs]
    shared = {c.abstract_sha256 for c in one} & {c.abstract_sha256 for c in other}
    left, right = _places(one, shared), _places(other, shared)
    return Agreement(
        both=len(pairs),
        same=sum(a == b for a, b in classes),
        kappa=_kappa(classes),
        span_f1=2 * len(left & right) / (len(left) + len(right)) if left or right else None,
        differ=tuple((a, b) for (a, b), (x, y) in zip(pairs, classes, strict=True) if x != y),
    )


def _decisions(corrections: Iterable[Correction]) -> dict[tuple[str, str], Correction]:
    """The last decision on each claim."""
    return {
        (one.abstract_sha256, one.claim_id): one
        for one in corrections
        if one.action in _GROUP and one.claim_id is not None
    }


def _kappa(classes: Sequence[tuple[str, str]]) -> float | None:
    if not classes:
        return None
    total = len(classes)
    seen = sum(a == b for a, b in classes) / total
    first, second = Counter(a for a, _ in classes), Counter(b for _, b in classes)
    chance = sum(first[name] * second[name] for name in first) / total**2
    return None if chance == 1 else (seen - chance) / (1 - chance)


def _places(corrections: Iterable[Correction], shared: set[str]) -> set[_Place]:
    """The spans of the claims that a reviewer left standing."""
    left: dict[tuple[str, str], Claim] = {}
    for one in corrections:
        if one.abstract_sha256 not in shared or one.action == "note":
            continue
        if one.claim_id is not None:
            left.pop((one.abstract_sha256, one.claim_id), None)
        if one.claim is not None:
            left[one.abstract_sha256, one.claim.claim_id] = one.claim
    return {
        (abstract, claim.kind, name, start, end)
        for (abstract, _), claim in left.items()
        for name, spans in claim.spans.items()
        for start, end in spans
    }
