"""Lines of a batch's output and error files ─► replies and faults by key. Knows no server.

A provider's files are not trusted: lines may be cut, doubled, of nobody's request, or missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimgrid.errors import StoreError

_CANCELLED = "batch_cancelled"  # of a request that was not run because its batch was stopped


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered to the request of this key: the body of the HTTP reply."""

    key: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the request of this key got no answer, and whether sending it again may help."""

    key: str
    reason: str
    again: bool


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that says nothing of any request."""

    detail: str


Line = Reply | Fault | Damaged


def read(path: Path) -> Iterator[Line]:
    """What the lines of a result file say, in order; blank lines say nothing.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield _line(text, f"{path.name}:{number}")
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _line(text: bytes, where: str) -> Line:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return Damaged(f"{where}: not a whole line of JSON")
    key = line.get("custom_id") if isinstance(line, dict) else None
    if not isinstance(key, str):
        return Damaged(f"{where}: no custom_id")
    error = line.get("error")
    if isinstance(error, dict) and error:
        code = str(error.get("code") or "")
        return Fault(key, _said(error) or code, again=code != _CANCELLED)
    response = line.get("response")
    if not isinstance(response, dict):
        return Fault(key, "the line has neither a response nor an error", again=True)
    status, body = response.get("status_code"), response.get("body")
    if status == 200 and isinstance(body, dict):
        return Reply(key, body)
    said = _said(body.get("error")) if isinstance(body, dict) else str(body or "")
    # Providers have written status 0 for requests that they lost.
    lasting = isinstance(status, int) and 400 <= status < 500 and status not in (408, 409, 429)
    return Fault(key, f"status {status}: {said[:300] or 'no reason given'}", again=not lasting)


def _said(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")[:300]
    return str(error or "")
