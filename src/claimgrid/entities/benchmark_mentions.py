"""A benchmark's name is read where it stands in the abstract, with the words beside it.

A model often copies the name alone: "COCO" of "on COCO test-dev". The version, year, languages or
split that stand directly beside the copied words belong to the name, so that one board is one
board. Words are added only where the table of benchmarks then knows the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from claimgrid.entities import benchmarks
from claimgrid.entities.spelling import LONGEST, fold, plain

_REACH = 80  # characters of the abstract on each side
_WORDS = 4  # words that may be added
_BESIDE = len(" points on the ")  # "66.3 points on the COCO": the name itself follows the number
_STOP = re.compile(r"[.;:!?](?:\s|$)|\n\s*\n")
# "COCO test error" names an error, no split: these words are a split only with a noun.
_BARE = frozenset(["train", "training", "test", "testing", "val", "validation", "dev",
                   "development", "zeroshot", "fewshot"])  # fmt: skip
_BEFORE = re.compile(r"([A-Za-z-]+ (?:set|split)) (?:of|from|on|in)(?: the)?$")
# "the 2024 AIME", but not "In 2024 AIME was".
_YEAR_BEFORE = re.compile(r"(?<!\bin )(?<!\bsince )(?<!\bby )\b(20[0-9]{2})$", re.I)
_TWO_SPLITS = re.compile(r"(.+?)(?:[\s(]+|(?<=[0-9]))([A-Za-z-]+)\s?/\s?([A-Za-z-]+)\)?")
# A number and a slash before the number in question, or after it, whatever markup is between.
_SECOND = re.compile(r"[0-9](?:[\\%}\s]|\\[a-z]+)*/\s*(?:\\[a-z]+\{|\$)*$")
# "val: 66.3" before a number, "66.3% in the val set" after it.
_LABEL = re.compile(r"([A-Za-z0-9-]+)\s?[:=]\s?\(?$")
_SET = re.compile(
    r" ?%?(?: \(?[A-Za-z0-9-]+\)?)? (?:in|on|for) (?:the )?([A-Za-z0-9-]+)(?: (?:set|split))?\b"
    r"(?! of| from|[- ]?[A-Za-z0-9]*(?:set|split))"
)
_LANGUAGES = re.compile(
    r"\b([A-Z][a-z]+)(?:\s?(?:-+>?|–|→|↔)\s?(?:to(?:-|\s))?|\s(?:to|into)\s)([A-Z][a-z]+)\b"
)
_FIRST = re.compile(r"(?:[\\%}\s]|\$)*/\s*(?:\\[a-z]+\{|\$)*[0-9]")


def name_at(
    text: str, span: tuple[int, int], metric: str | None, value: tuple[int, int] | None
) -> str:
    """The canonical name of a benchmark that an abstract names.

    Args:
        text: the abstract.
        span: where the copied words of the name stand.
        metric: the canonical metric of the result.
        value: where the number stands. It says which of two splits is meant: "58.7/58.9 on COCO
            minival/test-dev".
    """
    words = plain(text[slice(*span)])
    if len(words) <= LONGEST:
        words = _one_split(words, text, value) or _widened(words, text, span) or words
        known = benchmarks.find(words)
        if known is not None and benchmarks.takes_pair(known):
            words = _with_pair(words, text, span) or words
        if known is not None and benchmarks.takes_year(known):
            words = _with_year(words, text, span) or words
        if known is not None and known.splits and value is not None:
            words = _with_split(words, text, span, value, known.splits) or words
    return benchmarks.benchmark(words, metric)


def _widened(words: str, text: str, span: tuple[int, int]) -> str | None:
    """The name with the words after it or before it, if the table then knows more of it."""
    after = _STOP.split(text[span[1] : span[1] + _REACH], maxsplit=1)[0]
    if after[:1].isalnum():
        return None  # the copied words end inside a word
    following = plain(after).split()
    first = next((word for word in following if word != ","), "")
    if first and benchmarks.may_continue(words, first):
        for count in range(min(_WORDS, len(following)), 0, -1):
            added = " ".join(following[:count]).rstrip(",)")
            if fold(added.strip("(")) in _BARE or following[count - 1].startswith(("(", "/")):
                continue
            if _adds(f"{words} {added}", words):
                return f"{words} {added}"
    shared = following[2:3] if first in ("and", "or", "&") else []
    if shared and benchmarks.may_continue(words, shared[0].rstrip(",)")):
        # "Cornell and Jacquard grasping datasets": both share the noun.
        for added in (" ".join(following[2:end]) for end in range(len(following[:6]), 2, -1)):
            if fold(added) not in _BARE and _adds(f"{words} {added}", words):
                return f"{words} {added}"
    before = text[max(0, span[0] - _REACH) : span[0]]
    found = _BEFORE.search(plain(before)) if "set" in before or "split" in before else None
    if found and _adds(f"{found[1]} of {words}", words):
        return f"{found[1]} of {words}"
    return None


def _adds(words: str, short: str) -> bool:
    """Whether the table knows these words, and as more than the name alone (`short`)."""
    if not benchmarks.may_end_name(words.rpartition(" ")[2]) or benchmarks.find(words) is None:
        return False
    whole, alone = benchmarks.benchmark(words), benchmarks.benchmark(short)
    return whole != alone and not fold(alone).startswith(fold(whole))


def _with_split(
    words: str, text: str, span: tuple[int, int], value: tuple[int, int], splits: Sequence[str]
) -> str | None:
    """The name with the split that stands directly at its number, if the table has it."""
    before = plain(text[max(0, value[0] - _REACH) : value[0]])
    found = _LABEL.search(before) if before.rstrip(" (")[-1:] in (":", "=") else None
    if found is None and not 0 <= span[0] - value[1] < _BESIDE:
        found = _SET.match(f" {plain(text[value[1] : value[1] + _REACH])}")
    if found is None:
        return None
    same = (f"{words} {split}" for split in splits if fold(split) == fold(found[1]))
    return next((whole for whole in same if _adds(whole, words)), None)


def _with_year(words: str, text: str, span: tuple[int, int]) -> str | None:
    """The name with the year directly before it, where it has none of its own."""
    found = _YEAR_BEFORE.search(plain(text[max(0, span[0] - _REACH) : span[0]]))
    if found is None or text[span[0] - 1] not in " ~\n" or any(c.isdigit() for c in words):
        return None
    return f"{words} {found[1]}" if _adds(f"{words} {found[1]}", words) else None


def _with_pair(words: str, text: str, span: tuple[int, int]) -> str | None:
    """The name of a translation task with the one pair of languages that its sentence names."""
    start, end = text.rfind(". ", 0, span[0]) + 1, text.find(". ", span[1])
    sentence = plain(text[start : end if end >= 0 else len(text)])
    named = {
        benchmarks.benchmark(f"{words} {pair[0]}")
        for pair in _LANGUAGES.finditer(sentence)
        if _adds(f"{words} {pair[0]}", words)
    }
    return named.pop() if len(named) == 1 else None


def _one_split(words: str, text: str, value: tuple[int, int] | None) -> str | None:
    """The name with the split of this number, where it has two splits and the text two numbers."""
    match = _TWO_SPLITS.fullmatch(words) if "/" in words and value is not None else None
    if match is None or value is None:
        return None
    base, *splits = match.groups()
    if any(benchmarks.find(f"{base} {split}") is None for split in splits):
        return None
    second = _SECOND.search(text[max(0, value[0] - _REACH) : value[0]])
    first = _FIRST.match(text[value[1] : value[1] + _REACH])
    if bool(second) == bool(first):
        return None
    return f"{base} {splits[1 if second else 0]}"
