"""A run without room, in a folder that it may not write, or with a damaged reply store."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from claimgrid.errors import StoreError
from claimgrid.llm.response_store import Attempt, Recording, ReplyCache
from counting import (
    AT_RISK,
    Counting,
    Life,
    check,
    command,
    kept,
    papers,
    reference,
    source,
    started,
    whole,
)
from test_cli import extract

__all__ = ["papers", "reference"]  # fixtures


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
    assert "the same command continues from there" in done.stderr
    assert 0 < stored < counting.total <= stored + AT_RISK


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_like_a_full_disk(
    tmp_path: Path, papers: Path, reference: dict[str, bytes]
) -> None:
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


@pytest.mark.slow
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
        done = extract("run", papers, "--replay", "only", "--out", folder / "out")
    else:  # modes do not bind root
        with small_disk(tmp_path / "disk", 100) as remount:
            remount("ro")
            out = tmp_path / "disk" / "out"
            done = extract("run", papers, "--replay", "only", "--out", out)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "pass another --out" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
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
    with closing(ReplyCache(path)) as cache:
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
            with closing(ReplyCache(path)) as cache:
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
    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        assert cache._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert cache._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_an_interrupted_run_had_not_written_is_written_at_the_close(tmp_path: Path) -> None:
    async def interrupted(cache: ReplyCache) -> None:
        keeping = [asyncio.create_task(cache.keep(recording(f"k{n}", ""))) for n in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)

    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        asyncio.run(interrupted(cache))
    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        assert all(cache.get("m", f"k{n}") is not None for n in range(5))
