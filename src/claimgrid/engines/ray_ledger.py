"""Keeps what all workers of a Ray run share: the stored replies, one rate limiter, one budget.

There is one ledger, an actor on the driver's node. Its reply store is the run's own
`replies.sqlite`: a reply is on the driver's disk before its worker builds anything from it, so that
neither a dead worker nor a dead node loses a reply that was kept, and no file system that SQLite
cannot lock has to be shared. What a dead worker had under way is written off after a silence, as
paid, so that the others neither wait for it nor overspend.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimgrid.engines.session import Session
from claimgrid.errors import StoppedError
from claimgrid.llm.budget import Budget, SpendLimits
from claimgrid.llm.rate_limiter import HttpOutcome, Ticket, rate_limiter
from claimgrid.llm.response_store import Recording, ReplyCache
from claimgrid.types.answer import Source, Usage

BEAT = 2.0  # seconds between two signs of life of a worker
_SILENCE = 20.0  # seconds after which a worker counts as dead


@dataclass(slots=True)
class _Worker:
    """What one worker has under way, and when it was last heard of."""

    heard: float
    tickets: dict[int, Ticket] = field(default_factory=dict)
    expected: list[Usage] = field(default_factory=list)


class Ledger:
    """The methods are an actor's: all of them run in one event loop, one at a time."""

    def __init__(self, session: Session, store: Path, limits: SpendLimits) -> None:
        policy = session.policy
        self._cache = ReplyCache(store)
        self._stores = session.stores(self._cache)
        self._limiter = rate_limiter(
            policy.concurrency, time.monotonic, rpm=policy.rpm, tpm=policy.tpm
        )
        self._budget = Budget(limits, session.usd, time.monotonic)
        self._workers: dict[str, _Worker] = {}
        self._http: Counter[str] = Counter()
        self._papers: Counter[str] = Counter()
        self._stop: str | None = None
        self._kept: set[str] = set()

    async def found(self, model: str, keys: Sequence[str]) -> list[tuple[Source, Recording] | None]:
        """What is stored under each key, and where."""
        return [self._found(model, key) for key in keys]

    def _found(self, model: str, key: str) -> tuple[Source, Recording] | None:
        for source, store in self._stores.read:
            recording = store.get(model, key)
            if recording is not None:
                return source, recording
        # Ray redoes the task of a dead worker: what this run has paid for is found whatever
        # --replay says of older replies.
        known = self._cache.get(model, key) if key in self._kept else None
        return None if known is None else ("cache", known)

    async def keep(self, recording: Recording) -> None:
        """Store a reply; it is on disk when this returns. Raises StoreError."""
        for store in self._stores.write:
            await store.keep(recording)
        self._kept.add(recording.key)

    async def start(self, worker: str, expected: Usage) -> str | None:
        """None if one more request may go, else the limit that is reached."""
        if self._stop is None and await self._budget.start(expected):
            self._heard(worker).expected.append(expected)
            return None
        return self._stop or self._budget.spent

    async def finish(self, worker: str, used: Usage, expected: Usage | None) -> None:
        """A request came back; `expected` is what `start` was told, None if it was not asked."""
        mine = self._heard(worker).expected
        started = expected in mine
        if started and expected is not None:
            mine.remove(expected)
        # Not so for one that was written off: it counts as paid already.
        if started or expected is None:
            self._budget.finish(used, started=started)

    async def enter(self, worker: str, tokens: float) -> Ticket | None:
        """Wait for a place among all requests of the run; None if it is stopped."""
        try:
            ticket = await self._limiter.enter(tokens)
        except StoppedError:
            return None
        self._heard(worker).tickets[ticket.number] = ticket
        return ticket

    async def leave(
        self,
        worker: str,
        ticket: Ticket,
        outcome: HttpOutcome,
        seconds: float,
        used: float | None,
        headers: Mapping[str, str],
    ) -> None:
        """A request came back, and this is what its headers say."""
        if self._heard(worker).tickets.pop(ticket.number, None) is not None:
            self._limiter.heed(headers, ticket)
            self._limiter.leave(ticket, outcome, seconds=seconds, used=used)

    async def pause(self, seconds: float) -> None:
        """Let no worker send anything for so long: a server asked for it."""
        self._limiter.pause(seconds)

    async def beat(self, worker: str) -> str | None:
        """A worker lives. Returns why the run is stopped, if it is."""
        self._heard(worker)
        for name, other in list(self._workers.items()):
            if time.monotonic() - other.heard > _SILENCE:
                del self._workers[name]
                self._write_off(other)
        return self._stop

    async def report(self, http: Counter[str], papers: Counter[str]) -> None:
        """What a worker did since it last said so."""
        self._http.update(http)
        self._papers.update(papers)

    async def stop(self, why: str) -> None:
        """Begin no further request in any worker; those under way complete."""
        self._stop = self._stop or why
        self._limiter.close(why)

    async def state(self) -> dict[str, Any]:
        """How the run stands."""
        limiter = self._limiter
        return {
            "papers": dict(self._papers),
            "http": dict(self._http),
            "spent": self._budget.used,
            "stopped_by": self._stop or self._budget.spent,
            "under_way": limiter.running,
            "allowed": int(limiter.allowed),
            "throttled": limiter.throttled,
            "workers": len(self._workers),
        }

    async def close(self) -> None:
        """Write what is not yet written."""
        await asyncio.to_thread(self._cache.close)

    def _heard(self, name: str) -> _Worker:
        worker = self._workers.setdefault(name, _Worker(0.0))
        worker.heard = time.monotonic()
        return worker

    def _write_off(self, worker: _Worker) -> None:
        for ticket in worker.tickets.values():
            self._limiter.leave(ticket, "trouble", seconds=0.0)
        for expected in worker.expected:
            self._budget.finish(expected)
