"""Compiles the registry file into one matcher for each first word of a device's name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Literal

PatternKind = Literal["product", "vendor", "class", "loose"]
PatternRole = Literal["whole", "general", "brand", "part"]

# What may stand between two words of one name: blanks, hyphens, LaTeX spaces and braces, trade
# marks (also as letters stuck to the word, "InstinctTM", as PDF extraction leaves them), a
# possessive.
# Sets of few ASCII characters, and no set mixes them with others: Python compiles those many times
# as fast, and a process compiles hundreds of spellings.
GAP_CHAR = (
    r"(?:(?-i:[\s~\-_{}])|[\u2010-\u2015]|\u2212|\u00ae|\u2122|\\(?-i:[,;: ])|\((?:R|TM)\)"
    r"|(?-i:(?:TM|R)(?![A-Za-z0-9]))|(?:'|\u2019)s(?=\s))"
)
GAP = GAP_CHAR + "{0,3}"
# A plural s belongs to the name; letters or digits after it mean another word ("A1000" is no A100,
# "Pi 3.14" no Pi 3), but a multiplier may follow ("A100x8").
_END = r"(?-i:s?(?:(?![A-Za-z0-9]|\.[0-9])|(?=[xX][0-9])|(?=(?:TM|R)(?![A-Za-z0-9]))))"
_BRACES = re.compile(r"\{([^{}]*)\}")
_LETTERS = re.compile(r"[A-Za-z]*")
_DIGITS = re.compile(r"[0-9]+")
CLASSES_OF_VENDORS = ("gpu", "cpu", "npu", "tpu", "fpga", "asic")


@dataclass(frozen=True, slots=True)
class Device:
    """A device, or a class of devices.

    `slug` is `vendor-product` in lower case. `known` is False where the registry
    does not hold it and the slug was made by rule.
    """

    slug: str
    vendor: str | None
    category: str
    known: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """One spelling of a device: its words, how many of them the slug leaves out, and the device.

    `wild` patterns stand for a series ("Xeon Gold ####"): the words matched come after their slug.
    A brand (an architecture) leaves the slug to a product beside it, a part to one before it, a
    general name (of a family) to any product of it. `loose` marks what only copied words may be.
    `series` is the family's number: two products of one series may share the stem in a list.
    """

    words: tuple[str, ...]
    device: Device
    kind: PatternKind = "product"
    stem: int = 0
    exact: bool = False
    role: PatternRole = "whole"
    multiplier: int = 1
    series: int = -1
    loose: bool = False

    @property
    def wild(self) -> bool:
        """Whether the slug depends on the words matched."""
        return any(map(_is_wild, self.words))

    def regex(self, *, groups: bool = False) -> str:
        """The spelling as a regular expression; `groups` captures the words that the slug keeps."""
        words = [_word(word) for word in self.words]
        if groups:
            words[self.stem :] = [f"({word})" for word in words[self.stem :]]
        body = GAP.join(words) + _END
        return f"(?-i:{body})" if self.exact else body


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a text where a pattern was found, and the device that it names there."""

    start: int
    end: int
    pattern: Pattern
    device: Device


def expand(text: str) -> Iterator[str]:
    """Write out the braces of `a{b,c}`: `ab`, `ac`; several braces multiply."""
    found = _BRACES.search(text)
    if found is None:
        yield text
        return
    for choice in found[1].split(","):
        yield from expand(text[: found.start()] + choice + text[found.end() :])


def slugify(words: str, prefix: str = "") -> str:
    """Lower-case words joined by `-` after the prefix; `.` and `+` stay, but not at the head."""
    parts = re.sub(r"[^a-z0-9.+]+", "-", words.lower()).split("-")
    kept = [part for part in (part.strip(".") for part in parts) if part]
    if kept and not prefix:
        kept[0] = re.sub(r"[.+]", "", kept[0])
    return "-".join(filter(None, (prefix, *kept)))


