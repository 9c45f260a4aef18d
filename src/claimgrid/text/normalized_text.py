r"""Folds a text to the form in which words are looked for, with a map back to the original.

Two spellings of the same words fold to the same string. Folded away: markup (read by `latex`),
case, white space that says nothing and Unicode forms (NFKD, dashes, quotes, ligatures, zero-width
characters). Kept: every digit. Digits that only markup parts (`10\textbf{2}`) never become one
number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from claimgrid.text.latex import SPLIT_DIGITS, plain_text
from claimgrid.text.markup_tables import markup_tables

__all__ = ["SPLIT_DIGITS", "NormalizedText", "fold"]

_TIMES = "×"
_TOKEN = re.compile(r"``|''|[`\"]|[\\${}~]|-{1,3}>|\+/-|[<>]=|[^\x00-\x7f]")

# A space says nothing beside these (`5 %`, `3 - 4`), around a multiplier (`8 x A100`) and before a
# unit (`5 ms`). Between digits, between letters and beside a point or a comma it does.
_LOOSE = r"%/\-≈≤≥<>=±+→×"
_LOOSE_SPACE = re.compile(
    rf"[ ](?:(?=[{_LOOSE}])|(?<=[{_LOOSE}][ ])|(?<=[0-9][ ])(?=[a-zμ])"
    r"|(?<=[0-9]x[ ])|(?<=[0-9][ ]x[ ])|(?=x[ ])|(?<=[ ]x[ ]))"
)

# Forms that are the very same character in another cut. Others (<super>, <sub>, <circle>,
# <fraction>, <square>) change what a digit or a unit means.
_SAME_NUMERAL = frozenset({"<font>", "<wide>", "<narrow>"})
_SAME_LETTER = _SAME_NUMERAL | {"<compat>", "<noBreak>", "<initial>", "<medial>", "<final>"}


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """A folded text: `text[i]` was written as `original[starts[i]:ends[i]]`.

    `gaps` holds each index before which a space was folded away.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: frozenset[int]


def fold(text: str) -> NormalizedText:
    """Fold a text, in time linear in its length. Total: any string folds."""
    plain = plain_text(text)
    source = plain.text
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = ""

    def put(new: str, at: int, size: int) -> None:
        """Add what `size` characters of the plain text from `at` on fold to."""
        nonlocal last
        alike = len(new) == size
        if last == " " == new[0]:
            new, at, size = new[1:], at + alike, size - alike
            if not new:
                return
        if last.isdigit() and new[0].isdigit() and ends[-1] != plain.starts[at]:
            parts.append(SPLIT_DIGITS)
            starts.append(plain.starts[at])
            ends.append(plain.starts[at])
        parts.append(new)
        if alike:
            starts.extend(plain.starts[at : at + size])
            ends.extend(plain.ends[at : at + size])
        else:
            starts.extend([plain.starts[at]] * len(new))
            ends.extend([plain.ends[at + size - 1]] * len(new))
        last = new[-1]

    done = 0
    for token in _TOKEN.finditer(source):
        at, end = token.span()
        if done < at:
            put(source[done:at].lower(), done, at - done)
        new = _folded(token.group())
        if new:
            put(new, at, end - at)
        done = end
    if done < len(source):
        put(source[done:].lower(), done, len(source) - done)
    return _tighten("".join(parts), starts, ends)


def _tighten(text: str, starts: list[int], ends: list[int]) -> NormalizedText:
    """Drop the spaces that say nothing, keeping the places where they stood."""
    kept: list[str] = []
    kept_starts: list[int] = []
    kept_ends: list[int] = []
    gaps: list[int] = []
    done = 0
    for space in _LOOSE_SPACE.finditer(text):
        at = space.start()
        kept.append(text[done:at])
        kept_starts += starts[done:at]
        kept_ends += ends[done:at]
        gaps.append(len(kept_starts))
        done = at + 1
    kept.append(text[done:])
    kept_starts += starts[done:]
    kept_ends += ends[done:]
    folded = "".join(kept).replace(_TIMES, "x")
    return NormalizedText(folded, tuple(kept_starts), tuple(kept_ends), frozenset(gaps))


@lru_cache(maxsize=4096)
def _folded(sign: str) -> str:
    """What one match of `_TOKEN` folds to; empty if it says nothing."""
    tables = markup_tables()
    if sign in tables.sequences:
        return tables.sequences[sign]
    if sign in "\\${}":
        return ""
    if sign == "~":
        # A space in LaTeX and an "about" in prose; the words are found without it either way.
        return " "
    if sign.isascii():
        return "→" if sign.endswith(">") else tables.folded.get(sign, sign)
    known = tables.folded.get(sign) or tables.characters.get(sign)
    if known is not None and len(known) == 1 and known != "~":
        return known if known.isascii() or known == sign else _folded(known)
    if known == "~":
        return " "
    return _folded_character(sign)


def _folded_character(character: str) -> str:
    """Fold one character by its Unicode form: same letter, same numeral, or itself."""
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""  # zero-width: joiners, soft hyphens, direction marks, variation selectors
    tag = unicodedata.decomposition(character).partition(" ")[0]
    plain = unicodedata.normalize("NFKD", character)
    if any(c.isnumeric() for c in plain) and tag not in _SAME_NUMERAL:
        return character
    if tag.startswith("<") and tag not in _SAME_LETTER:
        return character
    return unicodedata.normalize("NFKD", plain.casefold()) or character
