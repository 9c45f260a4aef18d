"""Compares names as two people may write them: the same letters, one inside the other, initials.

Strict comparison is `entities.benchmarks.same_benchmark`; this one is for scores that tell apart a
wrong name from another way of writing it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from claimgrid.entities.spelling import plain

_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the of a an in on for and to with vs our dataset datasets data set sets benchmark "
        "benchmarks challenge test dev val validation train training task corpus suite split "
        "subset method model models approach system baseline baselines",
    )
)
_SMALL = frozenset(("the", "of", "in", "a", "for", "and", "on"))
_TOKEN = re.compile(r"[a-z]+|[0-9]+")
_LETTER = re.compile(r"[a-z]+")
_SHARED = 0.5  # of the words of the shorter name


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A name in lower-case ASCII words, without markup."""
    text = unicodedata.normalize("NFKD", plain(name)).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z0-9]+", text))


@lru_cache(maxsize=65536)
def alike(one: str, two: str) -> bool:
    """Whether two names may mean one thing.

    >>> alike("LongBench", "the LongBench suite"), alike("MMLU", "GSM8K")
    (True, False)
    >>> alike("Lip Reading in the Wild", "LRW"), alike("WMT14", "WMT16")
    (True, False)
    """
    first, second = folded(one), folded(two)
    a, b = first.replace(" ", ""), second.replace(" ", "")
    if not a or not b:
        return a == b
    if a == b:
        return True
    left, right = _words(first), _words(second)
    if _apart(left, right):
        return False
    if a in (initials(two), *second.split()) or b in (initials(one), *first.split()):
        return True
    shorter = min(len(left), len(right))
    shared = {word for word in left & right if word.isalpha() and len(word) > 2}
    return bool(shared) and len(left & right) >= _SHARED * shorter


def initials(name: str) -> str:
    """The first letters of a name's words: `Lip Reading in the Wild` is `lrw`."""
    letters = [word[0] for word in _LETTER.findall(folded(name)) if word not in _SMALL]
    return "".join(letters) if len(letters) > 1 else ""


def _words(text: str) -> frozenset[str]:
    words = frozenset(_TOKEN.findall(text))
    return (words - _COMMON) or words


def _apart(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether both have numbers and neither has all of the other's: `WMT14` is not `WMT16`."""
    one, two = ({w for w in words if w.isdigit()} for words in (left, right))
    return bool(one and two) and not (one <= two or two <= one)
