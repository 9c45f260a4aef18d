"""Counts of matched, missed and extra claims, and the scores that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Score:
    """Counts of one kind: matched required gold, extra claims, missed gold, free matches."""

    matched: int = 0
    extra: int = 0
    missed: int = 0
    optional: int = 0

    @property
    def precision(self) -> float:
        """Share of the extracted claims that gold has; 1 where nothing was extracted."""
        found = self.matched + self.extra
        return self.matched / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of the gold claims that were extracted; 1 where gold is empty."""
        due = self.matched + self.missed
        return self.matched / due if due else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def accuracy(self) -> float:
        """Share right of all rows that gold or the run has; 1 where neither has any."""
        rows = self.matched + self.extra + self.missed
        return self.matched / rows if rows else 1.0

    def only(self, right: int) -> Score:
        """The score if only so many of the matched claims were right."""
        wrong = self.matched - right
        return Score(right, self.extra + wrong, self.missed + wrong, self.optional)


def summed(scores: Iterable[Score]) -> Score:
    """Several scores as one."""
    total = Score()
    for score in scores:
        total.matched += score.matched
        total.extra += score.extra
        total.missed += score.missed
        total.optional += score.optional
    return total
