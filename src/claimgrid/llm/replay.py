"""Replays recorded replies below the vendors' clients, and records new ones.

A vendor's client (openai, anthropic, google-genai) sends through the transport that is made here,
so its parsing, instructor's validation and the re-ask all run on recorded replies too. Retries
happen below, in `http`, so only replies are recorded and an API error never leaks into a re-ask.
openai uses httpx2, the other clients httpx: both have the same transport interface, so the class is
made for the library that the client uses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from claimgrid.errors import (
    ClaimgridError,
    NoRecordingError,
    RefusedError,
    SetupError,
    StoppedError,
    StoreError,
    TooLongError,
    TransportError,
    TruncatedError,
    UnusableServerError,
    UsageError,
)
from claimgrid.llm import server_errors
from claimgrid.llm.adaptation import Sends
from claimgrid.llm.http_reply import HttpReply
from claimgrid.llm.reply_body import usage_of
from claimgrid.llm.response_store import Attempt
from claimgrid.llm.server_errors import ServerError
from claimgrid.types.answer import Usage

# aiohttp has undone the encoding and the framing of the body already.
_FRAMING = ("content-encoding", "content-length", "transfer-encoding")


@dataclass(slots=True)
class Exchange:
    """One conversation: what is replayed, what came back, and what went wrong on the way.

    `on_reply` is awaited with all attempts so far before a live reply goes any further. `paid` is
    what the live ones of `attempts` took.
    """

    recorded: tuple[Attempt, ...]
    live: bool
    on_reply: Callable[[tuple[Attempt, ...]], Awaitable[None]]
    missing: Callable[[], str]
    attempts: list[Attempt] = field(default_factory=list)
    asked_live: bool = False
    paid: Usage = field(default_factory=Usage)
    failure: ClaimgridError | None = None

    @property
    def last_body(self) -> Any:
        """The body of the last reply, or None before the first."""
        return self.attempts[-1].body if self.attempts else None

    async def took(self, reply: HttpReply, url: object) -> None:
        """Keep a live answer: a reply is recorded, anything else is the exchange's failure.

        Raises:
            StoreError: the reply could not be kept.
        """
        self.heard(reply, url)
        if self.failure is None:
            await self.keep()

    def heard(self, reply: HttpReply, url: object) -> None:
        """Take a live answer in, without keeping it: a reply, or the exchange's failure."""
        self.asked_live = True
        error = server_errors.read(reply)
        if error is not None:
            self.failure = failure(error, url, reply.tried)
            return
        body = reply.body
        self.paid += usage_of(body)
        self.attempts.append(Attempt(status=200, body=body))

    async def keep(self) -> None:
        """Record all replies so far.

        Raises:
            StoreError: they could not be kept.
        """
        try:
            await self.on_reply(tuple(self.attempts))
        except StoreError as error:
            # Told here too: the vendor's client takes it for trouble with the connection.
            self.failure = error
            raise


# A context variable and not a header: the exchange never reaches anyone's server.
CURRENT: ContextVar[Exchange] = ContextVar("CURRENT")


def recorder(http: ModuleType, sender: Sends) -> Any:
    """An async transport for `http` (httpx or httpx2) that replays or records `CURRENT`."""

    class Recorder(http.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            exchange = CURRENT.get()
            position = len(exchange.attempts)
            if position < len(exchange.recorded):
                attempt = exchange.recorded[position]
                exchange.attempts.append(attempt)
                return _replayed(http, attempt, request)
            if not exchange.live:
                exchange.failure = NoRecordingError(exchange.missing())
                raise exchange.failure
            content = await request.aread()
            url = str(request.url)
            try:
                reply = await sender.send(request.method, url, dict(request.headers), content)
            except (TransportError, StoppedError, SetupError, UsageError) as error:
                exchange.failure = error
                raise
            await exchange.took(reply, url)
            if exchange.failure is None:
                return _replayed(http, exchange.attempts[-1], request)
            headers = {n: v for n, v in reply.headers.items() if n not in _FRAMING}
            # An error under status 200 is one for the vendor's client too.
            status = reply.status if reply.status >= 400 else 400
            return http.Response(status, headers=headers, content=reply.content, request=request)

    return Recorder()


def _replayed(http: ModuleType, attempt: Attempt, request: Any) -> Any:
    if isinstance(attempt.body, str):
        return http.Response(attempt.status, text=attempt.body, request=request)
    return http.Response(attempt.status, json=attempt.body, request=request)


def failure(error: ServerError, url: object, tried: Sequence[str] = ()) -> ClaimgridError:
    """The error of a request that the server did not answer: what it said, and what to do.

    Args:
        tried: what was sent in another way, without success.
    """
    inside = "" if error.status == error.http_status else f" with error {error.status}"
    told = f"{url} answered {error.http_status}{inside}: {error.said}"
    told += f" (also with {', '.join(tried)})" if tried else ""
    told += f"; {error.advice}" if error.advice else ""
    match error.kind:
        case "too_long" | "reply_limit":
            return TooLongError(told)
        case "refused":
            return RefusedError(told)
        case "output_limit":
            return TruncatedError(told)
    if error.same_for_all is not None:
        return UnusableServerError(told, why=error.same_for_all, certain=error.certain)
    return TransportError(told)
