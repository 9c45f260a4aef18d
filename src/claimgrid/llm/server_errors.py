"""Understands why a server did not reply: what it said, of what kind that is, and what to do.

Servers say it under many statuses, 200 included, and in many shapes; the shapes are those of
OpenAI, Azure, vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, LiteLLM, Groq, DeepSeek, MiniMax,
Anthropic and Gemini.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from claimgrid.llm import server_words
from claimgrid.llm.http_reply import HttpReply
from claimgrid.llm.reply_body import choice_of, finish_reason

Kind = Literal[
    "rate_limited", "temporary", "quota", "key", "forbidden", "no_model", "too_long",
    "reply_limit", "output_limit", "refused", "parameter", "moved", "other",
]  # fmt: skip

_LONGEST = 300  # characters of a server's words that are passed on
_BROKEN_OFF = (
    "error",
    "insufficient_system_resource",
    "engine_overloaded",
    "network_error",
    "abort",
)


_ADVICE: dict[Kind, str] = {
    "rate_limited": "lower --concurrency, set --rpm or --tpm, or run again later",
    "quota": "the account has no credit left for this: add some, or use another key",
    "key": "check the API key",
    "forbidden": "the key may not use this model",
    "no_model": "check the model's name and the base URL",
    "too_long": "prompt and abstract are longer than the model takes: lower --pack, take a shorter "
    "--prompt, or raise --context of an embedded model",
    "reply_limit": "pass a smaller --max-tokens",
    "output_limit": "raise --max-tokens",
    "refused": "ask another model about this paper",
    "temporary": "run the same command again later",
    "moved": "pass the new address with --base-url",
}

_SAME_FOR_ALL: dict[Kind, str] = {
    "key": "a refused API key",
    "quota": "an account without credit",
    "no_model": "a model or an address that the server does not know",
    "forbidden": "a model that the key may not use",
    "parameter": "a request that the server does not take",
    "moved": "a server that has moved",
}


@dataclass(frozen=True, slots=True)
class ServerError:
    """Why there is no reply. `status` is the upstream's, where a gateway passes one on under
    another `http_status`."""

    http_status: int
    status: int
    kind: Kind
    said: str
    advice: str
    parameter: str | None = None
    code: str = ""

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered a little later."""
        return self.kind in ("rate_limited", "temporary")

    @property
    def same_for_all(self) -> str | None:
        """What the server will say to every paper, in a few words; None where it may not."""
        return _SAME_FOR_ALL.get(self.kind)

    @property
    def certain(self) -> bool:
        """Whether it is the same for all papers even if others were answered before."""
        return self.kind in ("key", "quota", "no_model", "moved")


def read(reply: HttpReply) -> ServerError | None:
    """Why a server's reply is no reply of a model; None where it is one, be it an empty one."""
    body = reply.body
    good = 200 <= reply.status < 300
    if good and (not isinstance(body, dict) or _is_reply(body)):
        return _web_page(reply) if not isinstance(body, dict) else None
    if good and not _failure(body):
        return None
    if 300 <= reply.status < 400:
        where = reply.headers.get("location", "")
        said = f"moved to {where}" if where else "moved, without a new address"
        return ServerError(reply.status, reply.status, "moved", said, _ADVICE["moved"])
    said = _words(body) or "nothing"
    code, parameter = _named(body)
    status = _embedded_status(body) if good else reply.status
    everything = f"{code} {parameter or ''} {said}"
    kind = _kind(status, everything, code, reply)
    advice = _ADVICE.get(kind, "")
    if kind == "parameter":
        advice = next((way for words, way in server_words.WAYS if words.search(everything)), "")
    return ServerError(reply.status, status or reply.status, kind, said, advice, parameter, code)


def _is_reply(body: dict[str, Any]) -> bool:
    choice = choice_of(body)
    written = choice.get("message") or choice.get("content") or choice.get("response")
    if body.get("error") or choice.get("error") or finish_reason(body) in _BROKEN_OFF:
        return False
    return bool(written)


def _failure(body: dict[str, Any]) -> bool:
    """Whether a body without a reply says why. An empty list of choices alone says nothing."""
    if body.get("error") or choice_of(body).get("error") or finish_reason(body) in _BROKEN_OFF:
        return True
    if "choices" in body or "candidates" in body or body.get("type") == "message":
        base = body.get("base_resp")
        return isinstance(base, dict) and bool(base.get("status_code"))
    return bool(_words(body, whole=False))


def _web_page(reply: HttpReply) -> ServerError | None:
    text = reply.body if isinstance(reply.body, str) else ""
    if text.lstrip()[:1] == "<":
        said = _page(text)
    elif isinstance(reply.body, str) and text.strip():
        said = f"text instead of JSON: {_short(text)}"
    else:
        said = "an empty body" if not text.strip() else "no chat completion"
    return ServerError(reply.status, reply.status, "temporary", said, "check the base URL")


