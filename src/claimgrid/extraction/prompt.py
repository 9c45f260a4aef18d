"""Writes the request about a paper from the prompt file, and its key.

A prompt file is TOML front matter between `+++` lines, then sections that begin with a line
`=== system`, `=== user`, `=== example` or `=== reply`. The static part (system, examples) comes
first, so that providers can cache it; the paper comes last, between tags that the abstract cannot
know and therefore cannot close.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError
from claimgrid.types.paper import Paper
from claimgrid.types.request import (
    Questions,
    Request,
    Sampling,
    canonical,
    pack_schema,
    reply_schema,
    schema_sha256,
    sha256_of,
)

_SECTION = re.compile(r"^=== (system|user|example|reply)[ \t]*$", re.M)
_EXAMPLE = re.compile(r"title: (?P<title>[^\n]*)\nabstract: (?P<abstract>.*)", re.S)


@dataclass(frozen=True, slots=True)
class Example:
    """One few-shot turn: an invented abstract and the reply that it should get (JSON text)."""

    title: str
    abstract: str
    reply: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file. `sha256` covers its bytes: any edit makes recordings stale."""

    name: str
    version: int
    temperature: float | None
    max_tokens: int | None
    system: str
    user: str
    examples: tuple[Example, ...]
    sha256: str


