"""A run's folder: what is written comes back, and what cannot be written is told."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from claimgrid.errors import StoreError
from claimgrid.extraction.pipeline import read_answer
from claimgrid.io import run_folder
from claimgrid.llm.recording_folder import RecordingFolder, folder_name
from claimgrid.llm.response_store import Attempt, Recording, ReplyCache
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply


def outcome(name: str = "z") -> Outcome:
    reply = Reply.model_validate(
        {
            "speedups": [
                {"quote": "2x faster", "value": "2x", "change": "up"},
                {"quote": "9x faster", "value": "9x", "change": "up"},
            ]
        }
    )
    paper = Paper(paper_id=name, title="Zephyr – schnell", abstract="Zephyr is 2x faster.")
    return read_answer(paper, Answer(reply, (), Usage(), "live", "api", "m"))


def recording(key: str = "k") -> Recording:
    return Recording(
        key=key, origin="api", model="a/b", mode="tools", recorded="2026-01-01", prompt="p@1",
        prompt_sha256="0", schema_sha256="1", paper_id="z", title="Ü", abstract_sha256="2",
        attempts=(Attempt(status=200, body={"x": "é"}), Attempt(status=200, body="text")),
    )  # fmt: skip


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    written = [outcome("a"), outcome("b")]
    with run_folder.RunWriter(tmp_path / "run") as writer:
        for one in written:
            writer.add(one)
    assert list(run_folder.read_claims(tmp_path / "run")) == [c for o in written for c in o.claims]
    assert list(run_folder.read_papers(tmp_path / "run")) == [o.paper for o in written]
    assert list(run_folder.read_rejected(tmp_path / "run")) == [
        r for o in written for r in o.rejected
    ]
    assert "schnell" in (tmp_path / "run" / "papers.jsonl").read_text(encoding="utf-8")
    assert not list((tmp_path / "run").glob("*.part"))


def test_a_failed_run_leaves_the_last_result(tmp_path: Path) -> None:
    with run_folder.RunWriter(tmp_path) as writer:
        writer.add(outcome("first"))
    before = (tmp_path / "papers.jsonl").read_bytes()

    def fail_halfway() -> None:
        with run_folder.RunWriter(tmp_path) as writer:
            writer.add(outcome("second"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert (tmp_path / "papers.jsonl").read_bytes() == before


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    with run_folder.RunWriter(tmp_path) as writer:
        writer.add(outcome())
    path = tmp_path / "claims.jsonl"
    path.write_text(path.read_text() + '{"kind": "speedup"}\n')
    with pytest.raises(StoreError, match=r"claims\.jsonl:2.*claim_id"):
        list(run_folder.read_claims(tmp_path))
    path.write_text("not json\n")
    with pytest.raises(StoreError, match="folder of a finished run"):
        list(run_folder.read_claims(tmp_path))
    with pytest.raises(StoreError, match=r"run\.json"):
        run_folder.read_manifest(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="pass another --out"):
        run_folder.RunWriter(tmp_path / "file" / "run")


def test_recordings_in_a_folder(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    assert folder.get("a/b", "k") is None
    folder.put(recording())
    assert folder.get("a/b", "k") == recording()
    assert [r.key for r in folder.of_model("a/b")] == ["k"]
    assert (tmp_path / "a-b" / "k.json").exists()
    (tmp_path / "a-b" / "k.json").write_text("{}")
    with pytest.raises(StoreError, match=r"k\.json: not a readable recording"):
        folder.get("a/b", "k")


def test_recordings_in_a_cache(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite")
    assert cache.get("a/b", "k") is None
    cache.put(recording())
    cache.put(recording())
    assert cache.get("a/b", "k") == recording()
    cache.close()
    assert sqlite3.connect(tmp_path / "replies.sqlite").execute(
        "select count(*) from replies"
    ).fetchone() == (1,)


def test_a_cache_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    path.write_bytes(b"x" * 4096)
    with pytest.raises(StoreError, match=r"replies\.sqlite.*cannot be opened"):
        ReplyCache(path)


@pytest.mark.parametrize(
    ("model", "name"),
    [("claude", "claude"), ("openai/gpt-x", "openai-gpt-x"), ("../../etc", "etc"), ("/", "model")],
)
def test_a_model_s_name_cannot_leave_the_folder(model: str, name: str) -> None:
    assert folder_name(model) == name


@pytest.mark.parametrize("error", [StoreError("full"), ValueError("no text"), MemoryError()])
def test_whatever_a_commit_raises_reaches_all_who_wait_and_the_next_is_stored(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(recordings: object) -> None:
        raise error

    async def main(cache: ReplyCache) -> list[object]:
        with monkeypatch.context() as broken:
            broken.setattr(cache, "_commit", fail)
            keeping = (cache.keep(recording(f"k{n}")) for n in range(3))
            told = await asyncio.wait_for(asyncio.gather(*keeping, return_exceptions=True), 30)
        await asyncio.wait_for(cache.keep(recording("next")), 30)
        return told

    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        assert asyncio.run(main(cache)) == [error] * 3
        assert cache.get("a/b", "next") == recording("next")


def test_a_writer_that_was_cancelled_is_followed_by_another(tmp_path: Path) -> None:
    async def main(cache: ReplyCache) -> None:
        first = asyncio.create_task(cache.keep(recording("first")))
        await asyncio.sleep(0)
        assert cache._writing is not None
        cache._writing.cancel()
        await asyncio.wait([cache._writing])
        await asyncio.wait_for(cache.keep(recording("second")), 30)
        await asyncio.wait_for(first, 30)

    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        asyncio.run(main(cache))
