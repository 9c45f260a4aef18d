"""HTTP transports under the vendors' clients: replay what is recorded, record what is new.

    client (openai, anthropic, google-genai) ─► Recorder ─► Link ─► network

Replay sits below the vendor's client, so its parsing, instructor's validation and the re-ask all
run on recorded replies. Retries sit below the recorder, in the link, so only replies are recorded
and an API error never leaks into a re-ask. openai speaks httpx2, the other clients httpx: both have
the same transport interface, so the class is made for the library that the client uses.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from claimgrid.errors import (
    ClaimgridError,
    NoRecordingError,
    SetupError,
    StoppedError,
    StoreError,
    TooLongError,
    TransportError,
    UsageError,
)
from claimgrid.llm.http import HttpClient, HttpReply
from claimgrid.llm.reply_reader import usage_of
from claimgrid.llm.response_store import Attempt, body_of
from claimgrid.types.answer import Usage

_ADVICE = {
    400: "; a model that takes no temperature needs --temperature none",
    401: "; check the API key",
    403: "; the key may not use this model",
    404: "; check the model's name and the base URL",
    429: "; lower --concurrency, set --rpm or --tpm, or run again later",
}
# How OpenAI, vLLM, llama.cpp, OpenRouter and Anthropic say it under status 400.
_TOO_LONG = re.compile(
    r"context.?(length|size|window|limit)|(prompt|input|request)s? (is|are) too (long|large)"
    r"|too many (input |prompt )?tokens|max_(completion_)?tokens",
    re.I,
)
_TOO_LONG_ADVICE = (
    "; prompt and abstract are longer than the model takes: lower --pack, take a shorter --prompt, "
    "or raise --context of an embedded model"
)
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

    async def took(self, sent: HttpReply, url: object) -> None:
        """Keep a live answer: a reply is recorded, anything else is the exchange's failure.

        Raises:
            StoreError: the reply could not be kept.
        """
        self.asked_live = True
        body = body_of(sent.content)
        if sent.status != 200 or (isinstance(body, dict) and body.get("error")):
            error = TooLongError if too_long(sent) else TransportError
            self.failure = error(explain(sent, url))
            return
        self.paid += usage_of(body)
        self.attempts.append(Attempt(status=200, body=body))
        try:
            await self.on_reply(tuple(self.attempts))
        except StoreError as error:
            # Told here too: the vendor's client takes it for trouble with the connection.
            self.failure = error
            raise


# A context variable and not a header: the exchange never reaches anyone's server.
CURRENT: ContextVar[Exchange] = ContextVar("CURRENT")


def recorder(http: ModuleType, link: HttpClient) -> Any:
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
                sent = await link.send(request.method, url, dict(request.headers), content)
            except (TransportError, StoppedError, SetupError, UsageError) as error:
                exchange.failure = error
                raise
            await exchange.took(sent, url)
            headers = {n: v for n, v in sent.headers.items() if n not in _FRAMING}
            return http.Response(
                sent.status, headers=headers, content=sent.content, request=request
            )

    return Recorder()


def _replayed(http: ModuleType, attempt: Attempt, request: Any) -> Any:
    if isinstance(attempt.body, str):
        return http.Response(attempt.status, text=attempt.body, request=request)
    return http.Response(attempt.status, json=attempt.body, request=request)


def too_long(sent: HttpReply) -> bool:
    """Whether a server refuses a request for its length: 413, or a 400 that says so.

    Gateways that pass an upstream's error on under status 200 give its status as `code`.
    """
    said = _error(sent)
    code = said.get("code") if isinstance(said, dict) and sent.status == 200 else sent.status
    return code == 413 or (code == 400 and _TOO_LONG.search(str(said)) is not None)


def _error(sent: HttpReply) -> Any:
    body = body_of(sent.content)
    return body.get("error", body) if isinstance(body, dict) else body


def explain(sent: HttpReply, url: object) -> str:
    """What a server said instead of a reply, and what to do about it."""
    said = _error(sent)
    advice = _TOO_LONG_ADVICE if too_long(sent) else _ADVICE.get(sent.status, "")
    if isinstance(said, dict):
        said = said.get("message", said)
    told = str(said)[:300] or "nothing"
    return f"{url} answered {sent.status}: {told}{advice}"
