"""Batches at Anthropic and Gemini, through their own clients over HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from batch_bench import Bench, requests
from batch_dialects import Anthropic, Dialect, Google
from batch_server import Answer, Wires, serve
from claimgrid.batch.anthropic import AnthropicBatchApi
from claimgrid.batch.base import BatchApi, BatchLimits
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.gemini import GeminiBatchApi
from claimgrid.batch.result_lines import BatchFault, BatchReply, read
from claimgrid.batch.runner import BatchRunner
from claimgrid.errors import SetupError, TransportError
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import Endpoint, endpoint
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.types.request import Request
from server import Say, Server
from test_providers import WRONG, anthropic, google

pytest.importorskip("anthropic", reason="pip install 'claimgrid[anthropic]'")
pytest.importorskip("google.genai", reason="pip install 'claimgrid[google]'")


@dataclass
class Vendor:
    """A vendor's dialect, its client, and how it says that a request is no good, or not now."""

    at: Endpoint
    provider: Dialect
    api: type[Any]
    bad: Answer
    busy: Answer

    def says(self, reply: dict[str, Any], body: Any) -> Any:
        return (anthropic if isinstance(self.provider, Anthropic) else google)(reply, body).body

    def right(self, body: Any) -> Answer:
        words = f"{number(body)}.5x"
        item = {"quote": f"{words} faster", "value": words, "change": "up"}
        return 200, self.says({"speedups": [item]}, body)


class VendorBench(Bench):
    def __init__(self, folder: Path, vendor: Vendor, limits: BatchLimits | None = None) -> None:
        super().__init__(folder, vendor.provider, limits)  # type: ignore[arg-type]
        self.vendor = vendor
        self.at = vendor.at

    def api(self, wires: Wires | None, attempts: int) -> BatchApi:
        assert wires is None, "these go over HTTP"
        made: BatchApi = self.vendor.api(self.at, attempts=attempts, timeout=5.0, backoff=0.001)
        return made


@pytest.fixture(params=["anthropic", "google"])
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    dialect = Anthropic if request.param == "anthropic" else Google
    provider = dialect(lambda body: None)
    with serve(provider) as url:
        provider.url = url.removesuffix("/v1")
        at = endpoint(f"{request.param}/scripted", base_url=provider.url, key="k")
        if isinstance(provider, Anthropic):
            bad = 400, provider.error("invalid_request_error", "no good")
            busy = 529, provider.error("overloaded_error", "too busy")
            made = Vendor(at, provider, AnthropicBatchApi, bad, busy)
        else:
            made = Vendor(at, provider, GeminiBatchApi, (400, {"code": 400, "message": "no good"}),
                          (503, {"code": 503, "message": "too busy"}))  # fmt: skip
        provider.answer = made.right
        yield made


@pytest.fixture
def bench(tmp_path: Path, vendor: Vendor) -> VendorBench:
    return VendorBench(tmp_path / "run", vendor)


def number(body: Any) -> int:
    return int(re.findall(r"Zephyr is (\d+)\.5x", json.dumps(body))[-1])


def asked(vendor: Vendor, count: int) -> list[Request]:
    return requests(count, vendor.at.mode)


def test_a_batch_and_an_online_call_ask_the_same_and_store_the_same(
    tmp_path: Path, vendor: Vendor, bench: VendorBench
) -> None:
    """The re-ask after an invalid reply included: both replies come by batches."""
    request = asked(vendor, 1)[0]

    def say(turn: int, body: Any) -> Any:
        return vendor.says(WRONG, body) if turn == 0 else vendor.right(body)[1]

    folder = RecordingFolder(tmp_path / "online")
    with Server(lambda turn, body: Say(say(turn, body))) as server:
        at = replace(vendor.at, base_url=server.url.removesuffix("/v1"))

        async def ask() -> Any:
            async with Client(at, ResponseStores(write=(folder,)), AskPolicy(live=True)) as client:
                return await client.ask(request)

        online = asyncio.run(ask())
    recorded = folder.get("scripted", request.key)
    assert recorded is not None
    vendor.provider.answer = lambda body: (200, say(len(vendor.provider.asked), body))
    bench.submit([request])
    bench.finish()
    assert vendor.provider.asked == server.requests
    assert bench.attempts(request) == [attempt.body for attempt in recorded.attempts]
    (batched,) = bench.told(request)
    assert (batched.reply, batched.usage) == (online.reply, online.usage)
    assert batched.origin == "batch-api"
    assert len(vendor.provider.batches) == 2


