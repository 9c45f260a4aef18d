"""Wordings of numbers end to end: what is read, what is refused, and what holds for every span."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.entities import model_sizes
from claimgrid.entities.device_counts import read_count
from claimgrid.extraction.pipeline import read_answer
from claimgrid.quantities import values
from claimgrid.quantities.cardinals import cardinal_at
from claimgrid.quantities.lexer import lex
from claimgrid.quantities.units import unit_of
from claimgrid.text.alignment import locate, read
from claimgrid.text.latex import plain_text
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Claim, Span
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "wordings.jsonl").read_text("utf-8").splitlines()
]
SMALL = st.integers(2, 99)


def claims(abstract: str, reply: dict[str, Any]) -> tuple[Claim, ...]:
    answer = Answer(Reply.model_validate(reply), (), Usage(), "live", "api", "m")
    return read_answer(Paper(paper_id="z", title="Zephyr", abstract=abstract), answer).claims


def told(claim: Claim, expected: dict[str, Any]) -> dict[str, Any]:
    """What a claim says of the fields that a case expects."""
    line = json.loads(claim.model_dump_json())
    said = line | (line["value"] or {})
    if "ratio" in expected:
        ratio = line["ratio"]
        said["ratio"] = ratio["low"] if ratio and ratio["low"] == ratio["high"] else ratio
    said["unit"] = str(said.get("unit")).replace("_", " ").replace("inferences", "inference")
    return {field: said.get(field) for field in expected}


def near(expected: dict[str, Any]) -> dict[str, Any]:
    return {
        field: pytest.approx(value) if isinstance(value, float) else
        value.replace("_", " ") if field == "unit" else value
        for field, value in expected.items()
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_wording_is_read(case: dict[str, Any]) -> None:
    found = claims(case["abstract"], case["reply"])
    assert len(found) == len(case["expected"])
    for claim, expected in zip(found, case["expected"], strict=True):
        assert told(claim, expected) == near(expected)


def value(words: str, kind: str = "efficiencies", **fields: Any) -> Claim | None:
    """The claim that the words make in a sentence, if they make one."""
    text = f"Zephyr is at {words} now."
    found = claims(text, {kind: [{"quote": text, "value": words, **fields}]})
    return found[0] if found else None


# 1. Nothing numeric in the copied words goes unread.

BITS = st.sampled_from(["7", "3.5", "1,000", "40 000", "two", "half", "million", "minus", "dozen",
    "½", "x", "%", "ms",
    "-", " to ", " and ", "±", "/", "billion", "^", "10", "B", ",5", "'000"])  # fmt: skip


@given(st.lists(BITS, min_size=1, max_size=5))
def test_every_digit_of_the_words_is_read_or_they_are_refused(bits: list[str]) -> None:
    words = " ".join(bits)
    text = f"Zephyr needs {words} there."
    quantities = lex(text)
    reading = values.read(text, quantities, Span(13, 13 + len(words)))
    if isinstance(reading, str) or reading.low is None:
        return
    owners = [q for q in quantities if any(part in reading.parts for part in q.parts)]
    for at in range(13, 13 + len(words)):
        if text[at].isnumeric():
            assert any(q.start <= at < q.end for q in owners)


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        ("9 widgets", "widget"),
        ("9 widgets) of", "widget"),
        ("9 widgets under", "widget"),
        ("9-point mesh in", "point mesh"),
        ("$9^{3}$ widgets$ in", "widget"),
        ("9^th", "score"),  # of a number without a unit
        ("9 of the", "score"),
    ],
)
def test_a_unit_ends_where_the_words_that_are_counted_end(words: str, unit: str) -> None:
    found = value(words)
    assert found is not None
    assert found.value is not None
    assert found.value.unit == unit


@given(st.integers(1, 999), st.sampled_from([("thousand", 3), ("million", 6), ("billion", 9)]))
def test_a_size_in_words_is_the_number_that_they_say(number: int, scale: tuple[str, int]) -> None:
    spelled = f"{number} {scale[0]} parameters"
    assert [size.params for size in model_sizes.sizes(f"has {spelled}")] == [
        number * 10 ** scale[1]
    ]
    assert read_count(f"{number} {scale[0]}") == number * 10 ** scale[1]


ONES = "one two three four five six seven eight nine".split()  # noqa: SIM905
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905


@given(st.integers(1, 9), st.integers(2, 9), st.integers(1, 9), st.sampled_from(["-", " "]))
def test_written_numbers_are_read(hundreds: int, tens: int, ones: int, joint: str) -> None:
    words = f"{ONES[hundreds - 1]} hundred and {TENS[tens - 2]}{joint}{ONES[ones - 1]}"
    number = cardinal_at(words, 0)
    assert number is not None
    assert (number.value, number.end) == (100 * hundreds + 10 * tens + ones, len(words))


# 2. A range needs a range's sign.


@given(SMALL, SMALL, st.sampled_from([" ", "/", " x ", ", ", "; ", " vs "]))
def test_two_numbers_without_a_sign_of_a_range_are_no_range(a: int, b: int, gap: str) -> None:
    claim = value(f"{a} ms{gap}{b} ms")
    assert claim is None or (claim.value is not None and claim.value.low == claim.value.high)


# 3. A share under up and down is a share.

SHARES = [("a third", 3), ("one half", 2), ("a quarter", 4), ("1/5", 5), ("one-tenth", 10)]


@pytest.mark.parametrize(("words", "parts"), SHARES)
def test_a_share_goes_up_and_down(words: str, parts: int) -> None:
    for change, factor in (("up", 1 + 1 / parts), ("down", 1 / (1 - 1 / parts)), ("of", parts)):
        more = {"up": "more speed", "down": "less memory", "of": "of the cost"}[change]
        text = f"Zephyr has {words} {more}."
        (claim,) = claims(text, {"speedups": [{"quote": text, "value": words, "change": change}]})
        assert claim.kind == "speedup"
        assert claim.ratio is not None
        assert claim.ratio.low == pytest.approx(factor)


# 4. No amount without its denominator.


@pytest.mark.parametrize("sign", ["$", "€", "£", "USD ", "RMB "])
@pytest.mark.parametrize(
    ("per", "suffix"),
    [(" per query", "/query"), ("/GPU-hour", "/gpu_hour"), (" an hour", "/hour"),
     (" per million tokens", "/million_tokens"), ("/1M tokens", "/million_tokens")],
)  # fmt: skip
def test_an_amount_keeps_what_it_is_per(sign: str, per: str, suffix: str) -> None:
    claim = value(f"{sign}5{per}")
    assert claim is not None
    assert claim.value is not None
    assert claim.value.unit.endswith(suffix)
    assert claim.value.low == 5


@given(st.lists(st.sampled_from(["s", "gpu", "w", "user", "node"]), min_size=1, max_size=3))
def test_a_rate_keeps_every_divisor(divisors: list[str]) -> None:
    assert unit_of("tokens/" + "/".join(divisors)) == "tokens/" + "/".join(divisors)


# 5. Sizes: what counts something else is none.


@pytest.mark.parametrize(
    "words",
    ["393 billion amino acids", "the One Billion Word Benchmark", "LAION-5b", "tens of billions",
     "2.788M H800 GPU hours", "a link to %9070B", "thousands of checkpoints", "a few million"],
)  # fmt: skip
def test_what_is_no_size_is_none(words: str) -> None:
    assert model_sizes.sizes(words) == []


# 6. The usual forms of one number.


@given(st.integers(1, 23), st.integers(1, 59), st.sampled_from(["{}h {}min", "{} h {} min",
    "{}h{}m", "{} hours and {} minutes", "{} hours {} minutes"]))  # fmt: skip
def test_a_duration_of_two_units_is_one(hours: int, minutes: int, form: str) -> None:
    claim = value(form.format(hours, minutes))
    assert claim is not None
    assert claim.value is not None
    assert claim.value.low == pytest.approx(hours + minutes / 60)


@given(st.floats(1, 99).map(lambda x: round(x, 2)), st.sampled_from(
    ["{}", "${}$", "\\num{{{}}}", "\\textcolor{{red}}{{{}}}", "<b>{}</b>", "{}(3)", "{} (±0.3)",
     "${}_{{\\pm0.3}}$", "{} plus/minus 0.3"]))  # fmt: skip
def test_a_number_is_the_same_in_every_form(number: float, form: str) -> None:
    if "(3)" in form and number == int(number):
        return
    claim = value(form.format(number), "benchmarks")
    assert claim is not None
    assert claim.value is not None
    assert (claim.value.low, claim.value.high) == (number, number)


# 7. Markup is transparent.


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("Erd\\H{o}s is <jats:italic>2.4</jats:italic>&times; faster", "Erdős is 2.4× faster"),
        ("On KiteSet~\\cite{x2019} it is fast", "KiteSet it is fast"),
        ("It is\\n2.4x faster", "It is 2.4x faster"),
        ("\\textbf{Zephyr} is {\\color{red}2.4}x faster", "Zephyr is 2.4x faster"),
    ],
)
def test_words_are_found_through_markup(marked: str, words: str) -> None:
    assert locate(read(marked), words) is not None


@given(st.text(st.sampled_from("a1<>&;{}\\$n/ bfrac.,½²") | st.characters(), max_size=40))
def test_plain_text_maps_back_and_keeps_order(text: str) -> None:
    plain = plain_text(text)
    assert len(plain.text) == len(plain.starts) == len(plain.ends)
    assert list(plain.starts) == sorted(plain.starts)
    assert all(0 <= a <= b <= len(text) for a, b in zip(plain.starts, plain.ends, strict=True))


def test_two_measures_are_two_numbers_and_a_change_is_its_result() -> None:
    assert value("86.2%-81.7", "benchmarks") is None
    text = "It climbs from 93.07 to 94.42."
    (claim,) = claims(text, {"benchmarks": [{"quote": text, "value": "from 93.07 to 94.42"}]})
    assert claim.value is not None
    assert (claim.value.low, claim.value.high) == (94.42, 94.42)


# 8. Registry and counts.


@given(st.integers(2, 4000), st.sampled_from(["{:,}", "{}", "{{{}}}", "{} x", "{}x"]))
def test_a_count_is_read_as_written(number: int, form: str) -> None:
    assert read_count(form.format(number)) == number


@pytest.mark.parametrize(
    ("device", "slug", "category"),
    [
        ("Tesla Dojo", "tesla-dojo", "asic"), ("Orange Pi 5", "orange-pi-5", "edge"),
        ("NVIDIA Grace", "nvidia-grace", "cpu"), ("Kunpeng 920", "huawei-kunpeng-920", "cpu"),
        ("2080Ti GPU", "nvidia-rtx-2080-ti", "gpu"), ("910B", "huawei-ascend-910b", "npu"),
        ("IPU", "graphcore-ipu", "npu"), ("MetaX C500", "metax-c500", "gpu"),
        ("MT-3000", "nudt-mt-3000", "cpu"), ("PEZY-SC2", "pezy-sc2", "cpu"),
        ("GTX TITAN", "nvidia-titan", "gpu"), ("Hanguang 800", "alibaba-hanguang-800", "npu"),
    ],
)  # fmt: skip
def test_a_product_is_its_makers(device: str, slug: str, category: str) -> None:
    text = f"We use the {device}."
    (claim,) = claims(text, {"hardware": [{"quote": text, "device": device}]})
    assert claim.kind == "hardware"
    assert (claim.device, claim.category, claim.known) == (slug, category, True)


@pytest.mark.parametrize("metric", ["MFU", "GPU utilization", "cache hit rate"])
def test_a_percent_of_a_share_is_ambiguous(metric: str) -> None:
    text = f"Zephyr raises {metric} by 10%."
    item = {"quote": text, "value": "10%", "change": "up", "metric": "utilization"}
    (claim,) = claims(text, {"speedups": [item]})
    assert claim.kind == "speedup"
    assert (claim.ratio, claim.ambiguous) == (None, "points_or_percent")
    said = text.replace("10%", "a relative 10%")
    (relative,) = claims(said, {"speedups": [item | {"quote": said}]})
    assert relative.kind == "speedup"
    assert relative.ratio is not None
    assert relative.ratio.low == pytest.approx(1.1)
