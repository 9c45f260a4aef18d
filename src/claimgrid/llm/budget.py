"""What a run may spend: requests, dollars, minutes. Decides before a request, never after.

Knows prices only through the function that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from claimgrid.llm.answer import Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a run may spend; None for no limit. `cost` is in US dollars."""

    cost: float | None = None
    requests: int | None = None
    minutes: float | None = None


@dataclass(slots=True)
class Budget:
    """Counts what live requests took, and says when to stop.

    Requests under way count as if they cost what the finished ones did on average, so that the
    limit is not overrun by a whole concurrency's worth.

    Args:
        price: US dollars of a usage, None where the model has no known price.
        clock: seconds, as `time.monotonic` gives them.
    """

    limits: Limits
    price: Callable[[Usage], float | None]
    clock: Callable[[], float]
    used: Usage = field(default_factory=Usage)
    started: int = 0
    finished: int = 0
    began: float = 0.0
    spent: str | None = None

    def __post_init__(self) -> None:
        self.began = self.clock()

    def start(self) -> bool:
        """Whether one more request may go; if not, `spent` says which limit is reached."""
        self.spent = self.spent or self._reached()
        if self.spent is None:
            self.started += 1
        return self.spent is None

    def finish(self, used: Usage) -> None:
        """A request and its re-asks came back, whatever they came to."""
        self.finished += 1
        self.used += used

    def _reached(self) -> str | None:
        limits = self.limits
        if limits.requests is not None and self.started >= limits.requests:
            return f"--max-requests {limits.requests}"
        if limits.minutes is not None and self.clock() - self.began >= limits.minutes * 60:
            return f"--max-minutes {limits.minutes:g}"
        if limits.cost is not None and self._expected() >= limits.cost:
            return f"--max-cost {limits.cost:g}"
        return None

    def _expected(self) -> float:
        """Dollars spent, with those under way at the average of the finished, and one more."""
        spent = self.price(self.used) or 0.0
        if not self.finished:
            return 0.0
        return spent + (self.started - self.finished + 1) * spent / self.finished
