"""Limits how many requests are under way, and when they go out, for all papers of a run.

It joins three limits: a concurrency that adapts (additive increase while latency and errors
allow, multiplicative decrease on 429 and on rising latency, as TCP does), requests and tokens per
minute (token buckets), and what the server says of itself (`limit_headers`, `retry-after`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple, Protocol

from claimgrid.errors import StoppedError
from claimgrid.llm import limit_headers

HttpOutcome = Literal["ok", "throttled", "trouble"]

START = 8  # requests under way before any reply has come
_SAMPLES = 16  # latencies that one judgement of the trend looks at
_SLOWER = 2.5  # a median so many times the best one means that the server queues
# Tokens of a reply to one abstract, with something to spare. Only Anthropic limits them apart, and
# tells what is left in thousands.
_REPLY = 256.0


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds one minute's worth and fills evenly. `rate` is per minute."""

    rate: float
    filled: float
    at: float

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken; an amount above the whole bucket waits for a full
        one, or it could never go."""
        self.filled = min(self.rate, self.filled + (now - self.at) * self.rate / 60)
        self.at = now
        lacking = min(amount, self.rate) - self.filled
        return max(0.0, lacking * 60 / self.rate)

    def take(self, amount: float) -> None:
        """Take `amount`; the bucket may go into debt by what was estimated too low."""
        self.filled -= amount


@dataclass(slots=True)
class _Quota:
    """What the server said of one of its limits, in requests, tokens in or tokens out.

    Args:
        upto: how much may have gone out in all, ever, until `until`.
        asked: requests numbered above this went out after all that `upto` rests on.
        limit: what there is after a reset, if the server said so.
    """

    upto: float
    until: float
    asked: int
    limit: float | None

    def wait(self, amount: float, gone: float, inside: float, now: float) -> float:
        """Seconds until `amount` is not sure to be refused; `gone` so far, `inside` unanswered."""
        if self.limit is not None:
            if now >= self.until:
                self.upto, self.until = gone - inside + self.limit, now + 60
            amount = min(amount, self.limit)  # more than there ever is waits for all of it
        return 0.0 if now >= self.until or gone + amount <= self.upto else self.until - now


class Ticket(NamedTuple):
    """A request that was let in: its number, and the tokens that it was estimated at."""

    number: int
    tokens: float


class Limiter(Protocol):
    """What requests go through: a `RateLimiter`, or the way to one that several processes share."""

    clock: Callable[[], float]

    @property
    def tokens(self) -> object | None:
        """None where nothing limits tokens, so that nobody has to count those of a reply."""

    async def enter(self, tokens: float) -> Ticket:
        """Wait for a place; see `RateLimiter.enter`."""

    def leave(
        self, ticket: Ticket, outcome: HttpOutcome, *, seconds: float, used: float | None = None
    ) -> None:
        """A request came back; see `RateLimiter.leave`."""

    def pause(self, seconds: float) -> None:
        """Start no request for so long."""

    def close(self, why: str) -> None:
        """Start no more requests; see `RateLimiter.close`."""

    async def sleep(self, seconds: float) -> None:
        """Wait before another try; see `RateLimiter.sleep`."""

    def close(self, why: str) -> None:
        """Let nobody in any more; see `RateLimiter.close`."""

    def heed(self, headers: Mapping[str, str], ticket: Ticket) -> None:
        """Send no more than the server says is left; see `RateLimiter.heed`."""


@dataclass(slots=True)
class RateLimiter:
    """Lets requests through. `most` caps the concurrency; rates are per minute, None for no limit.

    `clock` gives seconds, as `time.monotonic` does.
    """

    most: int
    clock: Callable[[], float]
    requests: Bucket | None = None
    tokens: Bucket | None = None
    allowed: float = 0.0
    running: int = 0
    throttled: int = 0
    _entered: int = 0
    _entered_tokens: float = 0.0
    _running_tokens: float = 0.0
    _quotas: dict[limit_headers.What, _Quota] = field(default_factory=dict)
    _closed: str | None = None
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: deque[tuple[asyncio.Future[Ticket], float]] = field(default_factory=deque)
    _paused_until: float = float("-inf")
    _reduced_at: int = 0
    _latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    _best: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.allowed = float(min(START, self.most))

    async def enter(self, tokens: float) -> Ticket:
        """Wait for a place, in order of arrival. `tokens` is the request's estimated size.

        Raises:
            StoppedError: the limiter was closed.
        """
        if self._closed is not None:
            raise StoppedError(self._closed)
        if not self._waiting and self.running < int(self.allowed) and self._delay(tokens) == 0:
            return self._let_in(tokens)
        turn: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, tokens))
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.running -= 1  # it had been let in already
                self._running_tokens -= tokens
            self._wake()
            raise

    def leave(
        self, ticket: Ticket, outcome: HttpOutcome, *, seconds: float, used: float | None = None
    ) -> None:
        """A request came back. What its headers say is to be heeded first: this lets others in.

        Args:
            ticket: what `enter` gave.
            outcome: `throttled` is a 429, `trouble` a 5xx or no answer.
            seconds: how long it took.
            used: the tokens that it took by the server's count, if it said so.
        """
        self.running -= 1
        self._running_tokens -= ticket.tokens
        if used is not None and self.tokens is not None:
            self.tokens.take(used - ticket.tokens)
        if outcome == "ok":
            self._succeeded(ticket, seconds)
        elif outcome == "throttled":
            self.throttled += 1
            self._reduce(0.5, ticket)
        else:
            self._reduce(0.8, ticket)
        self._wake()

    def pause(self, seconds: float) -> None:
        """Start no request for so long: the server asked for it."""
        self._paused_until = max(self._paused_until, self.clock() + seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait before another try.

        Raises:
            StoppedError: the limiter was closed meanwhile; there will be no other try.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        if self._closed is not None:
            raise StoppedError(self._closed)

    def close(self, why: str) -> None:
        """Start no more requests; those that wait get a StoppedError.

        In-flight requests complete.
        """
        self._closed = self._closed or why
        self._closing.set()
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(StoppedError(why))

    def heed(self, headers: Mapping[str, str], ticket: Ticket) -> None:
        """Send no more than the server says is left.

        `ticket` is that of the request that was answered, which must not have left yet. What is
        unanswered counts as not yet counted by the server: rather one too few than a refusal.
        Limits that refill evenly have some left before "reset", which is when all is there again;
        by then a later reply tells.
        """
        for left in limit_headers.read(headers):
            each, gone, inside = self._counts(left.what, ticket.tokens)
            now = _Quota(
                upto=gone - (inside - each) + left.remaining,
                until=self.clock() + left.reset,
                asked=self._entered,
                limit=left.limit,
            )
            before = self._quotas.get(left.what)
            if before is not None and ticket.number <= before.asked:
                # Replies overtake each other, on both ways: of these two, the lower one is later.
                now = now if now.upto < before.upto else before
                now.asked = before.asked
            self._quotas[left.what] = now

    def _counts(self, what: limit_headers.What, tokens: float) -> tuple[float, float, float]:
        """Of one limit: what a request of `tokens` takes, what has gone out, what is unanswered."""
        if what == "tokens":
            return tokens, self._entered_tokens, self._running_tokens
        each = 1.0 if what == "requests" else _REPLY
        return each, each * self._entered, each * self.running

    def _succeeded(self, ticket: Ticket, seconds: float) -> None:
        self._latencies.append(seconds)
        if len(self._latencies) == _SAMPLES:
            usual = median(self._latencies)
            self._best = usual if self._best is None else min(self._best, usual)
            if usual > _SLOWER * self._best:
                self._reduce(0.9, ticket)
                return
        # As long as nothing speaks against it, each success makes room for one more: the number
        # under way doubles in every round trip. After the first setback it grows by one a round.
        grown = 1.0 if not self._reduced_at else 1.0 / max(self.allowed, 1.0)
        self.allowed = min(float(self.most), self.allowed + grown)

    def _reduce(self, factor: float, ticket: Ticket) -> None:
        if ticket.number <= self._reduced_at:
            return  # sent before the last setback: it says nothing new
        self._reduced_at = self._entered
        self._latencies.clear()
        self.allowed = max(1.0, self.allowed * factor)

    def _delay(self, tokens: float) -> float:
        now = self.clock()
        waits = [self._paused_until - now, 0.0]
        if self.requests:
            waits.append(self.requests.wait(1, now))
        if self.tokens:
            waits.append(self.tokens.wait(tokens, now))
        waits += [q.wait(*self._counts(what, tokens), now) for what, q in self._quotas.items()]
        return max(waits)

    def _let_in(self, tokens: float) -> Ticket:
        self.running += 1
        self._running_tokens += tokens
        self._entered += 1
        self._entered_tokens += tokens
        if self.requests:
            self.requests.take(1)
        if self.tokens:
            self.tokens.take(tokens)
        return Ticket(self._entered, tokens)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self.running < int(self.allowed):
            turn, tokens = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
                continue
            delay = self._delay(tokens)
            if delay > 0:
                # A hair late rather than early: a bucket must not come out a rounding short.
                self._timer = asyncio.get_running_loop().call_later(delay + 0.001, self._wake)
                return
            self._waiting.popleft()
            turn.set_result(self._let_in(tokens))


def rate_limiter(
    most: int, clock: Callable[[], float], *, rpm: float | None, tpm: float | None
) -> RateLimiter:
    """A rate limiter with full buckets.

    Args:
        most: the highest concurrency.
        rpm: requests per minute, None for no limit.
        tpm: tokens per minute, in and out together, None for no limit.
    """
    now = clock()
    return RateLimiter(
        most,
        clock,
        requests=Bucket(rpm, rpm, now) if rpm else None,
        tokens=Bucket(tpm, tpm, now) if tpm else None,
    )
