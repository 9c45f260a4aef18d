"""Asks a server of llama.cpp one question after another about a paper, each held to a grammar.

No vendor's client sends grammars, and there is nothing to say in a re-ask: the server held the
reply to all that could be asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from claimgrid.errors import InvalidReplyError, SetupError, TransportError, TruncatedError
from claimgrid.llm.adaptation import Sends
from claimgrid.llm.local_route import PLACEHOLDER
from claimgrid.llm.providers import Endpoint
from claimgrid.llm.replay import Exchange
from claimgrid.llm.reply_body import ending
from claimgrid.types.reply import Reply
from claimgrid.types.request import Confidence, Questions, Request, Turn

_WEIGHED = 10  # alternatives of a token that a server tells; a decision's first word has nine


@dataclass(frozen=True, slots=True)
class TurnByTurn:
    """Chat completions of llama.cpp's server, whose field `grammar` no client library knows."""

    url: str
    headers: Mapping[str, str]

    def body(self, request: Request, turn: Turn) -> bytes:
        """The body of one turn: what is written so far is the model's own last message."""
        messages = [dict(message) for message in request.messages]
        if turn.written:
            messages.append({"role": "assistant", "content": turn.written})
        told = {
            "model": request.model,
            "messages": messages,
            "temperature": request.sampling.temperature,
            "max_tokens": request.sampling.max_tokens,
            "grammar": turn.grammar,
            "logprobs": True,
            "top_logprobs": _WEIGHED,
            "cache_prompt": True,
        }
        given = {name: value for name, value in told.items() if value is not None}
        return json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")


def prepare(at: Endpoint) -> TurnByTurn:
    """How an endpoint is asked one question after another.

    Raises:
        SetupError: it is no server that could be one of llama.cpp's.
    """
    base = PLACEHOLDER if at.embedded is not None else at.base_url
    if base is None:
        raise SetupError(
            "mode decisions needs a llama.cpp server, which can hold a model to a grammar: pass "
            "--base-url, or ask a model on this machine with --model embedded/NAME"
        )
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if at.api_key:
        headers["Authorization"] = f"Bearer {at.api_key}"
    return TurnByTurn(f"{base.rstrip('/')}/chat/completions", headers)


async def ask(
    request: Request,
    asked: Questions,
    exchange: Exchange,
    at: Endpoint,
    sender: Sends,
    room: AbstractAsyncContextManager[Any],
) -> tuple[Reply, tuple[Confidence, ...]]:
    """Ask all questions that no recording answers, and read all answers together.

    Replies are kept when a paper's are complete: a part of them costs nobody anything.

    Args:
        room: the server's for one paper; it keeps what it has read of the paper as long.

    Raises:
        TransportError and the like: the server did not answer a turn.
        TruncatedError, InvalidReplyError: a reply holds no decision.
    """
    exchange.attempts = list(exchange.recorded)
    if not exchange.recorded:
        asking = prepare(at)
        async with room:
            while (turn := asked.after(_bodies(exchange))) is not None:
                await _one(asking.body(request, turn), asking, exchange, sender)
        await exchange.keep()
    try:
        return asked.read(_bodies(exchange))
    except ValueError as error:
        if ending(exchange.last_body) == "truncated":
            raise TruncatedError(
                "the reply was cut at the token limit; raise --max-tokens"
            ) from error
        raise InvalidReplyError(f"no reply could be read: {error}", ()) from error


async def _one(content: bytes, asking: TurnByTurn, exchange: Exchange, sender: Sends) -> None:
    try:
        reply = await sender.send("POST", asking.url, asking.headers, content)
    except TransportError as error:
        exchange.failure = error
        raise
    exchange.heard(reply, asking.url)
    if exchange.failure is not None:
        raise exchange.failure


def _bodies(exchange: Exchange) -> list[Any]:
    return [attempt.body for attempt in exchange.attempts]
