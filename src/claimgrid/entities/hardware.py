"""Finds devices in words and gives each its canonical slug, from the registry.

The registry (`data/hardware.toml`, compiled by `registry`) holds how devices are written. What it
does not hold still gets a slug by rule, marked as not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from claimgrid.entities import hardware_context, hardware_registry, hardware_unknown
from claimgrid.entities.hardware_registry import Device, Hit, Pattern

__all__ = ["Device", "Mention", "find", "resolve", "unmapped"]

# Names begin where letters begin; copied words may also begin with a number ("4090").
_RUN = re.compile(r"[A-Za-z]+")
_LOOSE_RUN = re.compile(r"[A-Za-z]+|[0-9]+")
_MARK = re.compile(r"(?<=[a-z])(?:TM|R)$")
_GAP = re.compile(hardware_registry.GAP)
_NEAR = 6  # the most characters between two words of one name
_LONGEST_WORDS = 400  # characters of copied words that are read: a device's words are few
_REACH = 64  # how far back a vendor's name and brands may stand before a product
_JOIN = re.compile(r"\s{0,2}(?:,\s{0,2}(?:and\s|or\s)?|/|\sand\s|\sor\s|&)\s{0,2}")
# Cores are counted of processors, whatever else a vendor makes ("a 64-core AMD system").
_CORES = re.compile(r"\b\d{1,4}[- ]cores? \Z")
_QUOTES = re.compile('["“”‘’`]')
_GENERAL = {"brand", "general"}  # roles of names that a product beside them tells more about


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that name a device: `text[start:end]`, vendor and class word included.

    `multiplier` is the number of devices inside what is named (a DGX A100 holds 8), else 1.
    """

    start: int
    end: int
    device: Device
    multiplier: int


def find(text: str) -> list[Mention]:
    """Every device and class of devices that a text names, in order, none inside another.

    Only what the registry holds; the longest spelling wins, on token boundaries (`A100` is in
    `8xA100s` and not in `XA1000`). Takes time proportional to the length of the text.
    """
    return [_mention(text, hit) for hit in _scan(text, loose=False)]


@lru_cache(maxsize=2048)  # papers share their devices
def resolve(words: str) -> Device:
    """The device that words name ("Nvidia V100 GPU", "AMD platforms").

    A product wins over a vendor, a vendor over a class, more words over fewer, the first over
    later ones. Never fails: a product that the registry lacks becomes `vendor-product`, not known.
    """
    words = _QUOTES.sub(" ", words[:_LONGEST_WORDS])
    hits = list(_scan(words, loose=True))
    products = [hit for hit in hits if hit.pattern.kind == "product"]
    if products:
        return _named(words, max(products, key=_product_rank))
    vendor = next((hit for hit in hits if hit.pattern.kind == "vendor"), None)
    classes = sorted((hit for hit in hits if hit is not vendor), key=_class_rank)
    if vendor is not None and not classes and _has_cores(words, vendor):
        return _cpu_of(vendor)
    return hardware_unknown.by_rule(words, vendor, classes) or _general(vendor, classes)


def _named(words: str, hit: Hit) -> Device:
    """The product of a hit; one that the registry lacks where a family's name goes on."""
    if not hardware_unknown.is_family(hit.pattern):
        return hit.device
    token = hardware_unknown.longer_name(words, hit.end)
    if token is None:
        return hit.device
    stem = hit.device.slug
    if stem.rpartition("-")[2] not in " ".join(hit.pattern.words).lower():
        stem = hardware_registry.data()["family"][hit.pattern.series]["prefix"]  # no "hailo-npu-"
    return replace(hit.device, slug=hardware_registry.slugify(token, stem), known=False)


def _has_cores(text: str, vendor: Hit) -> bool:
    return _CORES.search(text, max(0, vendor.start - 12), vendor.start) is not None


def _cpu_of(vendor: Hit) -> Device:
    return replace(vendor.device, slug=f"{vendor.device.vendor}-cpu", category="cpu")


def unmapped(slugs: Iterable[str]) -> list[str]:
    """The slugs that the registry does not hold, in the order given, each once."""
    return [slug for slug in dict.fromkeys(slugs) if not _holds(slug)]


def _holds(slug: str) -> bool:
    if slug in _slugs():
        return True
    device = resolve(slug)
    return device.known and device.slug == slug


@cache
def _slugs() -> frozenset[str]:
    patterns = {p for group in hardware_registry.index(loose=True).values() for p in group}
    return frozenset(p.device.slug for p in patterns if not p.wild)


