"""Parameter counts and context lengths: cases as data, and what holds for any words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.entities import model_sizes
from claimgrid.quantities.lexicon import lexicon

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "model_sizes.jsonl").read_text().splitlines()
]
HOSTILE = ["9" * 50_000, "7/" * 30_000, "7B-" * 30_000, "7 " * 30_000, "a-" * 30_000 + "1M"]
# Pieces that the patterns look for, so that random words get past their first characters.
PIECES = ["7", "1.5", "8x", "A", "B", "b", "M", "K", "T", "-", "/", " ", "$", "\\,", "{", "}", ","]
PIECES += [" quadrillion", " lakh", " dozen"]
PIECES += ["billion", "parameters", "tokens", "active", "Kite", "to", "10^", "1e5", "٣", "é", "\n"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["words"])
def test_cases(case: dict[str, Any]) -> None:
    words = case["words"]
    assert [size.params for size in model_sizes.sizes(words)] == case["params"]
    assert [size.params for size in model_sizes.active(words)] == case["active"]
    assert [size.params for size in model_sizes.contexts(words)] == case["context"]


@pytest.mark.parametrize("word", lexicon().magnitudes)
def test_every_word_of_magnitude_scales_a_count_or_is_no_size(word: str) -> None:
    factor, _ = lexicon().magnitudes[word]
    found = [size.params for size in model_sizes.sizes(f"a model with 7 {word} parameters")]
    assert found in ([7 * int(factor)], [])


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_spans_are_in_the_words_in_order_and_apart(words: str) -> None:
    sizes, lengths = model_sizes.sizes(words), model_sizes.contexts(words)
    end = 0
    for size in sorted(sizes + lengths, key=lambda size: size.start):
        assert end <= size.start < size.end <= len(words)
        end = size.end
    assert sizes == sorted(sizes, key=lambda size: size.start)
    assert set(model_sizes.active(words)) <= set(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: words[:6])
def test_hostile_words_are_read(words: str) -> None:
    assert all(size.end <= len(words) for size in model_sizes.sizes(words))


@pytest.mark.parametrize("digits", [28, 29, 40, 300])
@pytest.mark.parametrize("noun", ["", " parameters", "B", "e9"])
def test_a_number_of_many_digits_is_read(digits: int, noun: str) -> None:
    """`Decimal` computes with 28 digits, and raises where a remainder would need more."""
    assert all(size.params > 0 for size in model_sizes.sizes("9" * digits + noun))


@given(st.integers(1, 9999), st.sampled_from(["B", "M", " billion", " million", "K", ",000"]))
def test_a_written_count_is_found(number: int, unit: str) -> None:
    scale = {"B": 9, "M": 6, " billion": 9, " million": 6, "K": 3, ",000": 3}[unit]
    written = f"{number}{unit}" if unit != ",000" else f"{number * 1000:,}"
    words = f"a net with {written} parameters"
    (size,) = model_sizes.sizes(words)
    assert size.params == number * 10**scale
    assert words[size.start : size.end] == written


@given(st.integers(1, 999), st.integers(1, 999))
def test_a_name_keeps_size_and_context_apart(billions: int, thousands: int) -> None:
    words = f"Kite-2.5-{billions}B-{thousands}K"
    assert [size.params for size in model_sizes.sizes(words)] == [billions * 10**9]
    assert [size.params for size in model_sizes.contexts(words)] == [thousands * 1000]


@given(st.integers(1, 99), st.integers(1, 9))
def test_a_count_is_not_found_inside_a_longer_one(tail: int, head: int) -> None:
    (size,) = model_sizes.sizes(f"Kite-{head}{tail}B")
    assert size.params == int(f"{head}{tail}") * 10**9
