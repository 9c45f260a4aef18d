"""What a run's folder cost over all runs that filled it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batch_bench import Bench, requests, right
from batch_server import Provider
from claimgrid import settings
from claimgrid.engines.run_cost import spent
from claimgrid.engines.session import open_session
from claimgrid.llm.client import recording
from claimgrid.llm.response_store import Attempt, OriginName, Paid, ReplyCache
from claimgrid.types.answer import Usage
from server import Say, Server, completion
from test_account import A_REPLY, PRICES, manifest, papers, reply
from test_cli import extract


def attempt(number: int = 0) -> Attempt:
    used = {"prompt_tokens": 100, "completion_tokens": 10}
    return Attempt(status=200, body={"n": number, "usage": used})


def put(cache: ReplyCache, *attempts: Attempt, paper: int = 0, origin: OriginName = "api") -> None:
    cache.put(recording(requests(3)[paper], attempts, origin))


def replies(cache: ReplyCache) -> dict[OriginName, int]:
    return {one.origin: used.requests for one, used in cache.paid().items()}


def test_a_reply_is_counted_for_each_time_it_was_paid_for(tmp_path: Path) -> None:
    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        put(cache, attempt(1))
        put(cache, attempt(1))  # the same again, as after a kill
        assert replies(cache) == {"api": 1}
        put(cache, attempt(1), attempt(2))  # a re-ask
        assert replies(cache) == {"api": 2}
        put(cache, attempt(3))  # asked anew: the chain before was paid too
        put(cache, attempt(3), attempt(4))
        assert replies(cache) == {"api": 4}
        put(cache, attempt(1), paper=1, origin="batch-api")
        for _ in range(2):
            cache.set_aside(recording(requests(3)[1], (attempt(2),), "batch-api"))
        assert replies(cache) == {"api": 4, "batch-api": 2}
        assert cache.paid()[Paid("scripted", "api")] == Usage(4, 400, 0, 40)
        kept = cache.get("scripted", requests(3)[0].key)
        assert kept is not None
        assert kept.attempts == (attempt(3), attempt(4))


@pytest.mark.parametrize("text", ["{", "7", "{}", b"\xff"])
def test_a_damaged_row_costs_no_summary(tmp_path: Path, text: Any) -> None:
    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        put(cache, attempt())
        put(cache, attempt(), paper=1)
    with closing(sqlite3.connect(tmp_path / "replies.sqlite")) as db:
        change = "UPDATE replies SET recording = CAST(? AS TEXT) WHERE key = ?"
        db.execute(change, (text, requests(1)[0].key))
        db.commit()
    with closing(ReplyCache(tmp_path / "replies.sqlite")) as cache:
        assert replies(cache) == {"api": 1}


def told(paid: dict[Paid, Usage], **given: Any) -> Any:
    session = open_session(settings.load(model="openai/gpt-4o-mini", **given))
    return spent(session, paid, papers=4, claims=10)


def test_batches_count_at_the_batch_price(monkeypatch: pytest.MonkeyPatch) -> None:
    used = Usage(10, 100_000, 0, 1000)
    online = told({Paid("gpt-4o-mini", "api"): used})
    both = told({Paid("gpt-4o-mini", "api"): used, Paid("gpt-4o-mini", "batch-api"): used})
    assert online["cost_usd"] > 0
    assert both["cost_usd"] == pytest.approx(1.5 * online["cost_usd"])
    assert both["requests"] == 20
    assert both["per_paper"] == {
        "tokens": 202_000 / 4,
        "cost_usd": pytest.approx(both["cost_usd"] / 4),
    }
    assert both["per_claim"]["cost_usd"] == pytest.approx(both["cost_usd"] / 10)


@pytest.mark.parametrize(
    ("paid", "used"),
    [
        (Paid("gpt-4o-mini", "local-server"), Usage(1, 100, 0, 10)),
        (Paid("nobody-s", "api"), Usage(1, 100, 0, 10)),
        (Paid("gpt-4o-mini", "batch-file"), Usage(1)),
    ],
    ids=["on this machine", "of another model", "without a count"],
)
def test_what_nobody_can_price_is_not_called_free(paid: Paid, used: Usage) -> None:
    found = told({paid: used, Paid("gpt-4o-mini", "api"): Usage(1, 100, 0, 10)})
    assert found["cost_usd"] is None
    assert found["per_claim"]["cost_usd"] is None
    assert [one["cost_usd"] is None for one in found["of"]].count(True) == 1


def test_a_folder_without_replies_cost_nothing() -> None:
    assert told({})["cost_usd"] == 0


@pytest.mark.slow
def test_run_json_counts_every_run_that_filled_the_folder(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 4), tmp_path / "out"

    def script(number: int, body: Any) -> Say:
        match number:
            case 0:
                return completion(None, refusal="No.")
            case 1:
                return completion('{"speedups": [{"quote": 1}]}')
            case 2:
                return completion("{}")  # the re-ask
        said = reply(number, body).body
        return Say(said | {"id": f"chatcmpl-{number}"})  # no two replies of a server are the same

    with Server(script) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--concurrency", 1)  # fmt: skip
        assert extract(*command, "--max-requests", 2, **PRICES).returncode == 1
        assert manifest(out)["spent"]["cost_usd"] == pytest.approx(3 * A_REPLY)
        done = extract(*command, **PRICES)
        assert done.returncode == 1, done.stdout
        now = manifest(out)
        assert now["live_usage"]["requests"] == 2
        assert now["spent"]["requests"] == 5
        assert now["spent"]["cost_usd"] == pytest.approx(5 * A_REPLY)
        assert now["spent"]["per_paper"]["cost_usd"] == pytest.approx(5 * A_REPLY / 4)
        assert now["spent"]["per_claim"]["cost_usd"] == pytest.approx(5 * A_REPLY / 2)
        assert "in all" in done.stdout
        assert "for 5 replies in this folder" in done.stdout
        assert extract(*command, "--replay", "off", **PRICES).returncode == 0
    assert len(server.requests) == 9
    assert manifest(out)["spent"]["requests"] == 9
    assert manifest(out)["spent"]["of"][0]["origin"] == "local-server"


def test_a_batch_that_an_online_answer_overtook_is_paid_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run", Provider(right))
    asked = requests(2)
    bench.submit(asked)
    with closing(ReplyCache(bench.folder / "replies.sqlite")) as cache:
        cache.put(recording(asked[0], (Attempt(status=200, body=json.loads("{}")),), "api"))
    bench.finish()
    bench.submit(asked)
    with closing(ReplyCache(bench.folder / "replies.sqlite")) as cache:
        assert replies(cache) == {"api": 1, "batch-api": 2}
