r"""The one reader of markup: plain text of an abstract, each character with its place.

`$5.9\times$`, `{5.9}$\times$`, `5.9&times;` and `5.9<i>×</i>` are read as what a person sees.
LaTeX, HTML and JATS tags, entities, written-out line breaks and typographic variants are covered.
Alignment, the number lexer, names and the terminal all read this text. Markup whose argument is no
text (a citation key, a colour) leaves nothing behind.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from claimgrid.text.dollars import LONGEST_MATH, closing_dollar
from claimgrid.text.markup_tables import accented, command_sign, markup_tables

SPLIT_DIGITS = "\x1f"  # stands between digits that only markup parts; in a text it is white space

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SPECIAL = re.compile(
    r"(?![A-Za-z0-9.,;:()/%])(?:"  # passes over most of a text at once
    r"\\{1,3}%|\\\\"
    r"|\\(?:[\"'`^~=.]\{\\?[A-Za-z]\}|[\"'`^~](?:\\[ij]|[aeiounyAEIOUNYcCzZ])"
    r"|[Hcvurkdb]\{\\?[A-Za-z]\})|\\mathring ?\{[A-Za-z]\}"
    r"|\\(?:[dtc]?frac|nicefrac|sfrac) ?\{[0-9., ]{1,16}\} ?\{[0-9., ]{1,16}\}"
    r"|\\(?:num|numprint|ang|unit|si)(?:\[[^]]{0,60}\])?\{[^{}]{1,80}\}"
    r"|\\(?:qty|SI|numrange)(?:\[[^]]{0,60}\])?\{[^{}]{1,40}\}\{[^{}]{0,80}\}"
    r"|\\(?:qtyrange|SIrange)(?:\[[^]]{0,60}\])?\{[^{}]{1,40}\}\{[^{}]{1,40}\}\{[^{}]{1,80}\}"
    r"|\\raise ?-?[0-9.]{1,6}(?:ex|em|pt)"
    r"|\\[a-zA-Z]+\*?|\\."
    r"|\$\$?|\{,\}|\^ ?\{?\\circ(?![A-Za-z])\}?|[{}~]|---?(?!-)|\*\*"
    r"|<!--.{0,400}?-->|</?(?:[a-z]{1,5}:)?[A-Za-z][A-Za-z0-9-]{0,20}(?:\s[^<>]{0,300})?/?>"
    r"|&(?:amp;)?(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
    r"|[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2060\u3000\ufeff]\s*|\s\s+"
    r"|[⁰¹²³⁴-⁹⁻⁺]+|[–‒‑‐﹣－―∼˜～≃≅⩽⩾≲≳✕⨯✖μ％⟶➔⇒⋅∙＄’＋＜＞⁄∕∓½⅓⅔¼¾⅕-⅞⅐-⅒０-９．]"
    r"|[\U0001d7ce-\U0001d7ff])",
    re.DOTALL,
)
_BRACED = re.compile(r"\{([^{}]*)\}")
_ARGUMENT = re.compile(r"\*?(?: ?\[[^]]{0,80}\]){0,2} ?\{[^{}]{0,200}\}")
_TAG = re.compile(r"</?(?:[a-z]{1,5}:)?(?P<name>[A-Za-z][A-Za-z0-9-]*)")
_THREE_DIGITS = re.compile(r"[0-9]{3}(?![0-9])")
_THIN_SPACES = ("\\,", "\u2009", "\u202f", "\xa0")
_UNIT_WORD = re.compile(r"\\[A-Za-z]+|\.|[^\\.]+")
_BREAKS = ("\\n", "\\r", "\\t")


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain text with the place of each character, and of each math group, in the original.

    `starts[i]:ends[i]` is what character i stands for. `math` lists `(start, end)` of each
    `$…$` or `\\(…\\)` in the *original*, delimiters included, in order. `hidden` lists the markup
    that holds digits and leaves none in the plain text, such as a citation key.
    """

    text: str
    original: str
    starts: Sequence[int]
    ends: Sequence[int]
    math: tuple[tuple[int, int], ...] = ()
    hidden: tuple[tuple[int, int, str], ...] = ()
    _math_starts: tuple[int, ...] = field(default=())

    def math_at(self, offset: int) -> tuple[int, int] | None:
        """The math group of the original that holds `offset`, if any."""
        index = bisect_right(self._math_starts, offset) - 1
        if index >= 0 and offset < self.math[index][1]:
            return self.math[index]
        return None


@lru_cache(maxsize=64)
def plain_text(text: str, *, signs: bool = True) -> Plain:
    """Read any text without its markup; pure and total, linear in the length of the text.

    Args:
        signs: whether typographic variants of one sign become that sign (`–` is `-`, `½` is `1/2`),
            as the grammar of numbers needs it. Names and tables keep what was written.
    """
    if _SPECIAL.search(text) is None:
        size = len(text)
        return Plain(text, text, range(size), range(1, size + 1))
    return _Reader(text, signs).read()


