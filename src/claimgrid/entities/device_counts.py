"""Reads how many devices words count, and in how many nodes.

A phrase becomes a string of one-letter codes (N a number, D a product, m nodes …), and a short list
of rules over that string says which number is which. What is not plain stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from claimgrid.entities import hardware, hardware_registry
from claimgrid.quantities.lexer import lex_plain
from claimgrid.quantities.number_words import has_number
from claimgrid.quantities.units import canonical_units
from claimgrid.text.latex import plain_text

__all__ = ["Counts", "counts_in", "names_pod", "read_count"]

_LONGEST = 600  # a counted phrase is a part of a sentence; more is not read
_TIMES = re.compile(r"(?<=[0-9])\s{0,2}[xX\u00d7](?![a-z])|\u00d7|(?<=[(\s])x(?=[0-9]{1,5}\))")
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
    r"|[0-9]+[a-wyz]\w*)"  # 70b, 3d
    r"|(?P<digits>[0-9]{1,9})\+?"
    r"|(?P<word>[a-z]+(?:-(?:class|grade|scale|level|based|equipped)(?![a-z]))?)"
    r"|(?P<code>[\ue000-\ue2ff])|(?P<sign>[-\u2010-\u2014\u00d7,/()])"
)
_KEPT = re.compile(r"one|[0-9]{1,9}", re.I)
_COMPOUND = re.compile(r"[0-9]-\Z")  # "a 24-H200 pod" counts devices
_PAIR_OF = re.compile(r"(?<![a-z])pair of ")
_SEVERAL = re.compile(
    r"(?<![a-z])(?:or|(?<!up )to|and|between|one|few|several|many|multiple)(?![a-z])", re.I
)
_ONE = re.compile(r"(?:an?|one|single|an? single|the|only one|just one)", re.I)
_TIME_OR_RATE = re.compile(r"_(?:hour|day|second|minute|year|week|month)s?|/")
_IN_ALL = re.compile(
    r"(?<![a-z])(?:total|totals|totall?ing|totalled|in all|overall|altogether|combined)(?![a-z])|="
    r"|(?:nodes|servers|machines|hosts)\s*\(",
    re.I,
)
_POD_WORD = re.compile(r"(?<![A-Za-z])(?:super)?pods?(?![a-z])", re.I)
_POD = re.compile(r"[\s-]{0,2}(?:super)?pods?(?![a-z])", re.I)
_MAX_PER_NODE = 16  # no server holds more devices: "4 nodes with 32 GPUs" gives the total
_USUAL_PER_NODE = 8  # "a 2-node, 8-GPU cluster" may have 8 or 16 devices: no count can be given
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
        r"(?P<nodes>N)hn,(?P<all>N)h[DGPde]",  # a four-node, 16-GPU cluster: 16 in all
        r"(?P<nodes>N)hn~(?P<per>N)[hX]{0,2}~*",
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
        # 20 A100 GPU nodes; 20 H100 servers
        r"(?P<nodes>N)w{0,2}[DG]{1,2}m",
        # a quad-A40 server; 8xA100; 4 A100 GPUs; 8 devices
        r"(?<![N1a])(?P<dual>N)h*~[DG]?~n",
        r"(?P<none>Nw{0,5}G[wx])",
        r"(?P<count>N)[hX]{0,2}~[DGPde]",
        r"(?P<count>N)h?k(?![mn])",
        r"*~[(]X?(?P<count>N)X[)]",
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
    """Count the devices that a phrase names: `12-node 8xH20` are 96 in all, 12 nodes of 8.

    Digits of names, memory sizes and core counts are not counts. Vague and alternative numbers
    ("thousands", "one or two", "8 A100s and 4 V100s") give None. A system gives the devices inside
    (a DGX A100: 8), a slice of a TPU pod its chips: `v4-128` counts TensorCores and has 64 (source
    in the registry file).
    """
    codes, values = _encode(phrase[:_LONGEST])
    for rule in _RULES:
        found = rule.search(codes)
        if found is not None:
            counts = _whole(phrase, found, _counts(found, values))
            alone = counts.nodes is None and counts.per_node is None
            return _NOTHING if alone and len(_plain(codes, values)) > 1 else counts
    return _NOTHING


def _whole(phrase: str, found: re.Match[str], counts: Counts) -> Counts:
    """The counts where a number beside nodes is that of all of them, or may be.

    "2 nodes with 16 GPUs in total" are 16; "4 nodes and 16 GPUs" are 16 or 64, and no count.
    """
    if not found.groupdict().get("per") or not counts.nodes or "q" in found.group():
        return counts
    number = counts.per_node or counts.count
    if number is not None and _IN_ALL.search(phrase):
        each_node, rest = divmod(number, counts.nodes)
        return Counts(number, counts.nodes, None if rest else each_node)
    beside = "&" in found.group() or "," in found.group()
    if number is not None and beside and _USUAL_PER_NODE < number <= _MAX_PER_NODE:
        return Counts(None, counts.nodes, None)
    return counts


def _plain(codes: str, values: list[int]) -> set[int]:
    """The different numbers that stand before devices: "8 A100 and 4 V100" has no one count."""
    return {values[found.start()] for found in _PLAIN.finditer(codes)}


def read_count(words: str) -> int | None:
    """Read the number of words copied as a count: `a single` is 1, `two dozen` is 24, `8x` is 8.

    None for a vague number ("thousands"), several numbers, a fraction, a measure ("7k GPU hours")
    or no number.
    """
    text = plain_text(words[:_LONGEST]).text.strip(" .,()")
    found = [quantity for quantity in lex_plain(text) if quantity.reason is None]
    parts = [part for quantity in found for part in quantity.parts]
    if not parts:
        return 1 if _ONE.fullmatch(text) else read_word(text)
    if len(parts) != 1 or not _counts_things(found[0].unit) or found[0].low is None:
        return None
    outside = text[: parts[0].start] + text[parts[0].end :]
    if any(char.isnumeric() for char in outside) or _SEVERAL.search(outside):
        return None
    return int(found[0].low) if found[0].low == int(found[0].low) else None


def read_word(text: str) -> int | None:
    """Read `dual` and `quad`: words that count devices and are no number words elsewhere."""
    words: dict[str, int] = hardware_registry.data()["counts"]["words"]
    return words.get(text.lower())


def names_pod(words: str) -> bool:
    """Whether device words name a pod or SuperPOD, which is a system and not a device."""
    return _POD_WORD.search(words) is not None


def _counts_things(unit: str) -> bool:
    """Whether a number with this unit counts things; one with a unit of measure does not."""
    return unit in ("", "x") or (unit not in canonical_units() and not _TIME_OR_RATE.search(unit))


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
    if "all" in got:
        if nodes is None or got["all"] <= _USUAL_PER_NODE or got["all"] % nodes:
            return Counts(None, nodes, None)
        count = got["all"]
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
    """A phrase as codes, and for each code its value (0 where it has none)."""
    plain = _CODE.sub(" ", plain_text(phrase).text)
    masked, devices = _mask(_MEASURE.sub(" ", _PAIR_OF.sub("pair ", plain)))
    text = _NAMED.sub(r"\1", _with_plain_numbers(masked))
    text = _MEASURE.sub(" ", _TIMES.sub("\u00d7", text)).lower()
    codes: list[str] = []
    values: list[int] = []
    for token in _TOKEN.finditer(text):
        code, value = _code(token, devices)
        codes.append(code)
        values.append(value)
    return "".join(codes), values


def _with_plain_numbers(text: str) -> str:
    """The text with each number that counts as plain digits, and without those that measure."""
    if not has_number(text):
        return text
    out: list[str] = []
    done = 0
    for quantity in lex_plain(text):
        if quantity.reason is not None:
            continue
        counts = _counts_things(quantity.unit)
        for part in quantity.parts:
            written = text[part.start : part.end]
            value = quantity.low if len(quantity.parts) == 1 else part.value
            if not counts:
                new = " "
            elif value is None:
                new = " thousands "
            elif value != int(value) or not 0 <= value < 1e9 or _KEPT.fullmatch(written):
                new = written
            else:
                new = f"{int(value)}" if written[0].isdigit() else f" {int(value)} "
            out += [text[done : part.start], new]
            done = part.end
    return "".join(out) + text[done:]


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
    pod = _POD.match(phrase, end)
    if pod is not None and not _COMPOUND.search(phrase, max(0, mention.start - 4), mention.start):
        return pod.end(), ("c", 0)  # a pod is a system of many devices
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


def _code(token: re.Match[str], devices: list[tuple[str, int]]) -> tuple[str, int]:
    """The code of one token and its value."""
    if token["code"]:
        return devices[ord(token["code"]) - _PRIVATE]
    if token["digits"]:
        return "N", int(token["digits"])
    if token["sign"]:
        sign = token["sign"]
        return ("X" if sign == "\u00d7" else sign if sign in ",/()" else "h"), 0
    word = token["word"] or ""
    if word in hardware_registry.data()["counts"]["words"]:
        return "N", hardware_registry.data()["counts"]["words"][word]
    code = _words().get(word, "w")
    return code, 1 if code in "1a" else 0


@cache
def _words() -> dict[str, str]:
    """The code of each word that has one of its own."""
    table = hardware_registry.data()["counts"]
    plain = {code: table["codes"][name] for name, code in _CODES.items()}
    found = {word: code for code, words in plain.items() for word in words}
    for one, many, name in (("n", "m", "nodes"), ("d", "e", "devices")):
        found |= dict.fromkeys(table[name], one) | {f"{word}s": many for word in table[name]}
    return found
