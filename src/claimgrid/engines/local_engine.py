"""Runs a source on this machine: asks about its papers and writes the folder of the run.

The command line and the Python interface both call `run_source`; what a person sees while it goes
is the caller's, by `Watcher`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claimgrid import settings, sources
from claimgrid.engines.in_process import ReadingClient
from claimgrid.engines.interrupts import after, interrupts, seldom_collected
from claimgrid.engines.run_setup import (
    FinishedRun,
    MakeWatcher,
    finish,
    has_claims,
    nothing_came,
    prepare,
    unreadable,
)
from claimgrid.engines.run_summary import RunAccount, RunSummary
from claimgrid.engines.session import Session
from claimgrid.errors import StoppedError, StoreError
from claimgrid.extraction import worker_pool
from claimgrid.extraction.pipeline import without_abstract
from claimgrid.io import run_folder
from claimgrid.llm.budget import Budget, SpendLimits
from claimgrid.llm.client import Client
from claimgrid.llm.packing import Packer
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request


@dataclass(slots=True)
class _RunUnderWay:
    """One run under way. `stop` says why no further paper is begun."""

    source: str
    session: Session
    folder: Path
    budget: Budget
    tell: Callable[[str], None]
    summary: RunSummary = field(default_factory=RunSummary)
    read: int = 0
    source_ended: bool = False
    stop: str | None = None
    client: Client | ReadingClient | None = None
    packer: Packer | None = None

    def reading(self, items: Iterable[sources.SourceItem]) -> Iterator[sources.SourceItem]:
        """The source's items, counted, until it ends or the run is to stop."""
        for item in items:
            if self.stopped_by:
                break
            self.read += 1
            if self.packer:
                self.packer.read(will_ask=isinstance(item, Paper) and not without_abstract(item))
            yield item
        else:
            self.source_ended = True
        if self.packer:
            self.packer.end()

    async def one(self, item: sources.SourceItem) -> Outcome | None:
        """What one item comes to; None if the run stopped before it was asked about."""
        if not isinstance(item, Paper):
            return unreadable(item)
        unasked = without_abstract(item)
        if unasked is not None:
            return unasked
        if self.stop:
            if self.packer:
                self.packer.drop()
            return None
        assert self.client is not None
        ask = self.packer.ask if self.packer else self.client.ask
        try:
            return await self.session.extract(item, ask)
        except StoppedError:
            return None

    def end(self, why: str) -> None:
        """Begin no further paper; requests that are sent already complete."""
        self.stop = why
        if self.client is not None:
            self.client.limiter.close(why)
        self.tell("finishing what is under way; Ctrl-C again to stop at once")

    def deadline(self) -> AbstractContextManager[None]:
        """Ends the run after --max-minutes; papers that wait for their turn are not sent either."""
        minutes, client = self.budget.limits.minutes, self.client
        if minutes is None or client is None:
            return nullcontext()

        def over() -> None:
            self.budget.spent = f"--max-minutes {minutes:g}"
            client.limiter.close(f"{self.budget.spent} is reached")

        return after(minutes * 60, over)

    @property
    def stopped_by(self) -> str | None:
        """What ended the run before its source did."""
        unusable = self.client.unusable if self.client else None
        return self.stop or self.budget.spent or unusable

    def account(self) -> RunAccount:
        """What became of every input, and what it took."""
        client = self.client
        return RunAccount(
            source=self.source,
            read=self.read,
            source_ended=self.source_ended,
            asked=dict(client.asked) if client else {},
            http=dict(client.answers) if client else {},
            adapted=tuple(client.adapted) if client else (),
            spent=self.budget.used,
            seconds=round(time.monotonic() - self.budget.began, 3),
            interrupted=self.stop is not None,
            stopped_by=self.stopped_by,
        )

    def facts(self) -> dict[str, Any]:
        """The state of the run, for its progress."""
        seconds = max(time.monotonic() - self.budget.began, 1e-9)
        done, used = self.summary.papers, self.budget.used
        rate = done / seconds
        limiter = self.client.limiter if self.client else None
        total = self.read if self.source_ended else None
        return {
            "papers": done,
            "total": total,
            "papers_per_s": round(rate, 2),
            "eta_s": round((total - done) / rate, 1) if total and rate else None,
            "claims": self.summary.claims,
            "tokens": used.input_tokens + used.output_tokens,
            "cost_usd": self.session.usd(used),
            "failed": self.summary.failures.total,
            "errors": dict(self.summary.errors),
            "http": dict(self.client.answers) if self.client else {},
            "under_way": limiter.running if limiter else 0,
            "allowed": int(limiter.allowed) if limiter else 0,
            "throttled": limiter.throttled if limiter else 0,
        }


def run_source(
    source: str,
    out: Path | None,
    given: settings.Settings,
    *,
    items: Iterator[sources.SourceItem] | None = None,
    limits: SpendLimits | None = None,
    watcher: MakeWatcher,
    tell: Callable[[str], None],
) -> FinishedRun:
    """Extract the claims of a source into the folder `out`.

    Args:
        source: a file, a folder or `-`; with `items`, only the name that the manifest carries.
        out: folder of the run; None is `outputs/` and the name of the source.
        items: papers that were read already.
        watcher: makes what is told of the run, from a function that gives the facts.
        tell: takes a sentence for a person.

    Raises:
        ClaimgridError: the run cannot begin, or its folder cannot be written.
    """
    setup = prepare(source, out, given, items, limits or SpendLimits(), tell)
    budget = Budget(setup.limits, setup.session.usd, time.monotonic)
    this = _RunUnderWay(setup.source, setup.session, setup.folder, budget, tell)
    with run_folder.RunWriter(setup.folder) as writer:
        try:
            asyncio.run(_extract_all(this, setup.items, writer, watcher))
        except KeyboardInterrupt:
            this.stop = "Ctrl-C"
        writer.keep_earlier = nothing_came(this.summary) and has_claims(setup.folder)
    return finish(setup, this.summary, this.account(), kept_earlier=writer.keep_earlier)


async def _extract_all(
    this: _RunUnderWay,
    items: Iterator[sources.SourceItem],
    writer: run_folder.RunWriter,
    watcher: MakeWatcher,
) -> None:
    cache = ReplyCache(this.folder / run_folder.REPLIES)
    session = this.session
    shown = watcher(this.facts)
    try:
        stores = replace(session.stores(cache), unanswered=_batches(this.folder))
        client = session.client(stores, this.budget)
        async with client as this.client:
            this.packer = session.packer(client)
            with seldom_collected(), shown, interrupts(this.end), this.deadline():
                # The limiter bounds the requests; as many papers may be on their way to disk.
                work = worker_pool.run(
                    this.reading(items), this.one, concurrency=2 * session.concurrency
                )
                async with aclosing(work):
                    async for outcome in work:
                        if outcome is None:
                            continue
                        writer.add(outcome)
                        this.summary.add(outcome)
                        shown.moved()
    finally:
        cache.close()


def _batches(folder: Path) -> Callable[[Request], str | None]:
    """What the batches of the run's folder say of a request without a reply."""

    def unanswered(request: Request) -> str | None:
        from claimgrid.batch.state import FOLDER, BatchState

        if not (folder / FOLDER).is_dir():
            return None
        try:
            with BatchState(folder, alone=False) as state:
                return state.unanswered(request.key)
        except StoreError:
            return None  # what is wrong with the batches is for the batch commands to say

    return unanswered
