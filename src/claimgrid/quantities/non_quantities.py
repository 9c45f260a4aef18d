"""Finds digits that are no quantity: names, years, versions, citations, formulas."""

from __future__ import annotations

import re
from functools import cache

from claimgrid.quantities.lexicon import FACTORS, lexicon
from claimgrid.quantities.numerals import finite
from claimgrid.quantities.quantity import Number, Quantity

_TAIL = re.compile(
    r"[A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*|[-_+](?=[A-Za-z0-9]*[0-9]|[A-Z])[A-Za-z0-9]+)*"
)
_INNER = re.compile(
    r"[0-9]+(?:\.[0-9]+)?(?:(?P<magnitude>[KkMmBbTt])(?![A-Za-z0-9])|(?P<e>[eE][-+]?[0-9]+))?"
)
_VERSION = re.compile(r"v\.?[0-9]|V[0-9](?![0-9]{2}|[A-Z])")
_PARTED = re.compile(r"[0-9]+(?:\.[0-9]+){2,}")
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}[-/](?:0[1-9]|1[0-2])(?:[-/][0-3][0-9])?(?![0-9.%])"
    r"|[0-3]?[0-9]/[0-3]?[0-9]/(?:19|20)[0-9]{2}(?![0-9.%])"
)
_DAY_FIRST = re.compile(
    r"[0-3]?[0-9](?:st|nd|rd|th)? (?P<month>[A-Z][a-z]{2,8})\.?,? (?:19|20)[0-9]{2}(?![0-9.%])"
)
_MONTH_FIRST = re.compile(r"[0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{2}(?![0-9.%])")
_IDENTIFIER = re.compile(
    r"(?:https?://|www\.|doi:|DOI:|doi\.org/|arXiv:|arxiv:|github\.com/|huggingface\.co/)"
    r" ?[^\s,;)\]>\"']+"
    r"|10\.[0-9]{4,9}/[^\s,;)\]>\"']+"
)
_CITATION = re.compile(r"\[[0-9]{1,3}(?: ?[,-] ?[0-9]{1,3}){0,20}\]")
_AUTHORS = re.compile(
    r"(?:et al\.?,?|[A-Z][a-z]+,) \(?(?P<year>(?:19|20)[0-9]{2}[a-z]?)(?=[);,\]])"
)
_ITEM = re.compile(r"(?<![A-Za-z0-9])\(?(?P<number>[0-9]{1,2})\)(?= )")
_ORDER = re.compile(r"(?<![A-Za-z])[OΘΩ]~?\((?:[^()]|\([^()]{0,40}\)){1,80}\)")
_PREVIOUS = re.compile(r"(?P<word>[A-Za-z][A-Za-z-]*)(?:\.? |\.|: ?)\Z")
_NUMBERED = re.compile(r"(?<![A-Za-z])[0-9]{1,2}(?:\.[0-9])? \Z")
_AMOUNT_OF = re.compile(
    r"(?:rating|score|total|sum|size|Elo|number|length|dimension|value|average|mean|maximum|minimum"
    r"|count|budget|level|resolution|rank|price|perplexity|width|height|capacity)s? of \Z"
)
_NEXT = re.compile(r"[ -]?(?P<word>[A-Za-z]+)")
YEAR = re.compile(r"19[0-9]{2}|20[0-3][0-9]")
_BETWEEN_AMOUNTS = re.compile(r" and (?!(?:19[0-9]{2}|20[0-3][0-9])(?![0-9]))[0-9]")
"""`between 2000 and 2990 LUTs`: what is no year on one side is none on the other."""
_DECADE = re.compile(r"(?:19|20)[0-9]0'?s(?![a-z])")
# How a date, a decade and a version go on after their first digits: few numbers do.
_MAY_BE_SHAPED = re.compile(
    r"[0-9]{1,2}(?:st|nd|rd|th)?,? (?:[A-Z][a-z]|[12][09][0-9])|[0-9]{1,4}[-/][0-9]|[0-9]{4}'?s"
    r"|[0-9]+\.[0-9]+\."
)