def is_line_break(text: str, at: int) -> bool:
    r"""Whether a `\n` at an offset is a written-out line break and not a command (`\nu`)."""
    name = re.compile(r"[A-Za-z]+").match(text, at + 1)
    word = name.group() if name else ""
    if text[at : at + 2] not in _BREAKS:
        return False
    if len(word) == 1:
        return True
    close = text[at - 1 : at].isalnum() or text[at - 1 : at] in (".", ",", ";", ":", ")", "%")
    return (
        text[at + 1] == "n" and close and command_sign(word) is None and not word.startswith("num")
    )


class _Reader:
    """One pass over one text. It holds the plain characters with their places."""

    def __init__(self, text: str, signs: bool) -> None:
        self.text = text
        self.signs = signs
        self.out: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.math: list[tuple[int, int]] = []
        self.hidden: list[tuple[int, int, str]] = []
        self.closing = -1  # where the `$` stands that closes the open math group
        self.opened = -1  # where the open `\(` stands
        self.resume = 0  # where reading continues after markup that took its argument

    def read(self) -> Plain:
        text, position = self.text, 0
        while (match := _SPECIAL.search(text, position)) is not None:
            start, end = match.span()
            if start > position:
                self._verbatim(position, start)
            self.resume = end
            self._markup(start, end, match.group())
            position = self.resume
        if position < len(text):
            self._verbatim(position, len(text))
        ordered = tuple(sorted(self.math))
        return Plain(
            "".join(self.out), text, self.starts, self.ends, ordered, tuple(self.hidden),
            tuple(start for start, _ in ordered),
        )  # fmt: skip

    def _verbatim(self, start: int, end: int) -> None:
        if self.text[start] == " " == self._before():
            start += 1
            if start == end:
                return
        self._split(start, self.text[start])
        self.out.append(self.text[start:end])
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))

    def _put(self, piece: str, start: int, end: int) -> None:
        if piece and not (piece == " " == self._before()):
            self._split(start, piece[0])
            self.out.append(piece)
            self.starts.extend([start] * len(piece))
            self.ends.extend([end] * len(piece))

    def _split(self, start: int, first: str) -> None:
        """Keep digits apart that only markup parts: `10\\textbf{2}` is not 102."""
        if first.isdigit() and self.out and self.out[-1][-1].isdigit() and self.ends[-1] != start:
            self.out.append(SPLIT_DIGITS)
            self.starts.append(start)
            self.ends.append(start)

    def _before(self) -> str:
        return self.out[-1][-1] if self.out else ""

    def _markup(self, start: int, end: int, markup: str) -> None:
        if markup == "$" or start == self.closing:
            self._dollar(start)
        elif markup in ("\\(", "\\["):
            self.opened = start
        elif markup in ("\\)", "\\]"):
            if self.opened >= 0 and start - self.opened < LONGEST_MATH:
                self.math.append((self.opened, end))
            self.opened = -1
        elif markup[0] == "\\":
            self._command(start, end, markup)
        elif markup[0] == "<" and len(markup) > 1:
            self._tag(start, end, markup)
        else:
            self._put(self._sign(start, end, markup), start, end)

    def _dollar(self, start: int) -> None:
        if start == self.closing:
            self.closing = -1
            return
        self.closing = closing_dollar(self.text, start)
        if self.closing >= 0:
            self.math.append((start, self.closing + 1))
        else:
            self._put("$", start, start + 1)

    def _tag(self, start: int, end: int, markup: str) -> None:
        tag = _TAG.match(markup)
        sign = "" if tag is None else markup_tables().tags.get(tag["name"].lower())
        if sign is None:
            self._verbatim(start, start + 1)
            self.resume = start + 1
            return
        self._hide(start, end, "markup")
        self._put("" if sign in "^_" and markup[1] == "/" else sign, start, end)

    def _hide(self, start: int, end: int, reason: str) -> None:
        if any(char.isdigit() and char.isascii() for char in self.text[start:end]):
            self.hidden.append((start, end, reason))

    def _sign(self, start: int, end: int, markup: str) -> str:
        """What a sign that is no command stands for."""
        before, after = self.text[start - 1 : start], self.text[end : end + 1]
        if markup in ("{", "}", "**"):
            return ""
        if markup == "{,}":
            return ","
        if markup[0] == "^":
            return "°"
        if markup == "~":  # TeX's unbreakable space, unless it stands before a number as "about"
            if before.isdigit() and after.isdigit():
                return "~"
            return " " if before.isalnum() or (before and before in "}$).%") else "~"
        if markup[0] == "&":
            char = unescape("&" + markup[5:] if markup.startswith("&amp;") else markup)
            self._hide(start, end, "markup")
            return char if char.endswith(";") else self._character(char)
        if markup in _THIN_SPACES and before.isdigit() and self._three_digits(end):
            return ","
        if markup[0].isspace() or unicodedata.category(markup[0]) == "Cf":
            return " " if markup.strip("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff") else ""
        if self.signs and unicodedata.decomposition(markup[0]).startswith("<fraction>"):
            # `½` is read as three signs, which must not become one word with what follows: `½7B`.
            word = after.isdigit() or self.text[end : end + 2].isalpha()
            return self._character(markup) + " " * word
        return self._character(markup)

    def _three_digits(self, at: int) -> bool:
        return _THREE_DIGITS.match(self.text[at : at + 4]) is not None

    def _character(self, char: str) -> str:
        """A typographic variant: the one sign for it, the digit for a digit of another font."""
        if char in ("--", "---"):
            return "-" if char == "--" else "—"
        if char[:1] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺":
            return "^" + char.translate(_SUPERSCRIPT) if self.signs else char
        if unicodedata.decomposition(char[:1]).startswith(("<font>", "<wide>")):
            return unicodedata.normalize("NFKC", char)
        if not self.signs or char not in markup_tables().characters:
            return " " if char == "\xa0" else char
        sign = markup_tables().characters[char]
        return " " + sign if len(sign) > 2 and self._before().isdigit() else sign

    def _command(self, start: int, end: int, markup: str) -> None:
        name = markup[1:]
        if name.startswith("mathring") and "{" in name:
            self._put(accented("r", name[-2]), start, end)  # ångström
        elif "{" in markup and name[0] in markup_tables().accents and "}" in markup[3:6]:
            self._put(accented(name[0], name.strip(name[0] + "{}\\") or name[-2]), start, end)
        elif "{" in markup:
            self._with_arguments(start, markup)
        elif markup[:2] in _BREAKS and is_line_break(self.text, start):
            self._put(" ", start, start + 2)
            self.resume = start + 2
        elif len(name) > 1 and name[0] in "\"'`^~":
            self._put(accented(name[0], name[-1]), start, end)
        elif not name[0].isalpha():
            self._put(self._escaped(markup, end), start, end)
        else:
            self._named(start, end, name.rstrip("*"))

    def _escaped(self, markup: str, end: int) -> str:
        before = self.text[end - len(markup) - 1 : end - len(markup)]
        if markup in _THIN_SPACES and before.isdigit() and self._three_digits(end):
            return ","
        if markup in ("\\!", "\\/", "\\-"):
            return ""
        if markup[1] in ",;:> \\\n":
            return " "
        return markup.lstrip("\\") or " "  # \% \$ \& \_ \# \{

    def _named(self, start: int, end: int, name: str) -> None:
        """A command word: a sign, a look, one whose argument is dropped, or a name of its own."""
        tables = markup_tables()
        if name in tables.dropped or name in tables.citations:
            argument = _ARGUMENT.match(self.text, end)
            if argument is not None:
                self.resume = argument.end()
                self._hide(start, self.resume, "citation" if name in tables.citations else "markup")
                return
        if name.startswith("raise"):
            self._hide(start, end, "markup")
            return
        sign = command_sign(name)
        if sign is None:
            self._put(self.text[start:end], start, end)  # it may be a name: `\sysname`
            return
        swallows = sign == "" or not sign.isalpha() or sign == "µ"
        if swallows and self.text[end : end + 1] == " " and sign != " ":
            self.resume = end + 1
        if sign == "µ" and not self.signs:
            sign = "μ"
        self._put(self._character(sign) if len(sign) == 1 else sign, start, end)

    def _with_arguments(self, start: int, markup: str) -> None:
        r"""`\frac{1}{2}`, `\num{1e3}`, `\qty{40}{\milli\second}`, `\SIrange{1}{5}{ms}`."""
        name = re.match(r"\\([A-Za-z]+)", markup)
        command = name[1] if name else ""
        spans = [(start + m.start(1), start + m.end(1)) for m in _BRACED.finditer(markup)]
        if command.endswith("frac"):
            if self._before().isdigit():
                self._put(" ", start, spans[0][0])
            self._verbatim(*spans[0])
            self._put("/", spans[0][1], spans[1][0])
            self._verbatim(*spans[1])
            return
        numbers = spans if command in ("num", "numprint", "ang", "numrange") else spans[:-1]
        for index, span in enumerate(numbers):
            if index:
                self._put("-", numbers[index - 1][1], span[0])
            self._number(*span)
        if command == "ang":
            self._put("°", spans[-1][1], start + len(markup))
        elif len(numbers) < len(spans):
            unit = self._unit(self.text[spans[-1][0] : spans[-1][1]])
            self._put(f" {unit}" if numbers and unit[:1] not in "%°" else unit, *spans[-1])

    def _number(self, start: int, end: int) -> None:
        """A number of siunitx, in which a comma is a point and spaces say nothing."""
        for at in range(start, end):
            char = self.text[at]
            if char != " ":
                self._put("." if char == "," else char, at, at + 1)

    def _unit(self, words: str) -> str:
        units = markup_tables().units
        found = [
            units.get(part[1:], part[1:]) if part[0] == "\\" else part
            for part in _UNIT_WORD.findall(words)
        ]
        return "".join("" if part == "." else part for part in found).strip()
