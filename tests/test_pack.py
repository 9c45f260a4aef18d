"""Several papers in one request: parts by number, fall-back to single, the same claims."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from server import Say, Server, completion
from test_cli import LINES, PAPERS, extract, jsonl, lines
from test_cli import reply as single_reply

PAPER = re.compile(r'<paper id="(\d+)">.*?Zephyr is (\S+) faster', re.S)


def parts(body: Any) -> list[dict[str, Any]]:
    """A good part for every paper of a packed request."""
    return [
        {"id": int(number), "speedups": [{"quote": f"{x} faster", "value": x, "change": "up"}]}
        for number, x in PAPER.findall(body["messages"][-1]["content"])
    ]


def is_packed(body: Any) -> bool:
    return "<paper id=" in body["messages"][-1]["content"]


def packed(change: Any = None) -> Any:
    """A script that answers packs (after `change` of their parts) and single requests."""

    def script(number: int, body: Any) -> Say:
        if not is_packed(body):
            return single_reply(number, body)
        found = parts(body)
        found = change(found) if change else found
        return completion(found if isinstance(found, str) else json.dumps({"papers": found}))

    return script


def run(source: Path, out: Path, url: str, *more: object) -> Any:
    return extract("run", source, "--out", out, "--model", "m", "--base-url", url, *more)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    seven = [PAPERS[0] | {"id": f"p{n}", "abstract": f"Zephyr is {n}.5x faster."}
             for n in range(1, 8)]  # fmt: skip
    return jsonl(tmp_path / "mine.jsonl", *seven)


def test_packed_and_single_runs_give_the_same_lines(source: Path, tmp_path: Path) -> None:
    with Server(packed()) as server:
        alone = run(source, tmp_path / "alone", server.url)
        asked_alone = len(server.requests)
        together = run(source, tmp_path / "together", server.url, "--pack", "3")
        asked_together = len(server.requests) - asked_alone
        again = run(source, tmp_path / "together", server.url, "--pack", "3")
    assert (alone.returncode, together.returncode, again.returncode) == (0, 0, 0)
    # 3 + 3 packed; the seventh paper is a pack of its own, and that is a single request.
    assert (asked_alone, asked_together) == (7, 3)
    assert len(server.requests) == 10
    for name in LINES:
        assert (tmp_path / "alone" / name).read_bytes() == (
            tmp_path / "together" / name
        ).read_bytes()
    assert "cache of m (local-server) 7" in again.stdout
    system = next(b for b in server.requests if is_packed(b))["messages"][0]["content"]
    assert "SEVERAL ABSTRACTS" in system


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda found: found[1:], 2 + 1 + 2),
        (lambda found: [found[0] | {"speedups": [{"quote": 3}]}, *found[1:]], 2 + 1 + 2),
        (lambda found: [found[0] | {"id": found[-1]["id"]}, *found[1:]], 2 + 1 + 4),
        (lambda found: [part | {"id": part["id"] + 100} for part in found], 2 + 1 + 6),
        (lambda found: found[::-1], 2 + 1),
        (lambda found: "no JSON", 2 + 1 + 6),
        (lambda found: '{"papers": 7}', 2 + 1 + 6),
    ],
    ids=["one is missing", "one is invalid", "a number twice", "unknown numbers", "another order",
         "no JSON", "no list"],
)  # fmt: skip
def test_what_a_pack_does_not_answer_is_asked_alone(
    change: Any, asked: int, source: Path, tmp_path: Path
) -> None:
    with Server(packed(change)) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(server.requests) == asked
    claims = lines(tmp_path / "out" / "claims.jsonl")
    assert [claim["ratio"]["low"] for claim in claims] == [n + 0.5 for n in range(1, 8)]
    manifest = json.loads((tmp_path / "out" / "run.json").read_text())
    assert manifest["live_usage"]["requests"] == asked


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_pack_that_is_cut_or_refused_is_asked_one_by_one(
    finish: str, source: Path, tmp_path: Path
) -> None:
    def script(number: int, body: Any) -> Say:
        return completion("", finish=finish) if is_packed(body) else single_reply(number, body)

    with Server(script) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "4")
    assert done.returncode == 0, done.stdout
    assert len(lines(tmp_path / "out" / "claims.jsonl")) == 7


def test_one_bad_line_costs_only_itself_in_a_pack(source: Path, tmp_path: Path) -> None:
    source.write_text("{broken\n" + source.read_text())
    with Server(packed()) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "4")
    assert done.returncode == 1
    assert len(server.requests) == 2
    statuses = [row["status"] for row in lines(tmp_path / "out" / "papers.jsonl")]
    assert statuses == ["error"] + ["claims"] * 7


def test_packs_that_cannot_be_are_refused(source: Path, tmp_path: Path) -> None:
    for more, words in (
        (("--pack", "9", "--concurrency", "2"), "--concurrency 5"),
        (("--pack", "2", "--mode", "tools"), "json_schema mode"),
        (("--pack", "0"), "pack"),
    ):
        done = run(source, tmp_path / "out", "http://127.0.0.1:1/v1", *more)
        assert done.returncode == 2
        assert words in done.stderr