_CONTEXT_AFTER = re.compile(
    r"(?:[- ]tokens?)?[- ](?:long[- ])?(?:contexts?|sequences?)(?![a-z])"
    r"|[- ]tokens?[- ](?:long[- ])?(?:prompts?|inputs?)(?![a-z])",
    re.I,
)
_CONTEXT_BEFORE = re.compile(
    r"(?<![a-z])(?:contexts?|sequences?|prompts?|inputs?)(?:[- ](?:lengths?|windows?|sizes?))?"
    r"(?:,? (?:of|up|to|at|from|is|over|beyond|ranging|between|as|long|exceeding|about|and))*"
    r"[ (=:]*\Z",
    re.I,
)
_LENGTH_BEFORE = re.compile(
    r"(?:length|window|size|lengths|windows)s?(?: (?:of|up|to|at|is|from|beyond))*[ (=:]*\Z", re.I
)


def numbers_in(text: str, start: int, end: int) -> tuple[Number, ...]:
    """The numerals inside a name: `7B` and `128K` in `Qwen2-7B-128K`, on token boundaries."""
    found = []
    for match in _INNER.finditer(text, start, end):
        magnitude = (match["magnitude"] or "").lower()
        stop = match.end("magnitude") if magnitude else match.end()
        digits = match.group()[: -1 if magnitude else None]
        found.append(
            Number(match.start(), stop, finite(float(digits) * FACTORS[magnitude]), magnitude)
        )
    return tuple(found)


def refused(text: str, start: int, end: int, reason: str) -> Quantity:
    """A Quantity that is none, with the numerals that it holds."""
    return Quantity(start, end, numbers_in(text, start, end), None, None, reason=reason)


def name_at(text: str, digit: int, floor: int) -> Quantity:
    """The name that the digit at `digit` is part of, not reaching left of `floor`."""
    start = digit
    while start > floor:
        before = text[start - 1]
        if before.isalnum() or before == "_":
            start -= 1
        elif before in "-." and start - 1 > floor and text[start - 2].isalnum():
            start -= 2
        else:
            break
    tail = _TAIL.match(text, digit)
    end = tail.end() if tail else digit + 1
    return refused(text, start, end, _name_reason(text, start, digit))


def _name_reason(text: str, start: int, digit: int) -> str:
    if text[start - 1 : start] == "\\" and text.startswith("cite", start):
        return "citation"
    if _VERSION.match(text, start) and digit - start <= 2:
        return "version"
    if text[digit - 1] == "_" and digit - start == 2:
        return "formula"
    return "name"


@cache
def _cue_reasons() -> dict[str, str]:
    words = lexicon()
    reasons = dict.fromkeys(words.labels, "name")
    reasons |= dict.fromkeys(words.versions, "version")
    reasons |= dict.fromkeys(words.sections, "section")
    return reasons


def by_word_before(text: str, start: int, floor: int) -> str | None:
    """Why a bare number is none, by the word before it: `RTX 4090`, `CUDA 12.4`, `Table 2`."""
    match = _PREVIOUS.search(text, max(floor, start - 24), start)
    if match is None:
        return None
    word = match["word"]
    if text[match.end() - 2 : match.end()] in (": ", ":"):
        return None
    if word in lexicon().families:
        # "Claude 3.5 Sonnet 78.2": the name has its number already.
        return (
            None if _NUMBERED.search(text, floor - 8 if floor > 8 else 0, match.start()) else "name"
        )
    return _cue_reasons().get(word.lower())


def year_at(text: str, start: int, end: int, floor: int) -> str | None:
    """Say `year` or `date` where what stands around a bare four-digit number makes it one."""
    if YEAR.fullmatch(text, start, end) is None:
        return None
    words = lexicon()
    match = _PREVIOUS.search(text, max(floor, start - 24), start)
    before = match["word"].lower() if match else ""
    if before in words.months:
        return "date"
    following = _NEXT.match(text, end)
    after = following["word"] if following else ""
    stem = after[:-1]
    plural = after.endswith("s") and (stem.isupper() or (stem.islower() and stem[-1] not in "sui"))
    if plural and before != "since":
        return None
    if text[start - 1 : start] in ("=", "<", ">", "≥", "≤", "~", "≈"):
        return None
    if before == "between" and _BETWEEN_AMOUNTS.match(text, end):
        return None
    if before == "of" and _AMOUNT_OF.search(text, max(0, start - 16), start):
        return None
    if before in words.year_before or (match and match["word"][0].isupper()):
        return "year"
    return "year" if text[start - 1 : start] in ("(", "'") and not after else None


