"""`extract run`: sources ─► a run's folder and a summary."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from claimgrid import settings, sources, store
from claimgrid.commands import fallback
from claimgrid.commands.progress import LogFormat, progress
from claimgrid.commands.session import Session, open_session
from claimgrid.commands.spending import spent
from claimgrid.commands.tally import Account, Tally, manifest, summary
from claimgrid.engines import local
from claimgrid.errors import PaperError, StoppedError, StoreError, UsageError
from claimgrid.llm.answer import Usage
from claimgrid.llm.budget import Budget, Limits
from claimgrid.llm.client import Client
from claimgrid.llm.pack import Packer
from claimgrid.llm.recordings import Cache
from claimgrid.outcome import Outcome
from claimgrid.papers import Origin, Paper, slug
from claimgrid.pipeline import extract, failed
from claimgrid.prompt import Request

INTERRUPTED = 130  # what a shell expects after Ctrl-C


class _SourceError(PaperError):
    stage = "source"


@dataclass(slots=True)
class _Run:
    """One run under way. `stop` says why no further paper is begun."""

    source: str
    session: Session
    folder: Path
    budget: Budget
    tally: Tally = field(default_factory=Tally)
    read: int = 0
    source_ended: bool = False
    stop: str | None = None
    client: Client | None = None
    packer: Packer | None = None

    def reading(self, items: Iterable[sources.Item]) -> Iterator[sources.Item]:
        """The source's items, counted, until it ends or the run is to stop."""
        for item in items:
            if self.stopped_by:
                break
            self.read += 1
            if self.packer:
                self.packer.read(will_ask=isinstance(item, Paper))
            yield item
        else:
            self.source_ended = True
        if self.packer:
            self.packer.end()

    async def one(self, item: sources.Item) -> Outcome | None:
        """What one item comes to; None if the run stopped before it was asked about."""
        if not isinstance(item, Paper):
            return _unreadable(item)
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

    @property
    def stopped_by(self) -> str | None:
        """What ended the run before its source did."""
        return self.stop or self.budget.spent

    def account(self, *, exit_code: int) -> Account:
        """What became of every input, and what it took."""
        client = self.client
        return Account(
            source=self.source,
            read=self.read,
            source_ended=self.source_ended,
            asked=dict(client.asked) if client else {},
            http=dict(client.answers) if client else {},
            spent=self.budget.used,
            seconds=round(time.monotonic() - self.budget.began, 3),
            exit_code=exit_code,
            stopped_by=self.stopped_by,
        )

    def facts(self) -> dict[str, Any]:
        """The state of the run, for its progress."""
        seconds = max(time.monotonic() - self.budget.began, 1e-9)
        done, used = self.tally.papers, self.budget.used
        rate = done / seconds
        gate = self.client.gate if self.client else None
        total = self.read if self.source_ended else None
        return {
            "papers": done,
            "total": total,
            "papers_per_s": round(rate, 2),
            "eta_s": round((total - done) / rate, 1) if total and rate else None,
            "claims": self.tally.claims,
            "tokens": used.input_tokens + used.output_tokens,
            "cost_usd": self.session.usd(used),
            "failed": len(self.tally.failures),
            "errors": dict(self.tally.errors),
            "http": dict(self.client.answers) if self.client else {},
            "under_way": gate.running if gate else 0,
            "allowed": int(gate.allowed) if gate else 0,
            "throttled": gate.throttled if gate else 0,
        }


def run(
    source: str,
    out: Path | None,
    given: settings.Settings,
    *,
    limits: Limits | None = None,
    log_format: LogFormat = "bar",
) -> int:
    """Extract the claims of a source into `out`.

    Returns:
        The exit code: 0 if every paper came out, 1 if some failed or a limit stopped the run, 130
        after Ctrl-C.

    Raises:
        ClaimgridError: the run cannot begin, or its folder cannot be written.
    """
    folder = out or default_folder(source)
    if out is None:
        _refuse_other_source(source, folder)
    session = open_session(given)
    session, items = fallback.choose(session, sources.read(source), folder / store.REPLIES)
    limits = limits or Limits()
    if limits.cost is not None and session.live and session.usd(Usage(requests=1)) is None:
        raise UsageError(
            f"--max-cost: no price is known for {session.endpoint.model}; set "
            "CLAIMGRID_PRICE_INPUT and CLAIMGRID_PRICE_OUTPUT (US dollars per million tokens; or "
            f"price_input and price_output in {settings.CONFIG_FILE}), or use --max-requests"
        )
    session.require_replies(folder / store.REPLIES)
    this = _Run(source, session, folder, Budget(limits, session.usd, time.monotonic))
    with store.Writer(folder) as writer:
        try:
            asyncio.run(_extract_all(this, items, writer, log_format))
        except KeyboardInterrupt:
            this.stop = "Ctrl-C"
        # A run that came to nothing must not cost an earlier one its results.
        came_out = any(this.tally.statuses[status] for status in ("claims", "no_claims"))
        writer.keep_earlier = not came_out and _has_claims(folder)
    code = INTERRUPTED if this.stop else int(bool(this.tally.failures or this.stopped_by))
    with closing(Cache(folder / store.REPLIES)) as cache:
        paid = spent(session, cache.paid(), papers=this.tally.papers, claims=this.tally.claims)
    told = manifest(session, this.tally, this.account(exit_code=code)) | {"spent": paid}
    if not writer.keep_earlier:
        store.write_manifest(folder, told)
    _print(this, told, kept=writer.keep_earlier)
    return code


