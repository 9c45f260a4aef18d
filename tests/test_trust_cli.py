"""eval, gold, diff and recordings through the real command line, on the seeds' recordings."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import claimgrid
from server import Server, completion
from test_cli import PAPERS, ROOT, extract, jsonl, lines, reply

SEEDS = ROOT / "seeds" / "listing.txt"
GOLD = ROOT / "fixtures" / "gold" / "seeds.jsonl"
OPEN = ROOT / "fixtures" / "gold" / "open.jsonl"
GOLDEN = ROOT / "fixtures" / "golden" / "seeds"
# Every source that the committed recordings are of.
RECORDED = (SEEDS, ROOT / "tests/data/attack.jsonl", ROOT / "fixtures/gold/open-abstracts.jsonl")


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Path]:
    """The seeds' golden run without its first claim and with another subject in its last."""
    folder = tmp_path / "changed"
    shutil.copytree(GOLDEN, folder)
    claims = lines(folder / "claims.jsonl")[1:]
    claims[-1]["subject"] = "Somebody else"
    jsonl(folder / "claims.jsonl", *claims)
    return folder


def scores(folder: Path, *gold: Path) -> dict[str, Any]:
    options = [part for path in gold for part in ("--gold", path)]
    done = extract("eval", folder, *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_eval_prints_whole_claims_and_intervals_beside_f1() -> None:
    done = extract("eval", GOLDEN, "--gold", GOLD)
    assert done.returncode == 0, done.stderr
    for words in ("whole-claim accuracy", "grounding F1", "95% interval", "errors by cause"):
        assert words in done.stdout
    found = scores(GOLDEN, GOLD)
    assert found["all"]["f1"] == 1.0
    assert 0 < found["whole_claims"]["accuracy"] <= found["whole_claims"]["lenient"] <= 1
    low, high = found["intervals"]["whole_claim_accuracy"]
    assert low <= found["whole_claims"]["accuracy"] <= high


def test_papers_that_the_run_lacks_count_as_missed_and_are_told(changed: Path) -> None:
    done = extract("eval", changed, "--gold", GOLD, "--gold", OPEN, "--format", "json")
    assert done.returncode == 0
    assert "The run lacks 67 papers of the gold" in done.stderr
    found = json.loads(done.stdout)
    assert found["papers"] == 81
    assert len(found["absent"]) == 67
    assert found["all"]["recall"] < 0.3


def test_papers_that_failed_are_told_and_not_drafted(tmp_path: Path) -> None:
    run, gold, out = tmp_path / "run", tmp_path / "gold.jsonl", tmp_path / "drafted.jsonl"
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS[:2])
    assert extract("run", source, "-o", run, "--model", "rules").returncode == 0
    assert extract("gold", "draft", run, "-o", gold).returncode == 0
    papers, claims = lines(run / "papers.jsonl"), lines(run / "claims.jsonl")
    jsonl(run / "papers.jsonl", papers[0] | {"status": "error", "claims": {}}, papers[1])
    jsonl(run / "claims.jsonl", claims[1])
    done = extract("eval", run, "--gold", gold, "--format", "junit")
    assert "The run failed on 1 paper of the gold" in done.stderr
    assert 'failures="1"' in done.stdout
    done = extract("gold", "draft", run, "-o", out)
    assert "left out, since the run failed there: p1" in done.stderr
    assert [line["id"] for line in lines(out)] == ["p2"]
    jsonl(run / "papers.jsonl", papers[0] | {"status": "error", "claims": {}})
    assert extract("gold", "draft", run).returncode == 2


def test_fail_under_fails_on_a_drop(changed: Path) -> None:
    assert extract("eval", GOLDEN, "--gold", GOLD, "--fail-under", "1.0").returncode == 0
    done = extract("eval", changed, "--gold", GOLD, "--fail-under", "1.0")
    assert done.returncode == 1
    assert "is below --fail-under 1" in done.stderr


