"""The Gate in made-up time: how many, how often, and who waits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import StoppedError
from claimgrid.llm.http_reply import retry_after
from claimgrid.llm.limit_headers import duration
from claimgrid.llm.rate_limiter import START, HttpOutcome, RateLimiter, rate_limiter
from fake_time import run

Clock = Callable[[], float]


def opened(
    most: int, clock: Clock, rpm: float | None = None, tpm: float | None = None
) -> RateLimiter:
    return rate_limiter(most, clock, rpm=rpm, tpm=tpm)


class Server:
    """A server with so many places and a queue: it slows down when more than those are taken.

    `entered` holds when each request came in; `peak` how many were in at once.
    """

    def __init__(
        self, gate: RateLimiter, clock: Clock, *, places: int = 10**6, seconds: float = 0.1
    ):
        self.gate, self.clock, self.seconds = gate, clock, seconds
        self.places = asyncio.Semaphore(places)
        self.entered: list[float] = []
        self.inside = self.peak = 0
        self.answer: Callable[[], HttpOutcome] = lambda: "ok"

    async def request(self, tokens: float = 1.0) -> None:
        ticket = await self.gate.enter(tokens)
        began = self.clock()
        self.entered.append(began)
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        async with self.places:
            await asyncio.sleep(self.seconds)
        self.inside -= 1
        took = self.clock() - began
        self.gate.leave(ticket, self.answer(), seconds=took)


async def _many(server: Server, count: int, tokens: float = 1.0) -> None:
    await asyncio.gather(*(server.request(tokens) for _ in range(count)))


def test_it_starts_low_and_doubles_in_each_round_trip() -> None:
    async def main(clock: Clock) -> list[int]:
        server = Server(opened(64, clock), clock)
        await _many(server, 500)
        return [sum(round(at, 3) == round(n * 0.1, 3) for at in server.entered) for n in range(5)]

    assert run(main) == [START, 16, 32, 64, 64]


def test_a_small_limit_is_the_start() -> None:
    async def main(clock: Clock) -> int:
        server = Server(opened(3, clock), clock)
        await _many(server, 20)
        return server.peak

    assert run(main) == 3


def test_refusals_that_were_sent_together_halve_it_once() -> None:
    async def main(clock: Clock) -> tuple[float, int]:
        held = opened(64, clock)
        tickets = [await held.enter(1) for _ in range(START)]
        for ticket in tickets:
            await asyncio.sleep(1)  # however far apart they come back
            held.leave(ticket, "throttled", seconds=0.01)
        return held.allowed, held.throttled

    assert run(main) == (START / 2, START)


def test_refusals_in_each_round_bring_it_down_to_one_and_it_recovers() -> None:
    async def main(clock: Clock) -> tuple[float, float]:
        held = opened(32, clock)
        server = Server(held, clock)
        server.answer = lambda: "throttled"
        await _many(server, 60)
        lowest = held.allowed
        server.answer = lambda: "ok"
        await _many(server, 1000)
        return lowest, held.allowed

    lowest, recovered = run(main)
    assert lowest == 1
    assert recovered == 32


def test_trouble_slows_it_less_than_a_refusal() -> None:
    async def main(clock: Clock) -> float:
        held = opened(64, clock)
        held.leave(await held.enter(1), "trouble", seconds=0.1)
        return held.allowed

    assert run(main) == pytest.approx(0.8 * START)


def test_it_backs_off_where_the_server_queues_and_keeps_it_busy() -> None:
    async def main(clock: Clock) -> tuple[float, float]:
        held = opened(512, clock)
        server = Server(held, clock, places=16)
        await _many(server, 4000)
        return held.allowed, 4000 / clock()

    allowed, rate = run(main)
    # 16 places of 0.1 s serve 160 a second; without the back-off 512 would stand in the queue.
    assert 16 <= allowed < 64
    assert rate > 0.95 * 160


def test_places_are_given_in_order_of_arrival() -> None:
    async def main(clock: Clock) -> list[int]:
        held = opened(2, clock, rpm=600)
        order = []

        async def one(number: int) -> None:
            ticket = await held.enter(1)
            order.append(number)
            await asyncio.sleep(0.1 if number % 3 else 1.0)
            held.leave(ticket, "ok", seconds=0.1)

        await asyncio.gather(*(one(number) for number in range(50)))
        return order

    assert run(main) == list(range(50))


_EVENTS = st.lists(
    st.tuples(
        st.floats(0.001, 5),  # how long the request takes
        st.sampled_from(["ok", "ok", "ok", "throttled", "trouble"]),
        st.one_of(st.none(), st.none(), st.floats(0, 3)),  # when it is given up, if it is
        st.floats(0, 2),  # when it comes
        st.integers(1, 300),  # tokens
    ),
    min_size=1,
    max_size=60,
)


@given(_EVENTS, st.integers(1, 20), st.sampled_from([None, 30, 600]), st.sampled_from([None, 5000]))
def test_whatever_happens_nobody_starves_no_place_leaks_and_the_cap_holds(
    events: list[Any], most: int, rpm: float | None, tpm: float | None
) -> None:
    async def main(clock: Clock) -> None:
        held = opened(most, clock, rpm=rpm, tpm=tpm)
        asked: list[int] = []
        entered: list[int] = []
        inside = 0

        async def one(number: int, event: Any) -> None:
            nonlocal inside
            seconds, outcome, _, comes, tokens = event
            await asyncio.sleep(comes)
            asked.append(number)
            ticket = await held.enter(tokens)
            entered.append(number)
            inside += 1
            assert inside <= held.running <= most
            try:
                await asyncio.sleep(seconds)
            finally:
                inside -= 1
                held.leave(ticket, outcome, seconds=seconds)

        tasks = [asyncio.create_task(one(n, event)) for n, event in enumerate(events)]
        for task, event in zip(tasks, events, strict=True):
            if event[2] is not None:
                asyncio.get_running_loop().call_later(event[2], task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        for task, event in zip(tasks, events, strict=True):
            assert event[2] is not None or (not task.cancelled() and task.exception() is None)
        assert held.running == 0
        assert entered == [number for number in asked if number in set(entered)]
        # A free place is to be had: nothing is left behind in the queue.
        await held.enter(1)

    run(main)


def test_giving_up_at_the_moment_of_being_let_in_leaks_no_place() -> None:
    async def main(clock: Clock) -> int:
        held = opened(1, clock)
        first = await held.enter(1)
        second = asyncio.create_task(held.enter(1))
        await asyncio.sleep(0)
        held.leave(first, "ok", seconds=1)  # the place is the second's now
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        return held.running

    assert run(main) == 0


@given(st.sampled_from([6, 60, 90, 600]), st.integers(1, 200), st.floats(0.01, 2))
def test_no_window_holds_more_than_its_share_and_the_burst(
    rpm: int, count: int, seconds: float
) -> None:
    async def main(clock: Clock) -> list[float]:
        server = Server(opened(1000, clock, rpm=rpm), clock, seconds=seconds)
        await _many(server, count)
        return server.entered

    entered = run(main)
    for at in range(len(entered)):
        for last in range(at, len(entered)):
            window = entered[last] - entered[at]
            assert last - at + 1 <= rpm + window * rpm / 60 + 1e-6


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=60), st.sampled_from([1000, 6000]))
def test_no_window_holds_more_tokens_than_its_share_and_the_burst(
    sizes: list[int], tpm: int
) -> None:
    async def main(clock: Clock) -> list[float]:
        server = Server(opened(1000, clock, tpm=tpm), clock)
        await asyncio.gather(*(server.request(size) for size in sizes))
        return server.entered

    entered = run(main)
    for at in range(len(entered)):
        for last in range(at, len(entered)):
            tokens = sum(sizes[at : last + 1])
            window = entered[last] - entered[at]
            # One request larger than a whole minute's worth must go some time: it goes alone.
            assert tokens <= tpm + max(sizes) + window * tpm / 60 + 1e-6


def test_the_rate_is_used_and_not_only_kept() -> None:
    async def main(clock: Clock) -> float:
        server = Server(opened(100, clock, rpm=60), clock, seconds=0.5)
        await _many(server, 60 + 120)
        return server.entered[-1]

    assert run(main) == pytest.approx(120, rel=0.01)


def test_the_server_s_token_count_corrects_the_estimate() -> None:
    async def main(clock: Clock) -> float:
        held = opened(4, clock, tpm=600)
        ticket = await held.enter(100)
        held.leave(ticket, "ok", seconds=1, used=700)  # 100 more than there were
        await held.enter(50)
        return clock()

    assert run(main) == pytest.approx((100 + 50) * 60 / 600, rel=0.01)


def test_a_pause_holds_everybody() -> None:
    async def main(clock: Clock) -> list[float]:
        held = opened(8, clock)
        server = Server(held, clock)
        held.pause(30)
        held.pause(5)  # a shorter one does not cut it short
        await _many(server, 8)
        return server.entered

    assert min(run(main)) >= 30


def test_a_closed_gate_lets_those_inside_finish_and_nobody_else_in() -> None:
    async def main(clock: Clock) -> tuple[int, int]:
        held = opened(2, clock)
        server = Server(held, clock)
        tasks = [asyncio.create_task(server.request()) for _ in range(9)]
        await asyncio.sleep(0.05)
        held.close("Ctrl-C")
        held.close("later")
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(StoppedError, match="Ctrl-C"):
            await held.enter(1)
        stopped = [error for error in ended if isinstance(error, StoppedError)]
        return len(server.entered), len(stopped)

    assert run(main) == (2, 7)


def test_a_large_request_is_not_overtaken_by_small_ones_for_ever() -> None:
    async def main(clock: Clock) -> list[str]:
        held = opened(8, clock, tpm=600)
        order = []

        async def one(name: str, tokens: float, comes: float) -> None:
            await asyncio.sleep(comes)
            ticket = await held.enter(tokens)
            order.append(name)
            held.leave(ticket, "ok", seconds=0.1)

        small = [one("small", 10, 1.0 + n) for n in range(30)]
        await asyncio.gather(one("first", 500, 0), one("large", 590, 0.5), *small)
        return order

    assert run(main)[:2] == ["first", "large"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("", 0), ("soon", 0),
     ("1.2.3s", 0), (".s", 0), (".5ms", 0), ("-1s", 0), ("9" * 400 + "s", 0)],
)  # fmt: skip
def test_durations_are_read_as_openai_writes_them(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["soon", "inf", "nan", "1e999", "", "Mon, 01 Jan 99999999999 00:00:00 GMT",
     "Mon, 01 Jan 2024 00:00:00 +9999"],
)  # fmt: skip
def test_a_malformed_wait_is_no_wait(value: str) -> None:
    assert retry_after({"retry-after": value}) is None
    assert retry_after({"retry-after": "Mon, 01 Jan 2024 00:00:09 GMT", "date": value}) is not None


_NUMBERS = st.one_of(
    st.text("0123456789.hms -:", max_size=12),
    st.text(max_size=12),
    st.integers(0, 10**400).map(str),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30"]),
    st.tuples(st.integers(), st.integers(-9999, 9999)).map(
        lambda parts: f"Mon, 01 Jan {parts[0]} 00:00:00 {parts[1]:+05}"
    ),
)
_HEADERS = st.dictionaries(
    st.sampled_from(
        ["retry-after", "date"]
        + [f"x-ratelimit-{a}-{b}" for a in ("limit", "remaining", "reset")
           for b in ("requests", "tokens")]
        + [f"anthropic-ratelimit-{b}-{a}" for a in ("limit", "remaining", "reset")
           for b in ("requests", "input-tokens", "output-tokens")]
    ),
    _NUMBERS,
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(_HEADERS, max_size=4))
def test_no_header_whatever_it_says_costs_a_reply(told: list[dict[str, str]]) -> None:
    async def main(clock: Clock) -> int:
        held = opened(8, clock)
        for headers in told:
            ticket = await held.enter(1)
            held.heed(headers, ticket)
            asked = retry_after(headers)
            assert asked is None or (asked >= 0 and math.isfinite(asked))
            held.leave(ticket, "ok", seconds=0.1)
        return held.running

    assert run(main) == 0