def _refuse_other_source(source: str, folder: Path) -> None:
    """Two sources of one name would overwrite each other's default folder."""
    if source == "-" or not (folder / store.MANIFEST).exists():
        return
    earlier = str(store.read_manifest(folder).get("source", ""))
    if os.path.normpath(earlier) != os.path.normpath(source):
        raise UsageError(
            f"{folder} holds a run of {earlier}, not of {source}; pass --out FOLDER for this one"
        )


def _has_claims(folder: Path) -> bool:
    path = folder / "claims.jsonl"
    return path.exists() and path.stat().st_size > 0


def _print(this: _Run, told: dict[str, Any], *, kept: bool) -> None:
    console = Console(highlight=False)
    tally = this.tally
    if this.source == "-" and tally.papers == 1 and tally.last and not tally.failures:
        from claimgrid.commands.show import print_paper

        print_paper(console, tally.last.paper, tally.last.claims, tally.last.rejected)
    summary(console, this.folder, tally, told)
    if kept:
        console.print(
            f"[yellow]no paper came out[/]: {escape(str(this.folder))} keeps the results of the "
            "earlier run",
            soft_wrap=True,
        )
    for name in sources.skipped(this.source):
        console.print(f"[yellow]skipped[/] {escape(name)}: not a source file", soft_wrap=True)
    if told["stopped_by"]:
        console.print(
            f"[yellow]stopped[/] by {told['stopped_by']}: these results are of part of the source; "
            "the same command goes on from here and pays for no reply twice",
            soft_wrap=True,
        )


def default_folder(source: str) -> Path:
    """Where a run of this source goes if nobody says: `outputs/` and the source's name."""
    if source == "-":
        return Path("outputs/stdin")
    path = Path(source).resolve()
    name = path.name.removesuffix(".gz")
    return Path("outputs") / (Path(name).stem if path.is_file() else name)


async def _extract_all(
    this: _Run, items: Iterator[sources.Item], writer: store.Writer, log_format: LogFormat
) -> None:
    cache = Cache(this.folder / store.REPLIES)
    session = this.session
    shown = progress(log_format, this.facts)
    try:
        stores = replace(session.stores(cache), unanswered=_batches(this.folder))
        client = Client(session.endpoint, stores, session.policy, this.budget)
        async with client as this.client:
            _collect_seldom()
            this.packer = session.packer(client)
            with shown, _Interrupts(this), _deadline(this):
                # The gate bounds the requests; as many papers again may be on their way to disk.
                work = local.run(this.reading(items), this.one, concurrency=2 * session.concurrency)
                async with aclosing(work):
                    async for outcome in work:
                        if outcome is None:
                            continue
                        writer.add(outcome)
                        this.tally.add(outcome)
                        shown.moved()
    finally:
        cache.close()


def _batches(folder: Path) -> Callable[[Request], str | None]:
    """What the batches of the run's folder say of a request without a reply."""

    def unanswered(request: Request) -> str | None:
        from claimgrid.llm.batch_state import FOLDER, State

        if not (folder / FOLDER).is_dir():
            return None
        try:
            with State(folder, alone=False) as state:
                return state.unanswered(request.key)
        except StoreError:
            return None  # what is wrong with the batches is for the batch commands to say

    return unanswered


def _collect_seldom() -> None:
    """What a paper leaves behind is freed by its reference counts; looking for cycles as often as
    Python does by default costs a sixth of a run's CPU (benchmarks/throughput.py)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class _Interrupts:
    """The first Ctrl-C stops new requests and lets those under way finish; the second is final."""

    def __init__(self, this: _Run) -> None:
        self._this = this
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> None:
        # Where a loop has no signal handlers (Windows, other threads), Ctrl-C ends the run at once.
        with suppress(NotImplementedError, RuntimeError):
            self._loop.add_signal_handler(signal.SIGINT, self._interrupted)

    def __exit__(self, *_: object) -> None:
        with suppress(NotImplementedError, RuntimeError):
            self._loop.remove_signal_handler(signal.SIGINT)

    def _interrupted(self) -> None:
        self._this.stop = "Ctrl-C"
        if self._this.client is not None:
            self._this.client.gate.close("Ctrl-C")
        self._loop.remove_signal_handler(signal.SIGINT)
        Console(stderr=True).print(
            "finishing what is under way; Ctrl-C again to stop at once", style="yellow"
        )


@contextmanager
def _deadline(this: _Run) -> Iterator[None]:
    """After --max-minutes, papers that wait for their turn are not sent either."""
    minutes, client = this.budget.limits.minutes, this.client
    if minutes is None or client is None:
        yield
        return

    def over() -> None:
        this.budget.spent = f"--max-minutes {minutes:g}"
        client.gate.close(f"{this.budget.spent} is reached")

    timer = asyncio.get_running_loop().call_later(minutes * 60, over)
    try:
        yield
    finally:
        timer.cancel()


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
