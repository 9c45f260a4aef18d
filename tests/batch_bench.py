"""A run's folder and a simulated provider, worked on by one "process" after another."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from batch_server import Answer, Provider, Wires, good
from claimgrid.batch.base import BatchApi, BatchLimits, BatchProgress
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.openai import OpenAiBatchApi
from claimgrid.batch.runner import BatchRunner
from claimgrid.batch.state import BatchState
from claimgrid.extraction.prompt import Example, Prompt, build
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import endpoint
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.answer import Answer as Told
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request

EXAMPLE = Example("Boreas", "Boreas is 9.5x faster.", "{}")
PROMPT = Prompt("t", 1, 0.0, 100, "Read.", "{title}\n{abstract}\n{fence}", (EXAMPLE,), "0" * 64)
AT = endpoint("scripted", base_url="http://127.0.0.1:1/v1")
BAD = '{"speedups": [{"quote": 3}]}'


def requests(count: int, mode: str = "json_schema") -> list[Request]:
    papers = [
        Paper(paper_id=f"p{n}", title="Zephyr", abstract=f"Zephyr is {n}.5x faster.")
        for n in range(1, count + 1)
    ]
    return [build(paper, PROMPT, model="scripted", mode=mode) for paper in papers]


def number(body: Any) -> int:
    """Which of `requests` a body asks."""
    words = " ".join(m["content"] for m in body["messages"] if m["role"] == "user")
    return int(re.findall(r"Zephyr is (\d+)\.5x", words)[-1])


def asked_again(body: Any) -> bool:
    return "Zephyr is" not in body["messages"][-1]["content"]


def right(body: Any) -> Answer:
    words = f"{number(body)}.5x"
    return good({"speedups": [{"quote": f"{words} faster", "value": words, "change": "up"}]})


class Bench:
    """A run's folder and a provider; each `work` is a process of its own."""

    def __init__(self, folder: Path, provider: Provider, limits: BatchLimits | None = None) -> None:
        self.folder = folder
        self.provider = provider
        self.limits = limits
        self.reasks = 2
        self.at = AT

    def api(self, wires: Wires | None, attempts: int) -> BatchApi:
        transport = wires or Wires(self.provider)
        return OpenAiBatchApi(
            AT, attempts=attempts, timeout=5.0, backoff=0.001, transport=transport
        )

    def work(
        self,
        step: Callable[[BatchRunner], Any],
        *,
        wires: Wires | None = None,
        attempts: int = 3,
    ) -> Any:
        async def main() -> Any:
            api = self.api(wires, attempts)
            with (
                BatchState(self.folder, alone=True) as state,
                closing(ReplyCache(self.folder / "replies.sqlite")) as cache,
            ):
                state.begin(source="s", model="scripted", provider=self.at.provider,
                            mode=self.at.mode, base_url=None, reasks=self.reasks)  # fmt: skip
                async with api:
                    return await step(
                        BatchRunner(state, api, RequestBodies(self.at), cache, self.limits)
                    )

        self.folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(main())

    def submit(self, asked: list[Request], **how: Any) -> BatchProgress:
        async def step(jobs: BatchRunner) -> BatchProgress:
            jobs.add(asked)
            return await jobs.advance()

        return self.work(step, **how)

    def finish(self, *, most: int = 60, **how: Any) -> list[str]:
        """Advance until all is settled. Returns the notes."""
        notes = []
        for _ in range(most):
            notes += self.work(BatchRunner.advance, **how).notes
            with BatchState(self.folder, alone=False) as state:
                counts = state.statuses()
            if not counts["waiting"] and not counts["sent"]:
                return notes
        raise AssertionError(f"not settled after {most} looks: {counts}, {notes[-3:]}")

    def reasons(self) -> Counter[str]:
        with BatchState(self.folder, alone=False) as state:
            return state.reasons()

    def attempts(self, request: Request) -> list[Any]:
        with closing(ReplyCache(self.folder / "replies.sqlite")) as cache:
            found = cache.get(request.model, request.key)
            return [a.body for a in found.attempts] if found else []

    def told(self, *asked: Request) -> list[Told]:
        """What an offline client makes of the stored replies."""

        async def main() -> list[Told]:
            with closing(ReplyCache(self.folder / "replies.sqlite")) as cache:
                stores = ResponseStores(read=(("cache", cache),))
                async with Client(self.at, stores, AskPolicy(live=False)) as client:
                    return [await client.ask(request) for request in asked]

        return asyncio.run(main())

    def all_answered(self, asked: list[Request]) -> None:
        said = [told.reply.speedups[0].value for told in self.told(*asked)]
        assert said == [f"{n}.5x" for n in range(1, len(asked) + 1)]