def load(path: Path) -> Prompt:
    """Read a prompt file.

    Raises:
        SetupError: the file is missing, or a section or a front-matter field is.
    """
    try:
        raw = path.read_bytes()
        _, front, body = raw.decode("utf-8").split("+++\n", 2)
        meta = tomllib.loads(front)
        name, version = str(meta["name"]), int(meta["version"])
    except OSError as error:
        raise SetupError(f"{path}: the prompt file cannot be read: {error.strerror}") from error
    except (ValueError, KeyError) as error:
        raise SetupError(
            f"{path}: not a prompt file ({error}); it needs front matter between +++ lines "
            "with name and version, then === system and === user sections"
        ) from error
    parts = _SECTION.split(body)[1:]
    sections = list(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
    once = {kind: text for kind, text in sections if kind in ("system", "user")}
    if set(once) != {"system", "user"}:
        raise SetupError(f"{path}: a prompt file needs one === system and one === user section")
    return Prompt(
        name=name,
        version=version,
        temperature=meta.get("temperature"),
        max_tokens=meta.get("max_tokens"),
        system=once["system"],
        user=once["user"],
        examples=_examples(sections, path),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _examples(sections: list[tuple[str, str]], path: Path) -> tuple[Example, ...]:
    turns = [(kind, text) for kind, text in sections if kind in ("example", "reply")]
    found = []
    for (kind, text), (kind_after, reply) in zip(turns[::2], turns[1::2], strict=False):
        match = _EXAMPLE.fullmatch(text)
        if match is None or (kind, kind_after) != ("example", "reply"):
            raise SetupError(
                f"{path}: after `=== example` come `title: …` and `abstract: …`, then `=== reply`"
            )
        found.append(Example(match["title"].strip(), match["abstract"].strip(), reply))
    if len(turns) % 2:
        raise SetupError(f"{path}: the last example has no === reply")
    return tuple(found)


def build(
    paper: Paper, prompt: Prompt, *, model: str, mode: str, sampling: Sampling | None = None
) -> Request:
    """The request that asks `model` for the claims of `paper`.

    Args:
        mode: how the reply is constrained (an instructor mode name, e.g. `json_schema`); part of
            the key because it decides the shape of the reply's body.
        sampling: overrides the prompt file's own temperature and token limit.
    """
    sampling = sampling or Sampling(prompt.temperature, prompt.max_tokens)
    frame = _frame(prompt, model, mode, sampling)
    last = {"role": "user", "content": _user(prompt, paper.title, paper.abstract)}
    key = frame.hashed.copy()
    key.update((canonical(last) + frame.after).encode("utf-8", "surrogatepass"))
    return Request(
        key=key.hexdigest()[:32],
        model=model,
        mode=mode,
        messages=(*frame.messages, last),
        sampling=sampling,
        prompt=f"{prompt.name}@{prompt.version}",
        prompt_sha256=prompt.sha256,
        schema_sha256=schema_sha256(),
        paper_id=paper.paper_id,
        title=paper.title,
        abstract_sha256=paper.abstract_sha256,
        abstract=paper.abstract,
    )


def pack(requests: Sequence[Request], packing: Prompt) -> Request:
    """One request about the papers of several, which must be alike but for their papers.

    The examples are packed as the papers are, so that the reply's shape is seen once.

    Args:
        packing: the prompt file that says how (`prompts/pack.md`): its system text is added to
            the requests' own, its user text wraps each paper as `{id}` and `{paper}`.
    """
    first = requests[0]
    system, *turns = first.messages[:-1]
    asked = [turn["content"] for turn in turns[::2]]
    replies = [
        {"id": number} | json.loads(turn["content"]) for number, turn in enumerate(turns[1::2], 1)
    ]
    messages: list[Mapping[str, str]] = [
        {"role": "system", "content": f"{system['content']}\n\n{packing.system}"}
    ]
    if asked:
        messages += [
            {"role": "user", "content": _wrapped(asked, packing)},
            {"role": "assistant", "content": canonical({"papers": replies}, sort_keys=False)},
        ]
    papers = [request.messages[-1]["content"] for request in requests]
    messages.append({"role": "user", "content": _wrapped(papers, packing)})
    schema = pack_schema()
    told = {
        "model": first.model,
        "mode": first.mode,
        "messages": messages,
        "schema": schema,
    } | first.sampling.in_key()
    sampling = first.sampling
    if sampling.max_tokens is not None:
        sampling = replace(sampling, max_tokens=sampling.max_tokens * len(requests))
    return replace(
        first,
        key=sha256_of(canonical(told))[:32],
        messages=tuple(messages),
        sampling=sampling,
        prompt=f"{first.prompt}+{packing.name}@{packing.version}",
        schema_sha256=sha256_of(schema),
        paper_id=" ".join(request.paper_id for request in requests),
        title=" · ".join(request.title for request in requests),
        abstract_sha256=sha256_of(" ".join(request.abstract_sha256 for request in requests)),
        packed=len(requests),
    )


def _wrapped(papers: Sequence[str], packing: Prompt) -> str:
    before, after = packing.user.split("{paper}")
    return "\n".join(
        before.replace("{id}", str(number)) + paper + after
        for number, paper in enumerate(papers, 1)
    )


def constrained(
    paper: Paper,
    prompt: Prompt,
    *,
    model: str,
    mode: str,
    sampling: Sampling,
    grammars: str,
    questions: Questions,
) -> Request:
    """The request whose questions are asked in turn, each with a grammar of its own.

    Args:
        grammars: the text of all questions and grammars, which the key covers.
        questions: what is asked.
    """
    messages = _static(prompt)
    messages.append({"role": "user", "content": _user(prompt, paper.title, paper.abstract)})
    told = {
        "model": model,
        "mode": mode,
        "messages": messages,
        "grammars": grammars,
    } | sampling.in_key()
    return Request(
        key=sha256_of(canonical(told))[:32],
        model=model,
        mode=mode,
        messages=tuple(messages),
        sampling=sampling,
        prompt=f"{prompt.name}@{prompt.version}",
        prompt_sha256=prompt.sha256,
        schema_sha256=sha256_of(grammars),
        paper_id=paper.paper_id,
        title=paper.title,
        abstract_sha256=paper.abstract_sha256,
        abstract=paper.abstract,
        questions=questions,
    )


def _static(prompt: Prompt) -> list[Mapping[str, str]]:
    """The messages before the paper: system text and few-shot turns."""
    messages: list[Mapping[str, str]] = [{"role": "system", "content": prompt.system}]
    for example in prompt.examples:
        content = _user(prompt, example.title, example.abstract)
        messages += [
            {"role": "user", "content": content},
            {"role": "assistant", "content": example.reply},
        ]
    return messages


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all requests of a run share: messages, and the key's text before and after the paper."""

    messages: tuple[Mapping[str, str], ...]
    hashed: Any
    after: str


@lru_cache(maxsize=8)
def _frame(prompt: Prompt, model: str, mode: str, sampling: Sampling) -> _Frame:
    messages = _static(prompt)
    asked = {
        "model": model,
        "mode": mode,
        "messages": [*messages, "PAPER"],
        "schema": reply_schema(),
    } | sampling.in_key()
    # The paper is the last message; sorted keys put the rest of the text around it. The part
    # before it is hashed once, not once a paper.
    before, after = canonical(asked).rsplit('"PAPER"]', 1)
    hashed = hashlib.sha256(before.encode("utf-8", "surrogatepass"))
    return _Frame(tuple(messages), hashed, "]" + after)


def _user(prompt: Prompt, title: str, abstract: str) -> str:
    # The fence depends on the abstract's own hash, so no abstract can contain its closing tag.
    fence = sha256_of(abstract)[:8]
    fields = {"title": title, "abstract": abstract, "fence": fence}
    return re.sub(r"\{(title|abstract|fence)\}", lambda match: fields[match[1]], prompt.user)
