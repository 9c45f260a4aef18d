"""Makes one chat completion of a stream of server-sent events.

Some servers answer in a stream only, and some stream although nobody asked for it.
"""

from __future__ import annotations

import json
from typing import Any


def is_stream(content: bytes, content_type: str) -> bool:
    """Whether a body is a stream of events."""
    return "text/event-stream" in content_type or content.lstrip()[:5] in (
        b"data:",
        b": pin",
        b"event",
    )


def assembled(content: bytes) -> Any:
    """The chat completion that the events of a stream make up.

    An error in the stream is the whole of it. A stream that ends without a finish reason was cut
    off: the completion says so with the finish reason `length`, so that a part passes for no reply.
    """
    chunks = []
    for line in content.decode("utf-8-sig", "replace").splitlines():
        if line.startswith("data:") and line[5:].strip() not in ("", "[DONE]"):
            try:
                chunk = json.loads(line[5:])
            except (ValueError, RecursionError):
                continue
            if isinstance(chunk, dict):
                chunks.append(chunk)
    for chunk in chunks:
        if chunk.get("error"):
            return chunk
    return _completion(chunks)


def _completion(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    written: dict[str, list[str]] = {"content": [], "reasoning_content": [], "refusal": []}
    calls: dict[int, dict[str, Any]] = {}
    finish = usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            finish = choice.get("finish_reason") or finish
            delta = choice.get("delta") or choice.get("message") or {}
            for name, parts in written.items():
                if isinstance(delta.get(name), str):
                    parts.append(delta[name])
            for call in delta.get("tool_calls") or ():
                _add(calls, call)
    message: dict[str, Any] = {"role": "assistant"}
    message |= {name: "".join(parts) for name, parts in written.items() if parts}
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    message.setdefault("content", None)
    first = chunks[0] if chunks else {}
    return {
        "id": first.get("id", "stream"),
        "object": "chat.completion",
        "created": first.get("created", 0),
        "model": first.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish or "length"}],
        "usage": usage,
    }


def _add(calls: dict[int, dict[str, Any]], part: Any) -> None:
    """Add a piece of a tool call: its name comes once, its arguments in pieces."""
    if not isinstance(part, dict):
        return
    empty = {"id": "call", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(part.get("index", 0), empty)
    call["id"] = part.get("id") or call["id"]
    function = part.get("function") or {}
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
