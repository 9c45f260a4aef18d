"""The comparability guard: what may be ranked, and what contradicts what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.tables.comparability import comparable, conflicts, differences, spelled
from claimgrid.tables.table_specs import KINDS

CONDITIONS = KINDS["speedups"].conditions


def speedup(paper_id: str = "p1", **fields: Any) -> dict[str, Any]:
    row = {
        "run": "r", "paper_id": paper_id, "subject": "Zephyr", "metric": "latency",
        "bound": "exact", "ratio_low": 2.0, "ratio_high": 2.0, "written": "2x",
        "baselines": ["Base"], "workload": "training", "hardware": ["nvidia-a100"],
    }  # fmt: skip
    if "ratio" in fields:
        fields["ratio_low"] = fields["ratio_high"] = fields.pop("ratio")
    return row | fields


def score(paper_id: str, value: float, **fields: Any) -> dict[str, Any]:
    return {
        "run": "r", "paper_id": paper_id, "subject": "Zephyr-7B", "benchmark": "FooBench",
        "relation": "absolute", "metric": None, "unit": "score", "bound": "exact",
        "score_low": value, "score_high": value, "written": f"{value:g}", "baselines": [],
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ()),
        ({"bound": "up_to"}, ("bound",)),
        ({"metric": "energy"}, ("metric",)),
        ({"baselines": ["Other"]}, ("baseline",)),
        ({"baselines": ["base"]}, ()),
        ({"baselines": ["Base", "Other"]}, ("baseline",)),
        ({"baselines": []}, ("baseline?",)),
        ({"workload": None}, ("workload?",)),
        ({"hardware": ["nvidia-h100"], "bound": "average"}, ("bound", "hardware")),
    ],
)
def test_what_differs_is_named(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert differences(speedup("p2", **fields), speedup("p1"), CONDITIONS) == expected


def test_what_one_paper_leaves_out_twice_is_the_same_but_not_between_papers() -> None:
    silent = {"hardware": [], "workload": None}
    one, two = speedup("p1", **silent), speedup("p2", **silent)
    assert differences(one, speedup("p1", **silent), CONDITIONS) == ()
    assert differences(one, two, CONDITIONS) == ("workload?", "hardware?")
    assert differences(one, two | {"run": "other", "paper_id": "p1"}, CONDITIONS)


def test_a_score_in_itself_lacks_no_baseline() -> None:
    conditions = KINDS["benchmarks"].conditions
    assert differences(score("p1", 80, metric="f1"), score("p2", 70, metric="f1"), conditions) == ()
    delta = score("p2", 2, metric="f1", relation="delta")
    assert "relation" in differences(score("p1", 80, metric="f1"), delta, conditions)


rows = st.builds(
    speedup,
    paper_id=st.sampled_from(["p1", "p2"]),
    bound=st.sampled_from(["exact", "up_to"]),
    metric=st.sampled_from(["latency", "energy"]),
    baselines=st.sampled_from([[], ["A"], ["B"], ["A", "B"], ["b", "a"]]),
    workload=st.sampled_from([None, "training", "Training"]),
    hardware=st.sampled_from([[], ["nvidia-a100"]]),
)


@given(rows, rows, rows)
def test_rows_without_differences_form_classes(a: Any, b: Any, c: Any) -> None:
    def same(x: Any, y: Any) -> bool:
        return not differences(x, y, CONDITIONS)

    assert same(a, a)
    assert differences(a, b, CONDITIONS) == differences(b, a, CONDITIONS)
    assert same(a, b) == (comparable(a, CONDITIONS) == comparable(b, CONDITIONS))
    if same(a, b) and same(b, c):
        assert same(a, c)


@pytest.mark.parametrize(
    ("one", "other", "torn"),
    [
        (score("p1", 86.7), score("p2", 88.1), True),
        (score("p1", 86.7), score("p1", 88.1), False),  # one paper: two settings
        (score("p1", 86.7), score("p2", 87), False),  # rounded
        (score("p1", 86.7), score("p2", 86), True),
        (score("p1", 86.7), score("p2", 86.70), False),
        (score("p1", 86.7), score("p2", 86.7, unit="%", written="86.7%"), False),
        (score("p1", 86.7), score("p2", 80.0, metric="f1"), True),
        (score("p1", 86.7, metric="accuracy"), score("p2", 80.0, metric="f1"), False),
        (score("p1", 86.7), score("p2", 80.0, benchmark="FooBench-Pro"), False),
        (score("p1", 86.7), score("p2", 80.0, subject="zephyr 7b"), True),
        (score("p1", 86.7), score("p2", 80.0, subject=None), False),
        (score("p1", 86.7), score("p2", 2.0, relation="delta"), False),
        (score("p1", 86.7), score("p2", 90.0, bound="up_to"), False),
        (score("p1", 86.7), score("p2", 80.0, bound="up_to"), True),
        (score("p1", 86.7), score("p2", 80.0, bound="at_least"), False),
        (score("p1", 86.7), score("p2", 90.0, bound="at_least"), True),
        (score("p1", 86.7), score("p2", 84.0, bound="about"), False),
        (score("p1", 86.7), score("p2", 70.0, bound="about"), True),
        (score("p1", 86.7), score("p2", 70.0, bound="average"), False),
        (score("p1", 86.7), score("p2", 80, score_high=90.0, bound="range"), False),
        (score("p1", 86.7), score("p2", 0, score_low=None, score_high=None), False),
    ],
)  # fmt: skip
def test_contradicting_scores(one: dict[str, Any], other: dict[str, Any], torn: bool) -> None:
    for pair in ([one, other], [other, one]):
        assert bool(conflicts(pair, "benchmarks")) is torn


def test_a_speedup_is_contradicted_only_under_the_same_conditions() -> None:
    one = speedup("p1", ratio=1.05, written="5%")
    other = speedup("p2", ratio=1.14, written="14%")
    assert len(conflicts([one, other], "speedups")) == 1
    for change in ({"hardware": []}, {"workload": "decoding"}, {"baselines": ["B"]}):
        assert not conflicts([one, other | change], "speedups")
    unknown = {"baselines": []}
    assert not conflicts([one | unknown, other | unknown], "speedups")
    halved = speedup("p1", ratio=2.0, written="50%")
    assert not conflicts(
        [halved, speedup("p2", ratio=1 / (1 - 0.502), written="50.2%")], "speedups"
    )


def test_model_sizes_contradict_in_total_or_in_active_parameters() -> None:
    def model(paper_id: str, params: int, active: int | None, written: str) -> dict[str, Any]:
        return {
            "run": "r", "paper_id": paper_id, "model": "Zephyr", "params": params,
            "active_params": active, "bound": "exact", "written": written,
        }  # fmt: skip

    one = model("p1", 671_000_000_000, 37_000_000_000, "671B")
    assert conflicts([one, model("p2", 685_000_000_000, None, "685B")], "models")
    assert conflicts([one, model("p2", 671_000_000_000, 21_000_000_000, "671B")], "models")
    assert not conflicts([one, model("p2", 671_000_000_000, None, "671B")], "models")
    assert not conflicts([one, model("p2", 700_000_000_000, None, "0.7T")], "models")


def test_a_conflict_names_the_statements_that_are_in_it() -> None:
    lines = [score("p1", 80.0), score("p2", 80.0), score("p3", 90.0)]
    (found,) = conflicts(lines, "benchmarks")
    assert found.about == "Zephyr-7B, FooBench"
    assert [row["paper_id"] for row in found.against(lines[0])] == ["p3"]
    assert [row["paper_id"] for row in found.against(lines[2])] == ["p1", "p2"]


def test_spelling() -> None:
    assert spelled("GPT-4") == spelled("gpt 4") == spelled(r"\textsc{GPT}-4")
    assert spelled("GPT-4") != spelled("GPT-4o")
