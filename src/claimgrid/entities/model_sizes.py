"""Finds parameter counts, and the context lengths that names state, among the lexer's numbers.

`sizes` finds every parameter count, `active` the ones among them that are active per token
(mixture of experts), `contexts` the `128K` and `1M` of a name. No span is both size and context.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from claimgrid.entities.counted_nouns import (
    STOP,
    Noun,
    counts_plural,
    ends_data_name,
    few_parameters,
    is_difference,
    is_line_code,
    is_no_model,
    noun_behind,
)
from claimgrid.entities.size_counts import SizeCount, size_counts
from claimgrid.text.latex import Plain, plain_text

__all__ = ["Size", "active", "contexts", "may_be_active", "sizes"]


@dataclass(frozen=True, slots=True)
class Size:
    """One count: `words[start:end]` says it; `params` is in parameters (for a context: tokens)."""

    start: int
    end: int
    params: int


def sizes(words: str) -> list[Size]:
    """Every parameter count in the words, in order, active ones included.

    A mixture named as a product counts as written, `8x7B` as 56e9: experts share layers, so the
    true total is lower, but only the product can be read from the words.
    """
    return [size for size, role in _read(words) if role != "context"]


def active(words: str) -> list[Size]:
    """The counts of `sizes` that are active per token: `A3B` in a name, `3B active parameters`."""
    return [size for size, role in _read(words) if role == "active"]


def may_be_active(words: str) -> list[Size]:
    """The counts of `active`, and those that may be meant so.

    The smaller one of a pair such as `671B/37B`, and `3B effective parameters`, `3B activations`.
    """
    found = sizes(words)
    smaller = [
        min(pair, key=lambda size: size.params)
        for pair in pairwise(found)
        if _PAIR.fullmatch(words[pair[0].end : pair[1].start])
    ]
    close = [size for size in found if _EFFECTIVE.match(words, size.end)]
    return sorted({*active(words), *smaller, *close}, key=lambda size: size.start)


def contexts(words: str) -> list[Size]:
    """The context lengths that a name states, in tokens, with K = 1000 as in `Foo-7B-128K`."""
    return [size for size, role in _read(words) if role == "context"]


SizeRole = Literal["total", "active", "context"]


_PARAMS_BEFORE = re.compile(
    r"(?<![a-z])(?:from|to|is|are|was|of|at|only|than|=|:)(?: (?:as (?:few|little|low) as|only|just"
    r"|about|around|roughly|nearly))? [~≈]?\Z",
    re.I,
)
_PARAMS_AHEAD = re.compile(r"param(?:eter)?s?(?: (?:count|number|size))?(?![a-z])[^.;:()]{0,70}\Z")
_RANGE = re.compile(r"[\s$~]{0,2}(?:-{1,3}|[–—/]|to|through)[\s$~]{0,2}")
_DETERMINERS = frozenset(
    ["The", "Our", "With", "Both", "At", "For", "From", "Of", "In", "On", "Its"]
)
# `sizes of 2, 9 and 27B`: the words before the list say that it is one of sizes.
_SIZES_AHEAD = re.compile(
    r"(?<![A-Za-z])(?:model |parameter )?(?:sizes?|scales?|params|parameter counts?)"
    r"(?: of| at| are|:| \(|) ?(?:about )?(?:[0-9.]{1,6}, ?){0,8}\Z"
)
_LIST = re.compile(r"\s?(?:,\s?|and|or|,\s?and|,\s?or|&|\+)\s?")
_NAME_BEFORE = re.compile(r"[A-Za-z][^\s,;()]{0,60}[-_:/]$|[A-Za-z][-_:/]$")
_JOINER = re.compile(r"[-_:/]")
_SIZE_IN_NAME = re.compile(r"[0-9][bB](?![A-Za-z0-9])")
_EXPERTS = re.compile(r"(?<![0-9.A-Za-z])([0-9]{1,3}) ?[x×] ?$")
_ACTIVE_NAME = re.compile(r"(?:^|[\s_/-])[Aa]$")
_THEN_ACTIVE = re.compile(r"[-_/]A[0-9.]+[BMT](?![A-Za-z0-9])")  # of `1T-A32B`
_ACTIVE_AFTER = re.compile(
    r"(?:[\s~-]{1,2}(?:of|which|them|param(?:eter|s)?s?|weights|are|is|being|only|model)){0,5}"
    r"[\s~-]{1,2}(?:activ(?:e|ated)(?![A-Za-z])|activation param|(?:per|for each|for every)"
    r" (?:input |output |generated )?token(?![a-z])|(?:used|engaged|employed|executed|touched|fired"
    r"|computed|involved|run|needed) (?:for|per|in|on|at|by)(?: (?:each|every|an?|any|one))?"
    r" (?:token|forward|inference|input|step|pass)(?![a-z]))",
    re.I,
)
_EFFECTIVE = re.compile(r"[\s~-](?:effective param|activations?(?![A-Za-z]))")
_PAIR = re.compile(r" ?/ ?\Z")
_ACTIVE_BEFORE = re.compile(
    r"activ(?:at(?:es?|ed|ing)|e)(?:\sparam(?:eter|s)?s?(?:\scount|\ssize)?)?"
    r"(?:[\s~](?:only|just|about|around|roughly|approximately|up|to|merely|an?|of|is|are|was|were|:|=)){0,3}"
    r"[\s~$]{1,3}$",
    re.I,
)
_NEAR = 80  # characters looked at on either side of a number


@lru_cache(maxsize=32)  # each size claim of an abstract asks again, for each of its fields
def _read(words: str) -> tuple[tuple[Size, SizeRole], ...]:
    """All counts with their roles, with offsets of the words as written."""
    plain = plain_text(words)
    return tuple(
        (Size(plain.starts[size.start], plain.ends[size.end - 1], size.params), role)
        for size, role in _judged(plain)
    )


def _judged(plain: Plain) -> list[tuple[Size, SizeRole]]:
    """All counts of plain text with their roles.

    Judged from the right, as `7-70B tokens` names its unit last.
    """
    read: list[tuple[Size, SizeRole]] = []
    text = plain.text
    later: SizeCount | None = None
    later_is_size = False
    for count in reversed(size_counts(plain)):
        before = text[max(0, count.start - _NEAR) : count.start]
        after = text[count.end : count.end + _NEAR]
        if _is_context(count, before, after):
            read.append((_size(count, before), "context"))
            later = None
            continue
        linked = None
        if later is not None and later.start - count.end <= _NEAR:
            linked = _linked(count, later, text[count.end : later.start], before, later_is_size)
        if linked is None:
            is_size = count.family or (count.free and _is_size(count, before, after))
        else:
            is_size = later_is_size
        later, later_is_size = linked or count, is_size
        if is_size:
            role: SizeRole = "active" if _is_active(later, before, after) else "total"
            read.append((_size(later, before), role))
    return read[::-1]


def _size(count: SizeCount, before: str) -> Size:
    """The value, over a span that takes in `8x` of a product and `A` of an active size."""
    start, number = count.start, count.number
    if count.unit == "B" and (experts := _EXPERTS.search(before)):
        start -= len(experts[0])
        number *= int(experts[1])
    elif _ACTIVE_NAME.search(before):
        start -= 1
    return Size(start, count.end, int(number * (count.factor or 1)))


def _linked(
    count: SizeCount, later: SizeCount, gap: str, before: str, later_is_size: bool
) -> SizeCount | None:
    """The count as a part of `7/13B`, `7B to 70B` or `1B, 3B`: unit and verdict come from `later`.

    `Llama 3-8B` is no range: a number without unit must rise to the next one and follow a plain
    word, not a name.
    """
    if count.unit != "bare":
        alike = count.factor == later.factor or (len(count.unit) > 1 and len(later.unit) > 1)
        linked = _RANGE.fullmatch(gap) or (alike and _LIST.fullmatch(gap))
        return count if linked and later.unit != "bare" else None
    if later.factor is None or later.unit == "power" or later.family:
        return None
    unit = replace(count, factor=later.factor, unit=later.unit)
    if gap == "/":
        return unit if re.search(r"(?:^|[\s($~/<>-])$", before) else None
    name = re.search(r"([A-Z][A-Za-z]*)[ -]$", before)
    spoken = len(later.unit) > 1 and (name is None or name[1] in _DETERMINERS)
    if (
        (spoken or _SIZES_AHEAD.search(before))
        and later_is_size
        and _LIST.fullmatch(gap.removeprefix("-"))
    ):
        return unit if count.number < 1000 else None
    if not (_RANGE.fullmatch(gap) or _RANGE.fullmatch(gap.removeprefix("-"))):
        return None
    if count.number >= later.number or later.unit in "bm":
        return None
    ahead = re.search(r"(?:^|[(<>~$])$|(?:^|\s)([A-Za-z-]{1,24})[\s~(<>$]{1,4}$", before)
    if ahead is None:
        return None
    word = ahead[1] or ""
    return unit if word.islower() or not word or STOP.fullmatch(word) else None


def _is_context(count: SizeCount, before: str, after: str) -> bool:
    """`-128K` and `-1M` at the end of a name, and any K or M that follows a size in a name.

    `-14M` alone is a size (`Pythia-14M`), so without a size before it only 1M is a length; and
    `-10k` is mostly the size of a data set, so K must be a power of two or at least 100.
    """
    if count.unit not in "KkMm":
        return False
    if re.search(r"[0-9][bB]\s$", before):
        return True
    name = _name_before(before)
    if name is None or count.joint or noun_behind(after, 1) == "params":
        return False
    if _SIZE_IN_NAME.search(name[0]):
        return True
    number = int(count.number)
    if count.unit in "Mm":
        return count.unit == "M" and count.number == 1
    return number == count.number and (number >= 100 or number in {4, 8, 16, 32, 64})


def _name_before(before: str) -> re.Match[str] | None:
    """The name that the number continues with: `Foo-`, `foo/bar_`."""
    # Most numbers stand after a space; the search would try each letter before it.
    return _NAME_BEFORE.search(before) if _JOINER.search(before[-2:]) else None


def _is_size(count: SizeCount, before: str, after: str) -> bool:
    named = _name_before(before) is not None
    noun = noun_behind(after, 1 if named else 3)
    if count.unit == "bare" and noun != "params" and not _told_ahead(before):
        return False  # most numbers: the rest is not asked of them
    if noun == "other" or is_no_model(before, noun) or _counts_else(count, noun, before, after):
        return False
    glued = bool(re.search(r"[A-Za-z]$", before))
    loose = bool(re.search(r"[\s~,;:! ]", count.joint))
    match count.unit:
        case "bare":
            return _is_plain_count(count, before, after)
        case "B":
            return not (loose and re.match(r"-?[A-Za-z0-9]", after))
        case "b":
            if is_line_code(before, f"{count.number.normalize():f}b", after):
                return False
            after_name = re.search(r"(?:[A-Z][^\s]{0,24}|[0-9])[\s~]$", before)
            alone = not before.strip() and not after.strip()
            spoken = named or after_name is not None or alone or noun != "none"
            return (spoken and not glued and not loose) or _ACTIVE_NAME.search(before) is not None
        case "M":
            return not glued and (not loose or noun != "none" or _told_ahead(before))
        case "m":
            return not glued and (noun == "params" or (named and not before.endswith("sub-")))
        case "T":
            alone = not before.strip() and not after.strip()
            mixture = _THEN_ACTIVE.match(after) is not None
            return not glued and (named or alone or mixture or noun != "none")
        case "K" | "k" | "power":
            return not glued and noun == "params"
        case unit:
            return unit.startswith("b") or noun != "none" or _told_ahead(before)


def _counts_else(count: SizeCount, noun: Noun, before: str, after: str) -> bool:
    """Whether it is a count of data, or parameters by which two models differ."""
    if noun in ("params", "none") and is_difference(before, after):
        return True
    if count.factor is None or noun in ("params", "model"):
        return False
    written = f"{count.number.normalize():f}{count.unit}"
    return counts_plural(before, after) or (
        len(count.unit) == 1 and ends_data_name(before, written, float(count.number) * count.factor)
    )


def _is_plain_count(count: SizeCount, before: str, after: str) -> bool:
    """`58 parameters`, `5,000 trainable parameters`; but neither `GPT-3` nor `GPT 3 parameters`."""
    # Not `% 1`: `Decimal` refuses a remainder of more than 28 digits.
    if count.number != count.number.to_integral_value():
        return False
    if count.number >= 100 and noun_behind(after, 1) == "none" and _PARAMS_BEFORE.search(before):
        return _told_ahead(before)
    if noun_behind(after, 3) != "params":
        return False
    if count.number >= 1000:
        return not re.search(r"[A-Za-z-]$", before)
    if not few_parameters(after):
        return False
    return re.search(r"(?:^|[\s($~])$", before) is not None and not re.search(
        r"(?<![A-Za-z])[A-Z][A-Za-z]{0,24}[\s~]$", before
    )


def _told_ahead(before: str) -> bool:
    """Whether words before the number say that it counts parameters: `parameters from 369`."""
    return _PARAMS_BEFORE.search(before) is not None and _PARAMS_AHEAD.search(before) is not None


def _is_active(count: SizeCount, before: str, after: str) -> bool:
    if count.unit in "Bb" and _ACTIVE_NAME.search(before):
        return True
    return bool(_ACTIVE_AFTER.match(after) or _ACTIVE_BEFORE.search(before))
