"""Text ─► the same words without LaTeX and typographic variants, each with its place in the text.

The numeral grammar sees `5.9×`, not `$5.9\\times$`, `{5.9}$\\times$` or `5.9 ×` in three spellings.
Every character of the plain text knows the characters that it stands for, so spans map back
exactly. Knows markup; knows nothing of numbers but how digits group.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

_COMMANDS = {
    "times": "×", "pm": "±", "sim": "~", "approx": "≈", "simeq": "≈", "thickapprox": "≈",
    "thicksim": "~", "le": "≤", "leq": "≤", "leqslant": "≤", "lesssim": "≤", "ge": "≥",
    "geq": "≥", "geqslant": "≥", "gtrsim": "≥", "lt": "<", "gt": ">", "mu": "µ", "to": "→",
    "rightarrow": "→", "longrightarrow": "→", "Rightarrow": "→", "cdot": "·", "circ": "°",
    "textendash": "-", "percent": "%", "textpercent": "%", "textdollar": "$", "micro": "µ",
    "quad": " ", "qquad": " ", "textasciitilde": "~", "ast": "*", "degree": "°",
}  # fmt: skip
"""LaTeX commands that stand for a character that the grammar reads."""

_STYLE = frozenset({
    "text", "textbf", "textit", "textrm", "textsf", "texttt", "textsc", "emph", "underline",
    "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathcal", "mathbb", "boldsymbol", "bm",
    "bf", "it", "rm", "em", "tt", "sc", "sf", "bfseries", "itshape", "rmfamily", "mbox",
    "operatorname", "unit", "SI", "num", "qty", "left", "right", "displaystyle", "mathord",
    "mathbin", "mathrel", "hbox", "textsuperscript", "ensuremath",
})  # fmt: skip
"""LaTeX commands that only change how their argument looks."""

_CHARACTERS = {
    "–": "-", "‒": "-", "‑": "-", "‐": "-", "﹣": "-", "--": "-", "---": "—", "―": "—",
    "∼": "~", "˜": "~", "～": "~", "≃": "≈", "≅": "≈", "⩽": "≤", "⩾": "≥", "≲": "≤", "≳": "≥",
    "✕": "×", "⨯": "×", "✖": "×", "μ": "µ", "％": "%", "⟶": "→", "➔": "→", "⇒": "→", "⋅": "·",
    "∙": "·", "＄": "$", "’": "'", "＋": "+", "＜": "<", "＞": ">",
}  # fmt: skip
"""Typographic variants, and the one character that the grammar knows for each."""

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

_SPECIAL = re.compile(
    r"(?![A-Za-z0-9.,;:()/%])(?:"  # passes over most of a text at once
    r"\\{1,3}%|\\\\|\\[a-zA-Z]+ ?|\\.|\$\$?|\{,\}|[{}~]|---?(?!-)"
    r"|[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2060\u3000\ufeff]\s*|\s\s+"
    r"|[⁰¹²³⁴-⁹⁻⁺]+|[–‒‑‐﹣―∼˜～≃≅⩽⩾≲≳✕⨯✖μ％⟶➔⇒⋅∙＄’＋＜＞])",
    re.DOTALL,
)
_THREE_DIGITS = re.compile(r"[0-9]{3}(?![0-9])")
_THIN_SPACES = ("\\,", "\u2009", "\u202f", "\xa0")
_TEXT_ARGUMENT = re.compile(r"\\(?:text|mathrm|textrm|mbox)[a-z]{0,2}\{[^{}]{0,80}\}")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[a-z]{2,}[,;.]? ")
_CUT_SHORT = re.compile(r"[-–—/,;:(→~][ \n]*\Z")
_LONGEST_MATH = 400


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain text with the place of each character, and of each math group, in the original.

    `starts[i]:ends[i]` is what character i stands for. `math` lists `(start, end)` of each
    `$…$` or `\\(…\\)` in the *original*, delimiters included, in order.
    """

    text: str
    original: str
    starts: Sequence[int]
    ends: Sequence[int]
    math: tuple[tuple[int, int], ...] = ()
    _math_starts: tuple[int, ...] = field(default=())

    def math_at(self, offset: int) -> tuple[int, int] | None:
        """The math group of the original that holds `offset`, if any."""
        index = bisect_right(self._math_starts, offset) - 1
        if index >= 0 and offset < self.math[index][1]:
            return self.math[index]
        return None


