"""Learns from a server's refusals: the fitting change is tried once and kept for the run.

Servers that call themselves OpenAI-compatible refuse one thing or another: a parameter's name, a
temperature, JSON schemas, tools, system messages, replies in one piece. The request's key and its
recording stay those of the request as it was asked; the changes are told in the run's summary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from claimgrid.llm import server_errors
from claimgrid.llm.http_reply import HttpReply
from claimgrid.llm.server_errors import ServerError
from claimgrid.llm.tolerant_json import values

_TRIES = 6  # changes for one request; more would mean that server and change do not fit
_MARGIN = 16  # tokens; servers count a few that they do not tell
_LEAST_REPLY = 256  # tokens; a server that leaves less has no room for a reply
_KEPT = ("model", "messages", "contents", "system", "response_format", "tools", "stream",
         "stream_options", "enable_thinking")  # fmt: skip
_HOPELESS = ("key", "quota", "forbidden", "refused", "rate_limited", "moved", "output_limit")
_UNKNOWN = (
    r"unsupported|not support|unknown|unrecogni|unexpected|extra|not permitted|not allowed|invalid"
)
_ROLES = (
    r"roles? must alternate|(system|developer)'? (role|message|prompt|instruction)"
    r"|role '?(system|developer)|only user and assistant roles"
    r"|'(system|developer)'.{0,40}(not|unsupported)|support '(system|developer)'"
    r"|must (start|begin) with"
)
# "at most 4096", "must be <= 4096", "in the range [1, 4096]", "between 1 and 4096" …
_MOST = (
    r"(?:at most|less than or equal to|no more than|up to|<=|greater than|limit (?:is|of)"
    r"|maximum(?: value)?(?: allowed)?(?: is| of|:)?"
    r"|range (?:is|of)? ?[\[(]\d+, ?|between \d+ and) ?(\d+)"
)
_REPLY_LIMIT = r"max_(completion_|output_|new_)?tokens|completion tokens|output tokens"
_JSON_ASKED = "Answer with one JSON object and nothing else. It fits this JSON Schema:\n{schema}"

Body = dict[str, Any]


class Change(NamedTuple):
    """One change of a request's body. `said` tells it in the summary."""

    name: str
    said: str
    apply: Callable[[Body], Body]


class Sends(Protocol):
    """What sends HTTP requests."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        """The reply to a request."""


class AdaptingSender:
    """Sends requests with the changes that the server's refusals have called for."""

    def __init__(self, http: Sends) -> None:
        self._http = http
        self._changes: dict[str, Change] = {}
        self._helped: dict[str, Change] = {}
        self._useless: set[str] = set()

    @property
    def told(self) -> list[str]:
        """The changes that helped, in words for the summary."""
        return [change.said for change in self._helped.values()]

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        """The reply to a request, which is sent again with each change that a refusal calls for.

        Raises:
            TransportError, StoppedError, UsageError, SetupError: as the sender below.
        """
        asked = _body(content)
        if method != "POST" or asked is None:
            return await self._http.send(method, url, headers, content)
        for _ in range(_TRIES):
            known = dict(self._changes)
            body = _applied(asked, known)
            sent = content if body is asked else _bytes(body)
            reply = await self._http.send(method, url, headers, sent)
            error = server_errors.read(reply)
            if error is None:
                self._helped |= known
                return reply
            if (written := _failed_generation(reply)) is not None:
                return written
            if not self._learn(error, body, known):
                break
        tried = tuple(self._changes[n].said for n in self._changes if n not in self._helped)
        self._forget()
        return replace(reply, tried=tried)

    def _learn(self, error: ServerError, body: Body, known: Mapping[str, Change]) -> bool:
        """Whether there is a change to send this body with that was not sent yet."""
        if error.kind in _HOPELESS or error.status in (401, 402, 403, 429):
            return False
        change = _fitting(error, body)
        if change is not None and change.name not in {*known, *self._useless}:
            self._changes.setdefault(change.name, change)
        return self._changes.keys() != known.keys()

    def _forget(self) -> None:
        """Drop the changes that have helped no request."""
        useless = self._changes.keys() - self._helped.keys()
        self._useless |= useless
        for name in useless:
            del self._changes[name]


