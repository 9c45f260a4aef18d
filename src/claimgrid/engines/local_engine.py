"""Runs a source on this machine: asks about its papers and writes the folder of the run.

The command line and the Python interface both call `run_source`; what a person sees while it goes
is the caller's, by `Watcher`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, aclosing, closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from claimgrid import settings, sources
from claimgrid.engines import model_choice
from claimgrid.engines.interrupts import after, interrupts, seldom_collected
from claimgrid.engines.run_cost import spent
from claimgrid.engines.run_summary import RunAccount, RunSummary, manifest
from claimgrid.engines.session import Session, open_session
from claimgrid.errors import PaperError, StoppedError, StoreError, UsageError
from claimgrid.extraction import worker_pool
from claimgrid.extraction.pipeline import extract, failed, without_abstract
from claimgrid.io import run_folder
from claimgrid.llm.budget import Budget, SpendLimits
from claimgrid.llm.client import Client
from claimgrid.llm.packing import Packer
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.answer import Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Origin, Paper, slug
from claimgrid.types.request import Request

INTERRUPTED = 130  # what a shell expects after Ctrl-C


class Watcher(Protocol):
    """What is told of a run while it goes. Use as a context manager."""

    def __enter__(self) -> Watcher: ...
    def __exit__(self, *_: object) -> None: ...

    def moved(self) -> None:
        """Something changed: a paper was read or came out."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a run came to.

    Args:
        manifest: what `run.json` says.
        kept_earlier: no paper came out, so the folder keeps the results of an earlier run.
    """

    folder: Path
    summary: RunSummary
    manifest: dict[str, Any]
    kept_earlier: bool

    @property
    def exit_code(self) -> int:
        """0 if every paper came out, 1 if some failed or a limit was reached, 130 after Ctrl-C."""
        return int(self.manifest["exit_code"])


class _SourceError(PaperError):
    stage = "source"


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
    client: Client | None = None
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
            return _unreadable(item)
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
            return await extract(item, self.session.request, ask)
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

    def account(self, *, exit_code: int) -> RunAccount:
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
            exit_code=exit_code,
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
            "failed": len(self.summary.failures),
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
    watcher: Callable[[Callable[[], dict[str, Any]]], Watcher],
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
    folder = out or default_folder(source)
    if out is None:
        _refuse_other_source(source, folder)
    session = open_session(given)
    items = sources.read(source) if items is None else items
    session, items = model_choice.choose(session, items, folder / run_folder.REPLIES, tell)
    limits = limits or SpendLimits()
    if limits.cost is not None and session.live and session.usd(Usage(requests=1)) is None:
        raise UsageError(
            f"--max-cost: no price is known for {session.endpoint.model}; set "
            "CLAIMGRID_PRICE_INPUT and CLAIMGRID_PRICE_OUTPUT (US dollars per million tokens; or "
            f"price_input and price_output in {settings.CONFIG_FILE}), or use --max-requests"
        )
    session.require_replies(folder / run_folder.REPLIES)
    this = _RunUnderWay(source, session, folder, Budget(limits, session.usd, time.monotonic), tell)
    with run_folder.RunWriter(folder) as writer:
        try:
            asyncio.run(_extract_all(this, items, writer, watcher))
        except KeyboardInterrupt:
            this.stop = "Ctrl-C"
        # A run that came to nothing must not cost an earlier one its results.
        came_out = any(this.summary.statuses[status] for status in ("claims", "no_claims"))
        writer.keep_earlier = not came_out and _has_claims(folder)
    code = INTERRUPTED if this.stop else int(bool(this.summary.failures or this.stopped_by))
    with closing(ReplyCache(folder / run_folder.REPLIES)) as cache:
        paid = spent(session, cache.paid(), papers=this.summary.papers, claims=this.summary.claims)
    told = manifest(session, this.summary, this.account(exit_code=code), paid)
    if not writer.keep_earlier:
        run_folder.write_manifest(folder, told)
    return FinishedRun(folder, this.summary, told.model_dump(mode="json"), writer.keep_earlier)


def _refuse_other_source(source: str, folder: Path) -> None:
    """Two sources of one name would overwrite each other's default folder."""
    if source == "-" or not (folder / run_folder.MANIFEST).exists():
        return
    earlier = str(run_folder.read_manifest(folder).get("source", ""))
    if os.path.normpath(earlier) != os.path.normpath(source):
        raise UsageError(
            f"{folder} holds a run of {earlier}, not of {source}; pass --out FOLDER for this one"
        )


def _has_claims(folder: Path) -> bool:
    path = folder / "claims.jsonl"
    return path.exists() and path.stat().st_size > 0


def default_folder(source: str) -> Path:
    """Where a run of this source goes if nobody says: `outputs/` and the source's name."""
    if source == "-":
        return Path("outputs/stdin")
    path = Path(source).resolve()
    name = path.name.removesuffix(".gz")
    return Path("outputs") / (Path(name).stem if path.is_file() else name)


async def _extract_all(
    this: _RunUnderWay,
    items: Iterator[sources.SourceItem],
    writer: run_folder.RunWriter,
    watcher: Callable[[Callable[[], dict[str, Any]]], Watcher],
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
                # The limiter bounds the requests; as many papers again may be on their way to disk.
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


def _unreadable(problem: sources.Problem) -> Outcome:
    """The row of a paper that its source could not give."""
    name = problem.title or f"{problem.file} line {problem.line}"
    paper = Paper(
        paper_id=slug(name),
        title=problem.title or "",
        abstract="",
        origin=Origin(file=problem.file, line=problem.line),
    )
    return failed(paper, _SourceError(problem.message), model=None)
