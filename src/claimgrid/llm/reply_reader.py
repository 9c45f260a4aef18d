"""Reads what a server's reply says: its tokens, how it ended, the text, and the claims in it.

Understands the bodies of OpenAI-compatible, Anthropic and Gemini servers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import ValidationError

from claimgrid.types.answer import Dropped, Usage
from claimgrid.types.reply import LISTS, Item, Reply

Ending = Literal["complete", "refused", "truncated"]

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.S)


def usage_of(body: Any) -> Usage:
    """Tokens that one reply's body reports; zeros where it reports none."""
    if not isinstance(body, dict):
        return Usage(requests=1)
    used = body.get("usage") or body.get("usageMetadata")
    used = used if isinstance(used, dict) else {}
    details = used.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}

    def first(*names: str, among: Any = used) -> int:
        counts = (among.get(name) for name in names)
        return next((n for n in counts if isinstance(n, int) and n >= 0), 0)

    # Anthropic counts what its cache read or wrote apart from the input, Gemini a model's thoughts
    # apart from the output.
    apart = first("cache_read_input_tokens") + first("cache_creation_input_tokens")
    thoughts = first("thoughtsTokenCount")
    cached = first("cache_read_input_tokens", "cachedContentTokenCount")
    return Usage(
        requests=1,
        input_tokens=first("prompt_tokens", "input_tokens", "promptTokenCount") + apart,
        cached_tokens=first("cached_tokens", among=details) or cached,
        output_tokens=first("completion_tokens", "output_tokens", "candidatesTokenCount")
        + thoughts,
    )


def ending(body: Any) -> Ending:
    """Whether the reply is complete, cut at the token limit, or refused."""
    if not isinstance(body, dict):
        return "complete"
    choices = body.get("choices") or body.get("candidates") or [body]
    choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else {}
    reason = str(
        choice.get("finish_reason") or choice.get("finishReason") or choice.get("stop_reason")
    ).lower()
    message = choice.get("message")
    if isinstance(message, dict) and message.get("refusal"):
        return "refused"
    if reason in ("content_filter", "refusal", "safety", "prohibited_content", "blocklist"):
        return "refused"
    return "truncated" if reason in ("length", "max_tokens") else "complete"


def refusal_text(body: Any) -> str | None:
    """The words of a refusal, where the server gives them."""
    try:
        return str(body["choices"][0]["message"]["refusal"] or "") or None
    except (KeyError, IndexError, TypeError):
        return None


def texts(body: Any) -> Iterator[str]:
    """The pieces of a reply's body in which a model writes its JSON."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for part in body:
            yield from texts(part)
    elif isinstance(body, dict):
        for name in ("choices", "candidates", "message", "content", "parts", "tool_calls"):
            if name in body:
                yield from texts(body[name])
        for name in ("function", "functionCall"):
            if isinstance(body.get(name), dict):
                arguments = body[name].get("arguments", body[name].get("args"))
                yield arguments if isinstance(arguments, str) else json.dumps(arguments)
        for name in ("text", "input"):
            if isinstance(body.get(name), (str, dict)):
                yield body[name] if isinstance(body[name], str) else json.dumps(body[name])


def salvage(body: Any) -> tuple[Reply, tuple[Dropped, ...]] | None:
    """The items of an invalid reply that are valid by themselves, and the others with the reason.

    Returns None where the body holds no JSON object with one of the reply's lists.
    """
    for text in texts(body):
        found = _object(text)
        if found is None or not set(found) & set(LISTS):
            continue
        kept: dict[str, list[Item]] = {}
        dropped = []
        for name, value in found.items():
            if name not in LISTS:
                dropped.append(Dropped(None, {name: value}, f"unknown list {name!r}"))
                continue
            for item in value if isinstance(value, list) else [value]:
                try:
                    kept.setdefault(name, []).append(LISTS[name].model_validate(item))
                except ValidationError as error:
                    dropped.append(Dropped(name, item, _brief(error)))
        reply = Reply.model_validate({name: kept.get(name, []) for name in LISTS})
        return reply, tuple(dropped)
    return None


def _object(text: str) -> dict[str, Any] | None:
    fenced = _FENCED.search(text)
    for candidate in (text, fenced[1] if fenced else ""):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def _brief(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in e['loc']) or 'item'}: {e['msg']}" for e in error.errors()
    )