@cache
def data() -> dict[str, Any]:
    """The registry file as it stands."""
    text = files("claimgrid").joinpath("data/hardware.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def alternatives(texts: list[str]) -> str:
    """One regular expression for written forms, the longest first, plural s allowed."""
    forms = sorted(set(chain.from_iterable(map(expand, texts))), key=len, reverse=True)
    return "(?:" + "|".join(GAP.join(map(_word, form.split())) for form in forms) + ")" + _END


@cache
def index(*, loose: bool) -> dict[str, tuple[Pattern, ...]]:
    """The patterns by their first word in lower case, the longest first.

    `loose` adds the spellings that are too common as words to be looked for in running text.
    """
    found: dict[str, dict[Pattern, None]] = {}
    for pattern in chain(_products(loose), _systems(), _vendors(), _classes(loose)):
        for key in _keys(pattern.words):
            found.setdefault(key, {})[pattern] = None
    return {
        key: tuple(sorted(patterns, key=lambda p: (-len(p.words), -sum(map(len, p.words)))))
        for key, patterns in found.items()
    }


@cache
def matcher(key: str, *, loose: bool) -> re.Pattern[str]:
    """The alternation of the patterns under one key of `index`; group `p3` is the fourth one."""
    patterns = index(loose=loose)[key]
    branches = (f"(?P<p{n}>{p.regex()})" for n, p in enumerate(patterns))
    return re.compile("|".join(branches), re.IGNORECASE)


@cache
def shape(pattern: Pattern) -> re.Pattern[str]:
    """A wild pattern with its own words captured."""
    return re.compile(pattern.regex(groups=True), re.IGNORECASE)


@cache
def series(number: int) -> tuple[re.Pattern[str], tuple[Pattern, ...]] | None:
    """The products of a family without their stem, for lists; None where it has no stem."""
    if not any(data()["family"][number].get("stems", ())):
        return None
    bare = [replace(pattern, exact=False) for pattern in _family(number, [""])]
    bare.sort(key=lambda p: (-len(p.words), -sum(map(len, p.words))))
    branches = "|".join(f"(?P<p{n}>{p.regex()})" for n, p in enumerate(bare))
    return re.compile(branches, re.IGNORECASE), tuple(bare)


def _is_wild(words: str) -> bool:
    return "#" in words or "@" in words


def _word(word: str) -> str:
    out = re.escape(word).replace(r"\#", "(?-i:[0-9])")
    return out.replace("@", "(?-i:[A-Za-z]{0,2})")


def _keys(words: tuple[str, ...]) -> Iterator[str]:
    """The runs of letters that a spelling may begin with: "Xeon Phi" → xeon, xeonphi, xeonphis."""
    run = ""
    for at, word in enumerate(words):
        letters = _LETTERS.match(word)
        run += letters[0].lower() if letters else ""
        if not run:
            digits = _DIGITS.match(words[0])
            yield digits[0] if digits else words[0].lower()  # "4090", the 910 of "910B"
            return
        yield run
        if letters is None or letters[0] != word:
            return
        if at == len(words) - 1:
            yield run + "s"


def _products(loose: bool) -> Iterator[Pattern]:
    for number, family in enumerate(data()["family"]):
        for pattern in chain(_family(number, family.get("stems", [""])), _aliases(number)):
            yield replace(pattern, exact=pattern.exact and not loose)
        for pattern in _family(number, family.get("loose_stems", []) if loose else []):
            yield replace(pattern, exact=False, loose=True)


def _family(number: int, stems: list[str]) -> Iterator[Pattern]:
    family = data()["family"][number]
    for stem in stems:
        for product in chain.from_iterable(map(expand, family.get("products", ()))):
            words = tuple(stem.split()) + tuple(product.split())
            slug = slugify("" if _is_wild(product) else product, family["prefix"])
            if words:
                yield replace(_of_family(number, words, slug), stem=len(stem.split()))


def _aliases(number: int) -> Iterator[Pattern]:
    family = data()["family"][number]
    for name, forms in family.get("aliases", {}).items():
        for form in chain.from_iterable(map(expand, forms)):
            yield _of_family(number, tuple(form.split()), slugify(name, family["prefix"]))


def _of_family(number: int, words: tuple[str, ...], slug: str) -> Pattern:
    family = data()["family"][number]
    device = Device(slug, family.get("vendor"), family["category"], known=True)
    exact, role = family.get("exact", False), family.get("role", "whole")
    if role == "whole" and slug == family["prefix"]:
        role = "general"
    return Pattern(words, device, exact=exact, role=role, series=number)


def _systems() -> Iterator[Pattern]:
    for system in data()["systems"]:
        slug = system["holds"]
        device = Device(slug, slug.partition("-")[0], "gpu", known=True)
        yield Pattern(tuple(system["words"].split()), device, multiplier=system["devices"])


def _vendors() -> Iterator[Pattern]:
    for name, vendor in data()["vendors"].items():
        category = vendor["category"]
        device = Device(vendor["default"], name, category, known=True)
        for word in vendor["words"]:
            yield Pattern((word,), device, kind="vendor")


def _classes(loose: bool) -> Iterator[Pattern]:
    for name, entry in data()["classes"].items():
        device = Device(name, None, name, known=True)
        for form in chain.from_iterable(map(expand, entry["words"])):
            yield Pattern(tuple(form.split()), device, kind="class")
        for form in chain.from_iterable(map(expand, _loose(name) if loose else ())):
            yield Pattern(tuple(form.split()), device, kind="loose")


@cache
def left_of(vendor: str) -> re.Pattern[str]:
    """The vendor's names and brands at the end of a text ("NVIDIA GeForce " before a product)."""
    entry = data()["vendors"].get(vendor, {"words": [], "brands": []})
    names = "|".join(map(re.escape, [*entry["words"], *entry["brands"], vendor]))
    return re.compile(rf"(?<![A-Za-z0-9])(?:(?:{names}){GAP_CHAR}{{1,3}}){{1,4}}$", re.IGNORECASE)


@cache
def right_of() -> re.Pattern[str]:
    """What may follow a product in its name: memory, form factor, class word, also in brackets."""
    classes = [form for entry in data()["classes"].values() for form in entry["words"]]
    named = alternatives([*classes, "processor", "coprocessor", "accelerator"])
    leads = rf"(?:{alternatives(data()['leads'])}{GAP}){{0,2}}"
    memory = rf"[0-9]{{1,4}}{GAP}(?:GB|GiB|G){_END}"
    one = rf"(?:{memory}|{alternatives(data()['suffixes'])}|{leads}{named})"
    return re.compile(rf"(?:{GAP}(?:\({one}\)|{one})){{1,4}}", re.IGNORECASE)


@cache
def after_vendor() -> re.Pattern[str]:
    """What makes a vendor's name a device: its class word, perhaps shared with other vendors.

    Groups: `list` (other vendors between), and one for each class; none of these: the default.
    """
    table = data()
    names = "|".join(re.escape(w) for v in table["vendors"].values() for w in v["words"])
    join = r"(?:\s{0,2}[,/]\s{0,2}(?:and\s|or\s)?|\s(?:and|or|\\?&)\s)\s{0,2}"
    classes = "|".join(
        rf"(?P<{name}>{alternatives([*table['classes'][name]['words'], *_loose(name)])})"
        for name in CLASSES_OF_VENDORS
    )
    adjectives = alternatives(table["adjectives"])
    nouns = alternatives(table["nouns"])
    return re.compile(
        rf"(?P<list>(?>(?:{join}(?:{names})(?![A-Za-z0-9])){{0,5}}))"
        rf"(?:{GAP}{adjectives}){{0,3}}{GAP}(?:{classes}|{nouns})",
        re.IGNORECASE,
    )


def _loose(name: str) -> list[str]:
    words: list[str] = data()["classes"][name].get("loose", [])
    return words


@cache
def after_item() -> re.Pattern[str]:
    """What may follow an item of a list of products; a unit or another noun may not."""
    words = alternatives(data()["after_list"])
    body = rf"\s{{0,2}}(?:$|[,;:)\]/]|\.(?![0-9])|{right_of().pattern}|{words})"
    return re.compile(body, re.IGNORECASE)


@cache
def ends_in_class() -> re.Pattern[str]:
    """A class word of devices at the end of a name ("DGX H100 GPUs")."""
    forms = [form for name in CLASSES_OF_VENDORS for form in data()["classes"][name]["words"]]
    return re.compile(rf"{alternatives(forms)}$", re.IGNORECASE)


@cache
def noise() -> re.Pattern[str]:
    """Words that tell nothing of which device it is: memory sizes, form factors, nouns."""
    lists = (data()[name] for name in ("suffixes", "leads", "adjectives", "nouns"))
    words = alternatives([form for form in chain(*lists) if form.lower() not in stems()])
    body = rf"(?<![A-Za-z0-9])(?:[0-9]{{1,4}}{GAP}(?:GB|GiB|G|core|bit|nm){_END}|{words})"
    return re.compile(body, re.IGNORECASE)


@cache
def vendor_words() -> frozenset[str]:
    """The vendors' names in lower case."""
    return frozenset(w.lower() for vendor in data()["vendors"].values() for w in vendor["words"])


@cache
def stems() -> dict[str, Pattern]:
    """Patterns by the first word of a stem; the slug is the prefix, for products not known."""
    found: dict[str, Pattern] = {}
    # A vendor's name or brand before a word makes it no product ("Tesla HW3" is not NVIDIA's).
    vendors = data()["vendors"].values()
    names = {word.lower() for v in vendors for word in (*v["words"], *v["brands"])}
    for family in data()["family"]:
        device = Device(family["prefix"], family.get("vendor"), family["category"], known=False)
        for stem in filter(None, family.get("stems", ())):
            own = stem.lower() in names and stem.lower() != family.get("vendor")
            if len(stem.split()) == 1 and not own:
                found.setdefault(stem.lower(), Pattern((stem,), device))
    return found


@cache
def ends_in_noun() -> re.Pattern[str]:
    """A noun at the end of a name that may hold several devices ("AMD platform")."""
    forms = [noun for noun in data()["nouns"] if noun not in data()["counts"]["devices"]]
    return re.compile(rf"{alternatives(forms)}$", re.IGNORECASE)