def plain_text(text: str) -> Plain:
    """Strip markup from any text; pure and total, linear in the length of the text."""
    if _SPECIAL.search(text) is None:
        size = len(text)
        return Plain(text, text, range(size), range(1, size + 1))
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    math: list[tuple[int, int]] = []
    closing = -1  # where the `$` stands that closes the open math group
    opened = -1  # where the open `\(` stands
    position = 0
    for match in _SPECIAL.finditer(text):
        start, end = match.span()
        if start > position:
            out.append(text[position:start])
            starts.extend(range(position, start))
            ends.extend(range(position + 1, start + 1))
        markup = match.group()
        if markup == "$" or start == closing:
            if start == closing:
                closing, piece = -1, ""
            else:
                closing = _closing_dollar(text, start)
                piece = "$" if closing < 0 else ""
                if closing >= 0:
                    math.append((start, closing + 1))
        elif markup in ("\\(", "\\["):
            opened, piece = start, ""
        elif markup in ("\\)", "\\]"):
            if opened >= 0 and start - opened < _LONGEST_MATH:
                math.append((opened, end))
            opened, piece = -1, ""
        else:
            piece = _replacement(text, start, end)
        if piece:
            out.append(piece)
            starts.extend([start] * len(piece))
            ends.extend([end] * len(piece))
        position = end
    out.append(text[position:])
    starts.extend(range(position, len(text)))
    ends.extend(range(position + 1, len(text) + 1))
    ordered = tuple(sorted(math))
    return Plain("".join(out), text, starts, ends, ordered, tuple(start for start, _ in ordered))


def _closing_dollar(text: str, start: int) -> int:
    """Where the math closes that opens at `start`, or -1 if this `$` is money.

    TeX and prices share the sign. A group that holds prose ("$5 and $7"), or starts with a digit
    and is cut short by the next sign ("$5-$7"), is two prices.
    """
    close = text.find("$", start + 1, start + _LONGEST_MATH)
    while close > 0 and text[close - 1] == "\\":
        close = text.find("$", close + 1, start + _LONGEST_MATH)
    if close <= start + 1:
        return -1
    content = text[start + 1 : close]
    if "\\" in content:
        content = _TEXT_ARGUMENT.sub("T", content)
    if _PROSE.search(content) or "\n\n" in content:
        return -1
    if content[:1].isdigit() and _CUT_SHORT.search(content[-8:]):
        return -1
    return close


def _replacement(text: str, start: int, end: int) -> str:
    """What the markup `text[start:end]` stands for in plain text."""
    markup = text[start:end]
    before, after = text[start - 1 : start], text[end : end + 1]
    if markup in _CHARACTERS:
        return _CHARACTERS[markup]
    if markup in ("{", "}"):
        # `10^{3}5` must not become 10^35; everywhere else braces only group.
        return markup if before.isdigit() and after.isdigit() else ""
    if markup == "{,}":
        return ","
    if markup == "~":  # TeX's unbreakable space, unless it stands before a number as "about"
        if before.isdigit() and after.isdigit():
            return "~"
        return " " if before.isalnum() or (before and before in "}$).%") else "~"
    if markup[0] == "\\":
        return _command(markup, before, text[end : end + 4])
    if markup[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺":
        return "^" + markup.translate(_SUPERSCRIPT)
    if markup in _THIN_SPACES and before.isdigit() and _THREE_DIGITS.match(text[end : end + 4]):
        return ","
    return " " if markup.strip("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff") else ""


def _command(markup: str, before: str, following: str) -> str:
    name = markup[1:].rstrip(" ")
    if name in _COMMANDS:
        return _COMMANDS[name]
    if name in _STYLE or name in ("!", "/"):
        return ""
    if markup in _THIN_SPACES and before.isdigit() and _THREE_DIGITS.match(following):
        return ","
    if name in (",", ";", ":", ">", "", "\\"):
        return " "
    if name.isalpha():
        return markup  # an unknown macro keeps its letters: it may be a name
    return markup.lstrip("\\") or " "  # \% \$ \& \_ \# \{
