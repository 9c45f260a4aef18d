"""Estimates how many tokens a request will take, without a tokenizer.

A run needs a figure before its first reply (its budget), and a plan before any. Characters divided
by four is the usual rule of thumb for English; where replies to the same prompt are at hand, their
own counts say how far it is off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from claimgrid.types.answer import Usage
from claimgrid.types.request import Request, pack_schema, reply_schema

_CHARACTERS_A_TOKEN = 4.0
# The shipped recordings average 550 characters; JSON makes a token of about three.
_OUTPUT = 180.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How characters become tokens, and how long a reply about one paper is, on how many replies
    each rests. 0 replies means the rule of thumb.
    """

    characters_a_token: float = _CHARACTERS_A_TOKEN
    output_tokens: float = _OUTPUT
    input_replies: int = 0
    output_replies: int = 0


class Seen(NamedTuple):
    """An answered request: its characters, what it took, and how many papers it is about."""

    characters: int
    used: Usage
    papers: int = 1


def characters(request: Request) -> int:
    """Characters of all messages and of the schema, which servers count as input too."""
    schema = pack_schema() if request.packed else reply_schema()
    if request.questions is not None:
        schema = ""  # a grammar steers the sampler; the model does not read it
    return sum(len(message["content"]) for message in request.messages) + len(schema)


def tokens(written: int) -> int:
    """So many characters in tokens, by the rule of thumb."""
    return round(written / _CHARACTERS_A_TOKEN)


def static_characters(request: Request) -> int:
    """Characters before the paper: what a provider's prompt cache can hold."""
    return characters(request) - len(request.messages[-1]["content"])


def usage(request: Request, rate: Rate | None = None) -> Usage:
    """The tokens of one request and its reply, none of them cached."""
    rate = rate or Rate()
    return Usage(
        requests=1,
        input_tokens=round(characters(request) / rate.characters_a_token),
        output_tokens=round(rate.output_tokens * max(1, request.packed)),
    )


def calibrated(seen: Iterable[Seen]) -> Rate:
    """The rate of replies whose tokens are known.

    Replies of several attempts carry the re-asks' tokens and would skew the input: they are left
    out there, and kept in the output, which will be re-asked as often.
    """
    replies = list(seen)
    read = [(n, used.input_tokens) for n, used, _ in replies if used.requests == 1]
    read = [(n, tokens) for n, tokens in read if tokens]
    written = [(used.output_tokens, papers) for _, used, papers in replies if used.output_tokens]
    rate = Rate()
    if read:
        ratio = sum(n for n, _ in read) / sum(tokens for _, tokens in read)
        rate = replace(rate, characters_a_token=ratio, input_replies=len(read))
    if written:
        mean = sum(tokens for tokens, _ in written) / sum(papers for _, papers in written)
        rate = replace(rate, output_tokens=mean, output_replies=len(written))
    return rate
