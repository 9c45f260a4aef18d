"""HTTP transports under the real clients: one replays and records, one retries.

    client (openai, anthropic, google-genai) ─► Recorder ─► Retrier ─► network

Replay sits below the vendor's client, so its parsing, instructor's validation and the re-ask all
run on recorded replies. Retries sit below the recorder, so only replies are recorded and an API
error never leaks into a re-ask. openai speaks httpx2, the other clients httpx: both libraries have
the same transport interface, so the classes are made for the one that the client uses.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from claimgrid.errors import NoRecordingError, PaperError, TransportError
from claimgrid.llm.recordings import Attempt

_LONGEST_WAIT = 120.0  # seconds; a server that asks for more is not waited for


@dataclass(slots=True)
class Exchange:
    """One conversation: what is replayed, what came back, and what went wrong on the way."""

    recorded: tuple[Attempt, ...]
    live: bool
    on_reply: Callable[[tuple[Attempt, ...]], None]
    missing: Callable[[], str]
    attempts: list[Attempt] = field(default_factory=list)
    asked_live: bool = False
    failure: PaperError | None = None

    @property
    def last_body(self) -> Any:
        """The body of the last reply, or None before the first."""
        return self.attempts[-1].body if self.attempts else None


# A context variable and not a header: the exchange never reaches anyone's server.
CURRENT: ContextVar[Exchange] = ContextVar("CURRENT")


class _TryAgainError(Exception):
    def __init__(self, response: Any) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


def recorder(http: ModuleType, network: Any) -> Any:
    """An async transport for `http` (httpx or httpx2) that replays or records `CURRENT`.

    `network` is the transport below, or None where no exchange is live.
    """

    class Recorder(http.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            exchange = CURRENT.get()
            position = len(exchange.attempts)
            if position < len(exchange.recorded):
                attempt = exchange.recorded[position]
                exchange.attempts.append(attempt)
                return _response(http, attempt, request)
            if not exchange.live:
                exchange.failure = NoRecordingError(exchange.missing())
                raise exchange.failure
            return await self._ask_network(exchange, request)

        async def _ask_network(self, exchange: Exchange, request: Any) -> Any:
            exchange.asked_live = True
            try:
                response = await network.handle_async_request(request)
                content = await response.aread()
            except http.TransportError as error:
                exchange.failure = TransportError(
                    f"{request.url} could not be reached: {type(error).__name__}: {error}"
                )
                raise
            except TransportError as error:
                exchange.failure = error
                raise
            if response.status_code != 200:
                exchange.failure = TransportError(_explain(response, content, request.url))
                return response
            exchange.attempts.append(Attempt(status=200, body=_body(content)))
            exchange.on_reply(tuple(exchange.attempts))
            return response

        async def aclose(self) -> None:
            if network is not None:
                await network.aclose()

    return Recorder()


def retrier(http: ModuleType, network: Any, *, attempts: int, backoff: float) -> Any:
    """An async transport that tries again on 408, 409, 429, 5xx, time-outs and dropped connections.

    Waits as long as `Retry-After` says, else a jittered exponential time that begins at `backoff`
    seconds and is 30 s at most.

    Raises (from the transport):
        TransportError: the server asks for a wait of more than two minutes.
    """

    def again(error: BaseException) -> bool:
        return isinstance(error, (_TryAgainError, http.TransportError))

    jittered = wait_random_exponential(multiplier=backoff, max=30)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = _retry_after(error.response) if isinstance(error, _TryAgainError) else None
        return jittered(state) if asked is None else asked

    class Retrier(http.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            ladder = AsyncRetrying(
                stop=stop_after_attempt(attempts),
                wait=wait,
                retry=retry_if_exception(again),
                reraise=True,
            )
            try:
                async for attempt in ladder:
                    with attempt:
                        return await self._once(request)
            except _TryAgainError as last:
                return last.response
            raise AssertionError("tenacity either returns or raises")

        async def _once(self, request: Any) -> Any:
            response = await network.handle_async_request(request)
            if response.status_code in (408, 409, 429) or response.status_code >= 500:
                await response.aread()
                asked = _retry_after(response)
                if asked is not None and asked > _LONGEST_WAIT:
                    raise TransportError(
                        f"{request.url} answered {response.status_code} and asks to wait "
                        f"{asked:.0f} s; run the same command again later"
                    )
                raise _TryAgainError(response)
            return response

        async def aclose(self) -> None:
            await network.aclose()

    return Retrier()


def _retry_after(response: Any) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110: a number of seconds, or a date)."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    return max(0.0, (then - datetime.datetime.now(datetime.UTC)).total_seconds())


def _response(http: ModuleType, attempt: Attempt, request: Any) -> Any:
    if isinstance(attempt.body, str):
        return http.Response(attempt.status, text=attempt.body, request=request)
    return http.Response(attempt.status, json=attempt.body, request=request)


def _body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _explain(response: Any, content: bytes, url: Any) -> str:
    body = _body(content)
    said = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(said, dict):
        said = said.get("message", said)
    advice = {
        401: "; check the API key",
        403: "; the key may not use this model",
        404: "; check the model's name and the base URL",
        413: "; the abstract is too long for this server",
        429: "; lower --concurrency or run again later",
    }.get(response.status_code, "")
    return f"{url} answered {response.status_code}: {str(said)[:300]}{advice}"
