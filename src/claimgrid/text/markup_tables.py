"""Tables of `data/markup.toml`: what commands, tags and typographic variants stand for."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class MarkupTables:
    """The file, turned round for look-up: a spelling, and the sign that it stands for."""

    commands: dict[str, str]
    dropped: frozenset[str]
    citations: frozenset[str]
    units: dict[str, str]
    tags: dict[str, str]
    characters: dict[str, str]
    accents: dict[str, str]
    folded: dict[str, str]
    sequences: dict[str, str]


@cache
def markup_tables() -> MarkupTables:
    """The tables, read once."""
    file = files("claimgrid").joinpath("data/markup.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    tags = dict.fromkeys(data["html"]["inline"], "") | dict.fromkeys(data["html"]["blocks"], " ")
    return MarkupTables(
        commands=data["commands"]
        | dict.fromkeys(data["style"]["commands"], "")
        | dict.fromkeys(data["spaces"]["commands"], " "),
        dropped=frozenset(data["dropped"]["commands"]),
        citations=frozenset(data["citations"]["commands"]),
        units=data["siunitx"],
        tags=tags | {"sup": "^", "sub": "_"},
        characters=_turned(data["characters"]) | data["fractions"],
        accents=data["accents"],
        folded=_turned(data["folded"]["characters"]),
        sequences=data["folded"]["sequences"],
    )


def _turned(groups: dict[str, str]) -> dict[str, str]:
    return {character: sign for sign, group in groups.items() for character in group}


@cache
def command_sign(name: str) -> str | None:
    r"""What a command without arguments stands for: a sign, "" for a look, None where unknown.

    Commands that our table lacks are looked up in the table of pylatexenc (`\hbar` is ħ).
    """
    known = markup_tables().commands.get(name)
    if known is not None:
        return known
    sign = getattr(_pylatexenc().get_macro_spec(name), "simplify_repl", None)
    plain = isinstance(sign, str) and len(sign) == 1 and not sign.isascii()
    return sign if plain else None


@cache
def _pylatexenc() -> Any:
    # Imported when an unknown command comes up: most abstracts have none.
    from pylatexenc.latex2text import get_default_latex_context_db

    return get_default_latex_context_db()


@cache
def accented(mark: str, letter: str) -> str:
    """A letter with the accent of an accent command, as one character where there is one."""
    return unicodedata.normalize("NFC", letter + markup_tables().accents[mark])