def test_junit_has_a_case_for_each_paper(changed: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.xml"
    done = extract(
        "eval", changed, "--gold", GOLD, "--format", "junit", "-o", out, "--fail-under", "1"
    )
    assert done.returncode == 1
    suite = ET.fromstring(out.read_text(encoding="utf-8"))
    assert suite.get("tests") == "15"
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failed))
    assert "F1 at least 1" in failed


def test_html_holds_every_error_and_loads_nothing(changed: Path) -> None:
    done = extract("eval", changed, "--gold", GOLD, "--format", "html")
    assert done.stdout.startswith("<!doctype html>")
    assert "<b>missed</b>" in done.stdout
    assert "src=" not in done.stdout


def test_one_abstract_labelled_twice_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    shutil.copy(GOLD, copy)
    done = extract("eval", GOLDEN, "--gold", GOLD, "--gold", copy)
    assert done.returncode == 2
    assert "is labelled in" in done.stderr


@pytest.mark.slow
def test_the_shipped_gold_passes_its_check() -> None:
    done = extract("gold", "check", GOLD, "--abstracts", SEEDS)
    assert done.returncode == 0, done.stdout
    done = extract("gold", "check", OPEN)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("67 papers, ")


def test_gold_check_names_what_is_wrong(tmp_path: Path) -> None:
    gold = lines(OPEN)[:1]
    claims = gold[0]["claims"]
    claims[0]["device"] = "nvidia-z9000"
    claims[1]["value"]["low"] = claims[1]["value"]["high"] = 1.8
    claims[2]["quote"] += "!"
    claims[3]["ratio"] = {"low": 9.0, "high": 9.0}
    path = jsonl(tmp_path / "gold.jsonl", *gold)
    done = extract("gold", "check", path, "--abstracts", RECORDED[2])
    assert done.returncode == 1
    for words in ("unknown device", "parses to 1.7", "does not stand at", "does not follow from"):
        assert words in done.stdout


@pytest.mark.slow
def test_a_drafted_run_scores_as_perfect_gold(tmp_path: Path) -> None:
    out, run = tmp_path / "draft.jsonl", tmp_path / "run"
    extract("run", SEEDS, "-o", run, "--model", "claude", "--replay", "only")
    assert extract("gold", "draft", run, "-o", out).returncode == 0
    done = extract("gold", "check", out, "--abstracts", SEEDS)
    assert done.returncode == 0, done.stdout
    found = scores(run, out)
    assert found["all"]["f1"] == found["whole_claims"]["accuracy"] == 1.0
    assert found["grounding"]["f1"] == 1.0
    again = extract("gold", "draft", run, "-o", out)
    assert again.returncode == 2
    assert "not overwritten" in again.stderr


def test_diff_names_each_change(changed: Path) -> None:
    done = extract("diff", GOLDEN, changed, "--format", "json", "--exit-code")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [change["what"] for change in found["changes"]] == ["removed", "changed"]
    (field,) = found["changes"][1]["fields"]
    assert (field["field"], field["after"]) == ("subject", "Somebody else")
    assert found["same"] == len(lines(GOLDEN / "claims.jsonl")) - 2


def test_diff_leaves_out_what_is_to_be_ignored(changed: Path) -> None:
    claims = lines(changed / "claims.jsonl")
    start, end = claims[0]["evidence"]["start"], claims[0]["evidence"]["end"]
    short = claims[0]["evidence"]["quote"][:-1]
    claims[0]["evidence"] = {"quote": short, "start": start, "end": end - 1}
    jsonl(changed / "claims.jsonl", *claims)
    every = json.loads(extract("diff", GOLDEN, changed, "--format", "json").stdout)
    assert every["quoted_otherwise"] == 1
    done = extract("diff", GOLDEN, changed, "--ignore", "quote", "--ignore", "subject")
    assert "1 removed, 0 changed" in done.stdout


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_diff_is_shown_in_every_format(changed: Path, form: str) -> None:
    done = extract("diff", GOLDEN, changed, "--format", form)
    assert done.returncode == 0
    assert "Somebody else" in done.stdout
    assert "removed" in done.stdout


