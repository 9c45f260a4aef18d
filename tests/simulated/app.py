"""HTTP ─► simulated chat completions: an ASGI app that does what the model's name says.

    POST /v1/chat/completions    answers about the paper that the request mentions last
    GET  /v1/models              one model
    GET  /requests?model=NAME    {"<paper number>": requests so far} of that model

Knows papers, plans and replies; keeps no state but the counts.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from pydantic_core import from_json

from simulated.papers import mentioned, paper
from simulated.plan import Plan, parse
from simulated.replies import Wire, wire

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
RESET = "simulated.reset"  # the ASGI extension that closes a connection without a word

_plan = functools.cache(parse)
_paper = functools.lru_cache(maxsize=10_000)(paper)


class App:
    """The ASGI application; `default` is the plan of models whose name spells none."""

    def __init__(self, default: str = "sim:") -> None:
        self._default = default
        self._asked: dict[str, Counter[int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        body = await _read(receive)
        match (scope["method"], scope["path"]):
            case ("POST", "/v1/chat/completions"):
                await self._complete(body, scope, receive, send)
            case ("GET", "/v1/models"):
                await _send(send, _said({"object": "list", "data": [{"id": "sim:"}]}))
            case ("GET", "/requests"):
                model = parse_qs(scope["query_string"].decode())["model"][0]
                await _send(send, _said(self._asked.get(model, {})))
            case _:
                await _send(send, _said({"error": {"message": "no such page"}}, 404))

    async def _complete(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = from_json(body)  # faster than json: the server must not be the bound
            model = str(asked["model"])
            plan = self._plan(model)
            number = mentioned(_texts(asked))
        except (ValueError, KeyError, TypeError) as error:
            await _send(send, _said({"error": {"message": f"bad request: {error}"}}, 400))
            return
        if number is None:
            await _send(send, _said({"error": {"message": "no simulated paper in it"}}, 400))
            return
        counts = self._asked.setdefault(model, Counter())
        attempt = counts[number]
        counts[number] += 1
        reply = wire(asked, _paper(number), plan, plan.at(number, attempt))
        await asyncio.sleep((plan.latency + reply.delay) / 1000)
        if reply.breaks == "never":
            await _send(send, reply)
        else:
            await _break(reply, scope, receive, send)

    def _plan(self, model: str) -> Plan:
        return _plan(model if model.startswith("sim:") else self._default)


def _texts(asked: Any) -> Iterator[str]:
    for message in asked["messages"]:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (str(part.get("text", "")) for part in content)


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _said(value: Any, status: int = 200) -> Wire:
    return Wire(json.dumps(value).encode(), status)


async def _start(send: Send, reply: Wire) -> None:
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(reply.body)),
        **reply.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )


async def _send(send: Send, reply: Wire) -> None:
    await _start(send, reply)
    await send({"type": "http.response.body", "body": reply.body})


async def _break(reply: Wire, scope: Scope, receive: Receive, send: Send) -> None:
    if reply.breaks == "midway":
        await _start(send, reply)
        half = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    if reply.then == "silence":
        while (await receive())["type"] != "http.disconnect":
            pass
    else:
        scope["extensions"][RESET]()
