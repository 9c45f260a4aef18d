"""A run that is killed, interrupted or has no room goes on with the same command and loses nothing.

The power cannot be cut in a test. What holds then is SQLite's promise for a write-ahead log with
`synchronous=FULL`: each commit is synced before a reply is used, so all but the last commit under
way is there. The kills show that the program keeps its side of it, the pragmas are checked.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from claimgrid.errors import StoreError
from claimgrid.llm.recordings import Attempt, Cache, Recording
from forked import Forks
from server import Say, Server, completion
from test_cli import LINES, ROOT, extract, jsonl, lines

PAPERS = 20
CONCURRENCY = 6
# The gate bounds the requests, and as many papers again may be on their way to disk.
AT_RISK = 2 * CONCURRENCY
FORKED_KILLS = 180
REAL_KILLS = 20


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
            while process.is_alive() and counting.total < wanted:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.join()
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


def test_killed_at_any_moment_it_goes_on_and_pays_for_nothing_twice(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    assert campaigns(Forks().start, tmp_path, papers, reference, FORKED_KILLS) >= 5


def test_the_real_command_killed_and_run_again(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    assert campaigns(Started, tmp_path, papers, reference, REAL_KILLS) >= 2


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
    while not true():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


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
        assert "the same command goes on from here" in printed
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
        assert "the same command goes on from here" in printed
        on_disk = kept(out, tmp_path / "copy")
        assert sum(on_disk.values()) >= counting.total - AT_RISK
        slow[0] = 0.0
        life = Life(counting, out, tmp_path / "copy")
        again = extract(*command(papers, out, server.url))
        life.ended()
    assert again.returncode == 0, again.stdout + again.stderr
    check(out, reference)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Callable[[str], None]]:
    """A file system of this size; what it yields mounts it anew with other options."""
    folder.mkdir()
    made = mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)
    if made.returncode:
        pytest.skip(f"no small file system to be had: {made.stderr.strip()}")
    try:
        yield lambda options: mount("-o", f"remount,{options}", folder).check_returncode()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def mount(*arguments: object) -> subprocess.CompletedProcess[str]:
    if shutil.which("mount") is None:
        return subprocess.CompletedProcess([], 1, "", "no mount command")
    words = ["mount", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _fills_up(done: subprocess.CompletedProcess[str], counting: Counting, stored: int) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "a reply cannot be stored" in done.stderr
    assert "the same command goes on from there" in done.stderr
    assert 0 < stored < counting.total <= stored + AT_RISK


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    scratch = tmp_path / "copy"
    counting = Counting(padding=40_000)
    with counting.server as server, small_disk(tmp_path / "disk", 700) as remount:
        out = tmp_path / "disk" / "out"
        done = extract(*command(papers, out, server.url))
        _fills_up(done, counting, sum(kept(out, scratch).values()))
        remount("size=20m")
        life = Life(counting, out, scratch)
        again = extract(*command(papers, out, server.url))
        life.ended()
        assert again.returncode == 0, again.stdout + again.stderr
        check(out, reference)


def test_a_file_that_may_not_grow_is_like_a_full_disk(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    import resource

    out = tmp_path / "out"
    counting = Counting(padding=40_000)
    size = 500_000
    with counting.server as server:
        process = started(
            command(papers, out, server.url),
            lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        )
        printed, told = process.communicate(timeout=60)
        done = subprocess.CompletedProcess([], process.returncode, printed, told)
        _fills_up(done, counting, sum(kept(out, tmp_path / "copy").values()))
        life = Life(counting, out, tmp_path / "copy")
        again = extract(*command(papers, out, server.url))
        life.ended()
    assert again.returncode == 0, again.stdout + again.stderr
    check(out, reference)


def test_results_that_cannot_be_written_are_told_and_the_replies_stay(tmp_path: Path) -> None:
    papers = source(tmp_path, 200)
    counting = Counting()
    with counting.server as server, small_disk(tmp_path / "disk", 5000) as remount:
        out = tmp_path / "disk" / "out"
        assert extract(*command(papers, out, server.url)).returncode == 0
        before, asked = whole(out), counting.total
        free = shutil.disk_usage(tmp_path / "disk").free
        (tmp_path / "disk" / "filler").write_bytes(b"x" * (free - 80_000))
        done = extract(*command(papers, out, server.url))
        assert done.returncode == 2, done.stdout
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert whole(out) == before
        (tmp_path / "disk" / "filler").unlink()
        remount("size=6m")
        assert extract(*command(papers, out, server.url)).returncode == 0
    assert counting.total == asked


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    papers = source(tmp_path, 3)
    if os.getuid():
        folder = tmp_path / "disk"
        folder.mkdir(mode=0o555)
        done = extract("run", papers, "--out", folder / "out")
    else:  # modes do not bind root
        with small_disk(tmp_path / "disk", 100) as remount:
            remount("ro")
            done = extract("run", papers, "--out", tmp_path / "disk" / "out")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "pass another --out" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_row_is_asked_again_and_the_others_are_not(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    counting = Counting()
    with counting.server as server:
        assert extract(*command(papers, out, server.url)).returncode == 0
        content = bytearray((out / "replies.sqlite").read_bytes())
        at = content.index(b"7.5x faster", content.index(b"Zephyr 7"))
        content[at] ^= 0x80  # no UTF-8 any more
        (out / "replies.sqlite").write_bytes(content)
        counting.asked.clear()
        done = extract(*command(papers, out, server.url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert counting.asked == {(7, 0): 1}
    check(out, reference)


def test_no_flipped_byte_ever_gives_another_reply(tmp_path: Path) -> None:
    path, rng = tmp_path / "replies.sqlite", random.Random(6)
    with closing(Cache(path)) as cache:
        for number in range(12):
            cache.put(recording(f"key{number}", "words " * 40))
        right = {f"key{n}": cache.get("m", f"key{n}") for n in range(12)}
    sound = path.read_bytes()
    lost = told = 0
    for _ in range(400):
        content = bytearray(sound)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        for old in tmp_path.glob("replies.sqlite*"):
            old.unlink()
        path.write_bytes(content)
        try:
            with closing(Cache(path)) as cache:
                for key, value in right.items():
                    found = cache.get("m", key)
                    assert found in (None, value)
                    lost += found is None
        except StoreError:
            told += 1
    assert lost > 100
    assert told < 200


def recording(key: str, text: str) -> Recording:
    return Recording(
        key=key, origin="api", model="m", mode="json", recorded="2026-01-01", prompt="p@1",
        prompt_sha256="a", schema_sha256="b", paper_id="c", title="d", abstract_sha256="e",
        attempts=(Attempt(status=200, body={"text": text}),),
    )  # fmt: skip


def test_each_commit_is_synced_before_a_reply_is_used(tmp_path: Path) -> None:
    with closing(Cache(tmp_path / "replies.sqlite")) as cache:
        assert cache._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert cache._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_an_interrupted_run_had_not_written_is_written_at_the_close(tmp_path: Path) -> None:
    import asyncio

    async def interrupted(cache: Cache) -> None:
        keeping = [asyncio.create_task(cache.keep(recording(f"k{n}", ""))) for n in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)

    with closing(Cache(tmp_path / "replies.sqlite")) as cache:
        asyncio.run(interrupted(cache))
    with closing(Cache(tmp_path / "replies.sqlite")) as cache:
        assert all(cache.get("m", f"k{n}") is not None for n in range(5))
