"""`extract models bench`: measures tokens per second and abstracts per minute of a model, here.

Asks what a run would ask, through the same client; llama.cpp's replies tell its own timings.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from claimgrid import settings, sources
from claimgrid.engines.session import Session, open_session
from claimgrid.errors import PaperError, SetupError, SourceError
from claimgrid.llm.client import Client, ResponseStores
from claimgrid.llm.response_store import Recording
from claimgrid.local import model_files, server
from claimgrid.types.paper import Origin, Paper


@dataclass(slots=True)
class _Timings:
    """A store that keeps nothing but what llama.cpp says of its speed."""

    seen: list[dict[str, float]] = field(default_factory=list)

    def get(self, model: str, key: str) -> Recording | None:  # noqa: ARG002
        return None

    def put(self, recording: Recording) -> None:
        body: Any = recording.attempts[-1].body
        if isinstance(body, dict) and isinstance(body.get("timings"), dict):
            self.seen.append(body["timings"])

    async def keep(self, recording: Recording) -> None:
        self.put(recording)

    def rate(self, what: str) -> float:
        """Tokens per second over all replies; `what` is `prompt` or `predicted`."""
        tokens = sum(t.get(f"{what}_n", 0) for t in self.seen)
        return tokens / max(sum(t.get(f"{what}_ms", 0) for t in self.seen) / 1000, 1e-9)


def bench(name: str, source: str | None, given: settings.Settings, *, papers: int) -> int:
    """Measure a model: the first abstract alone, then the others as a run would ask about them.

    Args:
        name: of the catalogue, or a path to a GGUF file.
        source: abstracts; None takes the examples of the prompt.
        papers: most abstracts, at least 2.

    Returns:
        1 if a request failed (a reply without a valid claim is none), else 0.

    Raises:
        UsageError, SetupError, SourceError: as for a run.
    """
    if not model_files.is_embedded(name):
        path = Path(name).suffix == ".gguf"
        name = f"{model_files.PREFIX}{':' if path else '/'}{name}"
    session = open_session(given.model_copy(update={"model": name, "replay": "off", "reasks": 0}))
    assert session.endpoint.embedded is not None
    session.endpoint.embedded.require()
    if not server.available():
        raise SetupError(server.NO_RUNTIME)
    asked = list(itertools.islice(_papers(session, source), papers))
    if len(asked) < 2:
        raise SourceError("a measurement takes two abstracts or more", path=str(source))
    return asyncio.run(_measure(session, asked))


def _papers(session: Session, source: str | None) -> Any:
    if source is not None:
        return (item for item in sources.read(source) if isinstance(item, Paper))
    return (
        Paper(
            paper_id=f"example-{n}",
            title=example.title,
            abstract=example.abstract,
            origin=Origin(file="prompt", line=n),
        )
        for n, example in enumerate(session.prompt.examples, 1)
    )


async def _measure(session: Session, papers: list[Paper]) -> int:
    timings = _Timings()
    failures: list[str] = []

    async def ask(client: Client, paper: Paper) -> None:
        try:
            await client.ask(session.request(paper))
        except PaperError as error:
            if error.status == "error":
                failures.append(str(error))

    plan = session.serving
    assert plan is not None
    click.echo(
        f"{session.endpoint.model}: {plan.slots} slot(s) of {plan.context} tokens, {plan.threads} "
        f"thread(s), batches of {plan.batch}; reading the prompt for the first time …",
        err=True,
    )
    async with Client(session.endpoint, ResponseStores(write=(timings,)), session.policy) as client:
        began = time.monotonic()
        await ask(client, papers[0])
        opened = time.monotonic()
        await asyncio.gather(*(ask(client, paper) for paper in papers[1:]))
        ended = time.monotonic()
    for failure in failures[:3]:
        click.echo(f"extract: {failure}", err=True)
    if len(timings.seen) < 2:
        return 1
    _print(
        _Timings(timings.seen[:1]),
        _Timings(timings.seen[1:]),
        opened - began,
        (len(papers) - 1) / (ended - opened) * 60,
    )
    return int(bool(failures))


def _print(first: _Timings, rest: _Timings, opening: float, pace: float) -> None:
    console = Console(highlight=False)

    def row(name: str, figure: str, detail: str) -> None:
        console.print(f"  {name:<12}{figure:>10}   [dim]{detail}[/]", soft_wrap=True)

    cold = first.seen[0]
    both = _Timings(first.seen + rest.seen)
    read = f"{cold.get('prompt_n', 0):,.0f} tokens read for the first abstract"
    row("prompt", f"{first.rate('prompt'):,.0f} t/s", read)
    each = sum(t.get("prompt_n", 0) for t in rest.seen) / len(rest.seen)
    row("  then", f"{rest.rate('prompt'):,.0f} t/s", f"{each:,.0f} tokens an abstract, rest cached")
    written = sum(t.get("predicted_n", 0) for t in both.seen) / len(both.seen)
    row(
        "generation", f"{both.rate('predicted'):,.1f} t/s", f"a slot; {written:,.0f} tokens a reply"
    )
    row("first reply", f"{opening:,.1f} s", "from nothing, loading included")
    row("abstracts", f"{pace:,.1f} /min", f"over the {len(rest.seen)} after the first")