def _body(content: bytes) -> Body | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _bytes(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _applied(asked: Body, changes: Mapping[str, Change]) -> Body:
    if not changes:
        return asked
    body = deepcopy(asked)
    for change in changes.values():
        body = change.apply(body)
    return body


def _failed_generation(reply: HttpReply) -> HttpReply | None:
    """A completion out of the text that Groq's check of the JSON refused, if it can be read."""
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    text = error.get("failed_generation") if isinstance(error, dict) else None
    if not isinstance(text, str) or not values(text):
        return None
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    made = {"id": "failed_generation", "object": "chat.completion", "created": 0, "model": "",
            "choices": [choice]}  # fmt: skip
    return HttpReply(200, {"content-type": "application/json"}, _bytes(made))


def _fitting(error: ServerError, body: Body) -> Change | None:
    """The change that answers a refusal, if there is one that changes this body."""
    said = f"{error.code} {error.parameter or ''} {error.said}".lower()
    for find in (_limit, _form, _roles, _stream, _temperature, _named):
        change = find(said, error, body)
        if change is not None and change.apply(deepcopy(body)) != body:
            return change
    return None


def _limit(said: str, _error: ServerError, body: Body) -> Change | None:
    """The limit of the reply: under its other name, or a lower one."""
    newer = "max_completion_tokens" in said
    instead = re.search(r"unsupported|not support|instead", said)
    if newer and instead and "max_tokens" in body:
        return _renamed("max_tokens", "max_completion_tokens")
    if newer and "max_completion_tokens" in body and re.search(_UNKNOWN, said):
        return _renamed("max_completion_tokens", "max_tokens")
    name = next((n for n in ("max_tokens", "max_completion_tokens") if n in body), None)
    if name is None or not isinstance(body[name], int):
        return None
    most = _most_tokens(said)
    if most is None or not _LEAST_REPLY <= most < body[name]:
        return None
    return Change(
        f"{name} {most}", f"replies of {most:,} tokens at most", lambda b: b | {name: most}
    )


def _most_tokens(said: str) -> int | None:
    """The longest reply that the server allows, by what it said."""
    whole = re.search(r"context (?:length|window|size) (?:is|of) (\d+)", said)
    taken = re.search(r"(\d+) (?:tokens? )?(?:in|from) the (?:messages|prompt|input)", said)
    taken = taken or re.search(
        r"(?:has|have|contains?|with) (?:at least )?(\d+) (?:input|prompt)", said
    )
    if whole and taken:
        return int(whole[1]) - int(taken[1]) - _MARGIN
    found = re.search(_MOST, said) if re.search(_REPLY_LIMIT, said) and not whole else None
    return int(found[1]) if found else None


def _renamed(old: str, new: str) -> Change:
    def apply(body: Body) -> Body:
        return {(new if name == old else name): value for name, value in body.items()}

    return Change(new, f"{new} instead of {old}", apply)


def _form(said: str, _error: ServerError, body: Body) -> Change | None:
    """How the reply is held to its schema: strictly, as any JSON, or by words alone."""
    if body.get("tools") and re.search(r"tool|function", said):
        return Change("no tools", "JSON asked for in words instead of by tools", _without_tools)
    form = body.get("response_format")
    if not isinstance(form, dict):
        return None
    if "additionalproperties" in said or re.search(r"'required' is required", said):
        strict = Change("strict schema", "a strict JSON Schema", _strict)
        if strict.apply(deepcopy(body)) != body:
            return strict
    about = r"response_format|json|structured|guided|grammar|schema|additionalproperties"
    if not re.search(about, said):
        return None
    if form.get("type") == "json_schema":
        return Change("json_object", "any JSON object instead of a JSON Schema", _json_object)
    return Change("no response_format", "JSON asked for in words alone", _in_words)


def _without_tools(body: Body) -> Body:
    tools = body.get("tools") or [{}]
    schema = tools[0].get("function", {}).get("parameters", {})
    kept = {
        n: v for n, v in body.items() if n not in ("tools", "tool_choice", "parallel_tool_calls")
    }
    return _asked_in_words(kept, schema) if body.get("tools") else kept


def _json_object(body: Body) -> Body:
    form = body.get("response_format") or {}
    if form.get("type") != "json_schema":
        return body
    schema = form.get("json_schema", {}).get("schema", {})
    return _asked_in_words(body | {"response_format": {"type": "json_object"}}, schema)


def _in_words(body: Body) -> Body:
    body = _json_object(body)
    return {name: value for name, value in body.items() if name != "response_format"}


def _asked_in_words(body: Body, schema: Any) -> Body:
    words = _JSON_ASKED.format(schema=json.dumps(schema, ensure_ascii=False))
    messages = [dict(message) for message in body.get("messages", ())]
    if messages and messages[0].get("role") in ("system", "developer"):
        messages[0]["content"] = f"{messages[0]['content']}\n\n{words}"
    else:
        messages.insert(0, {"role": "system", "content": words})
    return body | {"messages": messages}


def _strict(body: Body) -> Body:
    form = body.get("response_format") or {}
    if form.get("type") != "json_schema":
        return body
    told = form.get("json_schema", {})
    strict = told | {"schema": _strict_schema(told.get("schema", {})), "strict": True}
    return body | {"response_format": form | {"json_schema": strict}}


def _strict_schema(schema: Any) -> Any:
    """A schema as OpenAI's strict mode wants it: all fields required, and no others."""
    if isinstance(schema, list):
        return [_strict_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {n: _strict_schema(v) for n, v in schema.items() if n != "default"}
    if isinstance(made.get("properties"), dict):
        made |= {"additionalProperties": False, "required": list(made["properties"])}
    return made


def _roles(said: str, _error: ServerError, _body: Body) -> Change | None:
    if not re.search(_ROLES, said):
        return None
    return Change("no system message", "the instructions in the first question", _without_system)


def _without_system(body: Body) -> Body:
    """The system message put before the first question; neighbours of one role made one."""
    messages: list[Body] = []
    for message in body.get("messages", ()):
        role = "user" if message.get("role") in ("system", "developer") else message.get("role")
        if messages and messages[-1]["role"] == role:
            both = f"{messages[-1]['content']}\n\n{message.get('content')}"
            messages[-1] = messages[-1] | {"content": both}
        else:
            messages.append({**message, "role": role})
    return body | {"messages": messages} if "messages" in body else body


def _stream(said: str, _error: ServerError, body: Body) -> Change | None:
    if re.search(r"enable_thinking.{0,40}false", said) and "enable_thinking" not in body:
        return Change("no thinking", "no thinking (enable_thinking false)", _quiet)
    needed = r"\bstream.{0,40}(must|required|only|true)|(only|must|requires?|need).{0,40}\bstream"
    if not re.search(needed, said) or body.get("stream"):
        return None
    return Change("stream", "replies as streams", _streamed)


def _quiet(body: Body) -> Body:
    return body | {"enable_thinking": False}


def _streamed(body: Body) -> Body:
    return body | {"stream": True, "stream_options": {"include_usage": True}}


def _temperature(said: str, _error: ServerError, body: Body) -> Change | None:
    return _without("temperature") if "temperature" in said and "temperature" in body else None


def _named(said: str, error: ServerError, body: Body) -> Change | None:
    """A parameter that the server does not know, if the request can do without it."""
    optional = [name for name in body if name not in _KEPT]
    if not re.search(_UNKNOWN, said):
        return None
    told = (error.parameter or "").split(".")[-1]
    about = [n for n in optional if n == told or re.search(rf"\b{re.escape(n)}\b", said)]
    return _without(about[0]) if about else None


def _without(name: str) -> Change:
    def apply(body: Body) -> Body:
        return {n: value for n, value in body.items() if n != name}

    return Change(f"no {name}", f"no {name}", apply)
