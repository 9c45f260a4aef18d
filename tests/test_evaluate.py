"""Scoring by the contract: keys, one-to-one matching, what is free, what is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import SourceError
from claimgrid.evaluate.reliability import Judged, calibration_error, coverage, reliability
from claimgrid.evaluate.scoring import Score, ScoreReport, evaluate, read_gold
from claimgrid.extraction.pipeline import read_answer
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Claim, PaperLine
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply

TEXT = (
    "Zephyr is 2.5x faster than Boreas, reaches 71.2% on Foo-Bench, runs at 30 FPS on 8 A100 GPUs "
    "and has 7B parameters."
)
LISTS: dict[str, Any] = {
    "speedups": [{"quote": "Zephyr is 2.5x faster", "value": "2.5x", "change": "up",
                  "subject": "Zephyr", "baselines": ["Boreas"]}],
    "benchmarks": [{"quote": "71.2% on Foo-Bench", "value": "71.2%", "benchmark": "Foo-Bench"}],
    "efficiencies": [{"quote": "runs at 30 FPS", "value": "30 FPS", "metric": "throughput"}],
    "hardware": [{"quote": "8 A100 GPUs", "device": "A100 GPUs", "count": "8"}],
    "model_sizes": [{"quote": "7B parameters", "total": "7B"}],
}  # fmt: skip
GOLD: list[dict[str, Any]] = [
    {"kind": "speedup", "quote": "2.5x", "ratio": {"low": 2.51, "high": 2.51}, "stance": "own",
     "subject": "Zephyr", "metric": "latency", "baselines": ["Boreas"]},
    {"kind": "benchmark", "quote": "71.2%", "role": "result", "relation": "absolute",
     "benchmark": "FooBench", "value": {"low": 71.2, "high": 71.2, "unit": "%"}, "stance": "own"},
    {"kind": "efficiency", "quote": "30 FPS", "value": {"low": 30, "high": 30, "unit": "fps"},
     "stance": "own"},
    {"kind": "hardware", "quote": "8 A100", "device": "nvidia-a100", "count": 8, "stance": "own"},
    {"kind": "model_size", "quote": "7B", "params": 7_000_000_000, "stance": "own"},
]  # fmt: skip


def run(lists: dict[str, Any], text: str = TEXT) -> tuple[list[PaperLine], list[Claim]]:
    paper = Paper(paper_id="z", title="Zephyr", abstract=text)
    answer = Answer(Reply.model_validate(lists), (), Usage(), "live", "api", "m")
    outcome = read_answer(paper, answer)
    return [outcome.paper], list(outcome.claims)


def score(gold: list[dict[str, Any]], lists: dict[str, Any] = LISTS) -> ScoreReport:
    papers, claims = run(lists)
    return evaluate([{"id": "z", "claims": gold}], papers, claims)


def test_a_perfect_run_scores_one_in_every_kind() -> None:
    report = score(GOLD)
    assert report.total == Score(matched=5)
    assert {s.f1 for s in report.kinds.values()} == {1.0}
    assert report.differences == []
    assert report.wrong_offsets == 0
    assert report.attributes["subject"] == [1, 1]
    assert report.attributes["metric"] == [0, 1]
    assert report.attributes["baselines"] == [1, 1]


@pytest.mark.parametrize(
    ("index", "change"),
    [
        (0, {"ratio": {"low": 2.6, "high": 2.6}}),
        (1, {"relation": "delta"}),
        (1, {"benchmark": "Foo-Bench-Pro"}),
        (1, {"value": {"low": 71.3, "high": 71.3, "unit": "%"}}),
        (1, {"role": "introduced", "value": None}),
        (2, {"value": {"low": 30, "high": 30, "unit": "ms"}}),
        (2, {"value": {"low": 30, "high": 60, "unit": "fps"}}),
        (3, {"count": None}),
        (3, {"device": "nvidia-a800"}),
        (4, {"params": 7_100_000_000}),
        (4, {"active_params": 1_000_000_000}),
    ],
)
def test_another_key_is_a_miss_and_an_extra(index: int, change: dict[str, Any]) -> None:
    gold = [line | change if i == index else line for i, line in enumerate(GOLD)]
    report = score(gold)
    assert (report.total.matched, report.total.missed, report.total.extra) == (4, 1, 1)
    assert [item.what for item in report.differences] == ["missed", "extra"]
    assert report.total.f1 == pytest.approx(0.8)


def test_a_gold_claim_without_a_benchmark_matches_any() -> None:
    gold = [GOLD[1] | {"benchmark": None}]
    assert score(gold, {"benchmarks": LISTS["benchmarks"]}).total == Score(matched=1)


def test_optional_and_background_gold_cost_nothing() -> None:
    free = [GOLD[0] | {"optional": True}, GOLD[2] | {"stance": "background"}]
    assert score(free, {}).total == Score()
    found = score(free, {"speedups": LISTS["speedups"], "efficiencies": LISTS["efficiencies"]})
    assert found.total == Score(optional=2)
    assert found.total.f1 == 1.0


def test_background_claims_of_the_run_cost_nothing() -> None:
    background = {"speedups": [LISTS["speedups"][0] | {"stance": "background"}]}
    assert score([], background).total == Score()
    assert score([GOLD[0]], background).total == Score(missed=1)


def test_matching_is_one_to_one_and_prefers_what_is_required() -> None:
    lists = {"speedups": LISTS["speedups"]}
    gold = [GOLD[0] | {"optional": True}, GOLD[0]]
    assert score(gold, lists).total == Score(matched=1)
    assert score([GOLD[0], GOLD[0]], lists).total == Score(matched=1, missed=1)


def test_a_paper_that_the_run_lacks_is_missed_and_named() -> None:
    papers, claims = run(LISTS)
    report = evaluate([{"title": "Another", "claims": GOLD}], papers, claims)
    assert report.absent == ["Another"]
    assert report.total == Score(missed=5)


def test_gold_joins_by_id_hash_or_title() -> None:
    papers, claims = run(LISTS)
    for key in ({"id": "z"}, {"abstract_sha256": papers[0].abstract_sha256}, {"title": "Zephyr"}):
        assert evaluate([key | {"claims": GOLD}], papers, claims).total.matched == 5


def test_a_wrong_offset_is_counted() -> None:
    papers, claims = run({"speedups": LISTS["speedups"]})
    moved = claims[0].evidence.model_copy(update={"start": 1})
    report = evaluate(
        [{"id": "z", "claims": []}], papers, [claims[0].model_copy(update={"evidence": moved})]
    )
    assert report.wrong_offsets == 1


def test_a_gold_file_that_is_none_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"id": "a", "claims": []}) + '\n{"id": "b"}\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"gold\.jsonl:2"):
        read_gold(path)
    for line, words in (
        ({"claims": []}, "join on"),
        ({"id": "a", "claims": [{"quote": "x"}]}, "no known kind"),
        ({"id": "a", "claims": [{"kind": "speedup", "quote": "x"}]}, "lacks ratio"),
    ):
        path.write_text(json.dumps(line) + "\n", encoding="utf-8")
        with pytest.raises(SourceError, match=words):
            read_gold(path)
    path.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(SourceError, match="not a gold file"):
        read_gold(path)
    with pytest.raises(SourceError, match="nowhere"):
        read_gold(tmp_path / "nowhere.jsonl")


judged = st.builds(
    lambda confidence, right, whole: Judged(confidence, right, right and whole),
    st.one_of(st.floats(0, 1), st.sampled_from([1 / 3, 2 / 3, 1.0])),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(judged, min_size=1, max_size=60), st.integers(0, 20))
def test_reliability_and_coverage_account_for_every_claim(claims: list[Judged], more: int) -> None:
    rows = reliability(claims)
    assert sum(row.claims for row in rows) == len(claims)
    right = sum(claim.right for claim in claims)
    assert sum(row.claims * row.right for row in rows) == pytest.approx(right)
    assert all(row.low <= row.confidence <= row.high + 1e-9 for row in rows)
    kept = coverage(claims, right + more)
    assert kept[0].claims == len(claims)
    assert kept[0].risk == pytest.approx(1 - right / len(claims))
    assert [row.claims for row in kept] == sorted({row.claims for row in kept}, reverse=True)
    assert all(row.risk <= row.whole_risk + 1e-9 for row in kept)
    assert 0 <= calibration_error([(claim.confidence, claim.right) for claim in claims]) <= 1


def test_confidence_that_says_what_comes_true_has_no_calibration_error() -> None:
    sure = [Judged(1.0, True, True), Judged(0.0, False, False)]
    assert calibration_error([(claim.confidence, claim.right) for claim in sure]) == 0
    (none, all_) = coverage(sure, 1)
    assert (none.risk, all_.risk, all_.recall) == (0.5, 0.0, 1.0)
