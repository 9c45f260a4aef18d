"""Arbitrary bytes and Unicode as abstracts, words and replies; and what once broke, replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz_checks import check_body, check_reply, check_text, check_words
from hypothesis import given
from hypothesis import strategies as st

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))

# What the grammars look for, and what stands between in LaTeX and in text taken from PDF files.
PIECES = st.sampled_from([
    "5", "1,000", "3.1x", "7B", "0", "²", "½", "１", "٣", "1e309", "10^", "9" * 400, "e-3", "-",
    "--", "–", "−", "±", "~", "≈", "/", ":", ".", ". ", ", ", "!", "?", "\n\n", " ", "  ",
    "\u00a0", "\u2009", "\u200b", "$", "\\(", "\\)", "{", "}", "\\", "\\%", "%", "\\times",
    "\\textbf{", "\\,", "x", "×", "^", "_", "'", "from ", " to ", "between ", "and ", "up to ",
    "over ", "a ", "two ", "half ", "twenty-", "order of magnitude", "8xA100", "H100 GPUs",
    "NVIDIA ", "GPU", "nodes with ", "TPU v4-128", "DGX ", "Raspberry Pi 3, 4", "Zephyr-7B-128K",
    "30B-A3B", "active ", "parameters", "MMLU", "-Pro", " dataset", "v1.2", "2024", "[3]", "(1) ",
    "Table 2", "ms", " GB/s", "GPU hours per month", "İ", "ß", "ſ", "K", "ﬁ", "e\u0301", "\x00",
    "\x1e", "\x1f", "\ue000", "\U0001d7d8", "①", "Zephyr", "We ",
])  # fmt: skip
SOUP = st.lists(PIECES, max_size=24).map("".join)
BYTES = st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace"))
TEXTS = SOUP | BYTES | st.text(max_size=200) | st.lists(PIECES | st.text(max_size=9)).map("".join)


@st.composite
def copies(draw: st.DrawFn, text: str) -> str:
    """Words of the text, perhaps cut anywhere or altered; or any words."""
    if not text or draw(st.integers(0, 9)) == 0:
        return draw(TEXTS)
    start = draw(st.integers(0, len(text) - 1))
    words = text[start : start + draw(st.integers(1, 60))]
    change = draw(st.integers(0, 9))
    if change == 0:
        return words.swapcase()
    if change == 1:
        return draw(PIECES).join([words[: len(words) // 2], words[len(words) // 2 :]])
    return words


@st.composite
def replies(draw: st.DrawFn, text: str) -> dict[str, Any]:
    """Reply lists about the text, of every kind, most of their words copied from it."""
    words = copies(text)
    some = st.none() | words
    many = st.lists(words, max_size=2)
    stance = st.sampled_from(["own", "background"])
    bound = st.sampled_from(["exact", "up_to", "at_least", "about", "average"])
    shared = {"quote": words, "stance": stance}
    number = shared | {"value": words, "bound": bound, "subject": some}
    kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "benchmarks": number | {
            "value": some, "role": st.sampled_from(["result", "evaluated_on", "introduced"]),
            "benchmark": some, "metric": some, "baselines": many,
        },
        "speedups": number | {
            "change": st.sampled_from(["up", "down", "of", "from_to"]), "better": st.booleans(),
            "workload": some, "hardware": many,
        },
        "efficiencies": number | {"unit": some, "hardware": many},
        "hardware": shared | {"device": words, "count": some, "nodes": some, "per_node": some},
        "model_sizes": shared | {"model": some, "total": words, "active": some, "context": some},
    }  # fmt: skip
    return {
        name: draw(st.lists(st.fixed_dictionaries(fields), max_size=2))
        for name, fields in kinds.items()
    }


@pytest.mark.slow
@given(TEXTS)
def test_any_text_is_read(text: str) -> None:
    check_text(text)


@given(st.data())
def test_any_words_are_found_or_refused(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    check_words(text, data.draw(copies(text)))


@given(st.data())
def test_any_reply_ends_in_claims_and_rejections(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    check_reply(text, data.draw(replies(text)))


@given(BYTES | st.text(st.sampled_from('{}[]":,\\`<>html benchmarks quote\n') | st.characters()))
def test_any_body_is_read(body: str) -> None:
    check_body(body)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_broke_once_is_replayed(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    check_text(case["text"])
    check_reply(case["text"], case.get("reply", {}))
    for words in (case["text"], *case.get("words", ())):
        check_words(case["text"], words)


def test_there_is_a_corpus() -> None:
    assert len(CORPUS) >= 10