def test_a_rewritten_body_is_the_one_that_the_client_makes(vendor: Vendor) -> None:
    async def bodies(wire: RequestBodies, *some: Request) -> list[Any]:
        return [await wire.first(request) for request in some]

    three = asked(vendor, 3)
    together = asyncio.run(bodies(RequestBodies(vendor.at), *three))
    assert together == [asyncio.run(bodies(RequestBodies(vendor.at), one))[0] for one in three]
    assert [number(body) for body in together] == [1, 2, 3]


@pytest.mark.slow
def test_many_requests_go_in_parts_and_come_back_under_their_keys(
    tmp_path: Path, vendor: Vendor
) -> None:
    bench = VendorBench(tmp_path / "run", vendor, BatchLimits(requests=2))
    bench.submit(asked(vendor, 5))
    bench.finish()
    bench.all_answered(asked(vendor, 5))
    assert (len(vendor.provider.batches), len(vendor.provider.asked)) == (3, 5)
    bench.submit(asked(vendor, 5))
    assert len(vendor.provider.batches) == 3


@pytest.mark.parametrize("attempts", [1, 3], ids=["a kill", "tries"])
def test_a_batch_that_came_into_being_unheard_is_found_and_not_made_again(
    vendor: Vendor, bench: VendorBench, attempts: int
) -> None:
    vendor.provider.lies["create"] = [(500, {})]
    # Somebody else's batches, as large, ended and not.
    foreign = [(f"{'0' * 32}_other-1", {}), (f"{'1' * 32}_other-1", {})]
    for made, ended, answer in (("x", "ended", (200, {})), ("y", "cancelled", None)):
        batch = vendor.provider.begin(made, foreign, named="theirs")
        batch |= {"ended": ended, "answers": [(key, answer) for key, _ in foreign]}
    both = asked(vendor, 2)
    try:
        notes = bench.submit(both, attempts=attempts).notes
    except TransportError:
        notes = bench.submit(both).notes
    if isinstance(vendor.provider, Anthropic):
        # It bears no name: it is ours, or not, only when it has ended.
        assert "can only be told when it has ended" in " ".join(notes)
        vendor.provider.run(vendor.provider.batches["msgbatch_2"])
    bench.finish()
    bench.all_answered(both)
    assert (len(vendor.provider.batches), len(vendor.provider.asked)) == (3, 2)
    assert vendor.provider.calls.count("create") == 1


def test_a_batch_that_did_not_come_into_being_is_made(vendor: Vendor, bench: VendorBench) -> None:
    vendor.provider.faults["create"] = [(500, {})]
    with pytest.raises(TransportError, match="nothing is lost"):
        bench.submit(asked(vendor, 2), attempts=1)
    bench.finish()
    bench.all_answered(asked(vendor, 2))
    assert (len(vendor.provider.batches), len(vendor.provider.asked)) == (1, 2)


@pytest.mark.slow
def test_part_of_a_batch_may_fail_expire_or_be_too_much(vendor: Vendor, bench: VendorBench) -> None:
    first = {2: vendor.bad, 3: None, 4: vendor.busy}

    def answer(body: Any) -> Answer | None:
        return first.pop(number(body)) if number(body) in first else vendor.right(body)

    vendor.provider.answer = answer
    bench.submit(asked(vendor, 4))
    bench.finish()
    ((reason, count),) = bench.reasons().items()
    assert "no good" in reason
    assert count == 1
    assert [bool(bench.attempts(one)) for one in asked(vendor, 4)] == [True, False, True, True]
    bench.submit(asked(vendor, 4))
    bench.finish()
    bench.all_answered(asked(vendor, 4))


