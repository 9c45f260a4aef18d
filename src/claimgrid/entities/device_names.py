"""Device slugs are turned back into the names that people use: nvidia-a100 is NVIDIA A100."""

from __future__ import annotations

from functools import cache
from itertools import chain

from claimgrid.entities.hardware_registry import data, expand, slugify

_SHORT = 4  # letters: a longer word of an unknown slug is a word, a shorter one an acronym
_MODEL = 6  # letters and digits: a longer name has its capital only (Graviton3)

_CLASSES = {"server": "server"}


@cache
def product_name(slug: str) -> str:
    """The name of a device as its maker writes it; of a class, the class in words.

    A slug that the registry lacks keeps its words, with the vendor's name in front where known.

    >>> product_name("nvidia-rtx-4090"), product_name("gpu"), product_name("amd-gpu")
    ('NVIDIA RTX 4090', 'GPU', 'AMD GPU')
    """
    known = _names().get(slug)
    if known is not None:
        return known
    head, _, rest = slug.partition("-")
    parts = [_word(part) for part in rest.split("-") if part]
    vendor = _vendor(head) if head in data()["vendors"] else _word(head)
    return " ".join((vendor, *parts)) if slug else slug


def _vendor(name: str) -> str:
    words: list[str] = data()["vendors"].get(name, {}).get("words") or [
        " ".join(map(str.capitalize, name.split("-")))
    ]
    return words[0]


def _word(part: str) -> str:
    acronym = len(part) < _SHORT or (len(part) <= _MODEL and any(map(str.isdigit, part)))
    return part.upper() if acronym else part.capitalize()


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, entry in data()["classes"].items():
        first = next(expand((entry["words"] or [name])[0]))
        # "edge device" and "server" are words, GPU and CPU acronyms.
        found[name] = first if first.casefold() != first else _CLASSES.get(name, f"{name} device")
    for family in data()["family"]:
        vendor, prefix = family.get("vendor"), family["prefix"]
        middle = prefix.removeprefix(vendor or "").strip("-") if vendor else prefix
        head = [_vendor(vendor)] if vendor else []
        head += [_stem(family, middle)] if middle else []
        for product in chain.from_iterable(map(expand, family.get("products", ()))):
            if "#" in product or "@" in product:
                continue
            words = product.split()
            if head and words and words[0].casefold() == head[-1].casefold():
                words = words[1:]
            found.setdefault(slugify(product, prefix), " ".join((*head, *words)))
    return found


def _stem(family: dict[str, list[str]], middle: str) -> str:
    """The words of a slug's middle as they are printed: `rtx` is RTX, `jetson` is Jetson."""
    stems = (stem for stem in family.get("stems", ()) if slugify(stem) == middle)
    return next(stems, " ".join(map(_word, middle.split("-"))))
