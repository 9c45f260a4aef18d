"""Asks about batches of papers inside a Ray actor, with the stores and limits of the ledger."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import TypeAdapter

from claimgrid.engines.ray_ledger import BEAT
from claimgrid.engines.session import Session
from claimgrid.errors import StoppedError
from claimgrid.extraction import worker_pool
from claimgrid.llm.client import ResponseStores
from claimgrid.llm.rate_limiter import HttpOutcome, Ticket
from claimgrid.llm.response_store import Recording
from claimgrid.types.answer import Source, Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
CAME_OUT = ("claims", "no_claims")
OUTCOMES = pa.schema({"checkpoint": pa.string(), "place": pa.int64(), "outcome": pa.string()})
_Result = TypeVar("_Result")


class SharedLimiter:
    """The way to the ledger's rate limiter."""

    def __init__(self, ledger: Any, worker: str, tokens: float | None) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self.tokens = tokens
        self._ledger = ledger
        self._worker = worker
        self._headers: dict[int, Mapping[str, str]] = {}
        self.stopped = asyncio.Event()

    async def enter(self, tokens: float) -> Ticket:
        """Wait for a place among all requests of the run. Raises StoppedError if it is stopped."""
        ticket = await self._ledger.enter.remote(self._worker, tokens)
        if ticket is None:
            raise StoppedError("the run is stopped")
        return Ticket(*ticket)

    def leave(
        self, ticket: Ticket, outcome: HttpOutcome, *, seconds: float, used: float | None = None
    ) -> None:
        """A request came back."""
        headers = dict(self._headers.pop(ticket.number, {}))
        self._ledger.leave.remote(self._worker, ticket, outcome, seconds, used, headers)

    def pause(self, seconds: float) -> None:
        """Let no worker send anything for so long."""
        self._ledger.pause.remote(seconds)

    def close(self, why: str) -> None:
        """Stop the run in all workers."""
        self._ledger.stop.remote(why)
        self.stopped.set()

    async def sleep(self, seconds: float) -> None:
        """Wait before another try. Raises StoppedError if the run is stopped meanwhile."""
        try:
            await asyncio.wait_for(self.stopped.wait(), seconds)
        except TimeoutError:
            return
        raise StoppedError("the run is stopped")

    def heed(self, headers: Mapping[str, str], ticket: Ticket) -> None:
        """Told to the ledger when the request leaves."""
        self._headers[ticket.number] = headers


class SharedBudget:
    """The way to the ledger's budget. Once it is spent, nobody is asked again."""

    def __init__(self, ledger: Any, worker: str) -> None:
        self.spent: str | None = None
        self._ledger = ledger
        self._worker = worker
        self._expected: list[Usage] = []

    async def start(self, expected: Usage) -> bool:
        """Whether one more request may go."""
        self.spent = self.spent or await self._ledger.start.remote(self._worker, expected)
        if self.spent is None:
            self._expected.append(expected)
        return self.spent is None

    def finish(self, used: Usage, *, started: bool = True) -> None:
        """A request came back. Which of those under way it was makes no difference to their sum."""
        expected = self._expected.pop() if started and self._expected else None
        self._ledger.finish.remote(self._worker, used, expected)


class _Found:
    """What the ledger found of a batch; an answer that comes later is kept there."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.recordings: dict[str, Recording] = {}

    def get(self, model: str, key: str) -> Recording | None:  # noqa: ARG002 the key covers it
        return self.recordings.get(key)

    def put(self, recording: Recording) -> None:
        raise NotImplementedError(f"{recording.key}: a worker's replies are kept by `keep`")

    async def keep(self, recording: Recording) -> None:
        await self._ledger.keep.remote(recording)


class PaperWorker:
    """The callable of `map_batches`: rows of papers become rows of outcomes.

    It has an event loop of its own in a thread, so that connections and the sign of life go on
    from batch to batch.
    """

    def __init__(self, session: Session, ledger: Any) -> None:
        self._session = session
        self._ledger = ledger
        self._name = uuid.uuid4().hex
        self._told: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._run(self._open())

    def __call__(self, batch: pa.Table) -> pa.Table:
        """What the papers of a batch come to; those that a limit left unasked are left out."""
        columns = batch.to_pydict()
        rows = self._run(self._batch(columns["place"], columns["paper"]))
        return pa.Table.from_pylist(rows, schema=OUTCOMES)

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        self._limiter = SharedLimiter(self._ledger, self._name, self._session.given.tpm)
        self._budget = SharedBudget(self._ledger, self._name)
        self._known = {name: _Found(self._ledger) for name in ("cache", "recording")}
        reads: list[tuple[Source, _Found]] = [
            ("cache", self._known["cache"]),
            ("recording", self._known["recording"]),
        ]
        stores = ResponseStores(read=reads, write=(self._known["cache"],))
        self._client = self._session.client(stores, self._budget, self._limiter)
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            why = await self._ledger.beat.remote(self._name)
            if why is not None:
                self._budget.spent = self._budget.spent or why
                self._limiter.stopped.set()
            await asyncio.sleep(BEAT)

    async def _batch(self, places: Sequence[int], texts: Sequence[str]) -> list[dict[str, Any]]:
        papers = [Paper.model_validate_json(text) for text in texts]
        await self._look_up(papers)
        rows: list[dict[str, Any]] = []
        counts: Counter[str] = Counter()
        work = worker_pool.run(papers, self._one, concurrency=2 * self._session.concurrency)
        position = iter(places)
        async with aclosing(work):
            async for outcome in work:
                place = next(position)
                if outcome is None:
                    continue
                came_out = outcome.paper.status in CAME_OUT
                # One that failed is asked about again when an interrupted run continues.
                rows.append(
                    {
                        "checkpoint": outcome.paper.paper_id if came_out else f"failed {place}",
                        "place": place,
                        "outcome": OUTCOME.dump_json(outcome).decode(),
                    }
                )
                counts.update(papers=1, claims=len(outcome.claims), failed=not came_out)
        answers = Counter(self._client.answers)
        http = answers - self._told
        self._told = answers
        await self._ledger.report.remote(http, counts, tuple(self._client.adapted))
        return rows

    async def _look_up(self, papers: Sequence[Paper]) -> None:
        """One question about the whole batch: a reply that is stored costs no request."""
        requests = [self._session.request(paper) for paper in papers]
        for store in self._known.values():
            store.recordings = {}
        keys = [request.key for request in requests]
        model = self._session.endpoint.model
        for key, found in zip(keys, await self._ledger.found.remote(model, keys), strict=True):
            if found is not None:
                self._known[found[0]].recordings[key] = found[1]

    async def _one(self, paper: Paper) -> Outcome | None:
        try:
            return await self._session.extract(paper, self._client.ask)
        except StoppedError:
            return None
