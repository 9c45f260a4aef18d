"""Batches against a simulated provider: whatever goes wrong, nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_bench import AT, BAD, PROMPT, Bench, number, requests, right
from batch_server import Answer, CutError, Provider, Wires, good
from claimgrid.batch.base import BatchLimits
from claimgrid.batch.files import bodies
from claimgrid.batch.openai import OpenAiBatchApi
from claimgrid.batch.result_lines import BatchFault, BatchReply, DamagedLine, read
from claimgrid.batch.runner import BatchRunner, current_parts
from claimgrid.batch.state import BatchState
from claimgrid.errors import SetupError, StoreError, TransportError, UsageError
from claimgrid.extraction.prompt import build
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import endpoint
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.answer import Answer as Told
from claimgrid.types.paper import Paper
from server import Server, completion


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run", Provider(right))


def test_replies_come_back_under_the_keys_of_their_requests(bench: Bench) -> None:
    asked = requests(3)
    bench.submit(asked)
    assert [b["metadata"]["claimgrid_part"] for b in bench.provider.batches.values()] == ["1"]
    bench.finish()
    bench.all_answered(asked)
    assert bench.told(asked[0])[0].origin == "batch-api"
    assert len(bench.provider.asked) == 3
    assert not list((bench.folder / "batch").glob("part-*"))


def test_a_batch_asks_what_an_online_call_asks_and_so_does_its_re_ask(
    tmp_path: Path, bench: Bench
) -> None:
    request = requests(1)[0]
    said = [BAD, BAD, json.dumps(right_words := {"speedups": []})]
    with Server(lambda n, body: completion(said[n])) as server:
        folder = RecordingFolder(tmp_path / "online")
        at = endpoint("scripted", base_url=server.url)

        async def ask() -> Told:
            async with Client(at, ResponseStores(write=(folder,)), AskPolicy(live=True)) as client:
                return await client.ask(request)

        online_answer = asyncio.run(ask())
    sent: list[Any] = []

    def script(body: Any) -> Answer:
        sent.append(body)
        return 200, completion(said[len(sent) - 1]).body

    bench.provider.answer = script
    bench.submit([request])
    bench.finish()
    assert sent == server.requests
    assert right_words == {"speedups": []}
    recorded = folder.get("scripted", request.key)
    assert recorded is not None
    assert bench.attempts(request) == [a.body for a in recorded.attempts]
    (batched,) = bench.told(request)
    assert (batched.reply, batched.usage) == (online_answer.reply, online_answer.usage)


@pytest.mark.parametrize("mode", ["json_schema", "tools", "json", "md_json"])
def test_a_rewritten_body_is_the_one_that_the_client_makes(mode: str) -> None:
    at = endpoint("scripted", mode=mode, base_url="http://127.0.0.1:1/v1")  # type: ignore[arg-type]
    asked = requests(3, mode)
    together = [body for _, body in bodies(asked, at)]
    alone = [body for request in asked for _, body in bodies([request], at)]
    assert together == alone
    assert len({json.dumps(body) for body in alone}) == 3


def test_invalid_replies_end_at_the_re_ask_limit_and_are_salvaged(bench: Bench) -> None:
    half = {"speedups": [{"quote": "1.5x", "value": "1.5x", "change": "up"}, {"quote": 3}]}
    bench.provider.answer = lambda body: good(half)
    asked = requests(1)
    bench.submit(asked)
    bench.finish()
    assert len(bench.attempts(asked[0])) == 3
    (told,) = bench.told(asked[0])
    assert [item.value for item in told.reply.speedups] == ["1.5x"]
    assert len(told.dropped) == 1


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_what_is_cut_or_refused_is_final_and_stored(bench: Bench, finish: str) -> None:
    bench.provider.answer = lambda body: good("{", finish=finish)
    asked = requests(2)
    bench.submit(asked)
    bench.finish()
    assert len(bench.provider.asked) == 2
    assert all(len(bench.attempts(request)) == 1 for request in asked)


@pytest.mark.slow
@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    most=st.integers(1, 5),
    room=st.integers(2_000, 6_000),
)
def test_parts_keep_the_limits_and_hold_each_request_once(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], most: int, room: int
) -> None:
    papers = [
        Paper(
            paper_id=f"p{n}", title="Zephyr", abstract=f"Zephyr is {n}.5x faster." + "!" * size * 8
        )
        for n, size in enumerate(sizes, 1)
    ]
    asked = [build(paper, PROMPT, model="scripted", mode="json") for paper in papers]
    provider = Provider(right)
    bench = Bench(
        tmp_path_factory.mktemp("parts"), provider, BatchLimits(requests=most, bytes=room)
    )
    bench.submit(asked)
    found = []
    for _, content in provider.files.values():
        assert len(content) <= room
        ids = [json.loads(line)["custom_id"] for line in content.splitlines()]
        assert len(ids) <= most
        found += ids
    too_large = sum(bench.reasons().values())
    assert len(found) == len(set(found)) == len(asked) - too_large
    kept = [request.key for request in asked if request.key in found]
    assert found == kept


@pytest.mark.parametrize(
    "fault",
    [(500, {"error": {"message": "oops"}}), (200, httpx2.ReadError("dropped"))],
    ids=["500", "dropped"],
)
@pytest.mark.parametrize("kind", ["POST /files", "POST /batches"])
def test_a_post_that_worked_but_said_otherwise_is_looked_up(
    bench: Bench, kind: str, fault: tuple[int, Any]
) -> None:
    provider = bench.provider
    route = provider._route
    lied = []

    def lying(called: str, *rest: Any) -> Any:
        answer = route(called, *rest)
        if called == kind and not lied:
            lied.append(called)
            return fault
        return answer

    provider._route = lying  # type: ignore[method-assign]
    asked = requests(2)
    bench.submit(asked)
    bench.finish()
    assert lied
    assert (len(provider.batches), len(provider.asked)) == (1, 2)
    assert sum(name.startswith("claimgrid") for name, _ in provider.files.values()) == 1


def test_expired_requests_are_sent_again(bench: Bench) -> None:
    bench.provider.steps = ["validating", "in_progress", "expired"]
    late = {2, 3}

    def answer(body: Any) -> Answer | None:
        if number(body) in late:
            late.discard(number(body))
            return None
        return right(body)

    bench.provider.answer = answer
    asked = requests(4)
    bench.submit(asked)
    bench.finish()
    bench.all_answered(asked)
    assert len(bench.provider.asked) == 4


def test_a_request_that_always_expires_is_given_up_with_the_reason(bench: Bench) -> None:
    bench.provider.answer = lambda body: None if number(body) == 1 else right(body)
    asked = requests(2)
    bench.submit(asked)
    bench.finish()
    assert bench.reasons() == {"batch_expired: not run": 1}
    assert len(bench.provider.batches) == 3
    bench.provider.answer = right
    bench.submit(asked)  # asks the failed one again, and only it
    bench.finish()
    bench.all_answered(asked)
    assert len(bench.provider.asked) == 2


@pytest.mark.parametrize(("status", "sent"), [(400, 1), (429, 3), (500, 3), (0, 3)])
def test_a_failed_request_is_sent_again_only_where_that_may_help(
    bench: Bench, status: int, sent: int
) -> None:
    said = {"error": {"message": "no such thing"}}
    bench.provider.answer = lambda body: (status, said) if number(body) == 1 else right(body)
    bench.submit(requests(2))
    bench.finish()
    assert bench.reasons() == {f"status {status}: no such thing": 1}
    assert len(bench.provider.batches) == sent


def test_a_cut_output_file_is_fetched_again_before_anything_is_paid_again(bench: Bench) -> None:
    provider = bench.provider
    asked = requests(4)
    bench.submit(asked)
    cuts = []
    route = provider._route

    def cutting(kind: str, *rest: Any) -> Any:
        status, content = route(kind, *rest)
        if kind == "GET /files/content" and not cuts:
            cuts.append(kind)
            content = content[: len(content) // 2]
        return status, content

    provider._route = cutting  # type: ignore[method-assign]
    bench.finish()
    bench.all_answered(asked)
    assert cuts
    assert len(provider.asked) == 4


def test_results_that_stay_missing_are_asked_again(bench: Bench) -> None:
    tampered = []

    def once(kind: str, content: bytes) -> bytes:
        if tampered:
            return content
        tampered.append(kind)
        return content[:-40]

    bench.provider.tamper = once
    asked = requests(3)
    bench.submit(asked)
    notes = bench.finish()
    bench.all_answered(asked)
    assert any("cut short" in note for note in notes)
    assert any("1 result missing" in note for note in notes)
    assert len(bench.provider.asked) == 4


def test_doubled_and_foreign_results_are_named_and_ignored(bench: Bench) -> None:
    foreign = json.dumps({"custom_id": "zz", "response": {"status_code": 200, "body": {}}}).encode()

    def tamper(kind: str, content: bytes) -> bytes:
        first = json.loads(content.splitlines()[0])
        first["response"]["body"]["choices"][0]["message"]["content"] = "{}"
        return content + json.dumps(first).encode() + b"\n" + foreign + b"\n[]\n"

    bench.provider.tamper = tamper
    asked = requests(2)
    bench.submit(asked)
    notes = " ".join(bench.finish())
    bench.all_answered(asked)
    assert "came twice; the first one counts" in notes
    assert "'zz' is not of this run" in notes
    assert "no custom_id" in notes


def test_a_download_that_fails_is_retried_and_then_left_for_the_next_time(bench: Bench) -> None:
    provider = bench.provider
    asked = requests(2)
    bench.submit(asked)
    provider.faults["GET /files/content"] = [(502, {"error": {"message": "bad gateway"}})] * 5
    notes = bench.finish()
    assert any("502" in note and "nothing is lost" in note for note in notes)
    bench.all_answered(asked)
    assert len(provider.asked) == 2


def test_results_deleted_at_the_provider_are_not_silently_paid_again(bench: Bench) -> None:
    provider = bench.provider
    bench.submit(requests(2))
    provider.faults["GET /files/content"] = [(404, {"error": {"message": "gone"}})] * 9
    bench.finish()
    assert list(bench.reasons()) == [
        "its result was deleted at the provider before it was collected"
    ]
    assert len(provider.batches) == 1


def test_a_part_waits_for_room_in_the_queue(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run", Provider(right), BatchLimits(requests=2))
    asked = requests(6)
    size = len(json.dumps(next(bodies(asked[:1], AT))[1]))
    bench.provider.token_limit = size * 5 // 3
    bench.submit(asked)
    notes = bench.finish()
    bench.all_answered(asked)
    assert any("waits for room in the queue" in note for note in notes)
    assert len(bench.provider.asked) == 6


def test_a_part_larger_than_the_queue_is_split(bench: Bench) -> None:
    asked = requests(8)
    size = len(json.dumps(next(bodies(asked[:1], AT))[1]))
    bench.provider.token_limit = size * 3 // 3
    bench.submit(asked)
    notes = bench.finish()
    bench.all_answered(asked)
    assert any("is split" in note for note in notes)
    assert len(bench.provider.asked) == 8


def test_bad_lines_of_a_file_fail_alone(bench: Bench) -> None:
    def refuse(file: list[Any]) -> list[dict[str, Any]]:
        return [
            {"code": "invalid_json_line", "message": "no good", "line": n}
            for n, line in enumerate(file, 1)
            if number(line["body"]) == 2
        ]

    bench.provider.refuse = refuse
    bench.submit(requests(3))
    bench.finish()
    assert bench.reasons() == {"no good": 1}
    assert len(bench.provider.asked) == 2


def test_a_file_refused_as_a_whole_fails_with_the_reason(bench: Bench) -> None:
    bench.provider.refuse = lambda file: [{"code": "model_not_found", "message": "no such model"}]
    bench.submit(requests(3))
    assert "no such model" in " ".join(bench.finish())
    assert bench.reasons() == {"no such model": 3}


def test_cancelling_keeps_what_was_done_and_sends_no_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run", Provider(right), BatchLimits(requests=2))
    asked = requests(4)
    bench.submit(asked)
    first = next(iter(bench.provider.batches.values()))
    bench.provider._finish(first, "completed")
    bench.work(BatchRunner.cancel)
    bench.finish()
    assert len(bench.provider.batches) == 2
    assert len(bench.provider.asked) == 2
    assert [bool(bench.attempts(request)) for request in asked] == [True, True, False, False]
    assert bench.reasons() == {"batch_cancelled: not run": 2}
    bench.submit(asked)
    bench.finish()
    bench.all_answered(asked)
    assert len(bench.provider.asked) == 4


def test_a_batch_that_was_never_heard_of_again_is_cancelled_too(bench: Bench) -> None:
    with pytest.raises(CutError):
        bench.submit(requests(2), wires=Wires(bench.provider, cut=1, after=True))
    assert len(bench.provider.batches) == 1
    bench.work(BatchRunner.cancel)
    bench.finish()
    assert not bench.provider.asked
    assert [b["status"] for b in bench.provider.batches.values()] == ["cancelled"]


def test_a_batch_cancelled_elsewhere_is_not_sent_again_unasked(bench: Bench) -> None:
    bench.submit(requests(2))
    next(iter(bench.provider.batches.values()))["status"] = "cancelling"
    bench.finish()
    assert bench.reasons() == {"batch_cancelled: not run": 2}
    assert len(bench.provider.batches) == 1


def test_an_online_answer_that_came_first_is_kept(bench: Bench) -> None:
    asked = requests(1)
    bench.submit(asked)
    with Server(lambda n, body: completion('{"speedups": []}')) as server:
        at = endpoint("scripted", base_url=server.url)

        async def ask() -> None:
            with closing(ReplyCache(bench.folder / "replies.sqlite")) as cache:
                async with Client(
                    at, ResponseStores(write=(cache,)), AskPolicy(live=True)
                ) as client:
                    await client.ask(asked[0])

        asyncio.run(ask())
    bench.finish()
    assert bench.told(asked[0])[0].origin == "local-server"


def test_replies_that_the_cache_lost_are_put_back_and_not_paid_again(bench: Bench) -> None:
    asked = requests(2)
    bench.submit(asked)
    bench.finish()
    (bench.folder / "replies.sqlite").unlink()
    bench.submit(asked)
    bench.all_answered(asked)
    assert len(bench.provider.asked) == 2


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (401, None, SetupError, "OPENAI_API_KEY"),
        (429, "insufficient_quota", SetupError, "add credit"),
        (429, None, TransportError, "run the same command again"),
        (404, None, SetupError, "has no Batch API"),
        (400, None, SetupError, "said so"),
    ],
)
def test_a_refused_step_tells_what_to_do(
    bench: Bench, status: int, code: str | None, error: type[Exception], words: str
) -> None:
    said = {"error": {"message": "said so", "code": code}}
    bench.provider.faults["POST /batches"] = [(status, said)] * 3
    with pytest.raises(error, match=words):
        bench.submit(requests(1))
    bench.provider.faults.clear()
    bench.finish()
    assert len(bench.provider.asked) == 1


def test_two_commands_do_not_work_in_one_folder_at_once(bench: Bench) -> None:
    bench.submit(requests(1))
    with BatchState(bench.folder, alone=True):
        with pytest.raises(StoreError, match="at work here"):
            BatchState(bench.folder, alone=True)
        with BatchState(bench.folder, alone=False) as looked:  # looking is always allowed
            assert looked.statuses()["sent"] == 1


def test_a_folder_belongs_to_one_model(bench: Bench) -> None:
    bench.submit(requests(1))
    with (
        BatchState(bench.folder, alone=True) as state,
        pytest.raises(UsageError, match="another -o"),
    ):
        state.begin(source="s", model="other", provider="openai", mode="json_schema",
                    base_url=None, reasks=2)  # fmt: skip


def test_looking_writes_nothing(bench: Bench) -> None:
    bench.submit(requests(2))

    async def look() -> list[str]:
        api = OpenAiBatchApi(AT, attempts=1, timeout=5.0, transport=Wires(bench.provider))
        with BatchState(bench.folder, alone=False) as state:
            async with api:
                shown = [part.status for part in await current_parts(state, api)]
            with pytest.raises(StoreError, match="cannot be written"):
                state.keep(state.parts()[0])
            return shown

    assert asyncio.run(look()) == ["in_progress"]


def test_result_lines_that_say_nothing_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.output"
    told = [
        b'{"custom_id": "a", "response": {"status_code": 200, "body": {"x": 1}}, "error": null}',
        b"",
        b'{"custom_id": "b", "response": null, "error": {"code": "batch_cancelled"}}',
        b'{"custom_id": "c", "response": null, "error": null}',
        b'{"custom_id": "d", "response": {"status_code": 200, "body": "text"}}',
        b'{"custom_id": 5}',
        b"\xff\xfe",
    ]
    path.write_bytes(b"\n".join(told))
    found = list(read(path))
    assert found[0] == BatchReply("a", {"x": 1})
    assert [f.again for f in found[1:4] if isinstance(f, BatchFault)] == [False, True, True]
    assert [type(f) for f in found[4:]] == [DamagedLine, DamagedLine]
