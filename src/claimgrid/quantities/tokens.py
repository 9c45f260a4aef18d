"""Reads plain text one numeral at a time: each with its own sign, currency, magnitude and unit.

Ranges, shared units and bounds are read afterwards, in `ranges` and `qualifiers`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from claimgrid.quantities.durations import glued_at
from claimgrid.quantities.lexicon import lexicon
from claimgrid.quantities.money import money_before, yen_or_yuan
from claimgrid.quantities.non_quantities import (
    by_word_before,
    fixed_spans,
    name_at,
    refused,
    shaped,
    year_at,
)
from claimgrid.quantities.number_words import ORDERS, word_atoms
from claimgrid.quantities.numerals import NUMERAL, PREFIXED, finite, fraction_at, numeral_at
from claimgrid.quantities.quantity import Number, Quantity
from claimgrid.quantities.rates import divisors_at
from claimgrid.quantities.units import unit_at, unit_table

_DIGIT = re.compile(r"[0-9]")
_DIMENSION = re.compile(r"[x×X*](?=[0-9])| [x×*] (?=[0-9])")
_EXPERTS = re.compile(r"[0-9]{1,3}[x×][0-9]+(?:\.[0-9]+)?[BbM](?![A-Za-z0-9])")
_DEVICES = re.compile(r" ?[x×X] ?(?P<device>[A-Z][A-Za-z]*[0-9]{2,}|[A-Za-z]+)")
_TIMES = re.compile(r" ?[x×X](?![A-Za-z0-9])")
_MEMORY = re.compile(
    r"(?P<letter>[MGT])(?= (?:of )?(?:GPU |video |main |device )?"
    r"(?:memory|RAM|VRAM|DRAM|HBM|storage|disk)(?![a-z]))"
)
"""`24G of memory`: a letter that stands for bytes."""
_BYTES = frozenset("MGT")
_PREFIXES = frozenset("KMGTPE")
_SIGNS = frozenset("xX×*")  # what multiplies
_FOLDS = re.compile(r"[ -]fold[ -]cross|[ -]fold CV")
_COMPARED = re.compile(
    r" (?:faster|slower|speed-?ups?|higher|lower|more|less|fewer|larger|smaller|better|reduction"
    r"|improvement|compression|acceleration|increase)(?![a-z])"
)
_PERCENT = re.compile(r" ?%| percent(?![a-z])")
_TWO_DIGITS = re.compile(r"[0-9]{2}(?![A-Za-z0-9]|\.[0-9])")
_PREFIX = re.compile(r"[A-Za-z]+-\Z")
_PRECISE = re.compile(r"[0-9]{0,2}\.[0-9]{2,}")
"""Too precise for a name: in "61.27mIoU" only the space is missing."""
_LEADING_POINT = re.compile(r"[0-9]+(?![0-9]*[.,][0-9])")
_LETTERS = re.compile(r"[A-Za-z]")
_FORMULA_TAIL = re.compile(r"[A-Za-z](?![A-Za-z0-9])")
_MINUS_WORD = re.compile(
    r"(?:\A|[,;:(] ?|(?<![A-Za-z])(?:of|is|are|was|were|be|to|at|by|from|with|an?|about|around"
    r"|roughly|nearly|and|as|between|than|over|under|score|reach|[a-z]{2,12}(?:s|ed|ing)) )"
    r"(?P<minus>[Mm]inus|negative) \Z"
)
_MINUS_ENDS = ("inus ", "negative ")
"""`minus 0.7`: a sign in words. In `5 minus 0.7` and `A minus 0.7` something is taken away."""


def atoms(text: str) -> list[Quantity]:
    """Every numeral and number word of plain text, with its own unit; no digit is left out."""
    queue = sorted([*fixed_spans(text), *word_atoms(text)], key=lambda atom: atom.start)
    found: list[Quantity] = []
    floor = 0
    index = 0
    digit = _DIGIT.search(text)
    while digit is not None or index < len(queue):
        if index < len(queue) and (digit is None or queue[index].start <= digit.start()):
            atom = queue[index]
            index += 1
            if atom.start < floor:
                continue
            following = atom.end
        elif digit is not None:
            atom, following = _read(text, digit.start(), floor)
        found.append(atom)
        floor = following
        if digit is not None and digit.start() < floor:
            digit = _DIGIT.search(text, floor)
    return found


def _read(text: str, digit: int, floor: int) -> tuple[Quantity, int]:
    """The atom at a digit, and where reading continues."""
    reason = _left_reason(text, digit, floor)
    if reason == "name":
        name = name_at(text, digit, floor)
        return name, name.end
    fixed = _fixed(text, digit) if reason is None else None
    if fixed is not None:
        return fixed, fixed.end
    share = fraction_at(text, digit, floor) if reason is None else None
    if share is not None:
        unit, end = _unit(text, share, share.end)
        atom = _signed(text, share, end, unit, floor)
        return atom, atom.end
    start = digit
    if digit > floor and _LEADING_POINT.match(text, digit) and text[digit - 1] == ".":
        start = digit - (not text[digit - 2 : digit - 1].isalnum())  # ".85"
    number, end = numeral_at(text, start, digit)
    if reason is not None:
        return _none(text, number, end, reason)
    skip = _skipped_sign(text, end, number)
    if skip is not None:
        return Quantity(number.start, end, (number,), number.value, number.value), skip
    memory = _memory(text, digit, number)
    if memory is not None:
        return memory, memory.end
    unit, end = _unit(text, number, end)
    joined = unit is None and end == number.end and _LETTERS.match(text, end) is not None
    if joined and not _PRECISE.fullmatch(text, start, end):
        name = name_at(text, digit, max(floor, digit - 1))
        name = replace(name, start=digit)
        return name, name.end
    atom = _signed(text, number, end, unit, floor)
    if unit is None and not number.magnitude:
        why = by_word_before(text, atom.start, floor) or year_at(text, number.start, end, floor)
        if why is not None and _may_be(why, text, number):
            return replace(atom, low=None, high=None, reason=why), end
    return atom, atom.end


def _fixed(text: str, digit: int) -> Quantity | None:
    """A date, a version of three parts, `1h20min` or `8x7B`."""
    fixed = shaped(text, digit) or glued_at(text, digit)
    if fixed is not None:
        return fixed
    experts = _EXPERTS.match(text, digit)
    return None if experts is None else refused(text, digit, experts.end(), "name")


def _memory(text: str, digit: int, number: Number) -> Quantity | None:
    """The amount in `24G of memory`, whose letter stands for bytes."""
    if text[number.end - 1] not in "MGT" and text[number.end : number.end + 1] not in _BYTES:
        return None
    match = _MEMORY.match(text, number.end) or _MEMORY.match(text, number.end - 1)
    if match is None or not text[digit : match.start()].replace(",", "").replace(".", "").isdigit():
        return None
    literal = replace(number, end=match.start(), magnitude="")
    value = float(text[digit : literal.end].replace(",", ""))
    literal = replace(literal, value=value)
    name = f"{match['letter'].lower()}b"
    return Quantity(number.start, match.end(), (literal,), value, value, name, match.span())


def _may_be(reason: str, text: str, number: Number) -> bool:
    """Names and sections are numbered by whole numbers, or by versions such as 3.1."""
    digits = text[number.start : number.end]
    if reason == "section":
        return len(digits) < 6
    whole, _, decimals = digits.partition(".")
    longest = 2 if reason == "version" else 1
    return digits[0].isdigit() and "," not in whole and len(decimals) <= longest


def _left_reason(text: str, digit: int, floor: int) -> str | None:
    """Whether what stands directly before the digit makes it part of a name or a formula."""
    if digit <= floor:
        return None
    left = text[digit - 1]
    if left.isalpha() or left == "_":
        sign = left in "xX" and not text[max(floor, digit - 2) : digit - 1].isalnum()
        factor = sign and _is_factor(text, digit)
        return None if factor or (left.islower() and _is_percent(text, digit)) else "name"
    if left == "^" or text[max(floor, digit - 2) : digit] in ("^-", "^−"):
        return "formula"
    before = text[digit - 2 : digit - 1] if digit - 2 >= floor else ""
    if left == "'" and (not before.isalnum() or _TWO_DIGITS.match(text, digit)):
        return "year"
    if left == "-" and before.isalpha():
        word = _PREFIX.search(text, max(floor, digit - 20), digit)
        opens = word is not None and word.group()[:-1].lower() in lexicon().open_prefixes
        return None if opens else "name"
    if left == "." and before.isalpha() and text[max(floor, digit - 3) : digit - 2] in (" ", ""):
        return "version" if before in "vV" else None
    return None


def _is_factor(text: str, digit: int) -> bool:
    """`x2.3`, `x449` and `x4 faster` are factors; `x2` may be a variable."""
    numeral = NUMERAL.match(text, digit)
    if numeral is None:
        return False
    return len(numeral.group()) > 2 or _COMPARED.match(text, numeral.end()) is not None


def _is_percent(text: str, digit: int) -> bool:
    """Nothing that ends in "%" is a name: in "by85%" only the space is missing."""
    numeral = NUMERAL.match(text, digit)
    return numeral is not None and _PERCENT.match(text, numeral.end()) is not None


def _skipped_sign(text: str, end: int, number: Number) -> int | None:
    """Where reading continues after a sign that multiplies counts: `2x2`, `8x A100`."""
    if text[end : end + 1] not in _SIGNS and text[end + 1 : end + 2] not in _SIGNS:
        return None
    dimension = _DIMENSION.match(text, end)
    if dimension is not None:
        return dimension.end()
    if number.value is None or number.value != int(number.value):
        return None
    devices = _DEVICES.match(text, end)
    if devices is None:
        return None
    device = devices["device"]
    if device[-1].isdigit() or device in lexicon().makers:
        return devices.start("device")
    return None


_UnitHere = tuple[str, int, int]


def _unit(text: str, number: Number, end: int) -> tuple[_UnitHere | None, int]:
    """The unit after a numeral that ends at `end`, and where it ends."""
    head = text[end : end + 2].lstrip(" ")[:1]
    times = _TIMES.match(text, end) if head in _SIGNS else None
    if times is not None:
        sign = times.end() - 1
        return ("x", sign, times.end()), times.end()
    prefixed = PREFIXED.match(text, end) if head in _PREFIXES else None
    if prefixed is not None:
        word = prefixed["word"]
        name = prefixed["letter"].lower() + unit_table().symbols.get(word, word.lower())
        return (name, prefixed.start("letter"), prefixed.end()), prefixed.end()
    after = end + 1 if text[end : end + 1] == "+" and not text[end + 1 : end + 2].isdigit() else end
    orders = ORDERS.match(text, after) if text.startswith("order", after + 1) else None
    if orders is not None and number.value is not None:
        return ("orders", after + 1, orders.end()), orders.end()
    unit = unit_at(text, after)
    if unit is None or _FOLDS.match(text, after):
        return None, end
    return (unit.name, unit.start, unit.end), unit.end


def _signed(text: str, number: Number, end: int, unit: _UnitHere | None, floor: int) -> Quantity:
    """The atom with the currency and the sign that stand before its numeral."""
    start = number.start
    name, span = ("", None) if unit is None else (unit[0], (unit[1], unit[2]))
    money = money_before(text, start, floor)
    if money is not None:
        rate = divisors_at(text, end) if unit is None else None
        name = money.unit + (rate.name if rate else name if name.startswith("/") else "")
        end = rate.end if rate else end
        span, start = (money.start, money.end), money.start
    elif start - 1 >= floor and text[start - 1 : start] in ("×", "x", "X") and not name:
        start -= 1
        name, span = "x", (start, start + 1)
    elif start - 2 >= floor and text[start - 2 : start] == "× " and not name:
        start -= 2
        name, span = "x", (start, start + 1)
    sign, begin = _sign(text, start, floor), number.start
    if sign in ("-", "−") and start == number.start:
        begin = start - 1
    worded = not sign and text.endswith(_MINUS_ENDS, floor, start)
    minus = _MINUS_WORD.search(text, max(floor, start - 30), start) if worded else None
    if minus is not None and start == number.start:
        begin = minus.start("minus")
        sign = text[begin:start]
    value = number.value
    if sign not in ("", "+"):
        value = None if value is None else -value
        number = replace(number, start=begin, value=value)
    start -= len(sign)
    if name == "orders":
        value = finite(10.0**value) if value is not None and abs(value) < 100 else None
        name = "x"
    if name.startswith("¥"):
        name = yen_or_yuan(text) + name[1:]
    return Quantity(start, end, (number,), value, value, name, span)


def _sign(text: str, start: int, floor: int) -> str:
    """A plus or minus before the numeral; a hyphen between words or numbers is neither."""
    if start - 1 < floor or start == 0:
        return ""
    sign = text[start - 1]
    if sign not in "-−+":
        return ""
    before = text[start - 2] if start >= 2 else ""
    if before.isalnum() or (before and before in "%×)$+-"):
        return ""
    if text[max(floor, start - 3) : start] == "+/-":
        return ""
    if before == " " and start - 2 == floor and floor:
        return ""  # "5 -3": a range or a difference
    return sign


def _none(text: str, number: Number, end: int, reason: str) -> tuple[Quantity, int]:
    """Digits that what stands before them makes a formula or a year."""
    more = _FORMULA_TAIL.match(text, end)
    end = more.end() if more else end
    return refused(text, number.start, end, reason), end
