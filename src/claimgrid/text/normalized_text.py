r"""Text → its folded form, with a map back to the original. Knows nothing of sentences or claims.

Two spellings of the same words fold to the same string. Folded away: case, white space that says
nothing, Unicode forms (NFKD, dashes, quotes, ligatures, zero-width characters) and LaTeX markup.
Kept: every digit. A character that merely resembles a digit (`²`, `½`, `①`) is not one, and
digits that only markup parts (`10\textbf{2}`) never become one number.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

SPLIT_DIGITS = "\x1f"  # stands between digits that only markup parts; in a text it is white space
_TIMES = "×"

_TOKEN = re.compile(
    r"""
    (?![A-Za-z0-9.,;:()/%])             # passes over most of a text at once
    (?: \\["'`^~]\{?[aeiounyAEIOUNY]\}? # an accent on a letter that can bear it (not in `it\'s`)
      | \^\{?\\circ\b\}?                # degrees
      | \\[A-Za-z]+ | \\.               # a command, an escaped character
      | ``|''|[`"] | [${}~]
      | -{2,3}>?|-> | \+/- | [<>]=
      | \s{2,}|[^\S\ ]                  # white space, unless it is one plain space already
      | [^\x00-\x7f] )
    """,
    re.VERBOSE | re.DOTALL,
)

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


@dataclass(frozen=True, slots=True)
class _Markup:
    commands: dict[str, str]
    escaped: dict[str, str]
    characters: dict[str, str]
    sequences: dict[str, str]
    accents: dict[str, str]


def fold(text: str) -> NormalizedText:
    """Fold a text, in time linear in its length. Total: any string folds."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = ""

    def put(new: str, start: int, end: int, plain: bool) -> None:
        nonlocal last
        if last == " " == new[0]:
            new = new[1:]
            start += plain
            if not new:
                return
        if last.isdigit() and new[0].isdigit() and ends[-1] != start:
            parts.append(SPLIT_DIGITS)
            starts.append(start)
            ends.append(start)
        parts.append(new)
        starts.extend(range(start, end) if plain else [start] * len(new))
        ends.extend(range(start + 1, end + 1) if plain else [end] * len(new))
        last = new[-1]

    done = 0
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if done < start:
            put(text[done:start].lower(), done, start, True)
        new = _folded(token.group())
        if new:
            put(new, start, end, False)
        done = end
    if done < len(text):
        put(text[done:].lower(), done, len(text), True)
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
def _folded(token: str) -> str:
    """What one token of `_TOKEN` folds to; empty if it is only markup."""
    markup = _markup()
    if token.isspace():
        return " "
    if token in markup.sequences:
        return markup.sequences[token]
    if token[0] == "^":
        return "°"
    if token[0] != "\\":
        return _folded_character(token)
    name = token[1:]
    if name.isascii() and name.isalpha():
        return markup.commands.get(name, name.lower())  # an unknown one may be a name: `\sysname`
    if len(name) > 1:
        return name.strip(name[0] + "{}").lower() + markup.accents[name[0]]
    return markup.escaped[name] if name in markup.escaped else _folded(name)


def _folded_character(character: str) -> str:
    """Fold one character by its Unicode form: same letter, same numeral, or itself."""
    known = _markup().characters.get(character)
    if known is not None:
        return known
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""  # zero-width: joiners, soft hyphens, direction marks, variation selectors
    tag = unicodedata.decomposition(character).partition(" ")[0]
    plain = unicodedata.normalize("NFKD", character)
    if any(c.isnumeric() for c in plain) and tag not in _SAME_NUMERAL:
        return character
    if tag.startswith("<") and tag not in _SAME_LETTER:
        return character
    return unicodedata.normalize("NFKD", plain.casefold()) or character


@cache
def _markup() -> _Markup:
    """The tables of `data/markup.toml`, read once."""
    file = files("claimgrid").joinpath("data/markup.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    spaces, nothing = data["spaces"], data["nothing"]
    return _Markup(
        commands=data["commands"]
        | dict.fromkeys(spaces["commands"], " ")
        | dict.fromkeys(nothing["commands"], ""),
        escaped=dict.fromkeys(spaces["escaped"], " ") | dict.fromkeys(nothing["escaped"], ""),
        characters={c: sign for sign, group in data["characters"].items() for c in group}
        | dict.fromkeys(spaces["characters"], " ")
        | dict.fromkeys(nothing["characters"], ""),
        sequences=data["sequences"],
        accents=data["accents"],
    )
