"""Reads the body of a server's reply: tokens, how it ended, and the texts that the model wrote.

Understands the bodies of OpenAI-compatible, Anthropic and Gemini servers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json

from claimgrid.types.answer import Usage

Ending = Literal["complete", "refused", "truncated"]

_REFUSED = ("content_filter", "refusal", "safety", "prohibited_content", "blocklist", "sensitive",
            "recitation", "spii", "model_context_filtered", "content-filter")  # fmt: skip
_TRUNCATED = ("length", "max_tokens", "max_output_tokens", "model_length")
_THOUGHTS = ("thinking", "reasoning", "thought", "redacted_thinking", "summary")


def body_of(content: bytes) -> Any:
    """The body of an HTTP reply: JSON if it parses, else text. Holds no lone surrogates."""
    try:
        return from_json(content, cache_strings="keys")
    except ValueError:
        text = content.decode("utf-8-sig", "replace")
    try:
        # Python's reader takes what the faster one refuses: lone surrogates and huge numbers.
        return without_surrogates(json.loads(text))
    except (ValueError, RecursionError):
        return text


def without_surrogates(value: Any) -> Any:
    """A JSON value with U+FFFD for each half of a character, which no file can hold."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, list):
        return [without_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {without_surrogates(k): without_surrogates(one) for k, one in value.items()}
    return value


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


def choice_of(body: Any) -> dict[str, Any]:
    """The first choice of a reply, whichever way its server writes it; empty where there is none.

    Anthropic's message is its own choice, and so is the one of Ollama's native interface.
    """
    if not isinstance(body, dict):
        return {}
    for name in ("choices", "candidates"):
        if name in body:
            among = body[name]
            first = among[0] if isinstance(among, list) and among else None
            return first if isinstance(first, dict) else {}
    return body


def finish_reason(body: Any) -> str:
    """Why the model stopped, in lower case; empty where the server does not say."""
    choice = choice_of(body)
    told = choice.get("finish_reason") or choice.get("finishReason") or choice.get("stop_reason")
    return str(told or choice.get("done_reason") or "").lower()


def ending(body: Any) -> Ending:
    """Whether the reply is complete, cut at the token limit, or refused."""
    message = choice_of(body).get("message")
    if isinstance(message, dict) and message.get("refusal"):
        return "refused"
    reason = finish_reason(body)
    if reason in _REFUSED or _blocked(body):
        return "refused"
    return "truncated" if reason in _TRUNCATED else "complete"


def _blocked(body: Any) -> Any:
    """Why Gemini blocked the prompt, if it did."""
    told = body.get("promptFeedback") if isinstance(body, dict) else None
    return told.get("blockReason") if isinstance(told, dict) else None


def refusal_text(body: Any) -> str | None:
    """The words of a refusal, where the server gives them."""
    message = choice_of(body).get("message")
    words = message.get("refusal") if isinstance(message, dict) else None
    words = words or _blocked(body)
    return str(words) if words else None


def texts(body: Any) -> Iterator[str]:
    """The pieces of a reply's body in which a model writes its JSON."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for part in body:
            yield from texts(part)
    elif isinstance(body, dict):
        if body.get("type") in _THOUGHTS or body.get("thought") is True:
            return
        for name in ("choices", "candidates", "message", "content", "parts", "tool_calls"):
            if name in body:
                yield from texts(body[name])
        for name in ("function", "functionCall", "function_call"):
            if isinstance(body.get(name), dict):
                arguments = body[name].get("arguments", body[name].get("args"))
                yield arguments if isinstance(arguments, str) else json.dumps(arguments)
        for name in ("text", "input", "response"):
            if isinstance(body.get(name), (str, dict)):
                yield body[name] if isinstance(body[name], str) else json.dumps(body[name])


def thoughts(body: Any) -> Iterator[str]:
    """The pieces in which a server may have put the reply by mistake: the model's reasoning."""
    message = choice_of(body).get("message")
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message, dict) and isinstance(message.get(name), str):
            yield message[name]


def nothing_said(body: Any) -> str:
    """What is missing in a reply that holds no text, for a message."""
    if not isinstance(body, dict):
        return "the server sent text instead of a chat completion"
    if not choice_of(body):
        return "the server sent a chat completion without choices"
    if not any(text.strip() for text in texts(body)):
        reason = finish_reason(body)
        return "the model wrote no text" + (f" (finish_reason {reason})" if reason else "")
    return "the model's text is not the JSON that was asked for"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that the model wrote, its probability, and what it weighed in its place."""

    text: bytes
    probability: float
    alternatives: tuple[tuple[bytes, float], ...]


def tokens_of(body: Any) -> list[Token]:
    """The tokens of a reply with their probabilities; none where the server does not tell them."""
    told = choice_of(body).get("logprobs")
    content = told.get("content") if isinstance(told, dict) else None
    made = []
    for one in content if isinstance(content, list) else ():
        text, probability = _weighed(one)
        among = one.get("top_logprobs") if isinstance(one, dict) else None
        others = [_weighed(other) for other in among] if isinstance(among, list) else []
        kept = tuple(other for other in others if other[0] != text)
        made.append(Token(text, probability, kept))
    return made


def _weighed(one: Any) -> tuple[bytes, float]:
    """A token's bytes and probability; a token may end inside a character."""
    one = one if isinstance(one, dict) else {}
    raw, logprob = one.get("bytes"), one.get("logprob")
    try:
        text = bytes(raw) if isinstance(raw, list) else str(one.get("token") or "").encode()
    except (TypeError, ValueError):
        text = b""
    known = isinstance(logprob, (int, float)) and logprob <= 0
    return text, math.exp(logprob) if known else 0.0