def test_the_same_run_does_not_differ() -> None:
    done = extract("diff", GOLDEN, GOLDEN, "--exit-code")
    assert done.returncode == 0
    assert "0 added, 0 removed, 0 changed" in done.stdout


def test_no_committed_recording_is_stale_or_orphaned() -> None:
    done = extract("recordings", "status", *RECORDED, "--format", "json")
    states = [(s["state"], s["model"], s["paper_id"]) for s in json.loads(done.stdout)]
    assert [s for s in states if s[0] in ("stale", "orphaned")] == []
    assert done.returncode == 0
    assert sum(s[0] == "fresh" for s in states) >= 17


@pytest.mark.slow
def test_a_changed_title_makes_a_recording_stale_and_refresh_asks_only_for_it(
    tmp_path: Path,
) -> None:
    papers = [{"id": f"p{n}", "title": "Zephyr", "abstract": f"It is {n}.5x faster."} for n in "12"]
    source = jsonl(tmp_path / "papers.jsonl", *papers)
    folder = tmp_path / "recordings"
    options = ("--model", "m", "--recordings", folder)

    def answer(number: int, body: Any) -> Any:
        return completion("{}")

    with Server(answer) as server:
        live = (*options, "--base-url", server.url)
        extract("run", source, "-o", tmp_path / "out", *live, "--replay", "refresh")
        assert len(server.requests) == 2
        assert extract("recordings", "status", source, *options).returncode == 0
        jsonl(source, papers[0] | {"title": "Boreas"}, papers[1])
        done = extract("recordings", "status", source, *options)
        assert done.returncode == 1
        assert "title changed" in done.stdout
        done = extract("recordings", "refresh", source, "--stale", *live)
        assert done.returncode == 0, done.stderr
        assert len(server.requests) == 3
    assert extract("recordings", "status", source, *options).returncode == 0
    assert len(list(folder.rglob("*.json"))) == 2


