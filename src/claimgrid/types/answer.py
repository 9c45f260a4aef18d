"""What comes back from a model for one request: the reply, its cost, and where it came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from claimgrid.types.reply import Reply
from claimgrid.types.request import Confidence, Request

Source = Literal["recording", "cache", "live"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and HTTP replies of one request, all attempts together."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Dropped:
    """An item of an invalid reply that could not be read as a claim, and why."""

    kind: str | None
    item: Any
    detail: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's reply to one request, and where it came from."""

    reply: Reply
    dropped: tuple[Dropped, ...]
    usage: Usage
    source: Source
    origin: str
    model: str
    confidences: tuple[Confidence, ...] = ()


@dataclass(frozen=True, slots=True)
class PackAnswer:
    """The valid replies of a pack, by the number of their paper, and what the pack took.

    There may be none: the reply was refused, cut short or invalid, or none is stored.
    """

    replies: dict[int, Reply]
    usage: Usage
    source: Source
    origin: str


Ask = Callable[[Request], Awaitable[Answer]]
