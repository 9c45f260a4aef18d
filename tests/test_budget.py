"""What a run may spend, what it says that it spent, and what it tells while it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_bench import requests
from claimgrid.llm import pricing, token_estimate
from claimgrid.llm.budget import Budget, SpendLimits
from claimgrid.llm.providers import endpoint
from claimgrid.llm.reply_body import usage_of
from claimgrid.types.answer import Usage
from fake_time import run

EACH = Usage(requests=1, input_tokens=1000, output_tokens=100)


def budget(price: float | None = 1.0, **limits: Any) -> Budget:
    def usd(used: Usage) -> float | None:
        return None if price is None else used.requests * price

    return Budget(SpendLimits(**limits), usd, lambda: 0.0)


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
    limited = Budget(SpendLimits(minutes=2), lambda _: None, lambda: now[0])
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

    limited = Budget(SpendLimits(cost=60), usd, lambda: 0.0)
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
    single = pricing.usd(at, one)
    assert single
    assert pricing.usd(at, many) == pytest.approx(1000 * single)


def test_a_server_of_one_s_own_has_one_s_own_price() -> None:
    at = endpoint("gpt-4o-mini", base_url="http://127.0.0.1:1/v1")
    assert pricing.usd(at, EACH) is None
    assert pricing.usd(at, EACH, pricing.OwnPrice(2.0, 10.0)) == pytest.approx(0.003)
    assert pricing.usd(at, EACH, pricing.OwnPrice(2.0, 10.0), batch=True) is None


def test_the_batch_price_is_the_list_s_own() -> None:
    at = endpoint("openai/gpt-4o-mini")
    online, batch = pricing.usd(at, EACH), pricing.usd(at, EACH, batch=True)
    assert online
    assert batch == pytest.approx(online / 2)
    assert pricing.usd(endpoint("openai/no-such-model"), EACH) is None


def test_replies_calibrate_the_estimate() -> None:
    rate = token_estimate.calibrated(
        token_estimate.Seen(*each)
        for each in (
            (6000, Usage(1, 2000, 0, 90)),
            (3000, Usage(1, 1000, 0, 110)),
            (9, Usage(2, 9999, 0, 100)),
        )
    )
    assert rate.characters_a_token == pytest.approx(3)
    assert rate.output_tokens == pytest.approx(100)
    assert (rate.input_replies, rate.output_replies) == (2, 3)
    assert token_estimate.calibrated([]) == token_estimate.Rate()
    together = token_estimate.calibrated([token_estimate.Seen(6000, Usage(1, 2000, 0, 500), 5)])
    assert together.output_tokens == 100


def test_a_pack_is_estimated_at_a_reply_for_each_of_its_papers() -> None:
    alone = requests(1)[0]
    together = replace(alone, packed=5)
    assert (
        token_estimate.usage(together).output_tokens
        == 5 * token_estimate.usage(alone).output_tokens
    )
