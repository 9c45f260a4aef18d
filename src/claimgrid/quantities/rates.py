"""Reads what a rate is per: `/s`, ` per month`, `/GPU-hour`, ` per million tokens`."""

from __future__ import annotations

import re
from typing import NamedTuple

from claimgrid.quantities.unit_table import UnitTable, singular, unit_table

_COUNT = (
    r"(?:(?P<count>(?:1|one|a)?[ ]?(?:million|thousand|billion|hundred)|1[ ]?[KkMB](?=[ -]?[a-z])"
    r"|1,?000(?:,000)?|100)[ ]|(?P<mega>[KkMB])[ -]?(?=[Tt]ok))"
)
_MACHINE = (
    r"(?P<machine>[GTCN]PU|gpu|tpu|[Cc]ore|[Nn]ode|[A-Z][A-Z]?[0-9]{2,4}[A-Za-z]{0,2}"
    r"(?:[ -]GPU)?|(?:NVIDIA )?[A-Z][0-9]{2,3} GPU)(?:-| |·|_)?"
    r"(?P<time>hours?|hrs?|h|days?|seconds?|s)"
)
_WORD = r"(?P<word>[A-Za-z_]{1,20}(?:\^?[23])?)"
_END = r"(?![A-Za-z0-9])"
_DIVISOR = re.compile(
    rf"(?:(?P<slash> ?/ ?)|(?P<per>[ -](?:per|each|every|for each|for every)[ -]))"
    rf"(?:{_COUNT})?(?:{_MACHINE}{_END}|{_WORD}{_END})"
    rf"|(?P<an>[ -]an?[ -])(?:(?P<an_machine>[GTC]PU)[- ](?P<an_time>hour|day)"
    rf"|(?P<a>second|minute|hour|day|week|month|year|query|piece|token)){_END}"
    r"|(?P<power> ?[·*.]? ?(?P<base>s|ms|min|W|J|m|kg|mol)\^-1)(?![0-9])"
)
_NEXT = re.compile(r"[ -](?P<word>[a-z]{3,12})(?![A-Za-z0-9])")
_NOT_PER = frozenset([
    "the", "and", "that", "this", "with", "for", "from", "our", "its", "their", "each", "one",
    "capita", "default", "second", "million", "thousand", "billion",
])  # fmt: skip
_DESCRIBES = re.compile(r".*(?:ed|ing|al|ic|ive|put|ary|age|gle|ew)\Z")
_COUNTS = {
    "million": "million", "m": "million", "1m": "million", "1000000": "million",
    "thousand": "1000", "k": "1000", "1k": "1000", "1000": "1000", "billion": "billion",
    "b": "billion", "1b": "billion", "hundred": "100", "100": "100",
}  # fmt: skip
_TIMES = {"h": "hour", "hr": "hour", "hrs": "hour", "s": "second"}
_MOST = 3  # divisors of one unit


class Divisors(NamedTuple):
    """The divisors of a rate, as they end its canonical unit (`/s/gpu`), and where they end."""

    name: str
    end: int


def divisors_at(text: str, position: int) -> Divisors | None:
    """All divisors that follow a unit at `position` of plain text, or None if there is none."""
    table = unit_table()
    name, end = "", position
    for _ in range(_MOST):
        found = _divisor(text, end, table)
        if found is None:
            break
        name, end = name + found.name, found.end
    return Divisors(name, end) if name else None


def _divisor(text: str, position: int, table: UnitTable) -> Divisors | None:
    match = _DIVISOR.match(text, position)
    if match is None:
        return None
    if match["power"]:
        return Divisors("/" + table.periods.get(match["base"], match["base"].lower()), match.end())
    if match["an"]:
        named = match["a"] or f"{match['an_machine'].lower()}_{match['an_time']}"
        return Divisors("/" + named, match.end())
    if match["time"]:
        return Divisors("/" + _machine_time(match, table), match.end())
    word, end = match["word"], match.end()
    count = match["count"] or match["mega"]
    if count is not None:
        many = _COUNTS.get(re.sub(r"^(?:one|a) |^1 |[ ,]", "", count.lower()))
        if many is None:
            return None
        known = table.words.get(word.lower())
        return Divisors(f"/{many}_{known or singular(word.lower())}", end)
    known = table.periods.get(word)
    if known is None and match["slash"] and "_" in word and word.islower():
        known = word  # a canonical unit
    if known is None:
        return _unknown(text, match, table)
    return Divisors("/" + known, end)


def _unknown(text: str, match: re.Match[str], table: UnitTable) -> Divisors | None:
    """A divisor that the table lacks: the text's own noun, in the singular."""
    word, end = match["word"], match.end()
    if len(word) < 3 or not word.isalpha() or not word.islower() or word in _NOT_PER:
        return None
    following = _NEXT.match(text, end)
    known = table.periods.get(following["word"]) if following is not None else None
    if match["per"] and following is not None and (known or _DESCRIBES.match(word)):
        return Divisors(f"/{known or singular(following['word'])}", following.end())
    return Divisors("/" + singular(word), end)


def _machine_time(match: re.Match[str], table: UnitTable) -> str:
    machine = table.machines.get(match["machine"], "gpu")
    time = match["time"]
    return f"{machine}_{_TIMES.get(time, singular(time))}"
