"""The ways to ask a server about abstracts that `throughput.py` compares; each is one function.

A contestant gets the papers, the server's base URL, the model's name and a concurrency, and gives
the number of papers that came out right. Its libraries are imported inside it, so that its memory
is its own. `prepare` does what a run pays once (imports, connections) on a few papers.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claimgrid.types.paper import Paper
    from claimgrid.types.request import Request
    from simulated import SimulatedPaper

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask, where and how many at once."""

    papers: Sequence[SimulatedPaper]
    url: str
    model: str
    concurrency: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A way to ask. `whole` ones extract (ground, normalize, store); the others only ask.

    `needs` are the modules that it imports from outside the project; `outside` says that it runs
    as a process of its own, so that start-up is part of what is measured.
    """

    run: Callable[[Job], int]
    about: str
    needs: tuple[str, ...] = ()
    whole: bool = False
    outside: bool = False
    style: str = "claims"


def floor(job: Job) -> int:
    """aiohttp, orjson and the reply's Pydantic model, with the request's bytes prepared."""
    import aiohttp
    import orjson

    from claimgrid.types.reply import Reply

    requests = _requests(job)
    schema = Reply.model_json_schema()
    head = orjson.dumps(
        {
            "model": job.model,
            "temperature": 0,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "Reply", "schema": schema},
            },
            "messages": [dict(message) for message in requests[0].messages[:-1]],
        }
    )[: -len(b"]}")]

    async def main() -> int:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(request: Request) -> bool:
                body = head + b"," + orjson.dumps(dict(request.messages[-1])) + b"]}"
                async with session.post(
                    f"{job.url}/chat/completions",
                    data=body,
                    headers={"content-type": "application/json", "authorization": "Bearer none"},
                ) as response:
                    answer = orjson.loads(await response.read())
                text = answer["choices"][0]["message"]["content"]
                return _right(Reply.model_validate_json(text))

            return await _at_once(requests, ask, job.concurrency)

    return asyncio.run(main())


def ours_ask(job: Job) -> int:
    """`claimgrid.llm.client.Client.ask`: requests built, replies validated, nothing stored."""
    from claimgrid.llm.client import AskPolicy, Client, ResponseStores
    from claimgrid.llm.providers import endpoint

    async def main() -> int:
        at = endpoint(job.model, base_url=job.url)
        async with Client(at, ResponseStores(), _policy(AskPolicy, job)) as client:

            async def ask(request: Request) -> bool:
                return _right((await client.ask(request)).reply)

            return await _at_once(_requests(job), ask, job.concurrency)

    return asyncio.run(main())


def ours_run(job: Job) -> int:
    """`extract run` within this process: the real engine, grounding, reply store and folder."""
    from claimgrid import settings
    from claimgrid.cli.run import run

    with tempfile.TemporaryDirectory() as folder:
        given = settings.load(
            model=job.model, base_url=job.url, replay="off", concurrency=job.concurrency
        )
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run((str(_source(job, Path(folder))),), Path(folder) / "out", given)
        return _came_out(Path(folder) / "out")


def ours_cli(job: Job) -> int:
    """`extract run` as a user types it, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "claimgrid", "run", str(_source(job, Path(folder))),
             "--out", f"{folder}/out", "--model", job.model, "--base-url", job.url,
             "--replay", "off", "--concurrency", str(job.concurrency)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return _came_out(Path(folder) / "out")


def openai_alone(job: Job) -> int:
    """openai's async client, `parse` with the reply's Pydantic model."""
    from openai import AsyncOpenAI

    from claimgrid.types.reply import Reply

    async def main() -> int:
        async with AsyncOpenAI(api_key="none", base_url=job.url) as client:

            async def ask(request: Request) -> bool:
                answer = await client.chat.completions.parse(
                    model=job.model,
                    temperature=0,
                    messages=[dict(message) for message in request.messages],
                    response_format=Reply,
                )
                reply = answer.choices[0].message.parsed
                return reply is not None and _right(reply)

            return await _at_once(_requests(job), ask, job.concurrency)

    return asyncio.run(main())


