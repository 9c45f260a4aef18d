"""Metrics have one canonical name each, a family, a unit and a direction.

The table is `data/metrics.toml`. A direction says whether a higher or a lower number is better. A
metric without one cannot be ranked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from claimgrid.entities.spelling import LONGEST, fold, in_both, load, plain, spellings

__all__ = ["Metric", "direction", "direction_in", "find", "is_metric", "metric"]

Direction = Literal["higher", "lower"]
_PERCENT = re.compile(r" ?\((?:%|in %)\)$")
_PLURAL = re.compile(r"(rate|score|error|precision|recall)s$", re.I)
_CUT = re.compile(r"(.+?) ?@ ?([0-9]+(?:\.[0-9]+)?|[kn])", re.I)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the table.

    `direction` is None where the field ranks it in neither way. `unit` is the usual unit of its
    numbers, None where there is no usual one.
    """

    name: str
    family: str
    direction: Direction | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[str, str]  # folded spelling to canonical name
    cuts: dict[str, str]  # folded spelling to what stands before `@5`
    metrics: dict[str, Metric]  # folded canonical name to what is known of it
    endings: tuple[tuple[re.Pattern[str], Direction], ...]


@lru_cache(maxsize=2048)
def metric(words: str) -> str:
    """The canonical name of a metric; words that the table lacks are only cleaned of markup."""
    name = plain(words)
    if len(name) > LONGEST:
        return name
    table = _table()
    bare = (_PERCENT.sub("", name) if name.endswith(")") else name).removesuffix(".")
    singular = _PLURAL.sub(r"\1", bare) if bare.endswith(("s", "S")) else bare
    if known := table.names.get(fold(bare)) or table.names.get(fold(singular)):
        return known
    if "@" in bare and (cut := _CUT.fullmatch(bare)) and (base := table.cuts.get(fold(cut[1]))):
        return f"{base}@{cut[2].lower()}"
    return in_both(bare, table.names) or name


def is_metric(words: str) -> bool:
    """Whether the table of metrics has these words."""
    table = _table()
    bare = plain(words)
    singular = _PLURAL.sub(r"\1", bare)
    return len(bare) <= LONGEST and (fold(bare) in table.names or fold(singular) in table.names)


def find(words: str) -> Metric | None:
    """What the table knows of a metric; None if it lacks it. `recall@5` is known by `recall`."""
    table = _table()
    name = metric(words)
    found = table.metrics.get(fold(name))
    if found is None and (cut := _CUT.fullmatch(name)):
        base = table.metrics.get(fold(cut[1]))
        return Metric(name, base.family, base.direction, base.unit) if base else None
    return found


def direction(words: str | None) -> Direction | None:
    """Whether a higher or a lower number is better; None where that is not known.

    The words of a metric that the table lacks may still say it: every `… error rate` is better
    when it is lower.
    """
    if not words or len(words) > LONGEST:
        return None
    if found := find(words):
        return found.direction
    name = plain(words).casefold()
    return next((way for ending, way in _table().endings if ending.search(name)), None)


def direction_in(unit: str, metric: str | None) -> Direction | None:
    """Which way an absolute number in a unit is better; the metric decides where the unit does not.

    `tokens/s` is work done and better when higher, `s/token` is time spent.
    """
    units = _unit_directions()
    spent, _, per = unit.rpartition("/")
    if spent and per in units["rates"]:
        return "higher"
    amount = unit.partition("/")[0]
    for way in ("lower", "higher"):
        if amount in units[way]:
            return way
    return direction(metric)


@cache
def _unit_directions() -> dict[str, frozenset[str]]:
    """The table of directions in `data/units.toml`."""
    return {name: frozenset(units) for name, units in load("units.toml")["direction"].items()}


@cache
def _table() -> _Table:
    data = load("metrics.toml")
    known = {
        fold(name): Metric(name, family, entry.get("direction"), entry.get("unit"))
        for family, entry in data["families"].items()
        for name in entry["metrics"]
    }
    endings = tuple(
        (re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})s?$"), way)
        for way, words in data["endings"].items()
    )
    return _Table(spellings(data["names"]), spellings(data["cuts"]), known, endings)
