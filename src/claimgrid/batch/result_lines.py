"""Reads the lines of a batch's output and error files as replies and faults by key.

A provider's files are not trusted: lines may be cut, doubled, of nobody's request, or missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimgrid.errors import StoreError
from claimgrid.llm.reply_body import without_surrogates

_ANTHROPIC_LASTING = (
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "billing_error",
)
# Cancelled, invalid argument, not found, permission denied, failed precondition, out of range,
# unimplemented and unauthenticated, of google.rpc.Code.
_RPC_LASTING = (1, 3, 5, 7, 9, 11, 12, 16)
_CANCELLED = "batch_cancelled"  # of a request that was not run because its batch was stopped


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What a model answered to the request of this key: the body of the HTTP reply."""

    key: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchFault:
    """Why the request of this key got no answer, and whether sending it again may help."""

    key: str
    reason: str
    again: bool


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that belongs to no request."""

    detail: str


ResultLine = BatchReply | BatchFault | DamagedLine


def read(path: Path, provider: str = "openai") -> Iterator[ResultLine]:
    """What the lines of a provider's result file say, in order; blank lines say nothing.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield _line(text, f"{path.name}:{number}", provider)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _line(text: bytes, where: str, provider: str) -> ResultLine:
    try:
        line = without_surrogates(json.loads(text))
    except (ValueError, RecursionError):
        return DamagedLine(f"{where}: not a whole line of JSON")
    name = "key" if provider == "google" else "custom_id"
    key = line.get(name) if isinstance(line, dict) else None
    if not isinstance(key, str):
        return DamagedLine(f"{where}: no {name}")
    match provider:
        case "anthropic":
            return _anthropic(key.partition("_")[0], line.get("result"))
        case "google":
            return _google(key, line)
    return _openai(key, line)


def _anthropic(key: str, result: Any) -> ResultLine:
    result = result if isinstance(result, dict) else {}
    kind, error = result.get("type"), result.get("error")
    if kind == "succeeded" and isinstance(result.get("message"), dict):
        return BatchReply(key, result["message"])
    if kind == "errored":
        error = error.get("error", error) if isinstance(error, dict) else error
        name = error.get("type") if isinstance(error, dict) else None
        lasting = name in _ANTHROPIC_LASTING
        return BatchFault(
            key, f"{name or 'error'}: {_said(error) or 'no reason given'}", not lasting
        )
    if kind in ("canceled", "expired"):
        return BatchFault(key, f"the request was {kind} before it was run", again=kind == "expired")
    return BatchFault(key, "the line has neither a message nor an error", again=True)


def _google(key: str, line: dict[str, Any]) -> ResultLine:
    if isinstance(line.get("response"), dict):
        return BatchReply(key, line["response"])
    error = line.get("error") or line.get("status")
    if not isinstance(error, dict):
        return BatchFault(key, "the line has neither a response nor an error", again=True)
    code = error.get("code")
    http = isinstance(code, int) and 400 <= code < 500 and code not in (408, 409, 429)
    reason = f"code {code}: {_said(error) or 'no reason given'}"
    return BatchFault(key, reason, again=not (http or code in _RPC_LASTING))


def _openai(key: str, line: dict[str, Any]) -> ResultLine:
    error = line.get("error")
    if isinstance(error, dict) and error:
        code = str(error.get("code") or "")
        return BatchFault(key, _said(error) or code, again=code != _CANCELLED)
    response = line.get("response")
    if not isinstance(response, dict):
        return BatchFault(key, "the line has neither a response nor an error", again=True)
    status, body = response.get("status_code"), response.get("body")
    if status == 200 and isinstance(body, dict):
        return BatchReply(key, body)
    said = _said(body.get("error")) if isinstance(body, dict) else str(body or "")
    # Providers have written status 0 for requests that they lost.
    lasting = isinstance(status, int) and 400 <= status < 500 and status not in (408, 409, 429)
    return BatchFault(key, f"status {status}: {said[:300] or 'no reason given'}", again=not lasting)


def _said(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")[:300]
    return str(error or "")