def _scan(text: str, *, loose: bool) -> Iterator[Hit]:
    """Hits from left to right; each starts after the one before has ended."""
    index = hardware_registry.index(loose=loose)
    done = 0
    last: Hit | None = None
    for run in (_LOOSE_RUN if loose else _RUN).finditer(text):
        start, word = run.start(), run[0]
        if start < done:
            continue
        key = word.lower()
        if key not in index:
            start, key = _trimmed(start, word)
            if key not in index:
                continue
        if _inside_a_token(text, start):
            continue
        for hit in _at(text, start, key, done, loose):
            if last is not None and not _one_name(text, last, hit):
                yield last
                last = hit
            else:
                last = hit if last is None else _joined(text, last, hit)
            done = last.end
    if last is not None:
        yield last


def _one_name(text: str, last: Hit, hit: Hit) -> bool:
    """Whether two names of one vendor make one: "Blackwell B200", "Artix-7 XC7A35T"."""
    if last.pattern.kind in ("class", "loose") or hit.pattern.kind != "product":
        return False
    if last.device.vendor is None or last.device.vendor != hit.device.vendor:
        return False
    between = text[last.end : hit.start][: _NEAR + 1]
    if _GENERAL & {last.pattern.role, hit.pattern.role}:
        return between.strip() in ("", "(") or _GAP.fullmatch(between) is not None
    side = last.pattern.kind == "vendor" or hit.pattern.role == "part"
    return side and _GAP.fullmatch(between) is not None


def _joined(text: str, last: Hit, hit: Hit) -> Hit:
    """One hit for two: the first tells which device it is, unless it is a brand or a vendor."""
    bracketed = "(" in text[last.end : hit.start] and text[hit.end : hit.end + 1] == ")"
    end = hit.end + bracketed
    general = last.pattern.kind == "vendor" or _role_rank(last) < _role_rank(hit)
    if last.pattern.role == hit.pattern.role == "brand":
        general = True  # "Ada Lovelace Blackwell": the last one stands next to what follows
    return replace(hit if general else last, start=last.start, end=end)


def _trimmed(start: int, word: str) -> tuple[int, str]:
    """The key of a run that a trade mark ends ("InstinctTM") or a multiplier begins ("8xA100")."""
    word = _MARK.sub("", word)
    if word[0] in "xX":
        return start + 1, word[1:].lower()
    return start, word.lower()


def _inside_a_token(text: str, start: int) -> bool:
    """Whether letters or digits stand directly before: only a multiplier's x may."""
    if start == 0:
        return False
    if text[start].isdigit() and text[start - 1] == "-" and text[start - 2 : start - 1].isalpha():
        return True  # "MT-3000": the digits belong to the name before them
    if not text[start - 1].isalnum():
        return False
    return not (text[start - 1] in "xX" and start > 1 and text[start - 2].isdigit())


def _at(text: str, start: int, key: str, done: int, loose: bool) -> Iterator[Hit]:
    """The hit that begins at a run, and for a product those that share its stem in a list."""
    found = hardware_registry.matcher(key, loose=loose).match(text, start)
    if found is None or found.lastgroup is None:
        return
    pattern = hardware_registry.index(loose=loose)[key][int(found.lastgroup[1:])]
    if hardware_context.of_another(text, start, pattern):
        return
    if not loose and hardware_context.other_thing(text, start, found.end(), pattern):
        return
    hit = Hit(start, found.end(), pattern, _device(pattern, text, start, found.end()))
    if pattern.kind == "vendor":
        vendor_hit = _vendor(text, hit)
        if vendor_hit is not None or loose:
            yield vendor_hit or hit
    elif pattern.kind == "product":
        yield from _list(text, _extended(text, _further(text, hit, loose), done))
    else:
        yield hit


def _further(text: str, hit: Hit, loose: bool) -> Hit:
    """The product that begins behind a vendor's name in a hit and ends further than the hit.

    "NVIDIA Grace" is a product, and so is "Grace Hopper" in "NVIDIA Grace Hopper".
    """
    if hit.pattern.words[0].lower() not in hardware_registry.vendor_words():
        return hit
    index = hardware_registry.index(loose=loose)
    for run in _RUN.finditer(text, hit.start + len(hit.pattern.words[0]), hit.end):
        key = run[0].lower()
        found = hardware_registry.matcher(key, loose=loose) if key in index else None
        match = found.match(text, run.start()) if found else None
        if match is None or match.lastgroup is None or match.end() <= hit.end:
            continue
        pattern = index[key][int(match.lastgroup[1:])]
        if pattern.kind == "product" and pattern.device.vendor == hit.device.vendor:
            device = _device(pattern, text, run.start(), match.end())
            return Hit(run.start(), match.end(), pattern, device)
    return hit