def _page(text: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.S | re.I)
    words = _short(re.sub(r"(?s)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", text))
    named = f" “{_short(title[1])}”" if title and title[1].strip() else ""
    return f"a web page{named}" + (f": {words}" if words and not named else "")


def _short(text: str) -> str:
    plain = " ".join(html.unescape(text).split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _words(body: Any, *, whole: bool = True) -> str:
    """What the server said, in its own words."""
    if isinstance(body, str):
        return _page(body) if body.lstrip()[:1] == "<" else _short(body)
    said = [_short(one) for one in dict.fromkeys(_sayings(body)) if one.strip()]
    if said:
        return _short("; ".join(said))
    return _short(json.dumps(body, ensure_ascii=False)) if body and whole else ""


def _sayings(body: Any) -> Iterator[str]:
    """The sentences in an error, the outer ones first."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for one in body:
            yield from _sayings(one)
    elif isinstance(body, dict):
        reason = finish_reason(body)
        if reason in _BROKEN_OFF:
            yield f"finish_reason {reason}"
        if error := choice_of(body).get("error") if "choices" in body else None:
            yield from _sayings(error)
        for name in ("error", "errors", "message", "msg", "detail", "error_msg", "error_message",
                     "status_msg", "base_resp", "reason", "title"):  # fmt: skip
            if name in body and body[name] is not None and not isinstance(body[name], (bool, int)):
                where = body.get("loc") if name == "msg" else None
                at = f"{'.'.join(map(str, where))}: " if isinstance(where, list) else ""
                for one in _sayings(body[name]):
                    yield at + one
        yield from _upstream(body.get("metadata"))


def _upstream(metadata: Any) -> Iterator[str]:
    """What the provider behind a gateway said (OpenRouter's `metadata.raw`)."""
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if raw is None:
        return
    try:
        inner = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        inner = raw
    provider = metadata.get("provider_name")
    for one in _sayings(inner):
        yield f"{provider}: {one}" if provider else one


def _named(body: Any) -> tuple[str, str | None]:
    """The codes of an error, outer and inner, and the parameter that it is about."""
    codes: list[str] = []
    parameter = None
    inner = body
    for _ in range(4):
        if not isinstance(inner, dict):
            break
        codes += [
            str(inner[n]) for n in ("code", "type", "status") if isinstance(inner.get(n), str)
        ]
        if isinstance(inner.get("param"), str):
            parameter = parameter or inner["param"]
        details = inner.get("details")
        if isinstance(details, list):
            codes += [str(d["reason"]) for d in details if isinstance(d, dict) and d.get("reason")]
        inner = (
            inner.get("error")
            or inner.get("innererror")
            or (inner.get("detail") if isinstance(inner.get("detail"), dict) else None)
        )
    return " ".join(codes), parameter


def _embedded_status(body: Any) -> int:
    """The status that a gateway passes on inside a 200; 0 where there is none."""
    error = body.get("error") or choice_of(body).get("error") if isinstance(body, dict) else None
    for one in (error, body):
        if isinstance(one, dict):
            for name in ("code", "status", "status_code", "http_code", "statusCode"):
                told = str(one.get(name) or "")
                if told.isdecimal() and 400 <= int(told) < 600:
                    return int(told)
    return 0


def _kind(status: int, said: str, code: str, reply: HttpReply) -> Kind:
    client = 400 <= status < 500
    waits = reply.retry_after is not None or bool(server_words.RATE.search(said))
    if status in (0, 400, 403, 422, 451, 500) and server_words.FILTERED.search(said):
        return "refused"
    if status == 402 or ("insufficient_quota" in code and reply.retry_after is None):
        return "quota"
    if status in (0, 400, 403, 429) and server_words.NO_MONEY.search(said) and not waits:
        return "quota"
    if status == 401 or (status in (0, 400) and server_words.BAD_KEY.search(said)):
        return "key"
    if status == 429 or (status == 0 and waits):
        return "rate_limited"
    if status == 413:
        return "too_long"
    return _of_request(status, said, client=client)


def _of_request(status: int, said: str, *, client: bool) -> Kind:
    if client and server_words.OUTPUT_LIMIT.search(said):
        return "output_limit"
    form = server_words.FORM.search(said) is not None
    if status in (400, 404, 415, 422) and form and not re.search(r"model_not_found", said):
        return "parameter"
    if status == 404 or (status in (0, 400, 422) and server_words.NO_MODEL.search(said)):
        return "no_model"
    limit = server_words.REPLY_LIMIT.search(said) and not server_words.ABOUT_INPUT.search(said)
    if client and limit:
        return "reply_limit" if server_words.TOO_MUCH.search(said) else "parameter"
    if client and status != 403 and server_words.TOO_LONG.search(said):
        return "too_long"
    if status in (400, 415, 422) and server_words.PARAMETER.search(said):
        return "parameter"
    if status in (500, 501) and form:
        return "parameter"
    if status == 403:
        return "forbidden"
    if status in (0, 408, 409, 425) or status >= 500:
        return "temporary"
    return "other"
