"""The command line's limits, run.json and progress: what a run says that it did and spent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from claimgrid.cli import progress
from server import Say, Server, completion
from test_cli import extract, jsonl, lines

PRICES = {"CLAIMGRID_PRICE_INPUT": "1000", "CLAIMGRID_PRICE_OUTPUT": "5000"}
# By these prices a reply of `server.completion` costs 100 × $0.001 + 10 × $0.005.
A_REPLY = 0.15


def reply(number: int, body: Any) -> Say:
    words = body["messages"][-1]["content"].split("Zephyr is ")[1].split(" faster")[0]
    item = {"quote": f"{words} faster", "value": words, "change": "up"}
    return completion(json.dumps({"speedups": [item]}))


def papers(folder: Path, count: int) -> Path:
    return jsonl(
        folder / "mine.jsonl",
        *(
            {"id": f"p{n}", "title": "Zephyr", "abstract": f"Zephyr is {n}.5x faster."}
            for n in range(1, count + 1)
        ),
    )


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return found


def check_account(out: Path) -> dict[str, Any]:
    """Every input stands in run.json once, and the lines say the same."""
    told = manifest(out)
    rows = lines(out / "papers.jsonl")
    assert told["read"] == told["papers"] + told["unreached"]
    assert told["papers"] == len(rows) == sum(told["statuses"].values())
    assert told["papers"] == sum(told["asked"].values()) + told["source_problems"]
    assert told["statuses"] == dict(Counter(row["status"] for row in rows))
    failed = [row for row in rows if row["status"] not in ("claims", "no_claims")]
    assert sum(told["errors"].values()) == len(failed)
    assert told["source_problems"] == sum(row["stage"] == "source" for row in rows)
    assert told["warnings"] == sum(len(row["warnings"]) for row in rows)
    assert sum(told["claims"].values()) == len(lines(out / "claims.jsonl"))
    assert sum(told["rejected"].values()) == len(lines(out / "rejected.jsonl"))
    unclaimed = sum(len(row["unclaimed_numbers"]) for row in rows)
    assert sum(told["unclaimed_numbers"].values()) == unclaimed
    for name in ("claimgrid", "python", "openai", "instructor", "prompt", "prompt_sha256",
                 "schema_sha256", "model", "seconds", "finished"):  # fmt: skip
        assert told[name]
    return told


@pytest.mark.slow
def test_max_requests_stops_and_the_same_command_goes_on(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--max-requests", 4, "--concurrency", 1)  # fmt: skip
        for asked, code in ((4, 1), (8, 1), (10, 0)):
            done = extract(*command)
            assert done.returncode == code, done.stdout + done.stderr
            assert len(server.requests) == asked
            told = check_account(out)
            assert told["papers"] == asked
            if code:
                assert told["stopped_by"] == "--max-requests 4"
                assert not told["source_ended"]
                assert "the same command continues from here" in done.stdout
    assert told["stopped_by"] is None
    assert told["source_ended"]
    assert told["asked"] == {"cache": 8, "live": 2}


@pytest.mark.slow
def test_max_cost_stops_before_it_is_spent(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--max-cost", 20 * A_REPLY, "--concurrency", 1)  # fmt: skip
        # A request of this prompt is estimated at thousands of tokens, so nothing may go at all …
        done = extract(*command, **PRICES)
        assert done.returncode == 1
        assert len(server.requests) == 0
        # … and with more to spend, the first replies tell what they really cost.
        command = (*command[:-4], "--max-cost", 70 * A_REPLY, "--concurrency", 1)
        done = extract(*command, **PRICES)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.requests) == 10
    told = check_account(out)
    assert told["cost_usd"] == pytest.approx(10 * A_REPLY)
    assert told["prices"] == "settings price_input and price_output"
    assert "$1.5" in done.stdout


@pytest.mark.slow
def test_a_cost_limit_without_a_price_is_refused_with_a_way_on(tmp_path: Path) -> None:
    done = extract("run", papers(tmp_path, 1), "--out", tmp_path / "out", "--model", "m",
                   "--base-url", "http://127.0.0.1:9/v1", "--max-cost", 1)  # fmt: skip
    assert done.returncode == 2
    assert "no price is known for m" in done.stderr
    assert "CLAIMGRID_PRICE_INPUT" in done.stderr
    half = extract("run", papers(tmp_path, 1), "--out", tmp_path / "out", CLAIMGRID_PRICE_INPUT="1")
    assert half.returncode == 2
    assert "set both price_input and price_output" in half.stderr


@pytest.mark.slow
def test_max_minutes_also_stops_those_that_wait_for_their_turn(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url)
        # Two go at once; the third would wait for half a minute.
        done = extract(*command, "--rpm", 2, "--max-minutes", 0.05)
        assert done.returncode == 1
        assert "stopped by --max-minutes 0.05" in done.stdout
        assert len(server.requests) <= 2
        told = check_account(out)
        assert told["unreached"] == told["read"] - len(server.requests)
        assert extract(*command).returncode == 0
    assert len(server.requests) == 10


@pytest.mark.slow
def test_failed_tries_reasks_and_refusals_are_paid_for_and_told(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 6), tmp_path / "out"
    source.write_text(source.read_text() + "{broken\n")
    tries: Counter[str] = Counter()

    def script(number: int, body: Any) -> Say:
        texts = [message["content"] for message in body["messages"]]
        paper = [text for text in texts if "Zephyr is" in text][-1].split("Zephyr is ")[1][0]
        tries[paper] += 1
        match (paper, tries[paper]):
            case ("1", 1 | 2):
                return Say({}, status=503)
            case ("2", 1):
                return completion('{"speedups": [{"quote": 1}]}')
            case ("3", _):
                return completion(None, refusal="No.")
            case ("4", _):
                return completion('{"speedups": [', finish="length")
            case ("5", 1):
                return Say(drop=True)
        words = f"{paper}.5x"
        item = {"quote": f"{words} faster", "value": words, "change": "up"}
        return completion(json.dumps({"speedups": [item]}))

    with Server(script) as server:
        done = extract("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                       CLAIMGRID_BACKOFF="0.01", **PRICES)  # fmt: skip
    assert done.returncode == 1
    told = check_account(out)
    assert told["asked"] == {"live": 6}
    assert told["errors"] == {"refused": 1, "source": 1, "truncated": 1}
    assert told["http"] == {"HTTP 200": 7, "HTTP 503": 2, "nothing": 1}
    assert sum(told["http"].values()) == len(server.requests)
    assert told["live_usage"]["requests"] == 7  # 6 papers and a re-ask
    assert told["live_usage"]["input_tokens"] == 700
    assert told["cost_usd"] == pytest.approx(7 * A_REPLY)
    assert told["per_live_paper"]["cost_usd"] == pytest.approx(7 * A_REPLY / 6)
    assert told["per_live_claim"] == {
        "tokens": pytest.approx(770 / 4, abs=0.1),
        "cost_usd": pytest.approx(7 * A_REPLY / 4),
    }


@pytest.mark.slow
def test_a_run_without_a_reply_accounts_for_every_paper_too(tmp_path: Path) -> None:
    done = extract("run", papers(tmp_path, 3), "--out", tmp_path / "out", "--replay", "only")
    assert done.returncode == 1
    told = check_account(tmp_path / "out")
    assert told["asked"] == {"nowhere": 3}
    assert told["cost_usd"] == 0
    assert told["per_live_claim"] == {"tokens": None, "cost_usd": None}


def test_a_log_gets_a_line_now_and_then_and_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = {"papers": 2, "total": 9, "papers_per_s": 0.2, "eta_s": 35.0, "tokens": 0,
           "cost_usd": 0, "failed": 1, "under_way": 1, "allowed": 1}  # fmt: skip
    times = iter([0.0, 1.0, 16.0, 16.0, 17.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    with progress.progress("bar", lambda: now) as shown:
        for _ in range(3):
            shown.moved()
    assert capsys.readouterr().err == (
        "2 of 9 papers · 12 papers/min · 0:35 left · 1 failed · 1 of 1 under way\n"
    )


@pytest.mark.slow
def test_json_progress_is_a_valid_object_a_line_with_the_facts(tmp_path: Path) -> None:
    def script(number: int, body: Any) -> Say:
        say = completion(None, refusal="No.") if number == 1 else reply(number, body)
        return Say(say.body, delay=0.35)

    with Server(script) as server:
        done = extract("run", papers(tmp_path, 9), "--out", tmp_path / "out", "--model", "m",
                       "--base-url", server.url, "--concurrency", 1, "--log-format", "json",
                       **PRICES)  # fmt: skip
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in told] == ["progress"] * (len(told) - 1) + ["end"]
    assert len(told) >= 3
    last = told[-1]
    assert (last["papers"], last["total"], last["claims"], last["failed"]) == (9, 9, 8, 1)
    assert last["errors"] == {"refused": 1}
    assert last["http"] == {"HTTP 200": 9}
    assert last["tokens"] == 990
    assert last["cost_usd"] == pytest.approx(9 * A_REPLY)
    assert last["eta_s"] == 0
    middle = told[1]
    assert middle["papers"] < 9
    assert (middle["under_way"], middle["allowed"]) == (1, 1)
    assert middle["papers_per_s"] > 0
