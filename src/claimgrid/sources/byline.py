"""Splits a title line with authors glued to it into title, authors and organisations.

A line such as `Fast Caches for GPUsJane Doe, Li Wei, Bo Ek et al. · zephyr-lab` has lost what stood
between its title and its first author. What is left is a change of letter case inside a token; but
words (`PyTorch`) and names (`McCoy`) have such changes too. So every change is weighed by what
stands on its two sides, with the words of the abstract as evidence: the last word of a title tends
to be among them. Where no change wins clearly, the line is left whole.

Known limit: `Learning|KiteWorks Seed` and `MapShuffle|Jane Doe` have one shape. If the abstract
has the first half of such a word but never all of it, the cut falls behind the first half.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST_LINE = 2000  # characters; nothing longer is a title with its authors
_LONGEST_NAME = 80  # characters; bounds the search for the start of the first author
_MOST_AUTHORS = 40
_MOST_NAME_WORDS = 6
_ENOUGH = 2  # a cut that weighs less is not trusted, even without a rival

_CLOSERS = frozenset(')]}?!."”’$*…%')  # may end a title, right before a name
_PARTICLE = re.compile(
    "af|al|av|ben|bin|da|das|de|del|della|den|der|di|do|dos|du|e|el|ibn|la|le"
    "|ten|ter|van|von|y|zu|zum|zur"
)
_ET_AL = re.compile(r",? et al\.?$")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’‘.-][^\W\d_]*)*")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Byline:
    """The parts of a glued line. `doubt` says why it was not split: then `title` is all of it."""

    title: str
    authors: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the rest of the block tells: the abstract's words, organisations' names; lower case."""

    words: frozenset[str]
    owners: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Cut:
    weight: int
    title: str
    authors: tuple[str, ...]


def split_byline(line: str, abstract: str) -> Byline:
    """Split a glued line where the evidence, among it the words of `abstract`, says so clearly.

    >>> split_byline("Caches on GPUsJane Doe, Li Wei et al.", "GPUs are slow.")
    Byline(title='Caches on GPUs', authors=('Jane Doe', 'Li Wei'), organizations=(), doubt=None)
    """
    if len(line) > _LONGEST_LINE:
        return Byline(line, doubt="it is too long for a title with authors")
    head, organizations = _split_organizations(line)
    evidence = _Evidence(
        words=frozenset(_WORD.findall(abstract.lower())),
        owners=frozenset(filter(None, map(_squeezed, organizations))),
    )
    cuts = sorted(_cuts(_ET_AL.sub("", head), evidence), key=lambda cut: -cut.weight)
    if not cuts:
        return Byline(line, doubt="no name follows the title")
    best, rivals = cuts[0], cuts[1:]
    if best.weight < _ENOUGH or (rivals and rivals[0].weight == best.weight):
        return Byline(line, doubt=f"it may not end at `{best.title[-30:]}`")
    return Byline(best.title, best.authors, organizations)


def _split_organizations(line: str) -> tuple[str, tuple[str, ...]]:
    head, dot, tail = line.rpartition(" · ")
    if not dot:
        return line, ()
    return head.rstrip(), tuple(name for part in tail.split(",") if (name := part.strip()))


def _cuts(line: str, evidence: _Evidence) -> Iterator[_Cut]:
    """Every place where a title may end and a list of names start, with its weight."""
    pieces = line.rsplit(", ", _MOST_AUTHORS - 1)
    for place in range(len(pieces) - 1, -1, -1):
        piece, others = pieces[place], tuple(pieces[place + 1 :])
        before = ", ".join([*pieces[:place], ""])
        for at in range(max(1, len(piece) - _LONGEST_NAME), len(piece)):
            if _changes(piece, at) and _is_name(piece[at:]):
                weight = _weigh_title(piece, at, evidence) + _weigh_name(piece[at:], evidence)
                weight += bool(others)  # a list of names is no chance
                yield _Cut(weight, before + piece[:at], (piece[at:], *others))
        if not _is_name(piece):
            return


def _changes(text: str, at: int) -> bool:
    """Whether letter case lets a name start at `at`, inside a token: `GPUs|Jane`, `AI|Ann`."""
    left, right, rest = text[at - 1], text[at], text[at + 1 : at + 3]
    if not right.isupper() or rest.rstrip() == "s":  # the plural of an acronym: `LLMs`
        return False
    if left.isupper():
        return rest[:1].islower() or rest[:1] == "."
    if left.isdigit():  # `3D`, `50M`, `V2X` are no initials
        return rest[:1].isalpha() or rest[:1] == "."
    return left.islower() or left in _CLOSERS


def _has_change(text: str) -> bool:
    return any(_changes(text, at) for at in range(1, len(text)))


def _is_name(text: str) -> bool:
    words = unicodedata.normalize("NFC", text).split()
    return (
        1 <= len(words) <= _MOST_NAME_WORDS
        and words[0][0].isupper()
        and all(
            _NAME_WORD.fullmatch(w) and (w[0].isupper() or _PARTICLE.fullmatch(w)) for w in words
        )
    )


def _weigh_title(piece: str, at: int, evidence: _Evidence) -> int:
    """How far the token that is cut at `at` looks like a title's last word and then a name."""
    start = piece.rfind(" ", 0, at) + 1
    last = piece[start:at]
    token = piece[start:].split(" ", 1)[0]
    weight = 0
    if _last_word(last) in evidence.words:
        weight += 2
    elif _has_change(last):
        weight -= 1
    if _last_word(token) in evidence.words:  # one word after all: `PyTorch`
        weight -= 3
    return weight


def _weigh_name(name: str, evidence: _Evidence) -> int:
    """How far `name` looks like an author rather than like the end of a title.

    Few authors go by one word, and few first names hold a change of case or are one bare letter.
    """
    words = name.split()
    weight = 3 if len(words) > 1 else 0
    weight -= _has_change(words[0]) or len(words[0]) == 1
    squeezed = _squeezed(name)
    if any(squeezed.startswith(owner) for owner in evidence.owners):  # the team of a company
        weight += 2
    return weight


def _last_word(text: str) -> str:
    """The last run of letters and digits, lower case; a lone letter tells nothing: empty."""
    words = _WORD.findall(text.lower())
    return words[-1] if words and len(words[-1]) > 1 else ""


def _squeezed(text: str) -> str:
    return "".join(_WORD.findall(text.lower()))
