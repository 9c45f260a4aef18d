"""A server that counts what it is asked, and what of it a run of `extract` still has on disk."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server import Say, Server, completion
from test_cli import LINES, ROOT, extract, jsonl, lines

PAPERS = 20
CONCURRENCY = 6
# The gate bounds the requests, and as many papers again may be on their way to disk.
AT_RISK = 2 * CONCURRENCY
PATIENCE = 60.0  # seconds after which a run is said to hang; nothing takes so long


class Counting:
    """A server that counts how often each paper was asked about, by turn: first, re-ask.

    Every fifth paper's first reply is invalid, so that half-done conversations are killed too.
    """

    def __init__(self, *, padding: int = 0, delay: Callable[[int], float] = lambda _: 0.0) -> None:
        self.asked: Counter[tuple[int, int]] = Counter()
        self.padding, self.delay = padding, delay
        self._lock = threading.Lock()
        self.server = Server(self._answer)

    def _answer(self, _: int, body: Any) -> Say:
        texts = [message["content"] for message in body["messages"]]
        at = max(n for n, text in enumerate(texts) if "Zephyr is" in text)
        paper = int(texts[at].split("Zephyr is ")[1].split(".5x")[0])
        turn = int(at < len(texts) - 1)
        with self._lock:
            self.asked[paper, turn] += 1
        item = {"quote": f"{paper}.5x faster", "value": f"{paper}.5x", "change": "up"}
        if paper % 5 == 0 and turn == 0:
            item["change"] = "sideways"
        say = completion(json.dumps({"speedups": [item]}))
        return Say(say.body | {"padding": "x" * self.padding}, delay=self.delay(paper))

    @property
    def total(self) -> int:
        return sum(self.asked.values())


def source(folder: Path, count: int = PAPERS) -> Path:
    papers = (
        {"id": f"p{n}", "title": f"Zephyr {n}", "abstract": f"Zephyr is {n}.5x faster."}
        for n in range(1, count + 1)
    )
    return jsonl(folder / "papers.jsonl", *papers)


def command(papers: Path, out: Path, url: str) -> tuple[object, ...]:
    return ("run", papers, "--out", out, "--model", "m", "--base-url", url,
            "--concurrency", CONCURRENCY, "--log-format", "none")  # fmt: skip


def kept(out: Path, scratch: Path) -> dict[int, int]:
    """Attempts on disk by paper, read from a copy: a reader would tidy up what a kill left."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for path in out.glob("replies.sqlite*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, scratch)
    if not (scratch / "replies.sqlite").exists():
        return {}
    with closing(sqlite3.connect(scratch / "replies.sqlite")) as database:
        try:
            rows = database.execute("SELECT recording FROM replies").fetchall()
        except sqlite3.OperationalError:  # killed before the table was there
            return {}
    found = [json.loads(row[0]) for row in rows]
    return {int(one["paper_id"][1:]): len(one["attempts"]) for one in found}


def whole(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in LINES}


class Life:
    """One process of a run and what it may ask: nothing that was on disk when it began."""

    def __init__(self, server: Counting, out: Path, scratch: Path) -> None:
        self._server, self._out, self._scratch = server, out, scratch
        self._kept = kept(out, scratch)
        self._asked = server.asked.copy()

    def ended(self) -> None:
        now = kept(self._out, self._scratch)
        asked = self._server.asked - self._asked
        for paper, turn in asked:
            assert turn >= self._kept.get(paper, 0), f"paper {paper} was paid for and asked again"
        assert all(now.get(paper, 0) >= n for paper, n in self._kept.items()), "a reply is gone"
        lost = sum(asked.values()) - (sum(now.values()) - sum(self._kept.values()))
        assert lost <= AT_RISK, "more than what was under way is lost"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def reference(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reference")
    counting = Counting()
    with counting.server as server:
        done = extract(*command(papers, folder / "out", server.url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert counting.total == PAPERS + PAPERS // 5
    return whole(folder / "out")


def check(out: Path, reference: dict[str, bytes]) -> None:
    assert whole(out) == reference
    claims = [line["claim_id"] for line in lines(out / "claims.jsonl")]
    assert len(set(claims)) == len(claims) == PAPERS
    assert [line["paper_id"] for line in lines(out / "papers.jsonl")] == [
        f"p{n}" for n in range(1, PAPERS + 1)
    ]


def started(
    arguments: tuple[object, ...], before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "claimgrid", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
        preexec_fn=before,
    )


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < patience, "it hangs"
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