def test_prune_deletes_what_no_source_has(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    shutil.copytree(ROOT / "fixtures" / "recordings" / "claude", folder / "claude")
    options = ("--recordings", folder)
    before = len(list(folder.rglob("*.json")))
    dry = extract("recordings", "prune", *RECORDED[1:], "--dry-run", *options)
    assert "would delete" in dry.stdout
    assert len(list(folder.rglob("*.json"))) == before
    extract("recordings", "prune", *RECORDED[1:], *options)
    assert len(list(folder.rglob("*.json"))) == before - 14


def test_show_prints_a_recording_and_its_claims() -> None:
    key = next((ROOT / "fixtures" / "recordings" / "claude").glob("*.json")).stem
    done = extract("recordings", "show", key[:12], *RECORDED)
    assert done.returncode == 0, done.stderr
    for words in (key, "request", "attempt 1, status 200"):
        assert words in done.stdout
    assert extract("recordings", "show", "zzz", *RECORDED).returncode == 2


@pytest.mark.slow
def test_drift_reports_the_share_of_claims_that_changed(tmp_path: Path) -> None:
    papers = [
        {"id": f"p{n}", "title": "Zephyr", "abstract": f"Zephyr is {n}.5x faster on a CPU."}
        for n in range(1, 5)
    ]
    source = jsonl(tmp_path / "papers.jsonl", *papers)
    subject: list[str | None] = ["Zephyr"]

    def answer(number: int, body: Any) -> Any:
        words = body["messages"][-1]["content"].split("Zephyr is ")[1].split(" faster")[0]
        item = {"quote": f"{words} faster", "value": words, "change": "up"}
        named = item | {"subject": subject[0] if words == "1.5x" else "Zephyr"}
        return completion(json.dumps({"speedups": [named]}))

    with Server(answer) as server:
        options = ("--model", "m", "--base-url", server.url, "--recordings", tmp_path / "rec")
        extract("run", source, "-o", tmp_path / "out", *options, "--replay", "refresh")
        subject[0] = None
        done = extract("drift", source, *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["papers"], found["change_rate"]) == (4, 0.25)
    assert found["interval"][0] <= 0.25 <= found["interval"][1]
    assert [field["field"] for field in found["changes"][0]["fields"]] == ["subject"]
    nothing = extract(
        "drift",
        SEEDS,
        "--model",
        "m",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--attempts",
        "1",
        "--sample",
        "1",
    )
    assert nothing.returncode == 2


@pytest.mark.slow
def test_samples_give_each_claim_its_support_and_list_disagreements(tmp_path: Path) -> None:
    paper = {"id": "p", "title": "Z", "abstract": "Zephyr is 2.5x faster and has 7B parameters."}
    source, out = jsonl(tmp_path / "papers.jsonl", paper), tmp_path / "out"

    def answer(number: int, body: Any) -> Any:
        speedup = {"quote": "Zephyr is 2.5x faster", "value": "2.5x", "change": "up"}
        size = {"quote": "7B parameters", "total": "7B"}
        named = speedup if number == 2 else speedup | {"subject": "Zephyr"}
        return completion(json.dumps({"speedups": [named], "model_sizes": [size] * (number < 1)}))

    with Server(answer) as server:
        options = ("-o", out, "--model", "m", "--base-url", server.url)
        done = extract("run", source, "--samples", "3", *options)
        assert done.returncode == 0, done.stderr
        temperatures = [request.get("temperature") for request in server.requests]
        extract("run", source, "--samples", "3", "--min-confidence", "0.5", *options)
        assert len(server.requests) == 3  # the same command pays for nothing twice
    assert temperatures == [0.0, 0.7, 0.7]
    assert [claim["kind"] for claim in lines(out / "claims.jsonl")] == ["speedup"]
    assert [line["reason"] for line in lines(out / "rejected.jsonl")] == ["low_confidence"]
    runs = [out / "runs" / number for number in "123"]
    done = extract("agree", *runs, "-o", out)
    assert done.returncode == 0, done.stderr
    support = {
        c["kind"]: (c["support"], c["confidence_source"]) for c in lines(out / "claims.jsonl")
    }
    assert support["speedup"] == (pytest.approx(2 / 3), "support")
    assert support["model_size"] == (pytest.approx(1 / 3), "support")
    listed = {item["quote"]: item for item in lines(out / "disagreements.jsonl")}
    assert listed["Zephyr is 2.5x faster"]["variants"] == {"subject": [None]}
    assert listed["7B parameters"]["made_by"] == [1]
    told = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert told["spent"]["requests"] == 3
    assert (told["papers"], told["agreement"]["compared"]) == (1, 1)


@pytest.mark.slow
def test_samples_have_recordings_of_their_own(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", PAPERS[0])
    folder = tmp_path / "recordings"
    options = ("--model", "m", "--recordings", folder, "--samples", "3")
    with Server(reply) as server:
        live = ("--base-url", server.url, "--replay", "refresh")
        assert extract("run", source, "-o", tmp_path / "live", *options, *live).returncode == 0
    assert len(list(folder.rglob("*.json"))) == 3
    done = extract("run", source, "-o", tmp_path / "again", *options, "--replay", "only")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_several_models_read_standard_input_once_and_say_who_agrees(tmp_path: Path) -> None:
    text = "Zephyr is 2.5x faster than Boreas on an A100 GPU and has 7B parameters."
    models = ("--model", "rules", "--model", "reader")
    done = extract("run", "-", "-o", tmp_path, *models, stdin=text)
    assert done.returncode == 0, done.stderr
    claims = lines(tmp_path / "claims.jsonl")
    assert claims
    assert {claim["confidence_source"] for claim in claims} == {"support"}
    assert all(claim["support"] == claim["confidence"] for claim in claims)
    assert "run 2 of 2: reader" in done.stderr
    for more in (("--samples", "2"), ("--model", "reader"), ("--shard", "1/2")):
        assert extract("run", "-", "-o", tmp_path, *models, *more, stdin=text).returncode == 2
    assert extract("agree", tmp_path / "runs/1", "-o", tmp_path / "j").returncode == 2


def test_a_paper_that_one_run_failed_on_has_the_support_of_the_others(tmp_path: Path) -> None:
    runs = [tmp_path / name for name in "abc"]
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    assert extract("run", source, "-o", runs[0], "--model", "rules").returncode == 0
    for run in runs[1:]:
        shutil.copytree(runs[0], run)
    papers, claims = lines(runs[0] / "papers.jsonl"), lines(runs[0] / "claims.jsonl")
    assert [claim["paper_id"] for claim in claims] == ["p1", "p2", "p3"]
    failed = {"status": "error", "reason": "no answer", "claims": {}}
    jsonl(runs[0] / "papers.jsonl", papers[0] | failed, *papers[1:])
    jsonl(runs[0] / "claims.jsonl", *claims[1:])
    jsonl(runs[1] / "papers.jsonl", *papers[:2])
    jsonl(runs[1] / "claims.jsonl", *claims[:2])
    done = extract("agree", *runs, "-o", tmp_path / "joined")
    assert done.returncode == 0, done.stderr
    joined = lines(tmp_path / "joined" / "papers.jsonl")
    assert [(line["paper_id"], line["status"]) for line in joined] == [
        ("p1", "claims"), ("p2", "claims"), ("p3", "claims"),
    ]  # fmt: skip
    assert joined[0]["warnings"] == [f"{runs[0]} did not read this paper: no answer"]
    made = lines(tmp_path / "joined" / "claims.jsonl")
    assert [claim["claim_id"] for claim in made] == [claim["claim_id"] for claim in claims]
    assert {claim["support"] for claim in made} == {1.0}
    jsonl(runs[1] / "papers.jsonl", papers[0] | {"abstract_sha256": "0" * 64}, papers[1])
    done = extract("agree", *runs, "-o", tmp_path / "other")
    assert done.returncode == 2
    assert "read other texts of p1" in done.stderr


@pytest.mark.slow
def test_tables_hold_the_sure_claims_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(GOLDEN, folder)
    claims = lines(folder / "claims.jsonl")
    for number, claim in enumerate(claims):
        claim |= {"confidence": number / len(claims), "confidence_source": "model"}
    jsonl(folder / "claims.jsonl", *claims)
    own = [c for c in claims if c["stance"] == "own" and c["confidence"] >= 0.5]
    done = extract("table", "claims", folder, "--min-confidence", "0.5", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) - 1 == len(own)
    assert extract("table", "papers", folder, "--min-confidence", "0.5").returncode == 2
    rows = extract("table", "speedups", folder, "--sort", "confidence", "--format", "csv").stdout
    order = [row["confidence"] for row in csv.DictReader(rows.splitlines())]
    assert order == sorted(order, key=float)
    for target in ("csv", "meas-eval"):
        out = tmp_path / target
        done = extract("export", folder, out, "--to", target, "--min-confidence", "0.5")
        assert done.returncode == 0, done.stderr
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        assert {float(row["confidence"]) >= 0.5 for row in csv.DictReader(file)} == {True}
    every = claimgrid.load(folder)
    sure = claimgrid.load(folder, min_confidence=0.5)
    assert 0 < len(sure.claims) < len(every.claims)
    assert len(sure._relation("claims").fetchall()) == len(sure.claims)
    board = extract("leaderboard", folder, "--least", "1", "--format", "csv").stdout
    narrow = extract(
        "leaderboard", folder, "--least", "1", "--format", "csv", "--min-confidence", "0.5"
    ).stdout
    assert len(narrow.splitlines()) < len(board.splitlines())
    paper = claims[-1]["paper_id"]
    shown = extract("show", folder, "--paper", paper, "--sort", "confidence", "--min-confidence", 0)
    assert shown.stdout.count("% sure") == sum(c["paper_id"] == paper for c in claims)
    shown = extract("show", folder, "--paper", paper, "--min-confidence", "1")
    assert "% sure" not in shown.stdout
