"""The hardware registry: names to slugs, mentions in text, and how many devices words count."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claimgrid.entities import hardware_registry
from claimgrid.entities.device_counts import Counts, counts_in, read_count
from claimgrid.entities.hardware import find, resolve, unmapped

CASES, NAMES, LOOK_ALIKES = (
    [
        json.loads(line)
        for line in (Path(__file__).parent / "cases" / name).read_text("utf-8").splitlines()
    ]
    for name in ("hardware.jsonl", "hardware_names.jsonl", "hardware_look_alikes.jsonl")
)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9.+]+)*")
PATTERNS = sorted(
    {
        (" ".join(pattern.words), pattern.device.slug)
        for patterns in hardware_registry.index(loose=False).values()
        for pattern in patterns
        if pattern.kind == "product" and not pattern.wild
    }
)
PRODUCTS = [words for words, _ in PATTERNS]


def by_phrase(case: dict[str, Any]) -> str:
    return str(case["phrase"])


def by_words(case: dict[str, Any]) -> str:
    return str(case["words"])


@pytest.mark.parametrize("case", CASES, ids=by_phrase)
def test_device_words_resolve_to_the_slug(case: dict[str, Any]) -> None:
    device = resolve(case["device"])
    assert (device.slug, device.vendor, device.category, device.known) == (
        case["slug"],
        case["vendor"],
        case["category"],
        True,
    )


@pytest.mark.parametrize("case", CASES, ids=by_phrase)
def test_the_device_is_found_in_the_phrase(case: dict[str, Any]) -> None:
    assert case["slug"] in [mention.device.slug for mention in find(case["phrase"])]


@pytest.mark.parametrize("case", CASES, ids=by_phrase)
def test_counts_are_read(case: dict[str, Any]) -> None:
    expected = Counts(case["count"], case["nodes"], case["per_node"])
    assert counts_in(case["phrase"]) == expected


@pytest.mark.parametrize(
    ("words", "slug", "vendor", "category"),
    [
        ("NVIDIA Q900 GPU", "nvidia-q900", "nvidia", "gpu"),
        ("RTX 9090", "nvidia-rtx-9090", "nvidia", "gpu"),
        ("a Zephyr Q9 NPU", "zephyr-q9", None, "npu"),
        ("the KiteCore accelerator", "kitecore", None, "unknown"),
        ("AMD MI999X", "amd-mi999x", "amd", "gpu"),
        ("", "unknown", None, "unknown"),
        ("—", "unknown", None, "unknown"),
    ],
)
def test_an_unknown_product_gets_a_slug_by_rule(
    words: str, slug: str, vendor: str | None, category: str
) -> None:
    device = resolve(words)
    assert (device.slug, device.vendor, device.category) == (slug, vendor, category)
    assert not device.known


@pytest.mark.parametrize("case", NAMES, ids=by_words)
def test_words_beside_a_product_tell_which_device_it_is(case: dict[str, Any]) -> None:
    device = resolve(case["words"])
    assert (device.slug, device.known) == (case["slug"], case["known"])


@pytest.mark.parametrize("case", LOOK_ALIKES, ids=lambda case: str(case["text"]))
def test_look_alikes_are_no_devices(case: dict[str, Any]) -> None:
    found = find(case["text"])
    assert [(case["text"][m.start : m.end], m.device.slug) for m in found] == [
        tuple(pair) for pair in case["found"]
    ]


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("a new FPGA-based GRU engine", "fpga"),
        ("GNN sampling on GPU", "gpu"),
        ("embedded low-cost FPGA platforms", "fpga"),
        ("consumer-grade GPUs", "gpu"),
        ("NVIDIA", "nvidia-gpu"),
        ("4090", "nvidia-rtx-4090"),
        ("Pi 5", "raspberry-pi-5"),
        ("M2", "apple-m2"),
        ("a100", "nvidia-a100"),
        ("t4", "nvidia-t4"),
    ],
)
def test_copied_words_may_be_short_or_general(words: str, slug: str) -> None:
    device = resolve(words)
    assert device.slug == slug
    assert device.known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zephyr beats XV1000, A1000 and DV100X", []),
        ("frontier systems, a coral reef and the A2 copula", []),
        ("built with NVIDIA CUTLASS and Intel MKL", []),
        ("Pi is 3.14 and M2 is a model", []),
        ("2x(A100) and B200s", ["A100", "B200s"]),
        ("A100/H100 GPUs", ["A100", "H100 GPUs"]),
        ("Raspberry Pi 3, 4, and 5 boards", ["Raspberry Pi 3", "4", "5"]),
        ("a Raspberry Pi 4 and 5 GB of memory", ["Raspberry Pi 4"]),
        ("RTX 3090 and 4090, with 2080 steps", ["RTX 3090", "4090"]),
        ("an AMD Instinct MI300X GPU, then CPUs", ["AMD Instinct MI300X GPU", "CPUs"]),
        ("NVIDIA, AMD, and Intel GPUs", ["NVIDIA", "AMD", "Intel GPUs"]),
        ("Jetson Nano edge devices", ["Jetson Nano edge devices"]),
        ("a DGX Spark holds a GB10 GPU", ["DGX Spark", "GB10 GPU"]),
        ("A100-H100 and A100 H100 pairs", ["A100", "H100", "A100", "H100"]),
        ("an Artix-7 XC7A35T, an XC7S25", ["Artix-7 XC7A35T", "XC7S25"]),
        ("H100 (Hopper) and AMD CDNA2 (MI210)", ["H100 (Hopper)", "AMD CDNA2 (MI210)"]),
    ],
)
def test_mentions_cover_the_device_words(text: str, expected: list[str]) -> None:
    assert [text[mention.start : mention.end] for mention in find(text)] == expected


def test_a_system_tells_how_many_devices_are_inside() -> None:
    system, devices = find("a DGX H100, or 8 DGX H100 GPUs")
    assert (system.device.slug, system.multiplier) == ("nvidia-h100", 8)
    assert (devices.device.slug, devices.multiplier) == ("nvidia-h100", 1)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("128", 128),
        ("2,048", 2048),
        ("a single", 1),
        ("an", 1),
        ("one", 1),
        ("eight", 8),
        ("thirty-two", 32),
        ("one hundred and twenty-eight", 128),
        ("two dozen", 24),
        ("half a dozen", 6),
        ("dual", 2),
        ("8x", 8),
        (r"$8\times$", 8),
        ("1000+", 1000),
        ("10k", 10_000),
        ("up to 512", 512),
        ("64 GPUs", 64),
        ("A100", None),
        ("80GB", None),
        ("thousands", None),
        ("ten-thousand-scale", None),
        ("one or two", None),
        ("4 or 8", None),
        ("3.5", None),
        ("", None),
    ],
)
def test_count_words(words: str, count: int | None) -> None:
    assert read_count(words) == count


def test_slugs_that_the_registry_lacks_are_listed() -> None:
    known = ["nvidia-a100", "intel-xeon-gold-5218r", "amd-cpu", "gpu", "raspberry-pi-5"]
    assert unmapped([*known, "nvidia-q900", "zephyr-q9", "nvidia-q900"]) == [
        "nvidia-q900",
        "zephyr-q9",
    ]


def test_memory_and_form_factor_are_no_part_of_a_slug() -> None:
    parts = {part for _, slug in PATTERNS for part in slug.split("-")}
    assert not parts & {"80gb", "40gb", "sxm", "sxm5", "pcie", "nvl", "laptop"}


def test_every_slug_of_the_registry_is_well_formed_and_resolves_to_itself() -> None:
    for slug in sorted({slug for _, slug in PATTERNS}):
        assert SLUG.fullmatch(slug), slug
        assert resolve(slug).slug == slug


@given(st.text(max_size=80) | st.text("aAxX019 -_.,~${}\\()RTMPiGPU", max_size=60))
@example("\ue000 GPUs, \ue001\ue2ff")
def test_everything_is_total(text: str) -> None:
    assert SLUG.fullmatch(resolve(text).slug)
    counts = counts_in(text)
    assert all(n is None or n >= 0 for n in (counts.count, counts.nodes, counts.per_node))
    assert (read_count(text) or 0) >= 0


@given(
    st.lists(st.sampled_from(PRODUCTS) | st.text(max_size=12), max_size=6),
    st.sampled_from([" ", ", ", "-", " and ", "/"]),
)
def test_mentions_are_in_range_in_order_and_apart(parts: list[str], joint: str) -> None:
    text = joint.join(parts)
    done = 0
    for mention in find(text):
        assert done <= mention.start < mention.end <= len(text)
        assert mention.multiplier >= 1
        done = mention.end


@given(st.sampled_from(PATTERNS), st.text(max_size=30), st.text(max_size=30))
def test_a_product_planted_in_text_is_found(
    planted: tuple[str, str], before: str, after: str
) -> None:
    words, slug = planted
    text = f"{before}. We ran {words}; {after}"
    start = len(before) + len(". We ran ")
    inside = [m for m in find(text) if m.start <= start and start + len(words) <= m.end]
    assert [m.device.slug for m in inside] == [slug]


@given(st.sampled_from(PATTERNS), st.sampled_from(["x", "9", "Q"]))
def test_a_product_inside_a_longer_token_is_not_found(planted: tuple[str, str], glue: str) -> None:
    words, _ = planted
    text = f"We ran {glue}q{words}{glue}q here"
    assert all(m.start > text.index(words) or m.end <= text.index(words) for m in find(text))


@given(st.integers(2, 99_999), st.sampled_from(["H100 GPUs", "Ascend NPUs", "GPUs", "RTX 4090s"]))
def test_a_plain_count_is_read_as_written(number: int, device: str) -> None:
    for written in (str(number), f"{number:,}"):
        assert counts_in(f"up to {written} {device}") == Counts(number, None, None)


@given(st.integers(2, 512), st.integers(2, 16))
def test_count_is_nodes_times_devices_per_node(nodes: int, each: int) -> None:
    expected = Counts(nodes * each, nodes, each)
    assert counts_in(f"{nodes} nodes with {each} H100s each") == expected
    assert counts_in(f"{nodes}-node {each}xH100 cluster") == expected


@pytest.mark.parametrize(
    ("phrase", "counts"),
    [
        ("4 nodes totaling 16 A100 GPUs", (16, 4, 4)),
        ("2 nodes with 16 A100 GPUs in total", (16, 2, 8)),
        ("2 nodes (16 A100 GPUs)", (16, 2, 8)),
        ("4 servers, 16 H100 GPUs overall", (16, 4, 4)),
        ("4 nodes = 16 GPUs", (16, 4, 4)),
        ("4 nodes (8 GPUs each)", (32, 4, 8)),
        ("4 nodes and 16 GPUs", (None, 4, None)),
        ("20 A100 GPU nodes", (None, 20, None)),
        ("20 H100 servers", (None, 20, None)),
        ("a four-GPU node", (4, 1, 4)),
        ("A100 (2020)", (None, None, None)),
        ("Jetson Orin (30)", (None, None, None)),
        ("H100 (8x)", (8, None, None)),
    ],
)
def test_numbers_beside_nodes_and_in_brackets(
    phrase: str, counts: tuple[int | None, int | None, int | None]
) -> None:
    found = counts_in(phrase)
    assert (found.count, found.nodes, found.per_node) == counts
