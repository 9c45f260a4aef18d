"""Sentences of abstracts: a table of borders, and what must hold for any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.text.sentences import spans

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "sentences.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
ROUGH = st.text(st.sampled_from("aA1 .!?\n\\${}()\"'é,") | st.characters())


@pytest.mark.parametrize("case", CASES, ids=lambda case: "|".join(case["sentences"])[:50])
def test_sentences(case: dict[str, object]) -> None:
    sentences = case["sentences"]
    assert isinstance(sentences, list)
    text = str(case.get("gap", " ")).join(sentences)
    assert [text[start:end] for start, end in spans(text)] == sentences


def test_white_space_alone_has_no_sentence() -> None:
    assert spans(" \n\n\t ") == []


@given(ROUGH)
def test_spans_are_ordered_trimmed_and_lose_nothing(text: str) -> None:
    found = spans(text)
    flat = [offset for span in found for offset in span]
    assert flat == sorted(flat)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in found)
    kept = {offset for start, end in found for offset in range(start, end)}
    assert all(offset in kept or text[offset].isspace() for offset in range(len(text)))
