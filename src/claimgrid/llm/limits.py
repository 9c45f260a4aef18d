"""How many requests may be under way, and when: one Gate for all papers of a run.

Three limits meet here: a concurrency that adapts (additive increase while latency and errors
allow, multiplicative decrease on 429 and on rising latency, as TCP does), requests and tokens per
minute (token buckets), and what the server says of itself (`x-ratelimit-*`, `retry-after`). Knows
nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

Outcome = Literal["ok", "throttled", "trouble"]

_START = 8
_SAMPLES = 16  # latencies that one judgement of the trend looks at
_SLOWER = 2.5  # a median so many times the best one means that the server queues
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


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
class Gate:
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
    _waiting: deque[tuple[asyncio.Future[None], float]] = field(default_factory=deque)
    _paused_until: float = 0.0
    _reduced_at: float = float("-inf")
    _latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    _best: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.allowed = float(min(_START, self.most))

    async def enter(self, tokens: float) -> None:
        """Wait for a place, in order of arrival. `tokens` is the request's estimated size."""
        if not self._waiting and self._delay(tokens) == 0 and self.running < int(self.allowed):
            self._let_in(tokens)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, tokens))
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.running -= 1  # it had been let in already
            self._wake()
            raise

    def leave(self, outcome: Outcome, seconds: float, estimated: float, used: float | None) -> None:
        """A request came back.

        Args:
            seconds: how long it took.
            estimated: the tokens that `enter` was told.
            used: the tokens that it took by the server's count, if it said so.
        """
        self.running -= 1
        if used is not None and self.tokens is not None:
            self.tokens.take(used - estimated)
        if outcome == "ok":
            self._succeeded(seconds)
        elif outcome == "throttled":
            self.throttled += 1
            self._reduce(0.5, seconds)
        else:
            self._reduce(0.8, seconds)
        self._wake()

    def pause(self, seconds: float) -> None:
        """Let nobody in for so long: the server asked for it."""
        self._paused_until = max(self._paused_until, self.clock() + seconds)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Hold back where the server says that nothing is left (OpenAI's x-ratelimit headers)."""
        for what in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{what}") == "0":
                self.pause(duration(headers.get(f"x-ratelimit-reset-{what}", "")))

    def _succeeded(self, seconds: float) -> None:
        self._latencies.append(seconds)
        if len(self._latencies) == _SAMPLES:
            usual = median(self._latencies)
            self._best = usual if self._best is None else min(self._best, usual)
            if usual > _SLOWER * self._best:
                self._reduce(0.9, usual)
                return
        # As long as nothing speaks against it, each success makes room for one more: the number
        # under way doubles in every round trip. After the first setback it grows by one a round.
        grown = 1.0 if self._reduced_at == float("-inf") else 1.0 / max(self.allowed, 1.0)
        self.allowed = min(float(self.most), self.allowed + grown)

    def _reduce(self, factor: float, seconds: float) -> None:
        now = self.clock()
        if now - self._reduced_at < seconds:
            return  # one setback a round trip: those under way were sent before the last one
        self._reduced_at = now
        self._latencies.clear()
        self.allowed = max(1.0, self.allowed * factor)

    def _delay(self, tokens: float) -> float:
        now = self.clock()
        return max(
            self._paused_until - now,
            self.requests.wait(1, now) if self.requests else 0.0,
            self.tokens.wait(tokens, now) if self.tokens else 0.0,
            0.0,
        )

    def _let_in(self, tokens: float) -> None:
        self.running += 1
        if self.requests:
            self.requests.take(1)
        if self.tokens:
            self.tokens.take(tokens)

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
            self._let_in(tokens)
            turn.set_result(None)


def gate(most: int, clock: Callable[[], float], *, rpm: float | None, tpm: float | None) -> Gate:
    """A Gate with full buckets.

    Args:
        most: the highest concurrency.
        rpm: requests per minute, None for no limit.
        tpm: tokens per minute, in and out together, None for no limit.
    """
    now = clock()
    return Gate(
        most,
        clock,
        requests=Bucket(rpm, rpm, now) if rpm else None,
        tokens=Bucket(tpm, tpm, now) if tpm else None,
    )


def duration(text: str) -> float:
    """Seconds of a duration as OpenAI writes it in headers (`1s`, `6m0s`, `120ms`); 0 if unclear.

    >>> duration("6m0s"), duration("120ms"), duration("1h2m3.5s")
    (360.0, 0.12, 3723.5)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return 0.0
    hours, minutes, seconds, millis = (float(part) if part else 0.0 for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + millis / 1000
