"""`extract batch submit|status|collect|cancel|run`: a source's requests through a Batch API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from claimgrid import settings, sources
from claimgrid.batch.base import BatchApi, BatchPart, BatchProgress, BatchRun
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.runner import BatchRunner, current_parts
from claimgrid.batch.state import BatchState
from claimgrid.cli.run import run as extract
from claimgrid.engines.run_setup import default_folder
from claimgrid.engines.session import Session, open_session
from claimgrid.errors import SetupError, TransportError, UsageError
from claimgrid.io import run_folder
from claimgrid.llm import pricing
from claimgrid.llm.providers import Endpoint, Provider
from claimgrid.llm.response_store import ReplyCache
from claimgrid.text.counted import counted
from claimgrid.types.request import Request

_FIRST_WAIT = 2.0  # seconds between the first two looks of `run`; each further wait is longer
_Result = TypeVar("_Result")


def submit(source: str, out: Path | None, given: settings.Settings) -> int:
    """Send the requests of a source that nothing answers yet.

    Returns:
        1 if some paper could not be read, else 0.
    """
    console = Console(highlight=False)
    session = _session(given)
    folder = out or default_folder(source)
    reading = _Source(console, source, session)
    with (
        BatchState(folder, alone=True) as state,
        closing(ReplyCache(folder / run_folder.REPLIES)) as cache,
    ):
        reading.begin(state)

        async def send(jobs: BatchRunner) -> BatchProgress:
            jobs.add(reading.requests(state, cache))
            return await jobs.advance()

        _tell(console, _with_jobs(state, session.endpoint, given, cache, send))
        _standing(console, state, folder, state.parts())
    if reading.known:
        console.print(f"  {counted(reading.known, 'paper')} left out: answered already")
    return int(bool(reading.problems))


def status(folder: Path, given: settings.Settings) -> int:
    """Print how the batches of a run stand at the provider; writes nothing. Returns 0."""
    console = Console(highlight=False)
    with BatchState(folder, alone=False) as state:
        at = _endpoint(state.run)

        async def look() -> list[BatchPart]:
            async with _api(at, given) as api:
                return await current_parts(state, api)

        _standing(console, state, folder, asyncio.run(look()))
    return 0


def collect(folder: Path, given: settings.Settings) -> int:
    """Store what has come back, and send what has to be asked again.

    Returns:
        1 if requests failed for good, else 0.
    """
    return _step(folder, given, BatchRunner.advance)


def cancel(folder: Path, given: settings.Settings) -> int:
    """Stop all batches of a run. Returns 0."""
    _step(folder, given, BatchRunner.cancel)
    return 0


def _step(
    folder: Path, given: settings.Settings, step: Callable[[BatchRunner], Awaitable[BatchProgress]]
) -> int:
    console = Console(highlight=False)
    if not (folder / "batch").is_dir():
        BatchState(folder, alone=False)  # says that there is nothing here, and makes no folder
    with (
        BatchState(folder, alone=True) as state,
        closing(ReplyCache(folder / run_folder.REPLIES)) as cache,
    ):
        _tell(console, _with_jobs(state, _endpoint(state.run), given, cache, step))
        _standing(console, state, folder, state.parts())
        return int(bool(state.statuses()["failed"]))


def run(source: str, out: Path | None, given: settings.Settings, *, poll: float) -> int:
    """Submit, wait, collect, and extract the claims from the stored replies.

    Args:
        source: file or folder; standard input can be read only once and is refused.
        out: the run's folder.
        given: settings; the model must be named.
        poll: longest wait between two looks at the provider, in seconds.

    Returns:
        The exit code of `extract run`; 130 after Ctrl-C.
    """
    console = Console(highlight=False)
    if source == "-":
        raise UsageError("batch run reads its source twice; save the abstracts to a file first")
    session = _session(given)
    folder = out or default_folder(source)
    reading = _Source(console, source, session)
    with (
        BatchState(folder, alone=True) as state,
        closing(ReplyCache(folder / run_folder.REPLIES)) as cache,
    ):
        reading.begin(state)

        async def wait(jobs: BatchRunner) -> None:
            jobs.add(reading.requests(state, cache))
            await _until_all_are_in(console, jobs, state, poll)

        try:
            _with_jobs(state, session.endpoint, given, cache, wait)
        except KeyboardInterrupt:
            console.print(
                "[yellow]interrupted[/]; nothing is lost and the batches go on at the provider. "
                "The same command continues from here; `extract batch status "
                f"{folder}` looks, `extract batch cancel {folder}` stops them",
                soft_wrap=True,
            )
            return 130
        _standing(console, state, folder, state.parts())
    return extract((source,), folder, given.model_copy(update={"replay": "only"}))


async def _until_all_are_in(
    console: Console, jobs: BatchRunner, state: BatchState, poll: float
) -> None:
    told: set[str] = set()
    wait = _FIRST_WAIT
    looked = False
    with Console(stderr=True).status("sending") as line:
        while True:
            try:
                progress = await jobs.advance()
            except TransportError as error:
                if not looked:  # a wrong address is worth no night of waiting
                    raise
                progress = BatchProgress(notes=[str(error)])
            looked = True
            progress.notes = [note for note in progress.notes if note not in told]
            told.update(progress.notes)
            _tell(console, progress)
            counts = state.statuses()
            if not counts["waiting"] and not counts["sent"]:
                return
            wait = _FIRST_WAIT if progress.stored else wait * 1.5
            line.update(f"{counts['done']} answered, {counts['sent']} out, Ctrl-C is safe")
            await asyncio.sleep(min(wait, poll))


def _session(given: settings.Settings) -> Session:
    if not given.model:
        raise UsageError(
            "a batch needs --model openai/NAME, anthropic/NAME or google/NAME: recordings cannot "
            "answer it"
        )
    session = open_session(given.model_copy(update={"replay": "auto"}))
    if not session.live:
        raise _no_key(f"model {given.model}", session.endpoint.provider)
    return session


def _no_key(whose: str, provider: Provider) -> SetupError:
    return SetupError(f"{whose} needs a key: set {' or '.join(settings.KEY_NAMES[provider])}")


class _Source:
    """The requests of a source that nothing answers yet; `problems` counts unreadable papers."""

    def __init__(self, console: Console, source: str, session: Session) -> None:
        self._console = console
        self._source = source
        self._session = session
        self.problems = 0
        self.known = 0

    def begin(self, state: BatchState) -> None:
        """Begin the run in its state file, or go on with it."""
        at = self._session.endpoint
        state.begin(
            source=self._source,
            model=at.model,
            provider=at.provider,
            mode=at.mode,
            base_url=at.base_url,
            reasks=self._session.given.reasks,
        )

    def requests(self, state: BatchState, cache: ReplyCache) -> Iterator[Request]:
        """Read the source."""
        for item in sources.read(self._source):
            if isinstance(item, sources.Problem):
                self.problems += 1
                self._console.print(
                    f"[red]unreadable[/] {item.file}:{item.line}: {item.message}", soft_wrap=True
                )
                continue
            request = self._session.request(item)
            places = (cache, self._session.recordings)
            found = (place.get(request.model, request.key) for place in places)
            stored = next((len(r.attempts) for r in found if r), 0)
            ours = state.asked(request.key)
            settled = ours is None or ours.status == "done" or stored > len(ours.replies)
            if stored and settled:
                self.known += 1
            else:
                yield request


def _with_jobs(
    state: BatchState,
    at: Endpoint,
    given: settings.Settings,
    cache: ReplyCache,
    step: Callable[[BatchRunner], Awaitable[_Result]],
) -> _Result:
    async def main() -> _Result:
        async with _api(at, given) as api:
            return await step(BatchRunner(state, api, RequestBodies(at), cache))

    return asyncio.run(main())


def _api(at: Endpoint, given: settings.Settings) -> BatchApi:
    """The vendor's Batch API; its client library is imported here."""
    attempts, timeout, backoff = given.attempts, given.timeout, given.backoff
    if at.provider == "anthropic":
        from claimgrid.batch.anthropic import AnthropicBatchApi

        return AnthropicBatchApi(at, attempts=attempts, timeout=timeout, backoff=backoff)
    if at.provider == "google":
        from claimgrid.batch.gemini import GeminiBatchApi

        return GeminiBatchApi(at, attempts=attempts, timeout=timeout, backoff=backoff)
    from claimgrid.batch.openai import OpenAiBatchApi

    return OpenAiBatchApi(at, attempts=attempts, timeout=timeout, backoff=backoff)


