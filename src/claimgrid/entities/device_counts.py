"""Words → how many devices they count, in how many nodes; knows devices only through `hardware`.

A phrase becomes a string of one-letter codes (N a number, D a product, m nodes …), and a short list
of rules over that string says which number is which. What is not plain stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from claimgrid.entities import hardware, hardware_registry

__all__ = ["Counts", "counts_in", "read_count"]

_LONGEST = 600  # a counted phrase is a part of a sentence; more is not read
_MARKUP = re.compile(r"\\(?:times|cdot)(?![A-Za-z])|\\[,;: ]|\\[A-Za-z]{1,20}|[${}~\u00a0\u202f\\]")
_TIMES = re.compile(r"(?<=[0-9])\s{0,2}[xX\u00d7](?![a-z])|\u00d7")
# Numbers that measure and do not count: memory, process, clock, power, shares, cores of one device.
_MEASURE = re.compile(
    r"(?<![\w.,])[0-9][0-9.,]*[\s-]{0,2}"
    r"(?:[kmgt]i?b(?:/s)?|[gt]|n\s?m|bit|[mk]?w(?!/)|[mg]hz|[tp]?flops|tops|%|core|cores|hours?|days?"
    r"|years?|billion|million|parameters|tokens|layers|models?|tasks)"
    r"(?![a-z0-9])"
    r"|(?<![a-z])(?:dual|quad|hexa|octa)[\s-]{1,2}cores?(?![a-z])",
    re.IGNORECASE,
)
# "NVLink 4", "OpenArm 300": a number after a word with a capital inside is part of a name.
_NAMED = re.compile(
    r"(?<![A-Za-z])([A-Za-z]{0,20}[a-z][A-Z][A-Za-z]{0,20})[\s-][0-9]{1,6}(?![\w.])"
)
_TIME_OF_DEVICE = re.compile(
    r"[\s-]{0,2}(?:hours?|days?|weeks?|months?|years?)(?![a-z])", re.IGNORECASE
)
_CORES = re.compile(r"[\s-]{0,2}cores?(?![a-z])", re.IGNORECASE)
_SLICE = re.compile(r"-([0-9]{1,5})(?![0-9A-Za-z])")
_TPU = re.compile(r"google-tpu-(v[0-9][a-z]?)")
_TOKEN = re.compile(
    r"(?P<name>(?<![a-z0-9])[a-z]+[0-9][\w.]*"  # e5, mi300
    r"|[0-9]+\.[0-9][\w.]*"  # 3.5
    r"|(?![0-9]+k?(?![a-z0-9]))[0-9]+[a-wyz]\w*)"  # 70b, 3d, but 10k is a number
    r"|(?P<digits>[0-9]{1,3}(?:,[0-9]{3}){1,4}(?![0-9])|[0-9]{1,9})(?P<kilo>k(?![a-z]))?\+?"
    r"|(?P<word>[a-z]+(?:-(?:class|grade|scale|level|based|equipped)(?![a-z]))?)"
    r"|(?P<code>[\ue000-\ue2ff])|(?P<sign>[-\u2010-\u2014\u00d7,/()])"
)
_MAX_PER_NODE = 16  # no server holds more devices: "4 nodes with 32 GPUs" gives the total
# Each device is masked by a private character of its own; a phrase is too short for more of them.
_PRIVATE = 0xE000
_CODE = re.compile(r"[\ue000-\ue2ff]")

# Codes. N number, 1 "single", a article, X times; D product, G class of devices (singular),
# P plural of either, Y system that holds several devices, T slice of a TPU pod; n m node(s), d e
# other word for device(s), k socket, c cluster, x a thing that is no device; q each/per,
# o preposition, v vague number, r or/to, & and, h hyphen, w any other word.
_CODES = {
    "articles": "a", "singles": "1", "each": "q", "prepositions": "o", "vague": "v", "ranges": "r",
    "and": "&", "sockets": "k", "clusters": "c", "others": "x",
}  # fmt: skip
_FILL = "[wh]{0,5}"
_ANY = "[DGP]"
_RULES = tuple(
    re.compile(rule.replace("~", _FILL).replace("*", _ANY))
    for rule in (
        # a DGX A100; two DGX H100 nodes
        r"(?P<nodes>[N1a])?1?h?X?~(?P<system>Y)",
        # a TPU v4-128 slice
        r"(?P<slices>N)?h?X?~(?P<slice>T)",
        # one or two GPUs; 8, 16 and 32 GPUs; 2-4 GPUs; thousands of GPUs
        r"(?P<none>[N1][,r&/h]{1,2}[N1][hX]{0,2}~[DGPdemn])",
        r"(?P<none>v[orv]{0,3}~[DGPde])",
        # 64 dual-socket nodes
        r"(?P<nodes>N)~(?P<each>N)h?k~[mn]",
        # 12-node 8xH20; 32 nodes with 8 H100s each
        r"(?P<nodes>N)h?~[mn][^N1a]{0,6}(?P<per>N)[hX]{0,2}~[DGPde][^N]{0,4}?(?P<q>q)",
        r"(?P<nodes>N)h?~[mn][^N1a]{0,6}?(?P<q>q)[^N1a]{0,4}(?P<per>N)[hX]{0,2}~[DGPde]",
        r"(?P<nodes>N)hn~(?P<each>N)[hX]{0,2}~*",
        r"(?P<nodes>N)h?~[mn][^N1a]{0,6}(?P<per>N)[hX]{0,2}~[DGPde]",
        # two 8-GPU servers; 2x4 A100
        r"(?P<nodes>N)~(?P<each>N)h?X?~*~[DGP]?~m",
        r"(?P<nodes>N)X(?P<each>N)X?~*",
        # a server with 8 H100 GPUs; a single 8xH100 node
        r"(?P<one>[a1])[1w]{0,4}[GD]?~n[^Nqa1]{0,4}(?P<each>N)[hX]{0,2}~[DGPde]",
        r"(?P<one>[a1])[1w]{0,3}(?P<each>N)[hX]{0,2}~*~[DG]?~n",
        # 8 GPUs per node on 4 nodes; 64 GPUs, 8 per node; 128 GPUs across 16 nodes
        r"(?P<each>N)[hX]{0,2}~[DGPde]qn[^N]{0,6}(?P<nodes>N)h?~[mn]",
        r"(?P<count>N)[hX]{0,2}~[DGPde][^N]{0,6}(?P<each>N)~[DGPde]?q[nm]",
        r"(?P<count>N)[hX]{0,2}~[DGPde][^N]{0,5}(?P<nodes>N)h?~[mn]",
        # 8 GPUs per node
        r"(?P<each>N)[hX]{0,2}~[DGPde]q[nm]",
        # a quad-A40 server; 8xA100; 4 A100 GPUs; 8 devices
        r"(?<![N1a])(?P<dual>N)h*~[DG]?~n",
        r"(?P<none>Nw{0,5}G[wx])",
        r"(?P<count>N)[hX]{0,2}~[DGPde]",
        r"(?P<count>N)h?k(?![mn])",
        r"*~[(](?P<count>N)X?[)]",
        # 20-node cluster; a Xeon node
        r"(?P<nodes>N)h?~[mn]",
        r"(?P<nodes>[a1])1?~[DG]~n",
        # a single A100 GPU; an A100; but no "GPU implementation", "A100 cluster", "FPGA-based"
        r"(?P<none>[a1]{1,2}~[DG]{1,2}~[cmn])",
        r"(?P<count>[1])~[DGdk]",
        r"(?P<count>a)~(?:[Dd]|G(?!h|x))(?!h[wDG])",
    )
)
_PLAIN = re.compile(rf"[N1]h?X?w{{0,3}}{_ANY}")


@dataclass(frozen=True, slots=True)
class Counts:
    """Devices in all, nodes, and devices a node; None where the words do not say."""

    count: int | None
    nodes: int | None
    per_node: int | None


_NOTHING = Counts(None, None, None)


def counts_in(phrase: str) -> Counts:
    """A phrase that names devices → how many: `12-node 8xH20` → 96 in all, 12 nodes of 8.

    Digits of names, memory sizes and core counts are not counts. Vague and alternative numbers
    ("thousands", "one or two", "8 A100s and 4 V100s") give None. A system gives the devices inside
    (a DGX A100: 8), a slice of a TPU pod its chips: `v4-128` counts TensorCores and has 64 (source
    in the registry file).
    """
    codes, values = _encode(phrase[:_LONGEST])
    for rule in _RULES:
        found = rule.search(codes)
        if found is not None:
            counts = _counts(found, values)
            alone = counts.nodes is None and counts.per_node is None
            return _NOTHING if alone and len(_plain(codes, values)) > 1 else counts
    return _NOTHING


def _plain(codes: str, values: list[int]) -> set[int]:
    """The different numbers that stand before devices: "8 A100 and 4 V100" has no one count."""
    return {values[found.start()] for found in _PLAIN.finditer(codes)}


def read_count(words: str) -> int | None:
    """Words copied as a count → the number: `2,048`, `a single` → 1, `two dozen` → 24, `8x` → 8.

    None for a vague number ("thousands"), several numbers, a fraction, or no number.
    """
    codes, values = _encode(words[:_LONGEST])
    if "v" in codes or "." in words.strip(" ."):
        return None
    numbers = [value for code, value in zip(codes, values, strict=True) if code in "N1"]
    if not numbers and codes.startswith("a"):
        return 1
    return numbers[0] if len(numbers) == 1 else None


def _counts(found: re.Match[str], values: list[int]) -> Counts:
    """The numbers that a rule has found, and what follows from them."""
    got = {name: values[found.start(name)] for name, text in found.groupdict().items() if text}
    if "none" in got:
        return _NOTHING
    if "slice" in got:
        return Counts(got.get("slices", 1) * got["slice"], None, None)
    count, nodes, each = got.get("count"), got.get("nodes"), got.get("each", got.get("system"))
    if "one" in got:
        nodes = 1
    if "dual" in got:
        return Counts(got["dual"], None, got["dual"])
    if "per" in got:
        if got["per"] > _MAX_PER_NODE and "q" not in got:
            count = got["per"]
        else:
            each = got["per"]
    if count is None and nodes is not None and each is not None:
        count = nodes * each
    elif count and nodes and each is None and count % nodes == 0:
        each = count // nodes
    elif count and each and nodes is None and count % each == 0:
        nodes = count // each
    return Counts(count, nodes, each)


def _encode(phrase: str) -> tuple[str, list[int]]:
    """A phrase → its codes, and for each code its value (0 where it has none)."""
    masked, devices = _mask(_MEASURE.sub(" ", _CODE.sub(" ", phrase)))
    text = _NAMED.sub(r"\1", masked)
    text = _MARKUP.sub(lambda m: "\u00d7" if m[0] in (r"\times", r"\cdot") else " ", text)
    text = _MEASURE.sub(" ", _TIMES.sub("\u00d7", text)).lower()
    codes: list[str] = []
    values: list[int] = []
    for token in _TOKEN.finditer(_numerals(text)):
        code, value = _code(token, devices)
        codes.append(code)
        values.append(value)
    return "".join(codes), values


def _mask(phrase: str) -> tuple[str, list[tuple[str, int]]]:
    """The phrase with one private character for each device, and the devices' codes and values."""
    out: list[str] = []
    devices: list[tuple[str, int]] = []
    done = 0
    for mention in hardware.find(phrase):
        end, coded = _device(phrase, mention)
        out += [phrase[done : mention.start], chr(_PRIVATE + len(devices))]
        devices.append(coded)
        done = end
    return "".join(out) + phrase[done:], devices