def fixed_spans(text: str) -> list[Quantity]:
    """Stretches that are read before any numeral: URLs, citations, list items, `O(n^2)`, in order.

    Only those that hold a digit; none overlap.
    """
    found: list[Quantity] = []
    if "[" in text:
        found += _each(text, _CITATION, "citation")
    if "/" in text or ":" in text:
        found += _each(text, _IDENTIFIER, "identifier")
    if "O(" in text or "Θ(" in text or "Ω(" in text or "O~(" in text:
        found += _each(text, _ORDER, "formula")
    if "al." in text or "), " in text or "; " in text:
        found += [
            refused(text, match.start("year"), match.end("year"), "citation")
            for match in _AUTHORS.finditer(text)
        ]
    if "1)" in text:
        found += _items(text)
    if len(found) < 2:
        return found
    found.sort(key=lambda quantity: quantity.start)
    kept: list[Quantity] = []
    for quantity in found:
        if not kept or quantity.start >= kept[-1].end:
            kept.append(quantity)
    return kept


def _each(text: str, pattern: re.Pattern[str], reason: str) -> list[Quantity]:
    found = []
    for match in pattern.finditer(text):
        end = match.start() + len(match.group().rstrip("."))
        if reason == "citation" and text[max(0, match.start() - 3) : match.start()] in (
            "in ",
            " ∈ ",
        ):
            continue
        quantity = refused(text, match.start(), end, reason)
        if quantity.parts and not (reason == "citation" and quantity.parts[0].value == 0):
            found.append(quantity)
    return found


def _items(text: str) -> list[Quantity]:
    """`(1) … (2) …`: numbers in brackets that count up from one."""
    matches = list(_ITEM.finditer(text))
    numbers = {int(match["number"]) for match in matches}
    if not {1, 2} <= numbers:
        return []
    last = 2
    while last + 1 in numbers:
        last += 1
    return [
        refused(text, match.start(), match.end(), "list_item")
        for match in matches
        if 1 <= int(match["number"]) <= last
    ]


def shaped(text: str, digit: int) -> Quantity | None:
    """A date, a decade or a version of three parts that starts at `digit`."""
    if _MAY_BE_SHAPED.match(text, digit) is None:
        return None
    for pattern, reason in (
        (_DATE, "date"),
        (_DECADE, "year"),
        (_PARTED, "version"),
    ):
        match = pattern.match(text, digit)
        if match is not None:
            return refused(text, digit, match.end(), reason)
    months = lexicon().months
    day_first = _DAY_FIRST.match(text, digit)
    if day_first is not None and day_first["month"].lower() in months:
        return refused(text, digit, day_first.end(), "date")
    month_first = _MONTH_FIRST.match(text, digit)
    before = _PREVIOUS.search(text, max(0, digit - 12), digit) if month_first else None
    if month_first is not None and before is not None and before["word"].lower() in months:
        return refused(text, digit, month_first.end(), "date")
    return None


def is_context_length(text: str, quantity: Quantity) -> bool:
    """A number of tokens that a context or a sequence is long."""
    if quantity.unit not in ("", "tokens"):
        return False
    number = quantity.parts[-1]
    if number.value is None or number.value < 256:
        return False
    if _CONTEXT_AFTER.match(text, number.end):
        return True
    before = text[max(0, quantity.start - 50) : quantity.start]
    match = _CONTEXT_BEFORE.search(before)
    return match is not None and (
        quantity.unit == "tokens"
        or number.magnitude != ""
        or _LENGTH_BEFORE.search(before) is not None
    )
