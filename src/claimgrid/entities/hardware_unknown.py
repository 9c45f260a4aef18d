"""A device that the registry lacks gets its slug by rule, from the words of its name."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import dropwhile, takewhile

from claimgrid.entities import hardware_registry
from claimgrid.entities.hardware_context import is_coined, is_name
from claimgrid.entities.hardware_registry import Device, Hit, Pattern

__all__ = ["by_rule", "is_family", "longer_name"]

_LONGEST = 6  # words in the name of a product that is not known
_SPACE = " \t\n-~"
# "CCD-based CPUs": the word tells a kind of CPU and is no product's name.
_OF_KIND = re.compile(r"-(?:based|class|grade|enabled|equipped|accelerated|optimized|like)\b")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+]*")
_AFTER = re.compile(rf"{hardware_registry.GAP}([A-Za-z0-9][A-Za-z0-9.+]*)")
_SHORT = 3  # a plain number with fewer digits counts or numbers something
# Memory, process node, clock, power, cores, multipliers, precisions, years and speeds.
_AMOUNT = re.compile(
    r"[0-9.]+(?:[GMT]i?B?|[MG]Hz|nm|k?W|cores?|bits?|[xCT]|th|st|nd|rd)|x[0-9]+"
    r"|(?:FP|BF|INT|TF|NF|DDR|LPDDR|HBM|SXM|CUDA|TP|PP|DP)[0-9].*|W[0-9]+A[0-9]+"
    r"|(?-i:v)[0-9.]+|20[0-3][0-9]",
    re.IGNORECASE,
)
_UNIT = re.compile(
    rf"{hardware_registry.GAP}(?:[GMT]i?B|[GM]Hz|nm|watts?|k?W|cores?|threads?|bits?|nodes?|x)\b"
    r"|\s?(?:\u00d7|\\times)",
    re.IGNORECASE,
)


def is_family(pattern: Pattern) -> bool:
    """Whether a product is a family's name alone: others begin with it and go on with a number."""
    return pattern.role == "general" or tuple(map(str.lower, pattern.words)) in _families()


@cache
def _families() -> frozenset[tuple[str, ...]]:
    patterns = {p for group in hardware_registry.index(loose=True).values() for p in group}
    heads = {
        tuple(map(str.lower, takewhile(str.isalpha, pattern.words)))
        for pattern in patterns
        if pattern.kind == "product" and not all(map(str.isalpha, pattern.words))
    }
    return frozenset(heads - {()})


def longer_name(words: str, end: int) -> str | None:
    """The token with a digit right behind a family's name: with it the name is a product's."""
    found = _AFTER.match(words, end)
    if found is None:
        return None
    token = found[1].rstrip(".")
    if not any(map(str.isdigit, token)) or _AMOUNT.fullmatch(token):
        return None
    if token.isdigit() and (len(token) < _SHORT or _UNIT.match(words, found.end())):
        return None
    return token


def by_rule(words: str, vendor: Hit | None, classes: list[Hit]) -> Device | None:
    """A device for a product's name that the registry lacks; None where the words hold none.

    English puts such a name right after its vendor or right before its class ("Zephyr Q9 NPU").
    """
    names = _names(words, vendor, classes)
    if not names:
        return None
    stem = hardware_registry.stems().get(names[0].lower())
    if stem is not None and len(names) > 1:
        return replace(
            stem.device, slug=hardware_registry.slugify(" ".join(names[1:]), stem.device.slug)
        )
    category = classes[0].device.category if classes else vendor.device.category if vendor else None
    maker = vendor.device.vendor if vendor else None
    slug = hardware_registry.slugify(" ".join(names), maker or "")
    return Device(slug, maker, category or "unknown", known=False) if slug else None


def _names(words: str, vendor: Hit | None, classes: list[Hit]) -> list[str]:
    """The words of an unknown product's name."""
    rest = words
    for hit in (*classes, *((vendor,) if vendor else ())):
        rest = rest[: hit.start] + "|" * (hit.end - hit.start) + rest[hit.end :]
    rest = hardware_registry.noise().sub(lambda found: " " * len(found[0]), rest)
    tokens = [
        t
        for t in _TOKEN.finditer(rest)
        if t[0] not in hardware_registry.data()["not_names"] and not _OF_KIND.match(words, t.end())
    ]
    if vendor is not None:
        behind = (t for t in tokens if t.start() >= vendor.end)
        run = list(takewhile(_is_name, behind))[:_LONGEST]
        if run and not rest[vendor.end : run[0].start()].strip(_SPACE):
            return [t[0] for t in run]
    if classes:
        first = min(hit.start for hit in classes)
        before = [t for t in tokens if t.end() <= first]
        run = list(takewhile(_is_name, reversed(before)))[:_LONGEST]
        touches = run and not rest[run[0].end() : first].strip(_SPACE)
        if touches and any(is_coined(t[0]) for t in run):
            return [t[0] for t in reversed(run)]
    if vendor is not None or classes:
        return []
    named = list(dropwhile(lambda t: not _is_name(t), tokens)) or tokens
    return [t[0] for t in named[:_LONGEST]]


def _is_name(token: re.Match[str]) -> bool:
    return is_name(token[0])
