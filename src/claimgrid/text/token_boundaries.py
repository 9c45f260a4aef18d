r"""Tells whether a cut at an index of a folded text breaks a token.

May be cut: white space, punctuation, hyphens and slashes (`Foo-7B`), a quantity from its unit
(`110|FPS`), a multiplier from what it counts (`8x|H800`), a plural from its s (`GPU|s`),
a size from its name (`Zephyr|7B`, `A|22B`). May not:
a number anywhere (`3|.04`, `1|,000`, `-|5`, `10|^5`, `5.9|x10^3`), a name from its number
(`H|100`, `GPT-4|o`), a word.
"""

from __future__ import annotations

import re
import unicodedata

from claimgrid.text.latex import is_line_break
from claimgrid.text.normalized_text import SPLIT_DIGITS, NormalizedText

_REACH = 40  # characters looked at on either side: longer than any number or unit
_DIGITS = "0123456789"
_JOINS_DIGITS = ".,'_·"  # 3.04, 1,000, 1'000, 1_000, 3·04
_OPENS = " ([{<=>~≈:,;'"  # before a minus sign; after anything else it is a hyphen
_MINUS = ("-", "−")  # an en or em dash is not one

_TEN_TO = re.compile(r"10(?:\^|[⁺⁻⁰¹²³⁴-⁹])")  # of `5.9x10^3`
_EXPONENT = re.compile(r"e[+-]?[0-9]")
_POWER = re.compile(r"\^[\w+\-({\\]")
_THOUSAND = re.compile(r"[0-9]{3}(?![0-9a-z]|[.,][0-9]{1,2}(?![0-9]))")
_GROUPED = re.compile(r"(?<![a-z0-9.,-])[0-9]{1,3}\Z")
_MIXED = re.compile(r"[0-9]/[0-9]{1,2}(?![0-9])")
# The size that a name ends with: `235B-A|22B`, `Zephyr|7B`.
_SIZE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?B(?![A-Za-z0-9])")
_SIZED = re.compile(r"(?:[0-9][BT][-_]A|(?<![A-Za-z0-9])[A-Z][A-Za-z]{3,20})\Z")
_COMPOUND = re.compile(
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty-(?:one|two|three|four|five|six|seven|eight|nine)"
)


def cuts_token(text: str, folded: NormalizedText, at: int, *, closing: bool) -> bool:
    """Whether words that begin at folded index `at` (or end there: `closing`) break a token."""
    form = folded.text
    if at <= 0 or at >= len(form):
        return False
    left, right = form[at - 1], form[at]
    if folded.starts[at] == folded.starts[at - 1]:
        return True  # both halves of one character: `ﬁ`, `½`
    if (left == " " and right.isalpha()) or (right == " " and left.isalpha()):
        return False  # most edges are these, and none of the rest applies to them
    if _cuts_number(text, folded, at):
        return True
    if right == "-" and not closing and at not in folded.gaps and left not in _OPENS:
        return True  # a hyphen that begins the words would read as a minus: `6|-30%`
    if at in folded.gaps or not (_in_word(left) and _in_word(right)):
        return False
    if _is_command(text, folded, at - 1) or _is_command(text, folded, at):
        return False
    if left == "x" and right in _DIGITS and form[at - 2 : at - 1] == "(":
        return False  # the 8 of `H100 (x8)`
    if left == "x" and _counts(text, folded, at - 1):
        return text[folded.starts[at]].islower()  # 8x|H800 and 4x|80GB, not 2x|large
    if right == "x" and text[folded.starts[at]] not in "xX":
        return False  # a true multiplication sign
    if left in _DIGITS and right.isalpha() and _is_quantity(text, folded, at):
        # A unit's words may begin here too, but one letter (`7|B`) says nothing alone.
        return not (closing or (at + 1 < len(form) and form[at + 1].isalpha()))
    return not (_is_plural(text, folded, at) if closing else _begins_size(text, folded.starts[at]))


def cuts_command(text: str, at: int) -> bool:
    r"""Whether offset `at` of an original text lies within a LaTeX command: `\text|bf{`."""
    if at >= len(text) or at == 0:
        return False
    if text[at - 1] == "\\":
        return at < 2 or text[at - 2] != "\\"
    if not text[at].isalpha():
        return False
    backslash = text.rfind("\\", max(0, at - _REACH - 1), at)
    name = text[backslash + 1 : at]
    inside = backslash >= 0 and name.isascii() and name.isalpha()
    return inside and not (len(name) == 1 and is_line_break(text, backslash))


def _in_word(character: str) -> bool:
    return (
        character.isalnum()
        or character == SPLIT_DIGITS
        or (character > "\x7f" and unicodedata.combining(character) != 0)
    )


def _is_command(text: str, folded: NormalizedText, at: int) -> bool:
    r"""Whether a folded character was written as a command word: `\times`, `\sysname`."""
    start = folded.starts[at]
    return text[start] == "\\" and folded.ends[at] > start + 1 and text[start + 1].isalpha()


def _cuts_number(text: str, folded: NormalizedText, at: int) -> bool:
    """Whether a number continues over the edge, be there a space or not."""
    form = folded.text
    return (
        _cuts_digits(form, at)
        or _cuts_sign(text, folded, at)
        or _cuts_group(form, at)
        or _cuts_power(form, at)
        or ("-" in form[at - 1 : at + 1] and _cuts_compound(form, at))
    )


