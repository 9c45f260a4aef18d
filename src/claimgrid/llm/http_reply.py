"""An HTTP reply of a server, and how long it asks to wait before the next try."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from claimgrid.llm.event_stream import assembled, is_stream
from claimgrid.llm.limit_headers import date
from claimgrid.llm.reply_body import body_of

# Where the server puts it into words (Groq, OpenAI, Azure) or into its error (Gemini).
_SAID = re.compile(
    rb"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?)\s?(ms|milliseconds|s\b|sec)", re.I
)
_RETRY_INFO = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')


@dataclass(frozen=True)
class HttpReply:
    """A reply: status, lower-case header names, and the body.

    `tried` are changes of the request that the server has refused too.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    tried: tuple[str, ...] = ()

    @cached_property
    def body(self) -> Any:
        """The body as JSON, else as text; a stream of events as the one reply that it makes up."""
        if is_stream(self.content, self.headers.get("content-type", "")):
            return assembled(self.content)
        return body_of(self.content)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait; None where it does not say."""
        told = retry_after(self.headers)
        if told is not None or self.status == 200:
            return told
        if found := _RETRY_INFO.search(self.content):
            return float(found[1])
        if found := _SAID.search(self.content):
            return float(found[1]) / (1000 if found[2].lower().startswith(b"m") else 1)
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after-ms` or `Retry-After` asks for (RFC 9110: seconds, or a date).

    A date is read against the server's own `Date`, so that a wrong clock on either side does not
    matter. None where it is malformed.
    """
    millis = _seconds(headers.get("retry-after-ms"))
    if millis is not None:
        return millis / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        float(value)
    except ValueError:
        then, now = date(value), date(headers.get("date", ""))
        if then is None:
            return None
        now = now or datetime.datetime.now(datetime.UTC)
        return max(0.0, (then - now).total_seconds())
    return _seconds(value)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
