"""Tries a remote step again where that may help.

A client library's own retries would send a POST again blindly, and a batch that is created twice is
paid twice: a POST whose outcome is unknown is looked up before it is repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from claimgrid.errors import ClaimgridError, SetupError, TransportError

CLOCK_SKEW = 24 * 3600  # seconds; how far the provider's clock may be off ours in a look-up
AGAIN = "nothing is lost; run the same command again later"
_LONGEST_WAIT = 120.0  # seconds; the next try comes then even if the server asks for more
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Tries of a step.

    Args:
        attempts: how many.
        backoff: seconds before the second try, about doubled for each further one.
        passing: whether the same step may work a little later.
        retry_after: seconds that the server asks to wait, if it does.
        explained: turns the client's errors into ours.
    """

    attempts: int
    backoff: float
    passing: Callable[[BaseException], bool]
    retry_after: Callable[[BaseException | None], float | None]
    explained: Callable[[], AbstractContextManager[None]]

    async def repeatable(self, step: Callable[[], Awaitable[_Found]]) -> _Found:
        """A step that may be done any number of times."""
        with self.explained():
            async for attempt in self._tries():
                with attempt:
                    return await step()
        raise AssertionError("tenacity either returns or raises")

    async def once_only(
        self,
        post: Callable[[], Awaitable[_Found]],
        find: Callable[[], Awaitable[_Found | None]],
        *,
        unsure: bool,
    ) -> _Found:
        """A step that must not be done twice: what it makes is looked for before another try.

        Args:
            post: the step.
            find: what an earlier try made.
            unsure: whether there may have been one.
        """
        with self.explained():
            async for attempt in self._tries():
                with attempt:
                    if unsure or attempt.retry_state.attempt_number > 1:
                        found = await find()
                        if found is not None:
                            return found
                    return await post()
        raise AssertionError("tenacity either returns or raises")

    def _tries(self) -> AsyncRetrying:
        jittered = wait_random_exponential(multiplier=self.backoff, max=30)

        def wait(state: RetryCallState) -> float:
            asked = self.retry_after(state.outcome.exception() if state.outcome else None)
            return jittered(state) if asked is None else min(asked, _LONGEST_WAIT)

        return AsyncRetrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait,
            retry=retry_if_exception(self.passing),
            reraise=True,
        )


def retry_after(error: BaseException | None) -> float | None:
    """Seconds that the server asks to wait, of an error that holds its response."""
    response = getattr(error, "response", None)
    try:
        return max(0.0, float(response.headers["retry-after"])) if response is not None else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def refusal(status: int, said: str, *, key: str, passing: bool) -> ClaimgridError:
    """The error of a refused step: what the server said, and what to do about it.

    Args:
        status: HTTP status.
        said: URL, status and the server's words.
        key: name of the key's environment variable.
        passing: whether the same step may work a little later.
    """
    if status in (401, 403):
        return SetupError(f"{said}; check {key} and the key's rights")
    if status in (404, 405):
        return SetupError(
            f"{said}; either the key belongs to another project than the batch, or this server "
            "has no Batch API"
        )
    return TransportError(f"{said}; {AGAIN}") if passing else SetupError(said)


def unreachable(where: object, error: BaseException) -> TransportError:
    """The error of a step that got no answer."""
    cause = error.__cause__ or error
    return TransportError(f"{where} could not be reached: {type(cause).__name__}: {cause}; {AGAIN}")
