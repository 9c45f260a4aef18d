"""What a server says of its limits is heeded, by the Gate and by the link, in made-up time."""

from __future__ import annotations

import asyncio
import datetime
import math
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any, ClassVar

import pytest

from claimgrid.errors import StoppedError
from claimgrid.llm.http import HttpClient, HttpReply
from claimgrid.llm.rate_limiter import START, RateLimiter, rate_limiter
from fake_time import run

Clock = Callable[[], float]


def opened(
    most: int, clock: Clock, rpm: float | None = None, tpm: float | None = None
) -> RateLimiter:
    return rate_limiter(most, clock, rpm=rpm, tpm=tpm)


def test_a_closed_gate_ends_the_wait_before_another_try() -> None:
    class Broken(HttpClient):
        async def _once(self, *_: object) -> HttpReply:
            return HttpReply(429, {"retry-after": "90"}, b"")

    async def main(clock: Clock) -> float:
        held = opened(2, clock)
        asyncio.get_running_loop().call_later(5, held.close, "Ctrl-C")
        link = Broken(held, timeout=60, attempts=6, backoff=0.5)
        with pytest.raises(StoppedError):
            await link.send("POST", "/", {}, b"x")
        return clock()

    assert run(main) == pytest.approx(5)


class Windows:
    """A server with a limit a minute, refilled at once (`fixed`) or evenly; says so in headers."""

    def __init__(self, clock: Clock, limit: int, *, fixed: bool, dialect: str = "openai"):
        self.clock, self.limit, self.fixed, self.dialect = clock, limit, fixed, dialect
        self.left, self.at = float(limit), 0.0
        self.refused = 0

    def _refill(self) -> float:
        """Seconds until all of the limit is there again."""
        now = self.clock()
        if self.fixed:
            if now // 60 > self.at // 60:
                self.left = float(self.limit)
            reset = 60 - now % 60
        else:
            self.left = min(self.limit, self.left + (now - self.at) * self.limit / 60)
            reset = (self.limit - self.left) * 60 / self.limit
        self.at = now
        return reset

    async def answer(self) -> HttpReply:
        await asyncio.sleep(0.05)  # on its way
        self._refill()
        served = self.left >= 1
        self.left -= served
        reset = self._refill()
        headers = {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(int(self.left)),
            "x-ratelimit-reset-requests": f"{int(reset // 60)}m{reset % 60:.3f}s",
        }
        if self.dialect == "anthropic":
            headers = _anthropic("requests", int(self.left), reset, self.clock(), self.limit)
        self.refused += not served
        await asyncio.sleep(0.15)  # back
        return HttpReply(200 if served else 429, headers, b"{}")


class Simulated(HttpClient):
    def __init__(self, server: Windows, held: RateLimiter) -> None:
        super().__init__(held, timeout=60, attempts=50, backoff=0.5)
        self._server = server

    async def _once(self, *_: object) -> HttpReply:
        return await self._server.answer()


def _through_link(count: int, **server: Any) -> tuple[Windows, float]:
    async def main(clock: Clock) -> tuple[Windows, float]:
        windows = Windows(clock, **server)
        link = Simulated(windows, opened(64, clock))
        sent = await asyncio.gather(*(link.send("POST", "/", {}, b"x" * 400) for _ in range(count)))
        assert [one.status for one in sent] == [200] * count
        return windows, clock()

    return run(main)


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("limit", [9, 40, 500])
def test_no_request_is_sent_that_the_headers_say_will_be_refused(
    fixed: bool, limit: int, dialect: str
) -> None:
    server, seconds = _through_link(limit * 3, limit=limit, fixed=fixed, dialect=dialect)
    # The first requests go out before any reply has told the limit.
    assert server.refused <= max(0, START - limit)
    assert seconds <= 60 * 3.5


def test_retry_after_pauses_all_and_not_only_the_refused() -> None:
    class Busy(HttpClient):
        came: ClassVar[list[float]] = []

        async def _once(self, *_: object) -> HttpReply:
            self.came.append(self.limiter.clock())
            await asyncio.sleep(0.2)
            refused = self.limiter.clock() < 1
            return HttpReply(
                429 if refused else 200, {"retry-after": "20"} if refused else {}, b"{}"
            )

    async def main(clock: Clock) -> list[float]:
        link = Busy(opened(64, clock), timeout=60, attempts=6, backoff=0.5)
        await asyncio.gather(*(link.send("POST", "/", {}, b"x") for _ in range(40)))
        return link.came

    came = run(main)
    assert [at for at in came if at < 20] == [0.0] * START
    assert len(came) == 40 + START


