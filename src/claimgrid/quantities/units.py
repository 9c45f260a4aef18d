"""Reads unit words as canonical units: `GPU hours per month` is `gpu_hours/month`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from claimgrid.quantities.lexicon import lexicon
from claimgrid.quantities.rates import divisors_at
from claimgrid.quantities.unit_table import UnitTable, canonical_units, singular, unit_table
from claimgrid.text.latex import plain_text

__all__ = ["Unit", "canonical_units", "unit_at", "unit_of", "unit_table"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that stands in a text: canonical name and the place of its words."""

    name: str
    start: int
    end: int


_HEAD = re.compile(
    r"(?P<gap>[ -]?)(?P<word>%|‰|×(?![A-Za-z0-9])|°[CF]?|US\$|[$€£¥₹₩¢]|p\.p\.|petaflop/s-days?"
    r"|[A-Za-zµÅΩ]+(?:\^?[23](?![0-9A-Za-z]))?)"
)
_AMOUNT = re.compile(r" ?\.?[0-9]")
_PHRASE = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,2}")
_PRODUCT = re.compile(r" ?· ?(?P<word>[A-Za-zµ]{1,6})(?![A-Za-z0-9^])")  # J·ms is not J
_PRODUCTS = {"w·hours": "wh", "kw·hours": "kwh", "w·s": "j"}
_SLASHED = re.compile(r"/(?:s|sec)(?![A-Za-z0-9])")
_MACHINE = re.compile(
    r"(?P<gap>[ -]?)"
    r"(?:(?P<device>[A-Z][A-Za-z]{0,8}-?[0-9]{1,4}[A-Za-z]{0,3}|[A-Z][a-z]{2,12})[ -])?"
    r"(?:(?P<machine>[GTCNgtcn][Pp][Uu]s?|[Cc]ore|[Nn]ode)(?: v[0-9][a-z]{0,2})?(?: ?[-*·] ?| ))?"
    r"(?P<time>[A-Za-z]{1,7})(?![A-Za-z0-9])"
)
_NOUN_RATE = re.compile(
    r"(?P<gap>[ -]?)(?:[a-z]{2,14} )?(?P<noun>[A-Za-z]{1,20})"
    r"(?: ?/ ?(?:s|sec|second)| [Pp]er [Ss]econd| a second)(?![A-Za-z0-9])"
)
_MODIFIED = re.compile(
    r" (?P<modifier>[a-z]+(?:-[a-z]+)?|KV|MoE) (?P<word>[a-z]{3,10}s)(?![A-Za-z0-9-])"
)
_PER = frozenset(["per", "each", "every", "a"])
_BARE_PERIODS = frozenset(["s", "min", "hour", "day", "week", "month", "year"])
"""Periods that may follow a number without a unit: `90K/s`, `$3 per month`."""
_TIMES = frozenset(["x", "%", "ms", "us", "ns"])
"""Units that never start a longer one: most numbers end here."""


def unit_at(text: str, position: int) -> Unit | None:
    """The unit that starts at `position` of plain text, one separator before it allowed.

    Machine time comes before a known unit, that before any noun with "/s"; each takes the period
    that follows it ("a day", "per token", "/W").
    """
    table = unit_table()
    head = _HEAD.match(text, position)
    if head is None or head["word"] in _PER:
        bare = divisors_at(text, position)
        if bare is not None and bare.name.split("/")[1] in _BARE_PERIODS:
            return Unit(bare.name, position, bare.end)
    if head is None:
        return None
    word = head["word"]
    if word in "$€£¥₹₩" and (head["gap"] == "-" or _AMOUNT.match(text, head.end())):
        return None  # the sign of a price that follows
    if not word[0].isalpha() or word == "p.p.":
        symbol = Unit(table.symbols.get(word, word), head.start("word"), head.end())
        return _with_rate(text, symbol, table)
    known = _known(text, head, table)
    if known is not None and known.name in _TIMES and text[known.end : known.end + 1] != "-":
        return _with_rate(text, known, table)
    found = _machine_time(text, position, table) or known
    if found is None:
        found = _noun_rate(text, position, table) or _modified(text, position, table)
    return None if found is None else _with_rate(text, found, table)