def _endpoint(run: BatchRun) -> Endpoint:
    """Where a run's batches are; the key comes from the environment, not from the run."""
    key = settings.api_key(run.provider)
    if not key and not run.base_url:
        raise _no_key(f"the run of {run.model}", run.provider)
    return Endpoint(run.provider, run.model, run.mode, run.base_url, key)


def _tell(console: Console, progress: BatchProgress) -> None:
    for note in progress.notes:
        console.print(f"[yellow]note[/]    {note}", soft_wrap=True)
    parts = [
        f"{count} {what}"
        for count, what in (
            (progress.stored, "replies stored"),
            (progress.reasks, "of them invalid and asked again"),
            (progress.again, "requests sent again"),
        )
        if count
    ]
    if parts:
        console.print(" · ".join(parts))


def _standing(console: Console, state: BatchState, folder: Path, parts: list[BatchPart]) -> None:
    """The table of parts, and what all requests come to."""
    run = state.run
    counts = state.statuses()
    console.print(f"[bold]{folder}[/] batches of {run.model}", soft_wrap=True)
    table = Table(box=None, pad_edge=True, header_style="dim")
    for name in ("part", "requests", "done", "failed", "age"):
        table.add_column(name, justify="right")
    table.add_column("status")
    table.add_column("batch", overflow="fold")
    for part in parts:
        numbers = (part.number, part.requests, part.completed, part.failed)
        table.add_row(*map(str, numbers), _age(part.planned_at), part.status, part.batch_id or "–")
    if parts:
        console.print(table)
    named = {"waiting": "waiting", "sent": "out", "done": "answered", "failed": "failed"}
    told = [f"{word} {counts[name]}" for name, word in named.items() if counts[name]]
    console.print(f"  requests  {' · '.join(told) or 'none: everything is answered already'}")
    _bill(console, state, out=counts["sent"] + counts["waiting"])
    for reason, count in state.reasons().most_common(5):
        console.print(f"  [red]failed[/]    {count}: {reason}", soft_wrap=True)
    console.print(f"  [dim]{_next(state, folder)}[/]", soft_wrap=True)