def instructor_over_openai(job: Job) -> int:
    """instructor in JSON-schema mode over openai's async client."""
    import instructor
    from openai import AsyncOpenAI

    from claimgrid.types.reply import Reply

    async def main() -> int:
        async with AsyncOpenAI(api_key="none", base_url=job.url) as bare:
            client = instructor.from_openai(bare, mode=instructor.Mode.JSON_SCHEMA)

            async def ask(request: Request) -> bool:
                return _right(
                    await client.chat.completions.create(
                        model=job.model,
                        temperature=0,
                        messages=[dict(message) for message in request.messages],
                        response_model=Reply,
                    )
                )

            return await _at_once(_requests(job), ask, job.concurrency)

    return asyncio.run(main())


def langextract(job: Job) -> int:
    """langextract over openai's client, one chunk an abstract, with the prompt of `peers.py`."""
    import langextract as lx

    from peers import langextract_settings

    documents = [
        lx.data.Document(text=paper.abstract, document_id=str(paper.number)) for paper in job.papers
    ]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = lx.extract(
            text_or_documents=documents,
            config=lx.factory.ModelConfig(
                model_id=job.model,
                provider="OpenAILanguageModel",
                provider_kwargs={
                    "api_key": "none",
                    "base_url": job.url,
                    "max_workers": job.concurrency,
                },
            ),
            max_workers=job.concurrency,
            batch_length=job.concurrency,
            show_progress=False,
            **langextract_settings(),
        )
    return sum(bool(document.extractions) for document in found)


CONTESTANTS = {
    "floor": Contestant(
        floor, "aiohttp + orjson + pydantic, prepared bytes", ("aiohttp", "orjson")
    ),
    "ours: ask": Contestant(ours_ask, "claimgrid's client, ask alone"),
    "ours: run": Contestant(ours_run, "extract run in this process", whole=True),
    "ours: CLI": Contestant(ours_cli, "extract run, start-up too", whole=True, outside=True),
    "openai": Contestant(openai_alone, "openai's client alone, parse", ("openai",)),
    "instructor": Contestant(
        instructor_over_openai, "instructor over openai", ("instructor", "openai")
    ),
    "langextract": Contestant(
        langextract, "langextract over openai", ("langextract", "openai"), True, False,
        "langextract",
    ),
}  # fmt: skip


def _requests(job: Job) -> list[Request]:
    from claimgrid.extraction.prompt import build, load
    from claimgrid.types.paper import Paper

    prompt = load(ROOT / "prompts" / "claims.md")

    def one(paper: SimulatedPaper) -> Request:
        told: Paper = Paper(paper_id=paper.record["id"], title=paper.title, abstract=paper.abstract)
        return build(told, prompt, model=job.model, mode="json_schema")

    return [one(paper) for paper in job.papers]


async def _at_once(
    requests: Sequence[Request], ask: Callable[[Request], Awaitable[bool]], concurrency: int
) -> int:
    """The same bounded loop for all who bring none of their own."""
    waiting = iter(requests)
    right = 0

    async def worker() -> None:
        nonlocal right
        for request in waiting:
            came = await ask(request)  # before the sum: `+=` reads its left side first
            right += came

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return right


def _policy(policy: Any, job: Job) -> Any:
    names = policy.__dataclass_fields__
    return policy(live=True, **({"concurrency": job.concurrency} if "concurrency" in names else {}))


def _right(reply: Any) -> bool:
    return any(reply.model_dump().values())


def _source(job: Job, folder: Path) -> Path:
    path = folder / "papers.jsonl"
    path.write_text("".join(json.dumps(p.record) + "\n" for p in job.papers), encoding="utf-8")
    return path


def _came_out(folder: Path) -> int:
    with (folder / "papers.jsonl").open(encoding="utf-8") as lines:
        return sum(json.loads(line)["status"] == "claims" for line in lines)
