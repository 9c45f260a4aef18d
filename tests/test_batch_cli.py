"""The `extract batch` commands in a subprocess, against a simulated provider on loopback."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batch_dialects import Anthropic
from batch_server import Answer, Provider, serve
from server import Server
from test_cli import PAPERS, extract, jsonl, lines
from test_cli import reply as online
from test_providers import anthropic


def cli_answer(body: Any) -> Answer:
    said = online(0, body).body
    return 200, said


@pytest.mark.slow
def test_batch_run_gives_the_same_bytes_as_an_online_run(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    provider = Provider(cli_answer)
    with serve(provider) as url:
        done = extract("batch", "run", source, "-o", tmp_path / "batched", "--model", "scripted",
                       "--base-url", url, "--poll", "0.05")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cache of scripted (batch-api) 3" in " ".join(done.stdout.split())
    with Server(online) as server:
        extract("run", source, "-o", tmp_path / "online", "--model", "scripted", "--base-url",
                server.url)  # fmt: skip
    for name in ("claims.jsonl", "papers.jsonl"):
        assert (tmp_path / "batched" / name).read_bytes() == (
            tmp_path / "online" / name
        ).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_stopped_batch_run_goes_on_with_the_same_command(
    tmp_path: Path, how: signal.Signals
) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    provider = Provider(cli_answer)
    provider.steps = ["validating", *["in_progress"] * 10_000, "completed"]
    with serve(provider) as url:
        command = ["batch", "run", str(source), "-o", str(tmp_path / "out"), "--model", "scripted",
                   "--base-url", url, "--poll", "0.02"]  # fmt: skip
        running = subprocess.Popen(
            [sys.executable, "-m", "claimgrid", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while provider.calls.count("GET /batches/ID") < 3:
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        running.send_signal(how)
        said, _ = running.communicate(timeout=60)
        if how == signal.SIGINT:
            assert running.returncode == 130
            assert "The same command continues from here" in said
        provider.steps = ["validating", "in_progress", "completed"]
        again = extract(*command)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (len(provider.batches), len(provider.asked)) == (1, 3)
    assert len(lines(tmp_path / "out" / "claims.jsonl")) == 3


@pytest.mark.slow
def test_a_paper_that_failed_in_a_batch_gets_the_batch_s_reason(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    out = tmp_path / "out"

    def answer(body: Any) -> Answer:
        words = body["messages"][-1]["content"]
        return (400, {"error": {"message": "no"}}) if "is 2.5x" in words else cli_answer(body)

    model: tuple[object, ...] = ("--model", "scripted")
    with serve(Provider(answer)) as url:
        model = (*model, "--base-url", url)
        done = extract("batch", "submit", source, "-o", out, *model)
        assert done.returncode == 0, done.stderr
        early = extract("run", source, "-o", out, *model, "--replay", "only")
        assert early.returncode == 1
        waiting = {row["reason"] for row in lines(out / "papers.jsonl")}
        assert waiting == {f"its batch has not been collected yet: `extract batch collect {out}` "
                           "does so, once it has ended"}  # fmt: skip
        done = extract("batch", "run", source, "-o", out, *model, "--poll", "0.05")
    assert done.returncode == 1, done.stdout + done.stderr
    rows = lines(out / "papers.jsonl")
    assert [row["status"] for row in rows] == ["claims", "error", "claims"]
    told = "no reply came of its batch: status 400: no; `extract batch submit` asks again"
    assert (rows[1]["stage"], rows[1]["reason"]) == ("ask", told)


@pytest.mark.slow
def test_submit_status_collect_and_cancel_say_where_things_stand(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    out = tmp_path / "out"
    provider = Provider(cli_answer)
    with serve(provider) as url:
        sent = extract(
            "batch", "submit", source, "-o", out, "--model", "scripted", "--base-url", url
        )
        assert sent.returncode == 0, sent.stderr
        assert "out 3" in sent.stdout
        assert f"extract batch collect {out}" in sent.stdout
        looked = extract("batch", "status", out)
        assert "in_progress" in looked.stdout
        assert "batch_0" in looked.stdout
        got = extract("batch", "collect", out)
        assert got.returncode == 0, got.stderr
        assert "answered 3" in got.stdout
        assert "tokens    in 300 · out 30" in got.stdout
        again = extract(
            "batch", "submit", source, "-o", out, "--model", "scripted", "--base-url", url
        )
        assert "3 papers left out: answered already" in again.stdout
        assert extract("batch", "cancel", out).returncode == 0
    assert len(provider.asked) == 3
    words = re.search(r"write the claims with: extract (.*)", got.stdout)
    assert words
    assert extract(*words[1].split()).returncode == 0
    assert len(lines(out / "claims.jsonl")) == 3
    spent = json.loads((out / "run.json").read_text())["spent"]
    assert [(one["origin"], one["input_tokens"]) for one in spent["of"]] == [("batch-api", 300)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "seeds/"), "needs --model"),
        (("submit", "seeds/", "--model", "openai/m"), "OPENAI_API_KEY"),
        (("run", "-", "--model", "openai/m"), "twice"),
        (("status", "tests"), "holds no batches"),
        (("collect", "tests"), "holds no batches"),
        (("cancel", "tests"), "holds no batches"),
    ],
)
def test_wrong_use_is_explained(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = extract("batch", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("vendor", "key"), [("anthropic", "ANTHROPIC_API_KEY"), ("google", "GEMINI_API_KEY")]
)
def test_each_vendor_s_own_key_is_asked_for(tmp_path: Path, vendor: str, key: str) -> None:
    done = extract("batch", "submit", "seeds/", "-o", tmp_path, "--model", f"{vendor}/m")
    assert done.returncode == 2
    assert key in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_anthropic_batch_goes_from_submit_to_claims_by_the_commands(tmp_path: Path) -> None:
    pytest.importorskip("anthropic", reason="pip install 'claimgrid[anthropic]'")
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)

    def answer(body: Any) -> Answer:
        words = re.findall(r"Zephyr is (\S+) faster", json.dumps(body))[-1]
        item = {"quote": f"{words} faster", "value": words, "change": "up"}
        return 200, anthropic({"speedups": [item]}, body).body

    provider = Anthropic(answer)
    with serve(provider) as url:
        provider.url = url.removesuffix("/v1")
        done = extract("batch", "run", source, "-o", tmp_path / "out", "--model", "anthropic/m",
                       "--base-url", provider.url, "--poll", "0.05",
                       ANTHROPIC_API_KEY="k")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cache of m (batch-api) 3" in " ".join(done.stdout.split())
    assert len(lines(tmp_path / "out" / "claims.jsonl")) == 3


@pytest.mark.slow
def test_no_key_is_ever_stored(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    with serve(Provider(cli_answer)) as url:
        extract("batch", "submit", source, "-o", tmp_path / "out", "--model", "m",
                "--base-url", url, OPENAI_API_KEY="sk-secret")  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "out" / "batch" / "state.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (3,)
        assert "sk-secret" not in "\n".join(db.iterdump())
