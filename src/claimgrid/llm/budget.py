"""What a run may spend: requests, dollars, minutes. Decides before a request, never after.

Knows prices only through the function that it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from claimgrid.types.answer import Usage


@dataclass(frozen=True, slots=True)
class SpendLimits:
    """The most that a run may spend; None for no limit. `cost` is in US dollars."""

    cost: float | None = None
    requests: int | None = None
    minutes: float | None = None


class Purse(Protocol):
    """What allows requests: a `Budget`, or the way to one that several processes share."""

    spent: str | None

    async def start(self, expected: Usage) -> bool:
        """Whether one more request may go; see `Budget.start`."""

    def finish(self, used: Usage, *, started: bool = True) -> None:
        """A request came back; see `Budget.finish`."""


@dataclass(slots=True)
class Budget:
    """Counts what live requests took, and says when to stop.

    Requests under way count as if they cost what the finished ones did on average, or what is
    expected of them before any has finished, so that the limit is not overrun by a whole
    concurrency's worth.

    Args:
        price: US dollars of a usage, None where the model has no known price.
        clock: seconds, as `time.monotonic` gives them.
    """

    limits: SpendLimits
    price: Callable[[Usage], float | None]
    clock: Callable[[], float]
    used: Usage = field(default_factory=Usage)
    started: int = 0
    finished: int = 0
    began: float = 0.0
    spent: str | None = None
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.began = self.clock()

    async def start(self, expected: Usage) -> bool:
        """Whether one more request may go; if not, `spent` says which limit is reached.

        Where the money may be gone already with those under way, waits for what they come to.

        Args:
            expected: what it will take, by an estimate.
        """
        while self._unsure(expected):
            self._moved.clear()
            await self._moved.wait()
        self.spent = self.spent or self._reached(expected)
        if self.spent is None:
            self.started += 1
        return self.spent is None

    def finish(self, used: Usage, *, started: bool = True) -> None:
        """A request and its re-asks came back, whatever they came to.

        Args:
            started: whether `start` was asked for it; not so for the re-asks of a stored reply.
        """
        self.finished += started
        self.used += used
        self._moved.set()

    def _unsure(self, expected: Usage) -> bool:
        cost = self.limits.cost
        if cost is None or self.spent or self.started == self.finished:
            return False
        return self._with_one_more(expected) > cost

    def _reached(self, expected: Usage) -> str | None:
        limits = self.limits
        if limits.requests is not None and self.started >= limits.requests:
            return f"--max-requests {limits.requests}"
        if limits.minutes is not None and self.clock() - self.began >= limits.minutes * 60:
            return f"--max-minutes {limits.minutes:g}"
        if limits.cost is not None and self._with_one_more(expected) > limits.cost:
            return f"--max-cost {limits.cost:g}"
        return None

    def _with_one_more(self, expected: Usage) -> float:
        """Dollars spent, and those that the requests under way and one more will take."""
        spent = self.price(self.used) or 0.0
        each = spent / self.finished if self.finished and spent else self.price(expected) or 0.0
        return spent + (self.started - self.finished + 1) * each
