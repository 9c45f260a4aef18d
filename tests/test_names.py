"""Names of benchmarks and metrics: cases as data, the tables, and what holds for any words."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.entities import benchmark_mentions, benchmarks, metrics, spelling

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
        assert {metrics.metric(other) for other in [name, *others]} == {name}


def test_dated_names_are_listed() -> None:
    assert set(BENCHMARKS["dated"]) <= set(LISTED)


@pytest.mark.parametrize("split", BENCHMARKS["splits"])
def test_splits_stay_with_their_benchmark(split: str) -> None:
    for name in LISTED[::20]:
        composed = benchmarks.benchmark(f"{name} ({split})")
        assert benchmarks.benchmark(composed) == composed
        implied = split in BENCHMARKS["implied"].get(name, ())
        assert benchmarks.same_benchmark(composed, name) == implied


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
    assert metrics.metric(words) == name


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
    assert spelling.plain(words) == text


@given(words_of_any_kind)
def test_names_are_stable(words: str) -> None:
    for normal in (spelling.plain, benchmarks.benchmark, metrics.metric):
        once = normal(words)
        assert normal(once) == once


@given(words_of_any_kind)
def test_a_canonical_name_is_the_same_benchmark(words: str) -> None:
    assert benchmarks.same_benchmark(words, benchmarks.benchmark(words))
    assert benchmarks.same_benchmark(words, words.strip())


@pytest.mark.parametrize("piece", ["(7", "the ", "dataset ", "\\text{", "A(B) ", "v1 ", "$"])
def test_hostile_words_are_read(piece: str) -> None:
    words = piece * 50_000
    assert benchmarks.benchmark(words) == spelling.plain(words)
    assert benchmarks.same_benchmark(words, words)


# Names that meet ─────────────────────────────────────────────────────────────────────────────────


def test_the_table_is_large_and_every_part_of_it_belongs_to_a_listed_name() -> None:
    assert len(LISTED) >= 300
    for part in ("aliases", "versions", "splits_of", "implied"):
        assert set(BENCHMARKS[part]) <= set(LISTED), part
    found = benchmarks.find("COCO 2017 val set")
    assert found is not None
    assert (found.name, found.task) == ("COCO", "detection and segmentation")
    assert "MS COCO" in found.aliases
    assert "2017" in found.versions
    assert "test-dev" in found.splits
    assert benchmarks.find("KiteEval") is None


def test_merges_are_never_chained() -> None:
    for name, others in BENCHMARKS["aliases"].items():
        for other in others:
            assert other not in BENCHMARKS["aliases"], other
            assert benchmarks.benchmark(benchmarks.benchmark(other)) == name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("WMT14 En-De", "WMT 2014 English-German"),
        ("WMT'14 English-to-French", "WMT 2014 English-French"),
        ("WMT 2016 En$\\rightarrow$Ro", "WMT 2016 English-Romanian"),
        ("WMT 2014 English-German translation task", "WMT 2014 English-German"),
        ("KiteEval En-De", "KiteEval En-De"),
        ("MPII test dataset", "MPII Human Pose"),
        ("DOTA-v1.0", "DOTA"),
        ("DOTA-v2.0", "DOTA v2.0"),
        ("validation set of ADE20K", "ADE20K val"),
        ("COCO test-challenge dataset", "COCO test-challenge"),
        ("COCO object detection", "COCO"),
        ("KiteEval object detection", "KiteEval object detection"),
        ("Penn Treebank (PTB)", "Penn Treebank"),
        ("PTB", "PTB"),  # an ECG database
        ("GTA5$\\rightarrow$Cityscapes", "GTAV-to-Cityscapes Labels"),
    ],
)
def test_versions_languages_and_splits_are_part_of_the_name(words: str, name: str) -> None:
    assert benchmarks.benchmark(words) == name


def test_one_data_set_may_have_a_board_for_each_metric() -> None:
    assert benchmarks.benchmark("PTB corpus", "perplexity") == "Penn Treebank (Word Level)"
    assert benchmarks.benchmark("PTB corpus", "accuracy") == "Penn Treebank"
    assert benchmarks.same_benchmark("Penn Treebank", "Penn Treebank (Word Level)")
    assert not benchmarks.same_benchmark(
        "Penn Treebank (Character Level)", "Penn Treebank (Word Level)"
    )


@pytest.mark.parametrize(
    ("text", "copied", "number", "name"),
    [
        ("scores 51.2 AP on COCO test-dev.", "COCO", "51.2", "COCO test-dev"),
        ("reaches 51.2 on the ImageNet validation set", "ImageNet", "51.2", "ImageNet val"),
        ("an ImageNet test error of 3.1%", "ImageNet", "3.1", "ImageNet"),
        ("an ImageNet top-1 of 83.1", "ImageNet", "83.1", "ImageNet"),
        ("81.0 on the val set of Cityscapes", "Cityscapes", "81.0", "Cityscapes val"),
        ("on Pascal VOC 2012 it has 88.4", "Pascal VOC", "88.4", "PASCAL VOC 2012"),
        ("97.7 on Cornell and Jacquard grasping sets", "Cornell", "97.7", "Cornell Grasp Dataset"),
        ("58.7/58.9 AP on COCO minival/test-dev", "COCO minival/test-dev", "58.7", "COCO minival"),
        ("58.7/58.9 on COCO mini-val/test-dev", "COCO mini-val/test-dev", "58.9", "COCO test-dev"),
        ("58.7 on COCO val/test", "COCO val/test", "58.7", "COCO val/test"),
        ("91.0 on SQuAD. Test sets are", "SQuAD", "91.0", "SQuAD"),
        ("91.0 on MMLU and MMLU-Pro", "MMLU", "91.0", "MMLU"),
        ("91.0 on MNISTified", "MNIST", "91.0", "MNIST"),
        ("best on VOC 2012 (val: 66.3, test: 66.5)", "VOC 2012", "66.5", "PASCAL VOC 2012 test"),
        ("best on VOC 2012 (val: 66.3, test: 66.5)", "VOC 2012", "66.3", "PASCAL VOC 2012 val"),
        ("On ADE20K it has 55.4% mIoU on the val set", "ADE20K", "55.4", "ADE20K val"),
        ("On MMMU it has 55.4% in the val split", "MMMU", "55.4", "MMMU val"),
        ("On MMLU it has 55.4% on the val set", "MMLU", "55.4", "MMLU"),
        ("On ADE20K it has 55.4 on the val set of LIP", "ADE20K", "55.4", "ADE20K"),
        ("English to French on WMT'14 has 34.8", "WMT'14", "34.8", "WMT 2014 English-French"),
        ("On WMT14 En-De and En-Fr: 28.4, 41.0", "WMT14", "28.4", "WMT 2014 English-German"),
        ("It solves 80% of the 2024 AIME", "AIME", "80", "AIME 2024"),
        ("It solves 80% of the 2025 HMMT problems", "HMMT", "80", "HMMT 2025"),
        ("In 2024 AIME had 30 problems", "AIME", "30", "AIME"),
        ("It has 80% on the 2024 AIME", "2024 AIME", "80", "AIME 2024"),
        ("It has 80% on AIME 2025 and 2024 MMLU", "MMLU", "80", "MMLU"),
        ("En-De has 28.4 and En-Fr 41.0 on WMT14", "WMT14", "28.4", "WMT 2014"),
    ],
)
def test_the_words_beside_a_name_belong_to_it_where_the_table_knows_them(
    text: str, copied: str, number: str, name: str
) -> None:
    at, value = text.index(copied), text.index(number)
    span, of_value = (at, at + len(copied)), (value, value + len(number))
    assert benchmark_mentions.name_at(text, span, None, of_value) == name


@given(words_of_any_kind, words_of_any_kind, words_of_any_kind)
def test_words_beside_a_name_never_lose_it(before: str, words: str, after: str) -> None:
    text = before + words + after
    span = (len(before), len(before) + len(words))
    name = benchmark_mentions.name_at(text, span, None, span)
    assert benchmarks.benchmark(name) == name


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("FID", "lower"), ("FID score", "lower"), ("PSNR", "higher"), ("Recall@5", "higher"),
        ("word error rate", "lower"), ("mean angular error", "lower"), ("kite tension", None),
        ("attack success rate", None), ("pass@1", "higher"), ("latency", "lower"), ("", None),
        ("test perplexity", "lower"), ("median F1 score", "higher"),
    ],
)  # fmt: skip
def test_metrics_have_a_direction_or_are_not_ranked(words: str, way: str | None) -> None:
    assert metrics.direction(words) == way


def test_every_listed_metric_has_a_family() -> None:
    placed = [name for family in METRICS["families"].values() for name in family["metrics"]]
    assert sorted(set(placed)) == sorted(placed)
    assert set(METRICS["names"]) | set(METRICS["cuts"]) <= set(placed)
    found = metrics.find("mean opinion score")
    assert found is not None
    assert (found.family, found.direction, found.unit) == ("speech_quality", "higher", "score")


@pytest.mark.parametrize(
    ("unit", "metric", "way"),
    [
        ("ms", "latency", "lower"), ("fps", "throughput", "higher"), ("tokens/s", None, "higher"),
        ("gpu_hours", None, "lower"), ("%", "utilization", "higher"), ("%", "cost", "lower"),
        ("%", None, None), ("s/token", "latency", "lower"), ("tops/w", "efficiency", "higher"),
        ("kite", "tension", None), ("usd/million_tokens", "cost", "lower"),
    ],
)  # fmt: skip
def test_units_have_a_direction(unit: str, metric: str | None, way: str | None) -> None:
    assert metrics.direction_in(unit, metric) == way


def longer_names() -> list[str]:
    """Names that the table knows, with their splits, and translation tasks with two languages."""
    found = []
    for entry in benchmarks.names():
        spellings = (entry.name, *entry.aliases)
        found += [f"{name} {split}" for name in spellings for split in ("", *entry.splits)]
        if benchmarks.takes_pair(entry):
            found += [f"{entry.name} English to German", f"{entry.name} Hindi into French"]
    return [name.strip() for name in found]


def test_the_quick_tests_never_refuse_what_the_table_knows() -> None:
    for name in longer_names():
        if benchmarks.find(name) is None:
            continue  # an alias that needs its metric
        words = name.split(" ")
        assert benchmarks.may_end_name(words[-1]), name
        for cut in range(1, len(words)):
            assert benchmarks.may_continue(" ".join(words[:cut]), words[cut]), (name, cut)


def test_the_quick_tests_refuse_most_words_of_prose() -> None:
    prose = ["and", "with", "which", "we", "show", "using", "our", "by", "large", "achieves"]
    refused = [word for word in prose if not benchmarks.may_continue("ImageNet", word)]
    assert len(refused) > len(prose) / 2