def _device(phrase: str, mention: hardware.Mention) -> tuple[int, tuple[str, int]]:
    """Where a device's words end, and its code with its value."""
    device, end = mention.device, mention.end
    tpu, part = _TPU.fullmatch(device.slug), _SLICE.match(phrase, end)
    if tpu and part:
        cores: int = hardware_registry.data()["counts"]["tensor_cores"].get(tpu[1], 0)
        return part.end(), ("T", int(part[1]) // cores) if cores else ("D", 0)
    if _TIME_OF_DEVICE.match(phrase, end):
        return end, ("o", 0)  # "90K A800 GPU hours" counts hours
    if device.category == "cpu" and _CORES.match(phrase, end):
        return end, ("o", 0)  # "2,560 Xeon cores" counts cores
    if mention.multiplier > 1:
        return end, ("Y", mention.multiplier)
    if phrase[end - 1] == "s":
        return end, ("P", 0)
    general = device.slug == device.category or device.slug == f"{device.vendor}-{device.category}"
    if general and hardware_registry.ends_in_noun().search(phrase, mention.start, end):
        return end, ("c", 0)  # "an AMD platform" may hold several
    return end, ("G" if general else "D", 0)


def _numerals(text: str) -> str:
    """Number words → digits: "two dozen" → 24, "thirty-two" → 32; "one" alone stays a word."""
    return _number_words().sub(_numeral, text)


def _numeral(found: re.Match[str]) -> str:
    table = hardware_registry.data()["counts"]
    if found["scale"]:
        return " thousands "
    total, current = 0, 0
    words = re.findall(r"[a-z]+", found["number"])
    for word in words:
        factor = table["factors"].get(word)
        if factor is None:
            current += table["words"].get(word, 0)
        elif factor >= 1000:
            total, current = total + max(current, 1) * factor, 0
        else:
            current = max(current, 1) * factor
    total += current
    if words[0] == "half":
        total //= 2
    return found[0] if words == ["one"] else f" {total} "


@cache
def _number_words() -> re.Pattern[str]:
    table = hardware_registry.data()["counts"]
    names = "|".join(sorted([*table["words"], *table["factors"]], key=len, reverse=True))
    one = rf"(?:{names})(?![a-z])"
    return re.compile(
        rf"(?<![a-z])(?P<number>(?:half a )?{one}(?:[\s-](?:and )?{one}){{0,6}})"
        r"(?: of(?= [a-z\ue000-\ue2ff]))?(?P<scale>-scale)?"
    )


def _code(token: re.Match[str], devices: list[tuple[str, int]]) -> tuple[str, int]:
    """The code of one token and its value."""
    if token["code"]:
        return devices[ord(token["code"]) - _PRIVATE]
    if token["digits"]:
        return "N", int(token["digits"].replace(",", "")) * (1000 if token["kilo"] else 1)
    if token["sign"]:
        sign = token["sign"]
        return ("X" if sign == "\u00d7" else sign if sign in ",/()" else "h"), 0
    word = token["word"] or ""
    code = _words().get(word, "w")
    return code, 1 if code in "1a" else 0


@cache
def _words() -> dict[str, str]:
    """Each word that has a code of its own → the code."""
    table = hardware_registry.data()["counts"]
    plain = {code: table["codes"][name] for name, code in _CODES.items()}
    found = {word: code for code, words in plain.items() for word in words}
    for one, many, name in (("n", "m", "nodes"), ("d", "e", "devices")):
        found |= dict.fromkeys(table[name], one) | {f"{word}s": many for word in table[name]}
    return found
