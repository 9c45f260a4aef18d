"""What a model is asked about one paper, and the key under which its reply is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any, Protocol

from claimgrid.types.reply import PackedReply, Reply


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model samples; None leaves a value to the server's default.

    `number` tells several samples of one question apart: it is part of the key, and is not sent.
    """

    temperature: float | None
    max_tokens: int | None
    number: int = 0

    def in_key(self) -> dict[str, Any]:
        """What of it is part of a request's key; the first sample has the key of a plain run."""
        told = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return told | ({"sample": self.number} if self.number else {})


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """What a recording says of its request: enough to find it, and to tell what changed since."""

    key: str
    model: str
    mode: str
    prompt: str
    prompt_sha256: str
    schema_sha256: str
    paper_id: str
    title: str
    abstract_sha256: str

    @property
    def identity(self) -> dict[str, str]:
        """These fields alone, by name."""
        return {one.name: getattr(self, one.name) for one in fields(RequestIdentity)}


# Characters of the abstract, and how likely it is that the claim which rests on them is right.
Confidence = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of several about a paper.

    `written` is what stands of the reply so far, and `grammar` (GBNF) holds what the model adds.
    """

    written: str
    grammar: str


class Questions(Protocol):
    """Questions that are asked one after another, each with the answers so far in view."""

    def after(self, bodies: Sequence[Any]) -> Turn | None:
        """The turn that follows the replies with these bodies; None where there is none."""

    def read(self, bodies: Sequence[Any]) -> tuple[Reply, tuple[Confidence, ...]]:
        """The claims in all replies together, or a ValueError."""


@dataclass(frozen=True, slots=True)
class Request(RequestIdentity):
    """What a model is asked about one paper.

    `key` is a SHA-256 over model, mode, messages, sampling and reply schema: the same question has
    the same key online, in a batch file and in a recording, whatever library carries it. `packed`
    is the number of papers in it, 0 for a request about one. A reply is JSON of the reply schema,
    unless there are `questions`: then each of them is asked and answered in turn.
    """

    messages: tuple[Mapping[str, str], ...]
    sampling: Sampling
    packed: int = 0
    abstract: str = field(default="", compare=False, repr=False)  # for models in this process
    questions: Questions | None = field(default=None, compare=False, repr=False)

    @property
    def reply_model(self) -> type[Reply] | type[PackedReply]:
        """What the reply is read as: one abstract's claims, or several ones'."""
        return PackedReply if self.packed else Reply


@cache
def reply_schema() -> str:
    """JSON Schema of the reply as canonical JSON text (sorted keys, no spaces)."""
    return canonical(Reply.model_json_schema())


@cache
def pack_schema() -> str:
    """JSON Schema of a packed reply, as `reply_schema` gives that of one."""
    return canonical(PackedReply.model_json_schema())


def schema_sha256() -> str:
    """Hash of the reply schema, as requests and recordings carry it."""
    return sha256_of(reply_schema())


def canonical(value: Any, *, sort_keys: bool = True) -> str:
    """JSON text that is the same for the same value: sorted keys, no spaces, no escapes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":"))


@lru_cache(maxsize=64)
def sha256_of(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hexadecimal; lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
