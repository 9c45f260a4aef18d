"""Alignment of copied words: a table of places and refusals, and what must hold for any text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from claimgrid.text.alignment import MOST_MATCHES, locate, matches, read, why_not
from claimgrid.text.normalized_text import SPLIT_DIGITS, fold

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "alignment.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
PLACES = [case for case in CASES if "reject" not in case]
REFUSALS = [case for case in CASES if "reject" in case]

ROUGH = st.text(
    st.sampled_from("aA01.,x -~$\\{}%^_&'`\"×½²１ﬁé\u0301\u00a0\u200b\u2009−–\n") | st.characters()
)
WORDS = "Zephyr KiteServe reaches 91.4% 5.9x 1,000 steps (7B) on 8xH800 H100 3-bit MMLU-Pro".split()  # noqa: SIM905
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)
NUMBERS = st.from_regex(r"[1-9][0-9]{0,3}(\.[0-9]{1,2})?", fullmatch=True)


def name(case: dict[str, Any]) -> str:
    return f"{case['words']} in {case['text']}"


def digits(text: str) -> str:
    return "".join(c for c in fold(text).text if c.isnumeric())


@pytest.mark.parametrize("case", PLACES, ids=name)
def test_words_have_a_place(case: dict[str, Any]) -> None:
    found = locate(read(case["text"]), case["words"])
    assert found is not None
    assert (found.start, found.end, found.grounding) == (
        case["start"],
        case["end"],
        case["grounding"],
    )
    assert [list(span) for span in found.candidates] == case.get("candidates", [])


@pytest.mark.parametrize("case", REFUSALS, ids=name)
def test_words_are_refused(case: dict[str, Any]) -> None:
    doc = read(case["text"])
    assert locate(doc, case["words"]) is None
    assert why_not(doc, case["words"]) == case["reject"]


def test_evidence_decides_between_places() -> None:
    doc = read("2x here, 2x there, 2x anywhere")
    found = locate(doc, "2x", inside=(9, 17))
    assert found is not None
    assert (found.start, found.grounding, found.candidates) == (9, "exact", ())


def test_evidence_without_the_words_decides_nothing() -> None:
    found = locate(read("2x here, 2x there"), "2x", inside=(3, 7))
    assert found is not None
    assert found.grounding == "ambiguous"


def test_the_nearest_place_wins_and_a_tie_is_told() -> None:
    doc = read("2x on MMLU, 2x on NQ")
    nearest = locate(doc, "2x", near=[(18, 20)])
    tied = locate(doc, "2x", near=[(0, 2), (12, 14)])
    assert nearest is not None
    assert tied is not None
    assert (nearest.start, nearest.grounding) == (12, "exact")
    assert (tied.grounding, tied.candidates) == ("ambiguous", ((0, 2), (12, 14)))


def test_evidence_comes_before_nearness() -> None:
    doc = read("2x on MMLU, 2x on NQ, 2x on C4")
    found = locate(doc, "2x", inside=(12, 30), near=[(0, 2)])
    assert found is not None
    assert (found.start, found.grounding) == (12, "exact")


def test_exact_places_hide_aligned_ones() -> None:
    assert [match.start for match in matches(read("mmlu MMLU mmlu"), "MMLU")] == [5]


def test_a_border_is_not_crossed_by_the_second_place() -> None:
    doc = read("It gains 5%. Zephyr gains 5% Zephyr says.")
    assert [match.start for match in matches(doc, "5% Zephyr")] == [26]


def test_places_are_capped() -> None:
    assert len(matches(read("2x " * 1000), "2x")) == MOST_MATCHES


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a" * 10**6, "aab " * 250_000, "{" * 10**6, "\\" * 10**6])
def test_hostile_texts_are_read_and_searched(text: str) -> None:
    doc = read(text)
    assert matches(doc, "a" * 1000) == []
    assert matches(doc, "aab " * 300 + "aa") == []


@given(ROUGH, ROUGH)
def test_places_are_real_and_keep_every_digit(before: str, words: str) -> None:
    text = f"{before} {words.swapcase()} {before}"
    for match in matches(read(text), words):
        assert 0 <= match.start < match.end <= len(text)
        cited = text[match.start : match.end]
        assert digits(cited) == digits(words)
        assert not match.exact or cited == words.strip()


@given(ROUGH, ROUGH)
def test_refusals_have_a_reason(text: str, words: str) -> None:
    doc = read(text)
    if not matches(doc, words):
        reason = why_not(doc, words)
        assert (reason == "empty") == (fold(words.strip()).text.strip(" ") == "")


@given(ROUGH)
def test_a_fold_maps_back(text: str) -> None:
    form = fold(text)
    assert len(form.text) == len(form.starts) == len(form.ends)
    assert list(form.starts) == sorted(form.starts)
    assert list(form.ends) == sorted(form.ends)
    for character, start, end in zip(form.text, form.starts, form.ends, strict=True):
        assert start < end or character == SPLIT_DIGITS
        if character in "0123456789":
            assert character in fold(text[start:end]).text


@given(TEXTS, st.data())
def test_whole_tokens_are_found_verbatim(tokens: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(tokens) - 1))
    stop = data.draw(st.integers(first + 1, len(tokens)))
    words = " ".join(tokens[first:stop])
    offset = len(" ".join([*tokens[:first], ""]))
    found = matches(read(" ".join(tokens)), words)
    assert found
    assert all(match.exact for match in found)
    assert any(match.start <= offset < match.end for match in found)


@given(TEXTS, st.data())
def test_whole_tokens_are_found_through_markup(tokens: list[str], data: st.DataObject) -> None:
    spellings = [
        lambda token: token,
        lambda token: f"\\textbf{{{token}}}",
        lambda token: "$" + token.replace("x", "\\times ").replace("%", "\\%") + "$",
        lambda token: token.upper(),
        lambda token: token.replace("-", "\u2011").replace("x", "\u00d7"),
    ]
    spelled = [data.draw(st.sampled_from(spellings))(token) for token in tokens]
    text = data.draw(st.sampled_from([" ", "\n", "~", "\u00a0", "  "])).join(spelled)
    found = locate(read(text), " ".join(tokens))
    assert found is not None
    assert digits(text[found.start : found.end]) == digits(text)


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.sampled_from("%x "), st.data())
def test_another_digit_is_never_found(numbers: list[str], unit: str, data: st.DataObject) -> None:
    text = "gains of " + ", ".join(number + unit for number in numbers) + " in all"
    number = data.draw(st.sampled_from(numbers))
    at = data.draw(st.sampled_from([m.start() for m in re.finditer("[0-9]", number)]))
    other = number[:at] + data.draw(st.sampled_from("0123456789")) + number[at + 1 :]
    assume(other not in numbers)
    doc = read(text)
    assert matches(doc, other) == []
    assert matches(doc, other + unit) == []
    assert why_not(doc, other) == "altered_number"
