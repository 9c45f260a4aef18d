"""Compares where two claims say that their evidence stands, in words of the abstract.

ExtractBench's grounding F1 counts a field only if its value is right and the place that it cites
overlaps an accepted one at an intersection over union of 0.5. Abstracts have no boxes: here the
places are sets of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

ACCEPTED = 0.5  # intersection over union
_WORD = re.compile(r"\S+")


class Overlap(NamedTuple):
    """How far two runs of words cover each other."""

    iou: float
    f1: float

    @property
    def accepted(self) -> bool:
        """Whether the two point at the same place, by ExtractBench's threshold."""
        return self.iou >= ACCEPTED


class WordsOf:
    """The words of one abstract, to compare spans of it."""

    def __init__(self, abstract: str) -> None:
        places = [found.span() for found in _WORD.finditer(abstract)]
        self._starts = [start for start, _ in places]
        self._ends = [end for _, end in places]

    def overlap(self, one: tuple[int, int], two: tuple[int, int]) -> Overlap:
        """How far two spans cover each other, each widened to whole words.

        >>> words = WordsOf("reaches 71.2% on FooBench today")
        >>> words.overlap((0, 13), (8, 25))
        Overlap(iou=0.25, f1=0.4)
        """
        first, second = self._words(one), self._words(two)
        both = len(range(max(first.start, second.start), min(first.stop, second.stop)))
        sizes = len(first) + len(second)
        if not sizes:
            return Overlap(0.0, 0.0)
        return Overlap(both / (sizes - both), 2 * both / sizes)

    def _words(self, span: tuple[int, int]) -> range:
        return range(bisect_right(self._ends, span[0]), bisect_left(self._starts, span[1]))
