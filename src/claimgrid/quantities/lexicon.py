"""Reads `data/lexicon.toml`: the words that the number lexer knows."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from claimgrid.quantities.quantity import QuantityBound

FACTORS = {
    "": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "q": 1e15, "e": 1e18, "l": 1e5, "c": 1e7,
}  # fmt: skip
"""What each class of magnitude multiplies by."""
MAGNITUDES = r"hundred|thousand|lakh|million|crore|billion|trillion|quadrillion|quintillion"
"""The words of magnitude, for patterns."""

Cues = dict[str, tuple[tuple[str, QuantityBound], ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Word lists of the lexer; everything is lower case but `families`.

    `cues_before` goes by a cue's last word, `cues_after` by its first character, longest cue first.
    """

    numbers: dict[str, float]
    magnitudes: dict[str, tuple[float, str]]
    fractions: dict[str, float]
    multipliers: dict[str, float]
    vague: frozenset[str]
    idiom_before: frozenset[str]
    idiom_after: frozenset[str]
    idiom_joined: frozenset[str]
    cues_before: Cues
    cues_after: Cues
    fillers: frozenset[str]
    prepositions: frozenset[str]
    change: tuple[str, ...]
    change_endings: tuple[str, ...]
    sections: frozenset[str]
    labels: frozenset[str]
    versions: frozenset[str]
    families: frozenset[str]
    months: frozenset[str]
    year_before: frozenset[str]
    open_prefixes: frozenset[str]
    makers: frozenset[str]


def _longest_first(cues: dict[str, list[tuple[str, QuantityBound]]]) -> Cues:
    return {key: tuple(sorted(group, key=lambda cue: -len(cue[0]))) for key, group in cues.items()}


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    data = tomllib.loads(
        files("claimgrid").joinpath("data/lexicon.toml").read_text(encoding="utf-8")
    )
    by_last_word: dict[str, list[tuple[str, QuantityBound]]] = {}
    for bound, cues in data["bounds"]["before"].items():
        for cue in cues:
            by_last_word.setdefault(cue.split(" ")[-1], []).append((cue, bound))
    by_first_sign: dict[str, list[tuple[str, QuantityBound]]] = {}
    for bound, cues in data["bounds"]["after"].items():
        for cue in cues:
            by_first_sign.setdefault(cue[0], []).append((cue, bound))
    return Lexicon(
        numbers={word: float(value) for word, value in data["numbers"].items()},
        magnitudes={word: (factor, kind) for word, (factor, kind) in data["magnitudes"].items()},
        fractions={word: float(value) for word, value in data["fractions"].items()},
        multipliers={word: float(value) for word, value in data["multipliers"].items()},
        vague=frozenset(data["vague"]["words"]),
        idiom_before=frozenset(data["idioms"]["before"]),
        idiom_after=frozenset(data["idioms"]["after"]),
        idiom_joined=frozenset(data["idioms"]["joined"]),
        cues_before=_longest_first(by_last_word),
        cues_after=_longest_first(by_first_sign),
        fillers=frozenset(data["bounds"]["fillers"]["words"]),
        prepositions=frozenset(data["bounds"]["prepositions"]["words"]),
        change=tuple(data["change"]["stems"]),
        change_endings=tuple(data["change"]["endings"]),
        sections=frozenset(data["cues"]["section"]["words"]),
        labels=frozenset(data["cues"]["label"]["words"]),
        versions=frozenset(data["cues"]["version"]["words"]),
        families=frozenset(data["cues"]["name"]["words"]),
        months=frozenset(data["months"]["words"]),
        year_before=frozenset(data["years"]["before"]),
        open_prefixes=frozenset(data["open_prefixes"]["words"]),
        makers=frozenset(data["devices"]["makers"]),
    )
