"""Several papers in one request: parts by number, fall-back to single, the same claims."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.extraction import worker_pool
from claimgrid.llm import reply_reader
from claimgrid.llm.packing import Packer
from claimgrid.types.answer import Answer, PackAnswer, Usage
from claimgrid.types.reply import Reply
from fake_time import run as run_in_made_up_time
from server import Say, Server, completion
from test_account import A_REPLY, PRICES, check_account, manifest
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda found: found[1:], 2 + 1 + 2),
        (lambda found: [found[0] | {"speedups": [{"quote": 3}]}, *found[1:]], 2 + 1 + 2),
        (lambda found: [found[0] | {"id": found[-1]["id"]}, *found[1:]], 2 + 1 + 4),
        (lambda found: [part | {"id": part["id"] + 100} for part in found], 2 + 1 + 6),
        (lambda found: [part | {"id": part["id"] - 1} for part in found], 2 + 1 + 6),
        (lambda found: "[" * 100_000, 2 + 1 + 6),
        (lambda found: found[::-1], 2 + 1),
        (lambda found: "no JSON", 2 + 1 + 6),
        (lambda found: '{"papers": 7}', 2 + 1 + 6),
    ],
    ids=["one is missing", "one is invalid", "a number twice", "unknown numbers", "from zero",
         "nested too deeply", "another order", "no JSON", "no list"],
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
    told = check_account(tmp_path / "out")
    assert told["live_usage"]["requests"] == asked
    assert told["usage"]["live"] == told["live_usage"]


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (413, "request entity too large"),
        (400, {"message": "Too much.", "code": "context_length_exceeded"}),
        (400, {"message": "This model's maximum context length is 4096 tokens.", "code": 400}),
        (400, {"message": "the request exceeds the available context size", "code": 400}),
        (400, {"message": "max_tokens is too large: 32000. This model supports at most 16384"}),
        (200, {"message": "prompt is too long: 9000 tokens > 8000 maximum", "code": 400}),
    ],
    ids=["413", "OpenAI", "vLLM", "llama.cpp", "output", "gateway"],
)
def test_a_pack_that_is_too_long_for_the_server_is_asked_one_by_one(
    status: int, error: Any, source: Path, tmp_path: Path
) -> None:
    def script(number: int, body: Any) -> Say:
        return Say({"error": error}, status) if is_packed(body) else single_reply(number, body)

    with Server(script) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "3", "--attempts", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(server.requests) == 2 + 7
    told = check_account(tmp_path / "out")
    assert (told["asked"], told["statuses"]) == ({"live": 7}, {"claims": 7})
    assert told["live_usage"]["requests"] == 7


@pytest.mark.slow
def test_a_pack_that_is_refused_for_another_reason_is_not(source: Path, tmp_path: Path) -> None:
    said = {"error": {"message": "unknown field response_format"}}
    with Server(lambda number, body: Say(said, 400)) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "7")
    assert done.returncode == 1
    assert len(server.requests) == 3  # as any JSON, and without a form, too


@pytest.mark.slow
def test_one_bad_line_costs_only_itself_in_a_pack(source: Path, tmp_path: Path) -> None:
    source.write_text("{broken\n" + source.read_text())
    with Server(packed()) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "4")
    assert done.returncode == 1
    assert len(server.requests) == 2
    statuses = [row["status"] for row in lines(tmp_path / "out" / "papers.jsonl")]
    assert statuses == ["error"] + ["claims"] * 7


@pytest.mark.slow
def test_packs_that_cannot_be_are_refused(source: Path, tmp_path: Path) -> None:
    for more, words in (
        (("--pack", "9", "--concurrency", "2"), "--concurrency 5"),
        (("--pack", "2", "--mode", "tools"), "json_schema mode"),
        (("--pack", "0"), "pack"),
    ):
        done = run(source, tmp_path / "out", "http://127.0.0.1:1/v1", *more)
        assert done.returncode == 2
        assert words in done.stderr


@pytest.mark.slow
def test_a_pack_that_fails_on_the_wire_fails_each_of_its_papers_once(
    source: Path, tmp_path: Path
) -> None:
    def script(number: int, body: Any) -> Say:
        return Say({"error": "no"}, 404) if is_packed(body) else single_reply(number, body)

    with Server(script) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "3")
    assert done.returncode == 1
    assert len(server.requests) == 3
    told = check_account(tmp_path / "out")
    assert told["asked"] == {"live": 7}
    assert told["statuses"] == {"claims": 1, "error": 6}


@pytest.mark.slow
def test_max_requests_counts_packs_and_the_same_command_goes_on(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with Server(packed()) as server:
        more = ("--pack", 2, "--max-requests", 2, "--concurrency", 1)
        for asked, papers, code in ((2, 4, 1), (4, 7, 0)):
            done = run(source, out, server.url, *more)
            assert done.returncode == code, done.stdout + done.stderr
            assert len(server.requests) == asked
            assert check_account(out)["papers"] == papers
    assert manifest(out)["asked"] == {"cache": 4, "live": 3}
    assert manifest(out)["usage"]["live"] == manifest(out)["live_usage"]


@pytest.mark.slow
def test_max_cost_holds_for_packs_and_the_same_command_goes_on(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with Server(packed()) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--pack", 2, "--concurrency", 1, "--max-cost")  # fmt: skip
        # The first request is estimated at thousands of tokens, see test_account.
        done = extract(*command, 20 * A_REPLY, **PRICES)
        assert done.returncode == 1, done.stdout + done.stderr
        assert len(server.requests) == 0
        assert check_account(out)["stopped_by"]
        done = extract(*command, 100 * A_REPLY, **PRICES)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.requests) == 4
    assert check_account(out)["cost_usd"] == pytest.approx(4 * A_REPLY)


@pytest.mark.slow
def test_a_prompt_that_cannot_be_packed_is_told(source: Path, tmp_path: Path) -> None:
    prompt = tmp_path / "mine.md"
    prompt.write_text(
        "+++\nname = 'mine'\nversion = 1\n+++\n=== system\nRead.\n=== user\n{title} {abstract}\n"
        "=== example\ntitle: Boreas\nabstract: Boreas is fast.\n=== reply\nno JSON\n"
    )
    with Server(packed()) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "3", "--prompt", prompt)
        assert len(server.requests) == 0
    assert done.returncode == 2
    assert "cannot be packed" in done.stderr
    assert "=== reply" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_pack_does_not_wait_for_a_paper_behind_a_full_window(
    source: Path, tmp_path: Path
) -> None:
    first, *_, last = source.read_text().splitlines()
    source.write_text("\n".join([first, *["{broken"] * 60, last]))
    with Server(packed()) as server:
        done = run(source, tmp_path / "out", server.url, "--pack", "2", "--concurrency", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(server.requests) == 2
    statuses = [row["status"] for row in lines(tmp_path / "out" / "papers.jsonl")]
    assert statuses == ["claims", *["error"] * 60, "claims"]
    check_account(tmp_path / "out")


class _Client:
    """Answers after a while, or raises; notes which papers were asked together."""

    def __init__(self, rng: random.Random, error: BaseException | None = None) -> None:
        self.rng = rng
        self.error = error
        self.packs: list[tuple[int, ...]] = []

    async def _wait(self, *papers: int) -> None:
        self.packs.append(papers)
        await asyncio.sleep(self.rng.choice([0, 0.1, 1, 50]))
        if self.error:
            raise self.error

    async def ask(self, request: Any) -> Answer:
        await self._wait(request)
        return Answer(Reply(), (), Usage(), "live", "api", "m")

    async def ask_pack(self, request: Any) -> PackAnswer:
        await self._wait(*request)
        return PackAnswer({n + 1: Reply() for n in range(len(request))}, Usage(1), "live", "api")


class _Paper(int):
    """A request as far as the packer is concerned."""

    model = "m"


def _packs(
    items: list[bool], size: int, concurrency: int, client: Any, dropped: int | None = None
) -> list[tuple[int, ...]]:
    """The packs of a source in which True is a paper, through the real engine."""
    pack: Any = tuple
    packer = Packer(client, pack, size)

    def reading() -> Iterator[_Paper | None]:
        for number, paper in enumerate(items):
            packer.read(will_ask=paper)
            yield _Paper(number) if paper else None
        packer.end()

    async def one(item: Any) -> None:
        if item is not None and item == dropped:
            packer.drop()
        elif item is not None:
            await packer.ask(item)

    async def main(clock: Callable[[], float]) -> None:
        async for _ in worker_pool.run(reading(), one, concurrency=concurrency):
            pass

    run_in_made_up_time(main)  # raises if everybody waits for ever
    return sorted(client.packs)


_GAPS = st.lists(st.one_of(st.just(True), st.integers(0, 70)), max_size=40).map(
    lambda parts: [item for part in parts for item in ([True] if part is True else [False] * part)]
)


@given(_GAPS, st.integers(1, 6), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_packs_depend_on_the_source_alone_and_no_paper_waits_for_ever(
    items: list[bool], size: int, more: int, rng: random.Random
) -> None:
    packs = _packs(items, size, size + more, _Client(rng))
    assert packs == _packs(items, size, size + 7, _Client(rng))
    assert [paper for pack in packs for paper in pack] == [n for n, p in enumerate(items) if p]
    assert all(len(pack) <= size for pack in packs)
    if all(items):
        assert len(packs) == -(-len(items) // size)


def test_what_comes_before_a_pack_does_not_shorten_it_and_a_long_gap_ends_it() -> None:
    client = _Client(random.Random(1))
    assert _packs([False] * 7 + [True] * 2, 2, 2, client) == [(7, 8)]
    client = _Client(random.Random(1))
    assert _packs([True, *[False] * 6, True, True, *[False] * 7, True], 2, 2, client) == [
        (0, 7),
        (8,),
        (16,),
    ]


def test_a_dropped_paper_does_not_hold_up_its_pack() -> None:
    packs = _packs([True] * 8, 3, 4, _Client(random.Random(1)), dropped=1)
    assert packs == [(0, 2), (3, 4, 5), (6, 7)]


@pytest.mark.parametrize("size", [1, 3], ids=["alone", "together"])
@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), RecursionError(), MemoryError()])
def test_any_error_surfaces_and_leaves_nobody_waiting(size: int, error: BaseException) -> None:
    with pytest.raises(type(error)):
        _packs([True] * 7, size, 4, _Client(random.Random(1), error))


def _body(papers: Any) -> Any:
    return completion(json.dumps({"papers": papers})).body


@pytest.mark.parametrize("number", [True, 0, 4, -1, 1.0, "1", [1], None])
def test_a_number_that_is_none_of_the_pack_voids_it(number: Any) -> None:
    assert reply_reader.read_pack(_body([{"id": 1}, {"id": 2}]), 3).keys() == {1, 2}
    assert reply_reader.read_pack(_body([{"id": number}, {"id": 2}]), 3) == {}


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-1, 4) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["id", "speedups", "quote"]), inner, max_size=3),
))  # fmt: skip
def test_only_whole_numbers_of_the_pack_are_answered(papers: Any) -> None:
    found = reply_reader.read_pack(_body(papers), 3)
    assert found.keys() <= {1, 2, 3}
    if found:
        assert all(type(part["id"]) is int and 1 <= part["id"] <= 3 for part in papers)
