"""A run that is killed or interrupted continues with the same command and loses nothing.

The power cannot be cut in a test. What holds then is SQLite's promise for a write-ahead log with
`synchronous=FULL`: each commit is synced before a reply is used, so all but the last commit under
way is there. The kills show that the program keeps its side of it, the pragmas are checked.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from counting import (
    AT_RISK,
    CONCURRENCY,
    PAPERS,
    PATIENCE,
    Counting,
    Life,
    check,
    command,
    kept,
    papers,
    reference,
    source,
    started,
    until,
)
from forked import Forks
from server import Say, Server
from test_cli import ROOT, extract, lines

__all__ = ["papers", "reference"]  # fixtures
FORKED_KILLS = 180
REAL_KILLS = 20


class Started:
    """The real command with the few words of a `multiprocessing` process that are needed here."""

    def __init__(self, log: Path, *arguments: object) -> None:
        with log.open("a") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "claimgrid", *map(str, arguments)],
                cwd=ROOT,
                stdout=file,
                stderr=file,
            )
        self.kill = self._process.kill

    def join(self, seconds: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()


def killed_until_done(
    start: Callable[..., Any], counting: Counting, arguments: tuple[object, ...], rng: random.Random
) -> int:
    """Start, kill and start again until a run comes to its end; how many were killed."""
    out, kills = Path(str(arguments[3])), 0
    log, scratch = out.with_suffix(".log"), out.with_suffix(".copy")
    while True:
        life = Life(counting, out, scratch)
        wanted = counting.total + rng.randint(0, 12)
        process = start(log, *arguments)
        if rng.random() < 0.3:  # anywhere, the start and the writing of the results included
            process.join(rng.uniform(0, 0.35))
        else:  # a moment after some request came in
            patience = time.monotonic() + PATIENCE
            while process.is_alive() and counting.total < wanted:
                assert time.monotonic() < patience, f"it hangs: {log.read_text()}"
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.join(PATIENCE)
        life.ended()
        if process.exitcode == 0:
            return kills
        assert process.exitcode == -signal.SIGKILL, log.read_text()
        kills += 1


def campaigns(
    start: Callable[..., Any], folder: Path, papers: Path, reference: dict[str, bytes], least: int
) -> int:
    """Runs that are killed and begun again, until so many were killed; how many came to an end."""
    rng, kills, ended = random.Random(4), 0, 0
    counting = Counting(delay=lambda _: rng.uniform(0, 0.012))
    with counting.server as server:
        while kills < least:
            counting.asked.clear()
            out = folder / f"out{ended}"
            kills += killed_until_done(start, counting, command(papers, out, server.url), rng)
            check(out, reference)
            assert sum(kept(out, out.with_suffix(".copy")).values()) == PAPERS + PAPERS // 5
            ended += 1
    return ended


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_pays_for_nothing_twice(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    assert campaigns(Forks().start, tmp_path, papers, reference, FORKED_KILLS) >= 5


@pytest.mark.slow
def test_the_real_command_killed_and_run_again(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    assert campaigns(Started, tmp_path, papers, reference, REAL_KILLS) >= 2


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_under_way_and_says_how_to_go_on(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    counting = Counting(delay=lambda _: 0.15)
    with counting.server as server:
        process = started(command(papers, out, server.url))
        until(lambda: counting.total >= 3, process)
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "finishing what is under way; Ctrl-C again to stop at once" in told
        assert "the same command continues from here" in printed
        assert "Traceback" not in told + printed
        asked = counting.total
        # What was asked is on disk, and nothing else was sent after the one flight under way.
        assert sum(kept(out, tmp_path / "copy").values()) == asked <= 2 * CONCURRENCY
        manifest = json.loads((out / "run.json").read_text())
        assert manifest["stopped_by"] == "Ctrl-C"
        assert manifest["exit_code"] == 130
        assert manifest["papers"] == len(lines(out / "papers.jsonl")) < PAPERS
        assert manifest["read"] == manifest["papers"] + manifest["unreached"]
        again = extract(*command(papers, out, server.url))
    assert again.returncode == 0, again.stdout + again.stderr
    assert counting.total == PAPERS + PAPERS // 5
    check(out, reference)


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_a_server_that_asks_to_come_back_later(tmp_path: Path) -> None:
    papers, out = source(tmp_path, 4), tmp_path / "out"
    refusing = Server(lambda number, body: Say({}, status=429, headers={"retry-after": "100"}))
    with refusing as server:
        process = started(command(papers, out, server.url))
        until(lambda: len(server.requests) >= 1, process)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=50)
    assert process.returncode == 130


@pytest.mark.slow
def test_ctrl_c_twice_ends_at_once_and_keeps_what_came(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    slow = [200.0]
    counting = Counting(delay=lambda paper: slow[0] if paper == 4 else 0.01)
    with counting.server as server:
        process = started(command(papers, out, server.url))
        until(lambda: counting.asked[4, 0] > 0 and len(kept(out, tmp_path / "copy")) >= 8, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Ctrl-C again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in told + printed
        assert "the same command continues from here" in printed
        on_disk = kept(out, tmp_path / "copy")
        assert sum(on_disk.values()) >= counting.total - AT_RISK
        slow[0] = 0.0
        life = Life(counting, out, tmp_path / "copy")
        again = extract(*command(papers, out, server.url))
        life.ended()
    assert again.returncode == 0, again.stdout + again.stderr
    check(out, reference)