def _bill(console: Console, state: BatchState, *, out: int) -> None:
    run, used = state.run, state.usage()
    if not used.requests:
        return
    console.print(f"  tokens    in {used.input_tokens:,} · out {used.output_tokens:,}")
    at = Endpoint(run.provider, run.model, run.mode, run.base_url, None)
    paid = pricing.usd(at, used, batch=True)
    if paid is None:
        console.print(f"  cost      –   [dim]no batch price is known for {run.model}[/]")
        return
    more = f" · about ${paid / used.requests * out:,.4f} more for {out} to come" if out else ""
    console.print(
        f"  cost      ${paid:,.4f}{more}   [dim]by list prices for batches (genai-prices)[/]",
        soft_wrap=True,
    )


def _next(state: BatchState, folder: Path) -> str:
    run, counts = state.run, state.statuses()
    if run.cancelled and counts["sent"]:
        return f"cancelled; `extract batch collect {folder}` fetches what was done by then"
    if counts["sent"] or counts["waiting"]:
        return f"go on with: extract batch collect {folder}"
    server = f" --base-url {run.base_url}" if run.base_url else ""
    named = f"extract run {run.source} -o {folder} --model {run.provider}/{run.model}{server}"
    if counts["failed"]:
        return (
            f"`extract batch submit {run.source} -o {folder} --model {run.provider}/{run.model}"
            f"{server}` asks the failed ones again; `{named}` asks them online"
        )
    return f"write the claims with: {named} --replay only"


def _age(since: float) -> str:
    seconds = max(0.0, time.time() - since)
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"
