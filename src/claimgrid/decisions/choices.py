"""Says what may be decided on a candidate, for the grammar that a server is held to and for scores.

A decision is one alternative of each part of a sequence, and a question has one or more sequences:
`up`, then ` loss` or nothing, then a metric. `gbnf` writes them as llama.cpp's grammar; `leads` and
`next_words` tell what was open to a model where it wrote a token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

from claimgrid.decisions.candidates import Candidate
from claimgrid.decisions.grammar import ABSOLUTE, CHANGES, RELATIVE, labels

Parts = tuple[tuple[str, ...], ...]
NOTHING = "nothing"  # all that may be said of an abstract that raises no question
GIVES = " ="  # between a question and its decision, which begins with a blank
_END = "\n"


def choices(question: Candidate, names: Sequence[str]) -> tuple[Parts, ...]:
    """The decisions on a question, as sequences of parts; each begins with a blank and ends a line.

    Args:
        names: what a decision may point at.
    """
    if question.about != "number":
        return _lines((labels(question),))
    on = ("", *(f" on {name}" for name in names))
    versus, more = tuple(f" vs {name}" for name in names), tuple(f", {name}" for name in names)
    against: list[Parts] = [(), *([(versus,), (versus, more)] if names else [])]
    relative = tuple(f" {metric}" for metric in RELATIVE)
    return _lines(
        (("no",),),
        (("score",), on),
        *((("delta", "share"), on, *rest) for rest in against),
        *((tuple(CHANGES), ("", " loss"), relative, *rest) for rest in against),
        (("amount",), tuple(f" {metric}" for metric in ABSOLUTE)),
    )


def _lines(*sequences: Parts) -> tuple[Parts, ...]:
    return tuple(
        (tuple(f" {word}" for word in first), *rest, (_END,)) for first, *rest in sequences
    )


def gbnf(sequences: Sequence[Parts], name: str = "root") -> str:
    """The grammar whose words are the decisions; each list of alternatives is a rule of its own."""
    rules: dict[tuple[str, ...], str] = {}
    told = []
    for parts in sequences:
        words = []
        for part in parts:
            one = literal(part[0])
            words.append(one if len(part) == 1 else rules.setdefault(part, f"{name}{len(rules)}"))
        told.append(" ".join(words))
    written = [f"{name} ::= {' | '.join(told)}"]
    written += [f"{rule} ::= {' | '.join(map(literal, part))}" for part, rule in rules.items()]
    return "\n".join(written) + "\n"


def literal(text: str) -> str:
    """A text as GBNF writes it."""
    return json.dumps(text, ensure_ascii=False)


def leads(written: bytes, sequences: Sequence[Parts]) -> bool:
    """Whether a decision begins with these bytes; a token may end inside a character."""
    return any(True for parts in sequences for _ in _rests(written, _encoded(parts)))


def next_words(written: bytes, sequences: Sequence[Parts]) -> set[bytes]:
    """The words that a decision may go on with, each with the blank before it; none at its end."""
    rests = {rest for parts in sequences for rest in _rests(written, _encoded(parts))}
    return {rest[:1] + rest[1:].partition(b" ")[0] for rest in rests if rest}


@lru_cache(maxsize=256)
def _encoded(parts: Parts) -> tuple[tuple[bytes, ...], ...]:
    return tuple(tuple(one.encode("utf-8", "surrogatepass") for one in part) for part in parts)


def _rests(written: bytes, parts: tuple[tuple[bytes, ...], ...]) -> Iterator[bytes]:
    """What may follow, to the end of a part, where these bytes begin a decision; b"" at its end."""
    if not parts:
        if not written:
            yield b""
        return
    for one in parts[0]:
        if written.startswith(one):
            yield from _rests(written[len(one) :], parts[1:])
        elif one.startswith(written):
            yield one[len(written) :]