def _cuts_digits(form: str, at: int) -> bool:
    """`3|.04`, `1,|000`, `|.5` and `.|5`; not `Fig.|5`."""
    left, right = form[at - 1], form[at]
    if "," in (left, right) and _in_list(form, at):
        return False
    if left in _DIGITS:
        return right in _JOINS_DIGITS and form[at + 1 : at + 2].isdigit()
    if right in _DIGITS and left in _JOINS_DIGITS:
        before = form[at - 2 : at - 1]
        return before.isdigit() or (left == "." and not before.isalpha())
    return False


def _in_list(form: str, at: int) -> bool:
    """Whether a comma stands in a list such as `7,13,30`, and in no grouped number."""
    low, high = at, at
    while low and form[low - 1] in _DIGITS + ".," and at - low < _REACH:
        low -= 1
    while high < len(form) and form[high] in _DIGITS + ".," and high - at < _REACH:
        high += 1
    groups = form[low:high].strip(".,").split(",")
    if len(groups) < 3:
        return False
    grouped = all(len(group) == 3 for group in groups[1:-1]) and len(groups[-1]) >= 3
    indian = all(len(group) == 2 for group in groups[1:-1]) and len(groups[-1]) == 3
    return not (grouped or indian)


def _cuts_sign(text: str, folded: NormalizedText, at: int) -> bool:
    """`-|5` where the hyphen is a minus: after a space or an opening, and tight to its number."""
    form, sign = folded.text, folded.starts[at - 1]
    if form[at - 1] != "-" or form[at] not in _DIGITS or at in folded.gaps:
        return False
    is_minus = text[sign : folded.ends[at - 1]] in _MINUS
    return is_minus and (at == 1 or at - 1 in folded.gaps or form[at - 2] in _OPENS)


def _cuts_group(form: str, at: int) -> bool:
    """`50| 000` and `50 |000`, `2| 1/2`: a space inside one number."""
    space = at if form[at] == " " else at - 1
    if form[space] != " " or not form[space - 1 : space].isdigit():
        return False
    if _MIXED.match(form, space + 1):
        return True
    return _GROUPED.search(form[max(0, space - 4) : space]) is not None and bool(
        _THOUSAND.match(form, space + 1)
    )


def _cuts_power(form: str, at: int) -> bool:
    """`10|^5`, `10^|5`, `1|e-5`, `5.9|x10^3` and `5.9x|10^3`."""
    left, right = form[at - 1], form[at]
    mark = left == "x" and form[at - 2 : at - 1].isdigit()  # `3.5x^1`: a footnote's mark
    if left == "^" or (right == "^" and _in_word(left) and not mark and _POWER.match(form, at)):
        return True
    if left in _DIGITS:
        return bool(
            (right == "e" and _EXPONENT.match(form, at))
            or (right == "x" and _TEN_TO.match(form, at + 1))
        )
    return left == "x" and form[at - 2 : at - 1].isdigit() and bool(_TEN_TO.match(form, at))


def _cuts_compound(form: str, at: int) -> bool:
    """`twenty-|five` and `twenty|-five`."""
    low = max(0, at - _REACH)
    near = form[low : at + _REACH]
    return any(m.start() < at - low < m.end() for m in _COMPOUND.finditer(near))


def _counts(text: str, folded: NormalizedText, at: int) -> bool:
    """Whether the x at `at` multiplies: `×` does, an `x` does after a number."""
    if text[folded.starts[at]] not in "xX":
        return True
    return at > 0 and at not in folded.gaps and folded.text[at - 1] in _DIGITS


def _is_quantity(text: str, folded: NormalizedText, at: int) -> bool:
    """Whether the digits that end at `at` stand alone (`110`), not in a name (`H100`, `GPT-4`)."""
    form, start = folded.text, at
    while start > max(0, at - _REACH) and form[start - 1] in _DIGITS + ".,":
        start -= 1
    while form[start] in ".,":
        start += 1
    if start == 0 or start in folded.gaps:
        return True
    before = start - 1
    if form[before] in "-_" and before > 0 and before not in folded.gaps:
        before -= 1
    if form[before] == "x":
        return _counts(text, folded, before)
    return not _in_word(form[before]) or (before < start - 1 and form[before] in _DIGITS)


def _begins_size(text: str, start: int) -> bool:
    """Whether a count of parameters begins here glued to a name or to a mixture's A."""
    return bool(_SIZE.match(text, start) and _SIZED.search(text[max(0, start - _REACH) : start]))


def _is_plural(text: str, folded: NormalizedText, at: int) -> bool:
    """Whether a lone s follows a name or a noun: `GPU|s`, `A100|s`; not a unit, as in `5 m|s`."""
    form = folded.text
    if text[folded.starts[at]] != "s":
        return False
    if at + 1 < len(form) and at + 1 not in folded.gaps and _in_word(form[at + 1]):
        return False
    if form[at - 1] in _DIGITS:
        return True
    longer = at > 2 and form[at - 3 : at].isalnum()
    short_name = form[at - 2 : at].isalpha() and text[folded.starts[at - 1]].isupper()
    return form[at - 1] != "s" and (longer or short_name)
