"""Names of benchmarks and metrics: cases as data, the tables, and what holds for any words."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.entities import benchmarks

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "benchmarks.jsonl")
    .read_text("utf-8")
    .splitlines()
]
DATA = Path(benchmarks.__file__).parents[1] / "data"
BENCHMARKS = tomllib.loads((DATA / "benchmarks.toml").read_text("utf-8"))
METRICS = tomllib.loads((DATA / "metrics.toml").read_text("utf-8"))
LISTED = [name for area in BENCHMARKS["names"].values() for name in area]
# Pieces that the rules look for, so that random words get past their first characters.
PIECES = [
    "the ",
    "COCO",
    "MMLU",
    "AIME",
    "Foo",
    " dataset",
    " Dataset",
    " test set",
    " val",
    "2017",
]
PIECES += [
    "24",
    "'",
    " (",
    ")",
    " v2",
    "-",
    "_",
    "\\textbf{",
    "}",
    "$",
    "~",
    "\\",
    "''",
    " ",
    "@5",
    "ı",
]
words_of_any_kind = st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize("case", [x for x in LINES if "words" in x], ids=lambda x: x["words"])
def test_benchmarks(case: dict[str, Any]) -> None:
    assert benchmarks.benchmark(case["words"]) == case["name"]
    assert benchmarks.same_benchmark(case["words"], case["name"])


@pytest.mark.parametrize(
    "case", [x for x in LINES if "apart" in x], ids=lambda x: "|".join(x["apart"])
)
def test_different_benchmarks_stay_apart(case: dict[str, Any]) -> None:
    assert not benchmarks.same_benchmark(*case["apart"])


@pytest.mark.parametrize(
    "case", [x for x in LINES if "alike" in x], ids=lambda x: "|".join(x["alike"])
)
def test_spellings_are_one_benchmark(case: dict[str, Any]) -> None:
    assert benchmarks.same_benchmark(*case["alike"])


def test_listed_names_are_canonical_and_never_fold_together() -> None:
    assert [benchmarks.benchmark(name) for name in LISTED] == LISTED
    aliases = [alias for others in BENCHMARKS["aliases"].values() for alias in others]
    folded = [name.casefold().replace(" ", "").replace("-", "") for name in LISTED + aliases]
    assert sorted(folded) == sorted(set(folded))


def test_aliases_lead_to_their_names() -> None:
    for name, others in BENCHMARKS["aliases"].items():
        assert name in LISTED
        assert {benchmarks.benchmark(other) for other in others} == {name}
    for name, others in METRICS["names"].items():
        assert {benchmarks.metric(other) for other in [name, *others]} == {name}


def test_dated_names_are_listed() -> None:
    assert set(BENCHMARKS["dated"]) <= set(LISTED)


@pytest.mark.parametrize("split", BENCHMARKS["splits"])
def test_splits_stay_with_their_benchmark(split: str) -> None:
    for name in LISTED[::20]:
        composed = benchmarks.benchmark(f"{name} ({split})")
        assert benchmarks.benchmark(composed) == composed
        assert not benchmarks.same_benchmark(composed, name)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Acc.", "accuracy"),
        ("accuracies", "accuracy"),
        ("Accuracy (%)", "accuracy"),
        ("Top-1 Acc", "top-1 accuracy"),
        ("F1-score", "F1"),
        ("F1 scores", "F1"),
        ("macro F1 score", "macro-F1"),
        ("PPL", "perplexity"),
        ("$mAP_{50}$", "mAP50"),
        ("mAP@[.5:.95]", "mAP50-95"),
        ("AP", "AP"),
        ("Pass@1", "pass@1"),
        ("pass@k", "pass@k"),
        ("R@5", "recall@5"),
        ("Recall @ 10", "recall@10"),
        ("mAP@0.6", "mAP@0.6"),
        ("success rates", "success rate"),
        ("attack success rate (ASR)", "attack success rate"),
        ("$R^2$", "R²"),
        ("ROUGE-2", "ROUGE-2"),
        ("PSNR", "PSNR"),
        ("\\textit{kite tension}", "kite tension"),
        ("kite@7", "kite@7"),
        ("loss", "loss"),
        ("", ""),
    ],
)
def test_metrics(words: str, name: str) -> None:
    assert benchmarks.metric(words) == name


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("\\textbf{Foo}", "Foo"),
        ("{\\bf Foo}", "Foo"),
        ("$mAP_{50}$", "mAP_50"),
        ("A\\_B", "A_B"),
        ("Foo~Bar\\,Baz", "Foo Bar Baz"),
        ("$\\beta$-VAE", "β-VAE"),
        ("\\method achieves", "method achieves"),
        ("``Foo''", "Foo"),
        ("“Foo  bar”\n", "Foo bar"),
        ("R\\&D", "R&D"),
        ("\\", ""),
    ],
)
def test_plain(words: str, text: str) -> None:
    assert benchmarks.plain(words) == text


@given(words_of_any_kind)
def test_names_are_stable(words: str) -> None:
    for normal in (benchmarks.plain, benchmarks.benchmark, benchmarks.metric):
        once = normal(words)
        assert normal(once) == once


@given(words_of_any_kind)
def test_a_canonical_name_is_the_same_benchmark(words: str) -> None:
    assert benchmarks.same_benchmark(words, benchmarks.benchmark(words))
    assert benchmarks.same_benchmark(words, words.strip())


@pytest.mark.parametrize("piece", ["(7", "the ", "dataset ", "\\text{", "A(B) ", "v1 ", "$"])
def test_hostile_words_are_read(piece: str) -> None:
    words = piece * 50_000
    assert benchmarks.benchmark(words) == benchmarks.plain(words)
    assert benchmarks.same_benchmark(words, words)
