"""Tables of `data/units.toml`: spellings of units, and the canonical unit of each."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The file, turned round for look-up: a spelling, and the canonical unit that it stands for."""

    symbols: dict[str, str]
    words: dict[str, str]
    phrase_heads: frozenset[str]
    periods: dict[str, str]
    per_second: dict[str, str]
    machines: dict[str, str]
    machine_time: dict[str, str]
    prefixes: dict[str, frozenset[str]]
    modified: frozenset[str]
    connectives: frozenset[str]


@cache
def unit_table() -> UnitTable:
    """The unit table, read once."""
    data = tomllib.loads(files("claimgrid").joinpath("data/units.toml").read_text(encoding="utf-8"))

    def turned(section: str) -> dict[str, str]:
        return {text: name for name, texts in data[section].items() for text in texts}

    words = turned("words")
    heads = frozenset(re.split("[ -]", phrase)[0] for phrase in words if re.search("[ -]", phrase))
    return UnitTable(
        symbols=turned("symbols"),
        words=words,
        phrase_heads=heads,
        periods=turned("periods"),
        per_second=turned("per_second"),
        machines=turned("machines"),
        machine_time=turned("machine_time"),
        prefixes={name: frozenset(letters) for name, letters in data["prefixes"].items()},
        modified=frozenset(data["modified"]["units"]),
        connectives=frozenset(data["connectives"]["words"]),
    )


@cache
def canonical_units() -> frozenset[str]:
    """Every canonical unit that the table knows."""
    table = unit_table()
    return frozenset(table.symbols.values()) | frozenset(table.words.values())


def singular(words: str) -> str:
    """English singular of the last word; good for regular plurals, which unit nouns are.

    Words all in capitals (GTEPS) are no plurals.
    """
    if words[-3:].isupper():
        return words
    if words.endswith("ies") and len(words) > 4:
        return words[:-3] + "y"
    if words.endswith(("ches", "shes", "xes", "sses")):
        return words[:-2]
    if words.endswith("s") and not words.endswith(("ss", "us", "is", " s")) and len(words) > 2:
        return words[:-1]
    return words
