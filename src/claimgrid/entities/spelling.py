r"""Names are cleaned of markup and folded here, so that spellings of one name can be compared.

`plain` removes LaTeX markup, `fold` removes what writers vary: case, spaces, hyphens and quotes.
Two names with one folded spelling are one name. Names that only look similar are not.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from importlib.resources import files
from typing import Any

from claimgrid.text.latex import plain_text

LONGEST = 200  # characters: what is longer is no name, and is only cleaned of markup

_MARKED = re.compile(r"[\\${}~<&]")
_SIGNS = re.compile(r"[\\${}\x1f]")  # of an unknown command its name stays: `\method`
_OUTER = " \"'`´“”‘’«»"
_SEPARATORS = re.compile(r"[\s_^'\"`´‘’“”\u2010-\u2015\u2212-]+")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9]) (?=[0-9])")
_BOTH = re.compile(r"(.+?) ?\((.+)\)")


def plain(words: str) -> str:
    r"""Copied words without LaTeX markup, outer quotes and doubled spaces.

    Markup goes, its content stays, `_` and `^` too: `\textbf{Foo}` is `Foo`, `$mAP_{50}$` is
    `mAP_50`, `A\_B` is `A_B`, `$\tau$-bench` is `τ-bench`. `plain(plain(x)) == plain(x)`.
    """
    if not _MARKED.search(words):
        return " ".join(words.split()).strip(_OUTER)
    text = _SIGNS.sub("", plain_text(words, signs=False).text.replace("~", " "))
    return " ".join(text.split()).strip(_OUTER)


def fold(name: str) -> str:
    """The key of a spelling: without case, width, quotes and separators.

    A separator between two digits stays a separator, so that `M3-4` is not `M34`.
    """
    text = name.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", name).casefold()
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = _SEPARATORS.sub(" ", text).strip()
    return _BETWEEN_DIGITS.sub("-", text).replace(" ", "")


def in_both(name: str, names: dict[str, str]) -> str | None:
    """The canonical name of `Long Name (LN)`, if the table has both for the same thing.

    The acronym in brackets may also be the name of something else: it is told by its long name."""
    parts = _BOTH.fullmatch(name) if name.endswith(")") else None
    if parts is None:
        return None
    first, second = names.get(fold(parts[1])), names.get(fold(parts[2]))
    return first if first == second or (first and _stands_for(parts[2], parts[1])) else None


def _stands_for(short: str, name: str) -> bool:
    """Whether capitals in brackets are the acronym of the name before them: PTB, Penn Treebank."""
    rest = iter(name.casefold())
    return (
        short.isupper()
        and short[0] == name[:1].upper()
        and all(letter in rest for letter in short.casefold())
    )


def spellings(table: dict[str, list[str]]) -> dict[str, str]:
    """Folded spelling to canonical name, for a table of names with their other spellings."""
    return {fold(word): name for name, others in table.items() for word in (name, *others)}


def load(name: str) -> dict[str, Any]:
    """The content of a TOML file in `claimgrid/data`."""
    text = files("claimgrid").joinpath("data", name).read_text(encoding="utf-8")
    return tomllib.loads(text)