def _known(text: str, head: re.Match[str], table: UnitTable) -> Unit | None:
    """A unit of the table, as one word or as a phrase."""
    word, gap, end = head["word"], head["gap"], head.end()
    start = head.start("word")
    if word.lower() in table.phrase_heads:
        phrase = _PHRASE.match(text, start)
        while phrase is not None:
            words = phrase.group().lower()
            if words in table.words:
                return Unit(table.words[words], start, phrase.end())
            shorter = re.search(r"[ -][A-Za-z]+\Z", phrase.group())
            cut = phrase.start() + shorter.start() if shorter else start
            phrase = _PHRASE.fullmatch(text, start, cut)
    following = text[end : end + 2]
    if following[:1].isalnum() or following[:1] == "_":
        return None
    if gap == " " and following[:1] == "-" and following[1:].isalpha():
        return None  # "4 token-level": the word belongs to what follows
    slashed = _SLASHED.match(text, end)
    if slashed is not None and word + "/s" in table.symbols:
        return Unit(table.symbols[word + "/s"], start, slashed.end())
    name = table.symbols.get(word)
    if name is not None and (gap != "-" or len(word) > 1):
        return Unit(name, start, end)
    name = table.words.get(word.lower())
    return None if name is None else Unit(name, start, end)


def _counts(words: str) -> bool:
    """Whether words hold a number word."""
    known = lexicon()
    parts = words.lower().replace("-", " ").split()
    return any(part in known.numbers or part in known.magnitudes for part in parts)


def _machine_time(text: str, position: int, table: UnitTable) -> Unit | None:
    """GPU hours, H100-days, A800 GPU-hours: machine time."""
    match = _MACHINE.match(text, position)
    if match is None or match["time"] not in table.machine_time:
        return None
    time = table.machine_time[match["time"]]
    start = match.end("gap")
    if match["machine"]:
        machine = table.machines.get(match["machine"])
        if machine is None:
            return None
        return Unit(f"{machine}_{time}", start, match.end())
    if match["device"] and any(char.isdigit() for char in match["device"]):
        kind = "tpu" if match["device"].startswith("TPU") else "gpu"
        return Unit(f"{kind}_{time}", start, match.end())
    return None


def _noun_rate(text: str, position: int, table: UnitTable) -> Unit | None:
    """Anything counted per second: `rows/s`, `output tokens per second`."""
    match = _NOUN_RATE.match(text, position)
    if match is None:
        return None
    noun = match["noun"]
    if _counts(match.group()):
        return None  # the describing word is a number that was not read
    if noun in table.symbols or noun in table.connectives:
        return None
    name = table.per_second.get(noun.lower())
    if name is None:
        if len(noun) < 3:
            return None
        name = (table.words.get(noun.lower()) or noun.lower()) + "/s"
    return Unit(name, match.end("gap"), match.end())


def _modified(text: str, position: int, table: UnitTable) -> Unit | None:
    """A counted thing with one describing word: `trainable parameters`, `discrete tokens`."""
    match = _MODIFIED.match(text, position)
    if match is None or match["modifier"] in table.connectives or _counts(match["modifier"]):
        return None
    name = table.words.get(match["word"])
    if name not in table.modified:
        return None
    return Unit(name, match.start("modifier"), match.end())


def _with_rate(text: str, unit: Unit, table: UnitTable) -> Unit:
    """The unit with the factor and the divisors that follow it, if any do."""
    product = _PRODUCT.match(text, unit.end)
    if product is not None and product["word"] in table.symbols and unit.name not in ("x", "%"):
        name = f"{unit.name}·{table.symbols[product['word']]}"
        unit = Unit(_PRODUCTS.get(name, name), unit.start, product.end())
    if unit.name in ("x", "%") or text[unit.end : unit.end + 1] not in (" ", "/", "-", "·"):
        return unit
    found = divisors_at(text, unit.end)
    if found is None:
        return unit
    name, first = unit.name, "/" + found.name.split("/")[1]
    rest = found.name[len(first) :]
    if name == "fps" and first in ("/s", "/frame"):
        return unit
    if first == "/s":  # TOPS and FLOPs count per second already
        first = "" if name.endswith("ops") else first
        name, first = (table.per_second[name], "") if name in table.per_second else (name, first)
    return Unit(name + first + rest, unit.start, found.end)


def unit_of(words: str) -> str:
    """Canonical unit of copied unit words; pure and total.

    >>> unit_of("GPU hours per month")
    'gpu_hours/month'
    >>> unit_of("lines of code")
    'line'
    """
    text = plain_text(words).text.strip(" .,;:()[]")
    if text in canonical_units():
        return text
    found = unit_at(" " + text, 0)
    if found is not None and found.end == len(text) + 1:
        return found.name
    rate = divisors_at(" " + text, 0) if text.startswith(("per ", "/")) else None
    if rate is not None and rate.end == len(text) + 1:
        return rate.name
    head, slash, per = text.partition("/")
    if not slash:
        head, slash, per = text.partition(" per ")
    tail = divisors_at(text, len(head)) if slash else None
    head = head.partition(" of ")[0].strip()
    if tail is not None and tail.end == len(text):
        return head.lower() + tail.name
    return f"{head.lower()}/{singular(per.strip().lower())}" if slash else singular(head).lower()
