"""The number lexer: cases as data, and what must hold for any text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.quantities.lexer import Quantity, lex

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "numbers.jsonl").read_text("utf-8").splitlines()
]
FRAGMENTS = st.sampled_from([
    "5", "1,000", "3.1x", "$", "\\%", "%", " to ", "-", "--", "–", "\\times", "{", "}", "10^", " ",
    "two ", "half ", "H100", "GPT-4", "ms", " GB", "from ", "and ", "(1) ", "[2]", "±", "~", "/",
    "\\(", "\\)", "\\textbf{", "orders of magnitude", "e-3", "up to ", "7B", ":", ".", "\n", "²",
])  # fmt: skip
SOUP = st.lists(FRAGMENTS, max_size=25).map("".join)
PROSE = st.text(alphabet=st.characters(whitelist_categories=["Ll", "Zs"]), max_size=30)
"""Lower-case words: they hold no digit, but number words and cues may come up."""


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    text = case["text"]
    found = lex(text)
    quantities = [
        {
            "words": text[quantity.start : quantity.end],
            "low": quantity.low,
            "high": quantity.high,
            "unit": quantity.unit,
            "bound": quantity.bound,
            "form": quantity.form,
        }
        for quantity in found
        if quantity.reason is None
    ]
    refused = [
        {"words": text[quantity.start : quantity.end], "reason": quantity.reason}
        for quantity in found
        if quantity.reason is not None
    ]
    assert quantities == [approximately(expected) for expected in case["expect"]]
    assert refused == case.get("not", [])


def approximately(expected: dict[str, Any]) -> dict[str, Any]:
    """The expected quantity, with its values equal up to the last bits of a float."""
    return {
        key: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        for key, value in expected.items()
    }


def parts(text: str) -> list[str]:
    return [text[part.start : part.end] for quantity in lex(text) for part in quantity.parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qwen2-7B-128K", ["2", "7B", "128K"]),
        ("Mixtral-8x7B", ["8", "7B"]),
        ("67B and 1.7B", ["67B", "1.7B"]),
        ("82.6% of $5\\times10^{5}$", ["82.6", "5\\times10^{5}"]),
        ("20 to 50 million", ["20", "50 million"]),
        ("A100-80GB", ["100", "80"]),
        ("+3.2% and -0.7%", ["3.2", "-0.7"]),
        ("73.1$\\pm$8.2", ["73.1", "8.2"]),
        ("Qwen3-30B-A3B", ["3", "30B", "3B"]),
    ],
)
def test_parts_stand_on_token_boundaries(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_magnitude_tells_128k_from_128000() -> None:
    short, long = (lex(text)[0].parts[0] for text in ("128K", "128000"))
    assert (short.value, long.value) == (128_000, 128_000)
    assert (short.magnitude, long.magnitude) == ("k", "")


def test_sizes_can_be_read_from_names() -> None:
    (name,) = lex("Qwen2-7B-128K")
    assert [(part.value, part.magnitude) for part in name.parts] == [
        (2, ""),
        (7e9, "b"),
        (128e3, "k"),
    ]


def test_a_shared_unit_is_found_where_it_stands() -> None:
    text = "3.2 and 4.1 ms"
    first, second = lex(text)
    assert first.unit_span == second.unit_span == (text.index("ms"), len(text))


def test_a_bound_is_found_where_it_stands() -> None:
    text = "It is up to 1.6x and 1.3x faster."
    first, second = lex(text)
    assert first.bound_span == second.bound_span == (6, 11)
    assert text[6:11] == "up to"


def check(text: str, found: list[Quantity]) -> None:
    """What holds for every text: order, nesting, and each digit in exactly one quantity."""
    floor = 0
    covered: list[int] = []
    for quantity in found:
        assert floor <= quantity.start < quantity.end <= len(text)
        assert quantity.parts
        inner = quantity.start
        for part in quantity.parts:
            assert inner <= part.start < part.end <= quantity.end
            inner = part.end
        for span in (quantity.unit_span, quantity.bound_span):
            assert span is None or 0 <= span[0] < span[1] <= len(text)
        if quantity.low is not None and quantity.high is not None:
            assert quantity.low <= quantity.high
            assert quantity.form != "single" or quantity.low == quantity.high
        covered += range(quantity.start, quantity.end)
        floor = quantity.end
    digits = {match.start() for match in re.finditer("[0-9]", text)}
    assert digits <= set(covered)


@given(st.text())
def test_any_text_is_lexed(text: str) -> None:
    check(text, lex(text))


@given(SOUP)
def test_any_soup_of_number_syntax_is_lexed(text: str) -> None:
    check(text, lex(text))


@given(st.integers(0, 10**9), PROSE, PROSE)
def test_a_planted_number_is_found_at_its_place(number: int, before: str, after: str) -> None:
    planted = f"{number:,}"
    text = f"{before} ; {planted}. {after}"
    start = len(before) + 3
    found = [
        q for q in lex(text) for p in q.parts if (p.start, p.end) == (start, start + len(planted))
    ]
    assert [quantity.parts[0].value for quantity in found] == [number]


@given(
    st.floats(0.01, 1e6).map(lambda value: round(value, 3)),
    st.sampled_from([("x", "x"), ("%", "%"), (" ms", "ms"), (" GB/s", "gb/s"), ("\\%", "%")]),
)
def test_what_is_written_is_read_back(value: float, unit: tuple[str, str]) -> None:
    (quantity,) = lex(f"{value!r}{unit[0]}")
    assert (quantity.low, quantity.high, quantity.unit) == (value, value, unit[1])
    assert quantity.reason is None


@given(
    st.floats(0.1, 100).map(lambda x: round(x, 2)), st.floats(0.1, 100).map(lambda x: round(x, 2))
)
def test_a_range_is_ordered(first: float, second: float) -> None:
    (quantity,) = lex(f"{first!r}x-{second!r}x")
    assert (quantity.low, quantity.high) == (min(first, second), max(first, second))


@given(st.floats(0.1, 100).map(lambda x: round(x, 2)))
def test_latex_changes_nothing_but_the_place(value: float) -> None:
    plain, marked = lex(f"a {value!r}× gain")[0], lex(f"a ${value!r}\\times$ gain")[0]
    assert (plain.low, plain.unit) == (marked.low, marked.unit) == (value, "x")