def test_replies_that_overtake_each_other_do_not_bring_back_what_is_spent() -> None:
    async def main(clock: Clock) -> float:
        held = opened(8, clock)
        early, late = await held.enter(1), await held.enter(1)
        held.heed(_left(0, "40s"), late)
        held.heed(_left(5, "40s"), early)
        held.heed({}, early)  # a reply without headers says nothing
        await held.enter(1)
        return clock()

    assert run(main) == pytest.approx(40, rel=0.01)


def test_what_is_under_way_counts_as_not_yet_counted() -> None:
    async def main(clock: Clock) -> list[float]:
        held = opened(8, clock)
        first = await held.enter(1)
        for _ in range(3):
            await held.enter(1)
        held.heed(_left(4, "1m0s"), first)  # three of these four are on their way
        times = []
        for _ in range(2):
            await held.enter(1)
            times.append(clock())
        return times

    assert run(main) == [0, pytest.approx(60, rel=0.01)]


def test_the_token_header_is_heeded_too() -> None:
    async def main(clock: Clock) -> float:
        held = opened(8, clock)
        headers = {"x-ratelimit-remaining-tokens": "500", "x-ratelimit-reset-tokens": "9s"}
        held.heed(headers, await held.enter(400))
        await held.enter(400)
        assert clock() == 0
        await held.enter(400)
        return clock()

    assert run(main) == pytest.approx(9, rel=0.01)


@pytest.mark.parametrize(
    ("what", "left", "goes"),
    [("input-tokens", 500, 1), ("output-tokens", 1000, 3), ("requests", 2, 2), ("tokens", 0, 5)],
)
def test_anthropic_s_own_headers_are_heeded(what: str, left: int, goes: int) -> None:
    """So many further requests of 400 tokens go; the next waits for the time that is told.

    `tokens` repeats whichever of the limits is the tightest, so it tells nothing of its own.
    """

    async def main(clock: Clock) -> float:
        held = opened(64, clock)
        held.heed(_anthropic(what, left, 30, clock()), await held.enter(400))
        for _ in range(goes):
            await held.enter(400)
        assert clock() == 0
        if what != "tokens":
            await held.enter(400)
        return clock()

    assert run(main) == pytest.approx(0 if what == "tokens" else 30, rel=0.01)


@pytest.mark.parametrize("reset", ["soon", "", "2026-13-01T00:00:00Z", "2020-01-01T00:00:00Z"])
def test_a_time_that_is_past_or_unclear_holds_nobody(reset: str) -> None:
    async def main(clock: Clock) -> float:
        held = opened(8, clock)
        told = _anthropic("requests", 0, 30, 0) | {"anthropic-ratelimit-requests-reset": reset}
        held.heed(told, await held.enter(1))
        await held.enter(1)
        return clock()

    assert run(main) == 0


def test_a_time_that_only_a_wrong_clock_can_mean_is_cut() -> None:
    async def main(clock: Clock) -> float:
        held = opened(8, clock)
        held.heed(_anthropic("requests", 0, 10**8, 0), await held.enter(1))
        await held.enter(1)
        return clock()

    assert run(main) == pytest.approx(120, rel=0.01)


def _anthropic(
    what: str, left: int, seconds: float, now: float, limit: int | None = None
) -> dict[str, str]:
    """Headers as Anthropic sends them: a time in whole seconds, to be read against `Date`."""

    def at(after: float) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(0, after)

    name = f"anthropic-ratelimit-{what}"
    told = {
        "date": format_datetime(at(math.floor(now)), usegmt=True),
        f"{name}-remaining": str(left),
        f"{name}-reset": at(math.ceil(now + seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return told | ({f"{name}-limit": str(limit)} if limit is not None else {})


def _left(count: int, reset: str) -> dict[str, str]:
    return {"x-ratelimit-remaining-requests": str(count), "x-ratelimit-reset-requests": reset}