@pytest.mark.slow
def test_cancelling_keeps_what_was_done_and_sends_no_more(tmp_path: Path, vendor: Vendor) -> None:
    bench = VendorBench(tmp_path / "run", vendor, BatchLimits(requests=2))
    four = asked(vendor, 4)
    bench.submit(four)
    vendor.provider.run(next(iter(vendor.provider.batches.values())))
    bench.work(BatchRunner.cancel)
    bench.finish()
    assert [bool(bench.attempts(one)) for one in four] == [True, True, False, False]
    assert sum(bench.reasons().values()) == 2
    assert "cancel" in next(iter(bench.reasons()))
    bench.submit(four)
    bench.finish()
    bench.all_answered(four)
    assert len(vendor.provider.asked) == 4


def test_results_that_are_gone_are_not_silently_paid_again(
    vendor: Vendor, bench: VendorBench
) -> None:
    bench.submit(asked(vendor, 2))
    vendor.provider.faults["results"] = [(404, {"error": {"message": "gone"}})] * 3
    bench.finish()
    assert list(bench.reasons()) == [
        "its result was deleted at the provider before it was collected"
    ]
    assert len(vendor.provider.batches) == 1


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(401, SetupError, "_API_KEY"), (404, SetupError, "no Batch API"), (400, SetupError, "said so"),
     (503, TransportError, "run the same command again")],
)  # fmt: skip
def test_a_refused_step_tells_what_to_do(
    vendor: Vendor, bench: VendorBench, status: int, error: type[Exception], words: str
) -> None:
    said = {"type": "error", "error": {"type": "x", "code": status, "message": "said so"}}
    vendor.provider.faults["create"] = [(status, said)] * 3
    with pytest.raises(error, match=words) as raised:
        bench.submit(asked(vendor, 1))
    assert "said so" in str(raised.value)


@pytest.mark.slow
def test_a_full_queue_of_gemini_s_is_waited_for(tmp_path: Path, vendor: Vendor) -> None:
    if isinstance(vendor.provider, Anthropic):
        pytest.skip("Anthropic names no such limit; a 429 of its passes")
    bench = VendorBench(tmp_path / "run", vendor, BatchLimits(requests=1))
    said = (429, {"error": {"code": 429, "message": "Quota exceeded", "status": "EXHAUSTED"}})
    vendor.provider.faults["create"] = [said]
    notes = bench.submit(asked(vendor, 2)).notes
    assert any("waits for room in the queue: Quota exceeded" in note for note in notes)
    bench.finish()
    bench.all_answered(asked(vendor, 2))


def test_result_lines_of_each_vendor_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def lines(provider: str, *told: Any) -> list[Any]:
        path.write_text("".join(json.dumps(line) + "\n" for line in told))
        return list(read(path, provider))

    def result(**told: Any) -> Any:
        return {"custom_id": "k_r-1", "result": told}

    refused = {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}
    found = lines(
        "anthropic",
        result(type="succeeded", message={"a": 1}),
        result(type="errored", error=refused),
        result(type="errored", error="?"),
        result(type="canceled"),
        result(type="expired"),
        result(),
        {"custom_id": "k_r-1"},
    )
    assert found[0] == BatchReply("k", {"a": 1})
    assert found[1] == BatchFault("k", "invalid_request_error: m", again=False)
    assert [fault.again for fault in found[2:]] == [True, False, True, True, True]
    found = lines(
        "google",
        {"key": "k", "response": {"a": 1}},
        {"key": "k", "error": {"code": 3, "message": "m"}},
        {"key": "k", "error": {"code": 429}},
        {"key": "k", "status": {"code": 13}},
        {"key": "k"},
    )
    assert found[0] == BatchReply("k", {"a": 1})
    assert found[1] == BatchFault("k", "code 3: m", again=False)
    assert [fault.again for fault in found[2:]] == [True, True, True]
