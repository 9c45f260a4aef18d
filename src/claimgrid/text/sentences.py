r"""Finds the sentences of an abstract.

Conservative: a border that is not there would cost a true quote, a border that is missed costs
next to nothing. So when in doubt, no border.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

# A full stop with what may close after it, and white space; or a stop that lacks its space
# (`accuracy.We show`); or a blank line. All repeats are bounded or begin at a rare character.
_BORDER = re.compile(
    r"""
    (?=[.!?\n])                         # passes over most of a text at once
    (?: (?P<stop>[.!?]{1,8})[)\]}"'”’»$*]{0,8}\s+
      | (?<=[a-z0-9%)\]$\\][a-z%)\]$}])(?P<tight>[.!?])(?=[A-Z][a-z]{0,14}[\s,])
      | \n[^\S\n]*\n\s* )
    """,
    re.VERBOSE,
)
_START = re.compile(
    r"""
      [("'“‘«\[`{$]{0,4}
      (?: [^\W\d_]        # a letter; its case is looked at
        | \\[A-Za-z]      # \textbf{…}, \sysname
        | (?P<digit>\d) )
    """,
    re.VERBOSE,
)
_SYMBOL = re.compile(r"[^$\\]*[$\\]")  # a formula or a command may begin with any letter
_MIXED_CASE = re.compile(r"[a-z]{1,3}[A-Z]")  # vLLM, eBPF, iPhone
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘/]{1,40}")  # of a text that is read backwards
_ITEM = re.compile(r"(?:\A|[.:;,]\s{1,4}|\()\d{1,2}\Z")  # the number of a list item: `1. We …`
_INITIAL = re.compile(r"(?:[A-Za-z]\.)*[A-Z]\Z")  # J. Smith, U.S.
_UNIT = re.compile(r"\d\s?[A-Z]\Z")  # 1.5 W
_TIGHT_WORD = re.compile(r"\S{1,40}\Z")
_CODE = re.compile(r"[/@_.:]|\\[^%]|\A[a-z]{1,2}\Z")  # not prose: a path, a URL, `nn.Linear`


def spans(text: str) -> list[tuple[int, int]]:
    """The sentences of a text, in order, as `(start, end)` without the white space around them.

    Every character that is not white space lies in one span. Linear in the text's length.
    """
    found: list[tuple[int, int]] = []
    start = len(text) - len(text.lstrip())
    for border in _BORDER.finditer(text):
        at = border.end()
        if border["stop"] and not _ends(text, border):
            continue
        if border["tight"] and not _ends_tightly(text, border.start()):
            continue
        end = start + len(text[start:at].rstrip())
        if end > start:
            found.append((start, end))
        start = at
    end = start + len(text[start:].rstrip())
    if end > start:
        found.append((start, end))
    return found


def _ends(text: str, border: re.Match[str]) -> bool:
    """Whether a sentence ends at a stop that white space follows."""
    start = _START.match(text, border.end())
    if start is None:
        return False
    first = text[start.end() - 1]
    if first.islower() and not _SYMBOL.match(start.group()):
        return bool(_MIXED_CASE.match(text, start.end() - 1)) and _ends_word(text, border)
    if start["digit"]:
        # `86. 7` is one number, `Foo 2. 3D scenes` may be two sentences: only after a word.
        return text[border.start() - 1].islower() and _ends_word(text, border)
    return _ends_word(text, border)


def _ends_word(text: str, border: re.Match[str]) -> bool:
    """Whether the word before a stop can end a sentence: no abbreviation, initial or list item."""
    stop = border["stop"]
    if stop[-1] != ".":
        return True
    if len(stop) > 1:
        return "!" in stop or "?" in stop  # an ellipsis continues as often as it ends
    before = text[max(0, border.start() - 48) : border.start()]
    last = before[-1:]
    if last.isdigit() and _ITEM.search(before):
        return False
    word = _LAST_WORD.match(before[::-1])
    if word is None or (last.isupper() and _UNIT.search(before)):
        return True
    plain = word.group()[::-1].lstrip("$\\~")
    return plain.lower() not in _abbreviations() and not _INITIAL.match(plain)


def _ends_tightly(text: str, at: int) -> bool:
    """Whether a sentence ends at a stop without white space: prose only, no URL, file or code."""
    word = _TIGHT_WORD.search(text[max(0, at - 48) : at])
    return word is None or not _CODE.search(word.group())


@cache
def _abbreviations() -> frozenset[str]:
    """The list of `data/sentences.toml`, read once."""
    file = files("claimgrid").joinpath("data/sentences.toml")
    return frozenset(tomllib.loads(file.read_text(encoding="utf-8"))["abbreviations"])
