"""What the words beside a product say of it: another maker's name before it, a longer name behind.

"A100" is NVIDIA's, "Qualcomm A100" is not; "EPYC" is a family, "EPYC 9X99" one product of it.
"""

from __future__ import annotations

import re
from functools import cache

from claimgrid.entities import hardware_registry
from claimgrid.entities.hardware_registry import Pattern

__all__ = ["is_coined", "is_name", "of_another", "other_thing"]

_REACH = 48  # characters before a product that are read for one word
_NEAR = 3  # blanks between two words of one name
_BLANK = " \t\n-~_"
_POSSESSIVE = ("'s", "\u2019s")
_AFTER = re.compile(rf"{hardware_registry.GAP}([A-Za-z0-9]+)")
# The next word of a list, or in brackets.
_JOINT = r"(?:[\s,/(~-]|\band\s|\bor\s){1,4}"
_NEIGHBOUR = re.compile(rf"{_JOINT}([A-Za-z0-9]+)")
_LEFT = re.compile(rf"([A-Za-z0-9]+){_JOINT}$")
_COUNT = re.compile(r"[0-9]+[xX]?|[xX][0-9]+")
_WORD = re.compile(r"[A-Za-z0-9]+")


def is_name(word: str) -> bool:
    """Whether a word looks like a name: capitals or digits."""
    return word[0].isupper() or any(c.isdigit() or c.isupper() for c in word)


def is_coined(word: str) -> bool:
    """Letters with digits, or capitals inside: `X9`, `MI999`, `NeuroCore`."""
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    return mixed or any(c.isupper() for c in word[1:])


def of_another(text: str, start: int, pattern: Pattern) -> bool:
    """Whether the words before a product make it another maker's, or another name.

    A loose spelling ("4090", "M1") is a product only with nothing but its own maker, a count or a
    class before it; one that stands for itself ("A100") gives way to another chip maker's name.
    """
    if pattern.loose:
        return _named_before(text, start, pattern)
    if pattern.kind != "product" or pattern.stem or len(pattern.words) > 1:
        return False
    found = _before(text, start)
    word = "" if found is None else found[0].lower()
    if found is None or word in _own(pattern):
        return False
    if word in _makers():
        return is_coined(pattern.words[0])
    return found[1] == "-" and word not in _neutral() and _makes_a_name(found[0], pattern)


def _makes_a_name(word: str, pattern: Pattern) -> bool:
    """Whether a word and a hyphen make one name with what follows: "BI-V100", "Rao-Blackwell"."""
    if pattern.role == "brand":
        return word[0].isupper()
    return word.isalpha() and word.isupper() and len(word) > 1 and is_coined(pattern.words[0])


def _named_before(text: str, start: int, pattern: Pattern) -> bool:
    """Whether a name that is not the product's own stands before it, counts and classes between."""
    own = _own(pattern)
    end = start
    while (found := _before(text, end)) is not None:
        word = found[0].lower()
        if word in own:
            return False
        if not _COUNT.fullmatch(word) and word not in _neutral():
            return word not in _plain() and (
                is_name(found[0]) or word in hardware_registry.vendor_words()
            )
        end = found[2]
    return False


def _before(text: str, end: int) -> tuple[str, str, int] | None:
    """The word before a place, what stands between, and where the word starts.

    By hand and not by a pattern: it is asked for at every product of a text.
    """
    stop = end
    floor = max(0, end - _NEAR)
    while stop > floor and text[stop - 1] in _BLANK:
        stop -= 1
    if text[stop - 2 : stop] in _POSSESSIVE:
        stop -= 2
    start = stop
    floor = max(0, stop - _REACH)
    while start > floor and (text[start - 1].isalnum() or text[start - 1] in ".+"):
        start -= 1
    word = text[start:stop].lstrip(".+")
    return (word, text[stop:end], stop - len(word)) if word and stop < end else None


def other_thing(text: str, start: int, end: int, pattern: Pattern) -> bool:
    """Whether the words beside a name in running text say that no device is meant.

    "L4 autonomous driving" is a level, "motor cortex M1" part of a brain, a "robot arm" no vendor.
    """
    if pattern.kind == "vendor":
        return text[start].islower() and pattern.device.vendor in _common_words()
    rules = _look_alikes().get(pattern.device.slug)
    if rules is None:
        return False
    before, behind, listed = rules
    front = _before(text, start)
    if front is not None and front[0].lower() in _own(pattern):
        return False
    if _word(_AFTER.match(text, end)) in before:
        return True
    left = _word(_LEFT.search(text[max(0, start - _REACH) : start]))
    if left in behind:
        return True
    return bool(listed) and (left in listed or _word(_NEIGHBOUR.match(text, end)) in listed)


def _word(found: re.Match[str] | None) -> str:
    return found[1].lower() if found is not None else ""


def _own(pattern: Pattern) -> frozenset[str]:
    """The words that a product's own maker and family put before it."""
    return _words_of(pattern.device.vendor or "", pattern.series)


@cache
def _words_of(maker: str, series: int) -> frozenset[str]:
    vendor = hardware_registry.data()["vendors"].get(maker, {})
    names = [maker, *vendor.get("words", ()), *vendor.get("brands", ())]
    if series >= 0:
        family = hardware_registry.data()["family"][series]
        names += [*family.get("stems", ()), *family.get("loose_stems", ())]
    return frozenset(_WORD.findall(" ".join(names).lower()))


@cache
def _common_words() -> frozenset[str]:
    vendors = hardware_registry.data()["vendors"].items()
    return frozenset(name for name, vendor in vendors if vendor.get("common_word"))


@cache
def _look_alikes() -> dict[str, tuple[frozenset[str], frozenset[str], frozenset[str]]]:
    """By slug: the words that may not follow, may not lead, may not stand in one list."""
    return {
        slug: (
            frozenset(rule.get("before", ())),
            frozenset(rule.get("behind", ())),
            frozenset(rule.get("listed", ())),
        )
        for rule in hardware_registry.data()["look_alikes"]
        for slug in rule["slugs"]
    }


@cache
def _makers() -> frozenset[str]:
    """Chip makers' names in lower case; not of those who offer other makers' chips."""
    vendors = hardware_registry.data()["vendors"].values()
    makers = (vendor for vendor in vendors if not vendor.get("offers_others"))
    return frozenset(word.lower() for vendor in makers for word in vendor["words"])


@cache
def _neutral() -> frozenset[str]:
    """Words of classes, form factors and kinds, in lower case, with their plurals."""
    table = hardware_registry.data()
    forms = [form for name in ("suffixes", "leads", "adjectives", "nouns") for form in table[name]]
    for entry in table["classes"].values():
        forms += [*entry["words"], *entry.get("loose", ())]
    words = _WORD.findall(" ".join(forms).lower())
    return frozenset(words) | {f"{word}s" for word in words}


@cache
def _plain() -> frozenset[str]:
    """Words that are no names, though a title writes them with a capital."""
    return frozenset(word.lower() for word in hardware_registry.data()["not_names"])
