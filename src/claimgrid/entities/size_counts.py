"""Reads the numbers of a text with the letter or word of their scale, as sizes are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from claimgrid.quantities.lexer import Number, lex_plain
from claimgrid.text.latex import Plain

_LETTER = re.compile(r"(?P<joint>[ \x1f]?)(?P<letter>[BbMmKkT])\Z")
_WORD = re.compile(
    r"(?:thousand|million|bill?i?on|trillion|quadrillion|quintillion|lakh|crore|bn|mn|bln|mln|tn|trn)(?:-plus)?\Z",
    re.I,
)
_POWER = re.compile(r"\^|\*\*|[0-9][eE][-+]?[0-9]")
_AFTER = re.compile(
    r"(?P<joint> ?)(?P<letter>[KMGTB])(?=params?(?![a-z]))|(?P<m>m)(?![A-Za-z0-9])"
    # Short forms of million, if parameters follow; a hyphen if a model does.
    r"| ?(?P<million>MM|[Mm]io\.?|[Mm]ill?\.?)"
    r"(?=[ ~-](?:[a-z]{2,20}[ ~-])?param(?:eter)?s?(?![a-z]))"
    r"|(?P<hyphen>-)(?P<scale>[BM])"
    r"(?=[ ~-](?:param(?:eter)?s?|(?:[a-z]{2,20}[ ~])?models?|LLMs?)(?![a-z]))"
)
_FACTORS = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_WORD_FACTORS = {
    "thou": 10**3, "lakh": 10**5, "cror": 10**7, "quad": 10**15, "quin": 10**18,
}  # fmt: skip
_FAMILY = re.compile(r"\{(?P<list>[0-9., ]{3,60})\\?\}(?P<letter>[BMK])(?![A-Za-z0-9])")
_NO_SIZE = frozenset(["identifier", "citation", "markup", "year", "date", "section", "list_item"])
_FREE_UNITS = frozenset(["", "params", "m", "model", "b"])


@dataclass(frozen=True, slots=True)
class SizeCount:
    """A number of the lexer, not judged yet; `factor` is None for one without magnitude.

    `unit` is the letter as written, a word, `power` or `bare`; `free` says that no unit of measure
    follows; `family` that it stands in `{7,13}B`.
    """

    start: int
    end: int
    number: Decimal
    factor: int | None
    unit: str
    joint: str = ""
    free: bool = True
    family: bool = False


def size_counts(plain: Plain) -> list[SizeCount]:
    """Every number of plain text as the lexer reads it, with the letter or word of its scale."""
    families = {
        at: match["letter"]
        for match in _FAMILY.finditer(plain.original)
        for at in range(match.start(), match.start("letter") - 1)
    }
    text = plain.text
    found = []
    for quantity in lex_plain(text):
        if quantity.reason in _NO_SIZE:
            continue
        free = quantity.unit.partition("/")[0] in _FREE_UNITS
        found += [
            _count(text, part, free, families.get(plain.starts[part.start]))
            for part in quantity.parts
            if part.value is not None
        ]
    return found


def _count(text: str, part: Number, free: bool, family: str | None) -> SizeCount:
    written = text[part.start : part.end]
    end, number = part.end, Decimal(repr(part.value))
    letter, after = _LETTER.search(written), _AFTER.match(text, end)
    if letter is not None and written[0] != " ":
        factor, unit, joint = _FACTORS[letter["letter"].lower()], letter["letter"], letter["joint"]
        number /= factor
    elif (word := _WORD.search(written)) is not None:
        unit, joint = word.group().lower(), ""
        factor = _FACTORS[unit[0]] if unit[0] in "mb" else _WORD_FACTORS.get(unit[:4], 10**12)
        number /= factor
    elif _POWER.search(written):
        factor, unit, joint = 1, "power", ""
    elif after is not None:
        unit = after["letter"] or after["m"] or after["scale"] or "million"
        factor, joint, end = _FACTORS[unit[0].lower()], after["joint"] or "", after.end()
        free = True
    elif family is not None:
        return SizeCount(part.start, end, number, _FACTORS[family.lower()], family, family=True)
    else:
        factor, unit, joint = None, "bare", ""
    return SizeCount(part.start, end, number, factor, unit, joint, free)
