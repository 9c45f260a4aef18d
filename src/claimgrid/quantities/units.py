"""Unit words ─► canonical units (`GPU hours per month` ─► `gpu_hours/month`).

The table is `data/units.toml`. Knows spellings; knows nothing of numbers or of what is measured.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from claimgrid.text.latex import plain_text


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that stands in a text: canonical name and the place of its words."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class UnitTable:
    """`data/units.toml`, turned round: spelling ─► canonical unit."""

    symbols: dict[str, str]
    words: dict[str, str]
    phrase_heads: frozenset[str]
    periods: dict[str, str]
    per_second: dict[str, str]
    machines: dict[str, str]
    machine_time: dict[str, str]
    prefixes: dict[str, frozenset[str]]
    modified: frozenset[str]
    connectives: frozenset[str]


@cache
def unit_table() -> UnitTable:
    """The unit table, read once."""
    data = tomllib.loads(files("claimgrid").joinpath("data/units.toml").read_text(encoding="utf-8"))

    def turned(section: str) -> dict[str, str]:
        return {text: name for name, texts in data[section].items() for text in texts}

    words = turned("words")
    heads = frozenset(re.split("[ -]", phrase)[0] for phrase in words if re.search("[ -]", phrase))
    return UnitTable(
        symbols=turned("symbols"),
        words=words,
        phrase_heads=heads,
        periods=turned("periods"),
        per_second=turned("per_second"),
        machines=turned("machines"),
        machine_time=turned("machine_time"),
        prefixes={name: frozenset(letters) for name, letters in data["prefixes"].items()},
        modified=frozenset(data["modified"]["units"]),
        connectives=frozenset(data["connectives"]["words"]),
    )


@cache
def canonical_units() -> frozenset[str]:
    """Every canonical unit that the table knows."""
    table = unit_table()
    return frozenset(table.symbols.values()) | frozenset(table.words.values())


_HEAD = re.compile(
    r"(?P<gap>[ -]?)(?P<word>%|‰|×(?![A-Za-z0-9])|°C?|US\$|[$€£]"
    r"|[A-Za-zµ]+(?:\^?[23](?![0-9A-Za-z]))?)"
)
_AMOUNT = re.compile(r" ?[0-9.]")
_PHRASE = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,2}")
_SLASHED = re.compile(r"/(?:s|sec)(?![A-Za-z0-9])")
_MACHINE = re.compile(
    r"(?P<gap>[ -]?)"
    r"(?:(?P<device>[A-Z][A-Za-z]{0,8}-?[0-9]{1,4}[A-Za-z]{0,3}|[A-Z][a-z]{2,12})[ -])?"
    r"(?:(?P<machine>[GTCNgtcn][Pp][Uu]s?|[Cc]ore|[Nn]ode)(?: ?[-*·] ?| ))?"
    r"(?P<time>[A-Za-z]{1,7})(?![A-Za-z0-9])"
)
_RATE = re.compile(
    r" ?/ ?(?P<slash>[A-Za-z]{1,12}(?:\^?2)?)(?![A-Za-z0-9])"
    r"|[ -](?:per|each|every)[ -](?P<per>[A-Za-z]{1,12}(?:\^?2)?)(?![A-Za-z0-9])"
    r"|[ -]a[ -](?P<a>second|minute|hour|day|week|month|year)(?![A-Za-z0-9])"
    r"|(?P<power> ?·? ?s\^-1)(?![0-9])"
)
_NOUN_RATE = re.compile(
    r"(?P<gap>[ -]?)(?:[a-z]{2,14} )?(?P<noun>[A-Za-z]{1,20})"
    r"(?: ?/ ?(?:s|sec|second)| per second| a second)(?![A-Za-z0-9])"
)
_MODIFIED = re.compile(
    r" (?P<modifier>[a-z]+(?:-[a-z]+)?|KV|MoE) (?P<word>[a-z]{3,10}s)(?![A-Za-z0-9-])"
)
_PER = frozenset(["per", "each", "every", "a"])
_BARE_PERIODS = frozenset(["/s", "/min", "/hour", "/day", "/week", "/month", "/year"])
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
        period = _period(text, position, table)
        if period is not None and period.name in _BARE_PERIODS:
            return period
    if head is None:
        return None
    word = head["word"]
    if word in "$€£" and (head["gap"] == "-" or _AMOUNT.match(text, head.end())):
        return None  # the sign of a price that follows
    if not word[0].isalpha():
        return _with_rate(text, Unit(table.symbols[word], head.start("word"), head.end()), table)
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
    if match is None or match["modifier"] in table.connectives:
        return None
    name = table.words.get(match["word"])
    if name not in table.modified:
        return None
    return Unit(name, match.start("modifier"), match.end())


def _with_rate(text: str, unit: Unit, table: UnitTable) -> Unit:
    """The unit with the period that follows it, if one does."""
    following = text[unit.end : unit.end + 1]
    if following not in (" ", "/", "-", "·"):
        return unit
    rate = _period(text, unit.end, table)
    if rate is None or "/" in unit.name or unit.name in ("x", "%", "fps"):
        return unit
    name = unit.name + rate.name
    if rate.name == "/s":  # TOPS and FLOPs count per second already
        name = unit.name if unit.name.endswith("ops") else table.per_second.get(unit.name, name)
    return Unit(name, unit.start, rate.end)


def _period(text: str, position: int, table: UnitTable) -> Unit | None:
    """`/s`, ` per month`, ` a day`: what a rate is per."""
    match = _RATE.match(text, position)
    if match is None:
        return None
    if match["power"]:
        return Unit("/s", position, match.end())
    word = match["slash"] or match["per"] or match["a"]
    name = table.periods.get(word)
    if name is None:
        if match["slash"] is None or len(word) < 3 or not word.islower():
            return None
        name = _singular(word)  # "ns/row"
    return Unit("/" + name, position, match.end())


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
    head, slash, per = text.partition("/")
    if not slash:
        head, slash, per = text.partition(" per ")
    head = head.partition(" of ")[0].strip().lower()
    if not slash:
        return _singular(head)
    return f"{head}/{_singular(per.strip().lower())}"


def _singular(words: str) -> str:
    """English singular of the last word; good for regular plurals, which unit nouns are."""
    if words.endswith("ies") and len(words) > 4:
        return words[:-3] + "y"
    if words.endswith(("ches", "shes", "xes", "sses")):
        return words[:-2]
    if words.endswith("s") and not words.endswith(("ss", "us", "is", " s")) and len(words) > 2:
        return words[:-1]
    return words
