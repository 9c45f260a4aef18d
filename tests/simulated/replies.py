"""A request about a paper + a fault ─► what goes over the wire. Knows no server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from simulated.papers import SimulatedPaper
from simulated.plan import Plan

_BLANKS = b" " * 12_000_000
_FIGURES = ("value", "count", "total")
_ALTERED = str.maketrans("0123456789", "1234567898")
_HTML = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"
_JSON = "application/json"
Breaks = Literal["never", "before", "midway"]
Then = Literal["reset", "silence"]


@dataclass(frozen=True, slots=True)
class Wire:
    """One HTTP reply, and where it breaks off: nowhere, before its first byte or midway.

    `delay` is in milliseconds, on top of the plan's latency.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    breaks: Breaks = "never"
    then: Then = "reset"


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _error(status: int, headers: Mapping[str, str] | None = None) -> Wire:
    body = _json({"error": {"message": f"simulated {status}", "type": "simulated"}})
    return Wire(body, status, headers=headers or {})


def _clock(year: int) -> dict[str, str]:
    now = datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC)
    return {
        "date": format_datetime(now, usegmt=True),
        "retry-after": format_datetime(now + timedelta(seconds=1), usegmt=True),
    }


_ERRORS = {
    "rate_limit": _error(429, {"retry-after": "1"}),
    "rate_limit_bare": _error(429),
    "rate_limit_hour": _error(429, {"retry-after": "3600"}),
    "clock_behind": _error(429, _clock(2001)),
    "clock_ahead": _error(429, _clock(2099)),
    "http_500": _error(500),
    "http_502": Wire(_HTML, 502, "text/html"),
    "http_503": Wire(b"", 503, "text/plain"),
}
_BREAKS: dict[str, tuple[Breaks, Then]] = {
    "dropped": ("before", "reset"),
    "cut_off": ("midway", "reset"),
    "stalled": ("before", "silence"),
    "stalled_midway": ("midway", "silence"),
}


def wire(asked: Mapping[str, Any], paper: SimulatedPaper, plan: Plan, fault: str | None) -> Wire:
    """The reply to a chat-completions request about this paper, spoilt by this fault."""
    if fault in _ERRORS:
        return _ERRORS[fault]
    if fault is not None and fault not in (*_BREAKS, "slow"):
        return _spoilt(asked, paper, plan, fault)
    good = Wire(_completion(asked, _text(paper, plan)))
    if fault is None:
        return good
    if fault == "slow":
        return replace(good, delay=plan.first_byte)
    breaks, then = _BREAKS[fault]
    return replace(good, breaks=breaks, then=then)


def _spoilt(asked: Mapping[str, Any], paper: SimulatedPaper, plan: Plan, fault: str) -> Wire:
    """The faults of the reply: HTTP says that all is well."""
    text = _text(paper, plan)
    cut = text[: len(text) * 3 // 5]
    good = _completion(asked, text)
    bodies: dict[str, Callable[[], bytes]] = {
        "cut_length": lambda: _completion(asked, cut, finish="length"),
        "cut_stop": lambda: _completion(asked, cut),
        "prose": lambda: _completion(asked, f"Sure! {paper.name} makes several strong claims."),
        "wrong_shape": lambda: _completion(asked, _other_shape(paper)),
        "one_bad_item": lambda: _completion(asked, _with_a_bad_item(paper)),
        "altered": lambda: _completion(asked, _altered(paper)),
        "refusal": lambda: _completion(asked, None, refusal="I cannot help with that."),
        "content_filter": lambda: _completion(asked, None, finish="content_filter"),
        "empty_content": lambda: _completion(asked, None),
        "empty_choices": lambda: _edited(good, choices=[]),
        "error_in_200": lambda: _json({"error": {"code": 502, "message": "upstream failed"}}),
        "wrong_usage": lambda: _edited(
            good, usage={"prompt_tokens": "many", "completion_tokens": -5, "total_tokens": None}
        ),
        "huge": lambda: _completion(asked, f"{text[:-1]}@{text[-1]}").replace(b"@", _BLANKS),
        "html": lambda: _HTML,
        "mislabelled": lambda: good,
    }
    types = {"html": "text/html", "mislabelled": "text/plain"}
    return Wire(bodies[fault](), content_type=types.get(fault, _JSON))


def _text(paper: SimulatedPaper, plan: Plan) -> str:
    if plan.style == "claims":
        return json.dumps(paper.reply)
    found = [
        {kind: item["quote"], f"{kind}_attributes": {k: v for k, v in item.items() if k != "quote"}}
        for kind, items in paper.reply.items()
        for item in items
    ]
    return json.dumps({"extractions": found})


def _other_shape(paper: SimulatedPaper) -> str:
    shapes = (
        {"claims": [{"text": paper.title}]},
        {"speedups": "fast"},
        [{"quote": paper.name}],
        {"speedups": [{"quote": 3, "value": 2.5}]},
    )
    return json.dumps(shapes[paper.number % len(shapes)])


def _with_a_bad_item(paper: SimulatedPaper) -> str:
    bad = {"quote": paper.name, "change": "sideways"}
    return json.dumps({**paper.reply, "speedups": [*paper.reply.get("speedups", []), bad]})


def _altered(paper: SimulatedPaper) -> str:
    """The right words around wrong figures: what a fuzzy check would let through."""
    return json.dumps(
        {
            kind: [
                {k: v.translate(_ALTERED) if k in _FIGURES else v for k, v in item.items()}
                for item in items
            ]
            for kind, items in paper.reply.items()
        }
    )


def _completion(
    asked: Mapping[str, Any], text: str | None, *, finish: str = "stop", refusal: str | None = None
) -> bytes:
    """A chat completion; the text travels as a tool's arguments where the request has tools."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": refusal}
    if asked.get("tools") and text is not None:
        function = {"name": asked["tools"][0]["function"]["name"], "arguments": text}
        message |= {
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
        finish = "tool_calls" if finish == "stop" else finish
    sent = sum(len(str(said.get("content") or "")) for said in asked.get("messages", ())) // 4
    written = len(text or "") // 4
    usage = {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written}
    return _json(
        {
            "id": "chatcmpl-simulated",
            "object": "chat.completion",
            "created": 0,
            "model": asked.get("model", "simulated"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": usage,
        }
    )


def _edited(body: bytes, **changes: Any) -> bytes:
    return _json(json.loads(body) | changes)
