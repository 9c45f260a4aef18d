"""What a run may spend, what it says that it spent, and what it tells while it goes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.llm import estimate, prices
from claimgrid.llm.answer import Usage, usage_of
from claimgrid.llm.budget import Budget, Limits
from claimgrid.llm.providers import endpoint
from fake_time import run
from server import Say, Server, completion
from test_cli import extract, jsonl, lines

EACH = Usage(requests=1, input_tokens=1000, output_tokens=100)
PRICES = {"CLAIMGRID_PRICE_INPUT": "1000", "CLAIMGRID_PRICE_OUTPUT": "5000"}
# By these prices a reply of `server.completion` costs 100 × $0.001 + 10 × $0.005.
A_REPLY = 0.15


def budget(price: float | None = 1.0, **limits: Any) -> Budget:
    def usd(used: Usage) -> float | None:
        return None if price is None else used.requests * price

    return Budget(Limits(**limits), usd, lambda: 0.0)


def starts(limited: Budget, count: int) -> list[bool]:
    async def main() -> list[bool]:
        return [await limited.start(EACH) for _ in range(count)]

    return asyncio.run(main())


def test_no_limit_is_no_limit() -> None:
    free = budget()
    assert all(starts(free, 1000))
    assert free.spent is None


def test_so_many_requests_and_no_more() -> None:
    limited = budget(requests=3)
    assert starts(limited, 5) == [True, True, True, False, False]
    assert limited.spent == "--max-requests 3"


def test_minutes_are_counted_from_the_beginning() -> None:
    now = [50.0]
    limited = Budget(Limits(minutes=2), lambda _: None, lambda: now[0])
    assert starts(limited, 1) == [True]
    now[0] += 119
    assert starts(limited, 1) == [True]
    now[0] += 1
    assert starts(limited, 1) == [False]
    assert limited.spent == "--max-minutes 2"


def run_until_stopped(limited: Budget, costs: list[int], concurrency: int) -> int:
    """Papers that went out, each taking so many requests and as many seconds."""

    async def main(clock: Callable[[], float]) -> int:
        places = asyncio.Semaphore(concurrency)
        gone = 0

        async def one(tries: int) -> None:
            nonlocal gone
            async with places:
                if await limited.start(EACH):
                    gone += 1
                    await asyncio.sleep(tries)
                    limited.finish(Usage(requests=tries))

        await asyncio.gather(*(one(tries) for tries in costs))
        return gone

    return run(main)


def test_a_cost_limit_is_used_up_and_not_overrun() -> None:
    limited = budget(cost=10.5)
    assert run_until_stopped(limited, [1] * 30, concurrency=8) == 10
    assert limited.spent == "--max-cost 10.5"


def test_before_the_first_reply_the_estimate_holds_back_and_does_not_stop() -> None:
    def usd(used: Usage) -> float:
        return 50.0 if used == EACH else float(used.requests)  # an estimate that is far too high

    limited = Budget(Limits(cost=60), usd, lambda: 0.0)
    assert run_until_stopped(limited, [1] * 80, concurrency=8) == 60


def test_a_first_request_that_would_cost_too_much_is_not_sent() -> None:
    limited = budget(cost=0.9)
    assert run_until_stopped(limited, [1], concurrency=8) == 0
    assert limited.spent == "--max-cost 0.9"


@given(
    st.integers(1, 20),
    st.floats(0, 60),
    st.lists(st.integers(1, 3), max_size=80),
)
def test_the_cost_is_overrun_by_no_more_than_what_is_under_way_costs_above_the_average(
    concurrency: int, most: float, costs: list[int]
) -> None:
    limited = budget(cost=most)
    gone = run_until_stopped(limited, costs, concurrency)
    assert limited.used.requests <= most + 2 * concurrency
    if set(costs) <= {1}:
        assert gone == min(len(costs), int(most))


def test_the_reask_of_a_stored_reply_is_paid_for_and_is_no_new_paper() -> None:
    limited = budget(requests=1)
    limited.finish(EACH, started=False)
    assert limited.used == EACH
    assert starts(limited, 2) == [True, False]


@pytest.mark.parametrize(
    ("body", "used"),
    [
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 2,
                    "prompt_tokens_details": {"cached_tokens": 4}}}, (9, 4, 2)),
        ({"usage": {"input_tokens": 3, "cache_read_input_tokens": 50,
                    "cache_creation_input_tokens": 7, "output_tokens": 2}}, (60, 50, 2)),
        ({"usageMetadata": {"promptTokenCount": 9, "cachedContentTokenCount": 5,
                            "candidatesTokenCount": 2, "thoughtsTokenCount": 30}}, (9, 5, 32)),
        ({"usage": {"prompt_tokens": "many", "completion_tokens": -5}}, (0, 0, 0)),
        ({"usage": ["nonsense"]}, (0, 0, 0)),
        ("<html>", (0, 0, 0)),
    ],
)  # fmt: skip
def test_tokens_are_read_as_each_provider_counts_them(
    body: Any, used: tuple[int, int, int]
) -> None:
    assert usage_of(body) == Usage(1, *used)


def test_many_short_requests_are_not_priced_like_one_long_one() -> None:
    at = endpoint("anthropic/claude-sonnet-4-5")
    one = Usage(requests=1, input_tokens=5000, output_tokens=200)
    many = Usage(requests=1000, input_tokens=5_000_000, output_tokens=200_000)
    single = prices.usd(at, one)
    assert single
    assert prices.usd(at, many) == pytest.approx(1000 * single)


def test_a_server_of_one_s_own_has_one_s_own_price() -> None:
    at = endpoint("gpt-4o-mini", base_url="http://127.0.0.1:1/v1")
    assert prices.usd(at, EACH) is None
    assert prices.usd(at, EACH, prices.OwnPrice(2.0, 10.0)) == pytest.approx(0.003)
    assert prices.usd(at, EACH, prices.OwnPrice(2.0, 10.0), batch=True) is None


def test_the_batch_price_is_the_list_s_own() -> None:
    at = endpoint("openai/gpt-4o-mini")
    online, batch = prices.usd(at, EACH), prices.usd(at, EACH, batch=True)
    assert online
    assert batch == pytest.approx(online / 2)
    assert prices.usd(endpoint("openai/no-such-model"), EACH) is None


def test_replies_calibrate_the_estimate() -> None:
    rate = estimate.calibrated(
        [(6000, Usage(1, 2000, 0, 90)), (3000, Usage(1, 1000, 0, 110)), (9, Usage(2, 9999, 0, 100))]
    )
    assert rate.characters_a_token == pytest.approx(3)
    assert rate.output_tokens == pytest.approx(100)
    assert (rate.input_replies, rate.output_replies) == (2, 3)
    assert estimate.calibrated([]) == estimate.Rate()


# --- the command line ---


def reply(number: int, body: Any) -> Say:
    words = body["messages"][-1]["content"].split("Zephyr is ")[1].split(" faster")[0]
    item = {"quote": f"{words} faster", "value": words, "change": "up"}
    return completion(json.dumps({"speedups": [item]}))


def papers(folder: Path, count: int) -> Path:
    return jsonl(
        folder / "mine.jsonl",
        *(
            {"id": f"p{n}", "title": "Zephyr", "abstract": f"Zephyr is {n}.5x faster."}
            for n in range(1, count + 1)
        ),
    )


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return found


def check_account(out: Path) -> dict[str, Any]:
    """Every input stands in run.json once, and the lines say the same."""
    told = manifest(out)
    rows = lines(out / "papers.jsonl")
    assert told["read"] == told["papers"] + told["unreached"]
    assert told["papers"] == len(rows) == sum(told["statuses"].values())
    assert told["papers"] == sum(told["asked"].values()) + told["source_problems"]
    assert told["statuses"] == dict(Counter(row["status"] for row in rows))
    failed = [row for row in rows if row["status"] not in ("claims", "no_claims")]
    assert sum(told["errors"].values()) == len(failed)
    assert told["source_problems"] == sum(row["stage"] == "source" for row in rows)
    assert told["warnings"] == sum(len(row["warnings"]) for row in rows)
    assert sum(told["claims"].values()) == len(lines(out / "claims.jsonl"))
    assert sum(told["rejected"].values()) == len(lines(out / "rejected.jsonl"))
    unclaimed = sum(len(row["unclaimed_numbers"]) for row in rows)
    assert sum(told["unclaimed_numbers"].values()) == unclaimed
    for name in ("claimgrid", "python", "openai", "instructor", "prompt", "prompt_sha256",
                 "schema_sha256", "model", "seconds", "finished"):  # fmt: skip
        assert told[name]
    return told


def test_max_requests_stops_and_the_same_command_goes_on(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--max-requests", 4, "--concurrency", 1)  # fmt: skip
        for asked, code in ((4, 1), (8, 1), (10, 0)):
            done = extract(*command)
            assert done.returncode == code, done.stdout + done.stderr
            assert len(server.requests) == asked
            told = check_account(out)
            assert told["papers"] == asked
            if code:
                assert told["stopped_by"] == "--max-requests 4"
                assert not told["source_ended"]
                assert "the same command goes on from here" in done.stdout
    assert told["stopped_by"] is None
    assert told["source_ended"]
    assert told["asked"] == {"cache": 8, "live": 2}


def test_max_cost_stops_before_it_is_spent(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                   "--max-cost", 20 * A_REPLY, "--concurrency", 1)  # fmt: skip
        # A request of this prompt is estimated at thousands of tokens, so nothing may go at all …
        done = extract(*command, **PRICES)
        assert done.returncode == 1
        assert len(server.requests) == 0
        # … and with more to spend, the first replies tell what they really cost.
        command = (*command[:-4], "--max-cost", 70 * A_REPLY, "--concurrency", 1)
        done = extract(*command, **PRICES)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.requests) == 10
    told = check_account(out)
    assert told["cost_usd"] == pytest.approx(10 * A_REPLY)
    assert told["prices"] == "settings price_input and price_output"
    assert "$1.5" in done.stdout


def test_a_cost_limit_without_a_price_is_refused_with_a_way_on(tmp_path: Path) -> None:
    done = extract("run", papers(tmp_path, 1), "--out", tmp_path / "out", "--model", "m",
                   "--base-url", "http://127.0.0.1:9/v1", "--max-cost", 1)  # fmt: skip
    assert done.returncode == 2
    assert "no price is known for m" in done.stderr
    assert "CLAIMGRID_PRICE_INPUT" in done.stderr
    half = extract("run", papers(tmp_path, 1), "--out", tmp_path / "out", CLAIMGRID_PRICE_INPUT="1")
    assert half.returncode == 2
    assert "set both price_input and price_output" in half.stderr


def test_max_minutes_also_stops_those_that_wait_for_their_turn(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        command = ("run", source, "--out", out, "--model", "m", "--base-url", server.url)
        # Two go at once; the third would wait for half a minute.
        done = extract(*command, "--rpm", 2, "--max-minutes", 0.05)
        assert done.returncode == 1
        assert "stopped by --max-minutes 0.05" in done.stdout
        assert len(server.requests) <= 2
        told = check_account(out)
        assert told["unreached"] == told["read"] - len(server.requests)
        assert extract(*command).returncode == 0
    assert len(server.requests) == 10


def test_failed_tries_reasks_and_refusals_are_paid_for_and_told(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 6), tmp_path / "out"
    source.write_text(source.read_text() + "{broken\n")
    tries: Counter[str] = Counter()

    def script(number: int, body: Any) -> Say:
        texts = [message["content"] for message in body["messages"]]
        paper = [text for text in texts if "Zephyr is" in text][-1].split("Zephyr is ")[1][0]
        tries[paper] += 1
        match (paper, tries[paper]):
            case ("1", 1 | 2):
                return Say({}, status=503)
            case ("2", 1):
                return completion('{"speedups": [{"quote": 1}]}')
            case ("3", _):
                return completion(None, refusal="No.")
            case ("4", _):
                return completion('{"speedups": [', finish="length")
            case ("5", 1):
                return Say(drop=True)
        words = f"{paper}.5x"
        item = {"quote": f"{words} faster", "value": words, "change": "up"}
        return completion(json.dumps({"speedups": [item]}))

    with Server(script) as server:
        done = extract("run", source, "--out", out, "--model", "m", "--base-url", server.url,
                       CLAIMGRID_BACKOFF="0.01", **PRICES)  # fmt: skip
    assert done.returncode == 1
    told = check_account(out)
    assert told["asked"] == {"live": 6}
    assert told["errors"] == {"refused": 1, "source": 1, "truncated": 1}
    assert told["http"] == {"HTTP 200": 7, "HTTP 503": 2, "nothing": 1}
    assert sum(told["http"].values()) == len(server.requests)
    assert told["live_usage"]["requests"] == 7  # 6 papers and a re-ask
    assert told["live_usage"]["input_tokens"] == 700
    assert told["cost_usd"] == pytest.approx(7 * A_REPLY)
    assert told["per_live_paper"]["cost_usd"] == pytest.approx(7 * A_REPLY / 6)
    assert told["per_live_claim"] == {
        "tokens": pytest.approx(770 / 4, abs=0.1),
        "cost_usd": pytest.approx(7 * A_REPLY / 4),
    }


def test_a_run_without_a_reply_accounts_for_every_paper_too(tmp_path: Path) -> None:
    assert extract("run", papers(tmp_path, 3), "--out", tmp_path / "out").returncode == 1
    told = check_account(tmp_path / "out")
    assert told["asked"] == {"nowhere": 3}
    assert told["cost_usd"] == 0
    assert told["per_live_claim"] == {"tokens": None, "cost_usd": None}


def test_json_progress_is_a_valid_object_a_line_with_the_facts(tmp_path: Path) -> None:
    def script(number: int, body: Any) -> Say:
        say = completion(None, refusal="No.") if number == 1 else reply(number, body)
        return Say(say.body, delay=0.35)

    with Server(script) as server:
        done = extract("run", papers(tmp_path, 9), "--out", tmp_path / "out", "--model", "m",
                       "--base-url", server.url, "--concurrency", 1, "--log-format", "json",
                       **PRICES)  # fmt: skip
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in told] == ["progress"] * (len(told) - 1) + ["end"]
    assert len(told) >= 3
    last = told[-1]
    assert (last["papers"], last["total"], last["claims"], last["failed"]) == (9, 9, 8, 1)
    assert last["errors"] == {"refused": 1}
    assert last["http"] == {"HTTP 200": 9}
    assert last["tokens"] == 990
    assert last["cost_usd"] == pytest.approx(9 * A_REPLY)
    assert last["eta_s"] == 0
    middle = told[1]
    assert middle["papers"] < 9
    assert (middle["under_way"], middle["allowed"]) == (1, 1)
    assert middle["papers_per_s"] > 0