def _device(pattern: Pattern, text: str, start: int, end: int) -> Device:
    if not pattern.wild:
        return pattern.device
    found = hardware_registry.shape(pattern).match(text, start, end)
    words = "" if found is None else " ".join(found.groups())
    return replace(pattern.device, slug=hardware_registry.slugify(words, pattern.device.slug))


def _extended(text: str, hit: Hit, done: int) -> Hit:
    """A product with its vendor before it, and memory, form factor and class word after it."""
    start, end = hit.start, hit.end
    if hit.device.vendor is not None:
        reach = max(done, start - _REACH)
        before = hardware_registry.left_of(hit.device.vendor).search(text[reach:start])
        if before is not None:
            start = reach + before.start()
    after = hardware_registry.right_of().match(text, end)
    return replace(hit, start=start, end=after.end() if after else end)


def _list(text: str, first: Hit) -> Iterator[Hit]:
    """A product, then those that lean on its stem ("Raspberry Pi 3, 4 and 5")."""
    yield first
    series = hardware_registry.series(first.pattern.series) if first.pattern.series >= 0 else None
    if series is None:
        return
    regex, patterns = series
    end = first.end
    while True:
        join = _JOIN.match(text, end)
        found = regex.match(text, join.end()) if join else None
        if found is None or found.lastgroup is None or not _ends_item(text, found.end()):
            return
        pattern = patterns[int(found.lastgroup[1:])]
        device = _device(pattern, text, found.start(), found.end())
        hit = Hit(found.start(), found.end(), pattern, device)
        after = hardware_registry.right_of().match(text, hit.end)
        hit = replace(hit, end=after.end() if after else hit.end)
        yield hit
        end = hit.end


def _ends_item(text: str, end: int) -> bool:
    """Whether an item of a list ends here: "4 and 5 boards" does, "4 and 5 GB" does not."""
    return hardware_registry.after_item().match(text, end) is not None


def _vendor(text: str, hit: Hit) -> Hit | None:
    """A vendor with its class word; None where it is not about hardware ("NVIDIA CUTLASS")."""
    found = hardware_registry.after_vendor().match(text, hit.end)
    if found is None:
        return None
    device = hit.device
    name = next((n for n, words in found.groupdict().items() if words and n != "list"), None)
    if name is not None:
        device = Device(f"{device.vendor}-{name}", device.vendor, name, known=True)
    return replace(hit, end=hit.end if found["list"] else found.end(), device=device)


def _mention(text: str, hit: Hit) -> Mention:
    multiplier = hit.pattern.multiplier
    # "8 DGX H100 GPUs" counts the devices, "a DGX H100" the system.
    if multiplier > 1 and hardware_registry.ends_in_class().search(text[hit.start : hit.end]):
        multiplier = 1
    device = hit.device
    if hit.pattern.kind == "vendor" and device.category == "gpu" and _has_cores(text, hit):
        device = _cpu_of(hit)
    return Mention(hit.start, hit.end, device, multiplier)


def _product_rank(hit: Hit) -> tuple[int, int]:
    return _role_rank(hit), len(hit.pattern.words)


def _role_rank(hit: Hit) -> int:
    """A product tells more than its family's name, that more than an architecture."""
    return {"whole": 2, "general": 1}.get(hit.pattern.role, 0)


def _class_rank(hit: Hit) -> int:
    """What a chip is says more than where it sits: "embedded FPGA" is an FPGA."""
    if hit.pattern.kind == "loose":
        return 2
    return 0 if hit.device.slug in hardware_registry.CLASSES_OF_VENDORS else 1


def _general(vendor: Hit | None, classes: list[Hit]) -> Device:
    """The vendor's class of devices, or the class alone."""
    if vendor is None:
        return classes[0].device if classes else Device("unknown", None, "unknown", known=False)
    name = next((hit.device.slug for hit in classes), None)
    if vendor.device is vendor.pattern.device and name in hardware_registry.CLASSES_OF_VENDORS:
        return replace(vendor.device, slug=f"{vendor.device.vendor}-{name}", category=name)
    return vendor.device
