"""Reads from the headers of a reply what the server says is left of its limits.

OpenAI and those who follow it write `x-ratelimit-remaining-requests` and durations; Anthropic
writes `anthropic-ratelimit-requests-remaining` and times. What is malformed is passed over: it must
not cost the reply.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

What = Literal["requests", "tokens", "output"]  # "tokens" are those that a request is sent with

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
# Anthropic's limits are per minute: a later time means that one of the two clocks is wrong.
_LONGEST_RESET = 120.0
_OPENAI: dict[What, str] = {"requests": "requests", "tokens": "tokens"}
_ANTHROPIC: dict[What, str] = {
    "requests": "requests",
    "tokens": "input-tokens",
    "output": "output-tokens",
}


class LimitsLeft(NamedTuple):
    """So much is `remaining` until `reset` seconds from now; `limit` is all that there ever is."""

    what: What
    remaining: float
    reset: float
    limit: float | None


def read(headers: Mapping[str, str]) -> Iterator[LimitsLeft]:
    """What a reply's headers (lower-case names) say of each limit."""
    for what, name in _OPENAI.items():
        remaining, limit, reset = (
            headers.get(f"x-ratelimit-{part}-{name}", "")
            for part in ("remaining", "limit", "reset")
        )
        if remaining.isdecimal():
            yield LimitsLeft(what, float(remaining), duration(reset), _number(limit))
    for what, name in _ANTHROPIC.items():
        remaining, limit, reset = (
            headers.get(f"anthropic-ratelimit-{name}-{part}", "")
            for part in ("remaining", "limit", "reset")
        )
        if remaining.isdecimal():
            seconds = _until(reset, headers.get("date", ""))
            yield LimitsLeft(what, float(remaining), seconds, _number(limit))


def _number(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def _until(text: str, now: str) -> float:
    """Seconds until an RFC 3339 time by the server's own `Date`, or by our clock without one."""
    try:
        then = datetime.datetime.fromisoformat(text)
        then = then if then.tzinfo else then.replace(tzinfo=datetime.UTC)
        since = date(now) or datetime.datetime.now(datetime.UTC)
        return min(max(0.0, (then - since).total_seconds()), _LONGEST_RESET)
    except (ValueError, OverflowError):
        return 0.0


def date(text: str) -> datetime.datetime | None:
    """An HTTP date; None where it is malformed."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def duration(text: str) -> float:
    """Seconds of a duration as OpenAI writes it in headers (`1s`, `6m0s`, `120ms`); 0 if unclear.

    >>> duration("6m0s"), duration("120ms"), duration("1h2m3.5s")
    (360.0, 0.12, 3723.5)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return 0.0
    hours, minutes, seconds, millis = (float(part) if part else 0.0 for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds + millis / 1000
    return total if math.isfinite(total) else 0.0
