"""Request ─► Answer: from a store, by the lean path, or through the vendor's client.

Knows nothing of abstracts or claims. Three ladders are kept apart: the link retries trouble on the
wire, instructor re-asks invalid replies, and when its re-asks run out the valid items are kept.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimgrid.errors import (
    InvalidReplyError,
    NoRecordingError,
    PaperError,
    RefusedError,
    StoppedError,
    TooLongError,
    TransportError,
    TruncatedError,
)
from claimgrid.llm import fast_path, token_estimate
from claimgrid.llm.budget import Budget
from claimgrid.llm.cache_miss import missing
from claimgrid.llm.http import HttpClient
from claimgrid.llm.local_route import LocalRoute
from claimgrid.llm.providers import Endpoint
from claimgrid.llm.rate_limiter import gate
from claimgrid.llm.replay import Exchange
from claimgrid.llm.reply_reader import ending, refusal_text, salvage, usage_of
from claimgrid.llm.response_store import Attempt, OriginName, Recording, ResponseStore
from claimgrid.types.answer import Answer, Dropped, PackAnswer, Source, Usage
from claimgrid.types.reply import Reply
from claimgrid.types.request import Request

if TYPE_CHECKING:
    from claimgrid.llm.vendor_client import VendorClient

_Settled = tuple[Reply, tuple[Dropped, ...]]


@dataclass(frozen=True, slots=True)
class AskPolicy:
    """How hard to try, and how fast.

    In seconds: `timeout` for one HTTP request, `backoff` the first wait between tries. `rpm` and
    `tpm` are requests and tokens per minute. `lean` may be switched off to compare the two paths.
    """

    live: bool
    timeout: float = 120.0
    attempts: int = 6
    backoff: float = 0.5
    reasks: int = 2
    concurrency: int = 64
    rpm: float | None = None
    tpm: float | None = None
    lean: bool = True


@dataclass(frozen=True, slots=True)
class ResponseStores:
    """Where replies are looked up, in order, and where live ones are written, all of them.

    `unanswered` says why a request has no reply, where that is known.
    """

    read: Sequence[tuple[Source, ResponseStore]] = ()
    write: Sequence[ResponseStore] = ()
    unanswered: Callable[[Request], str | None] = lambda _: None


class Client:
    """Asks one model. Use as an async context manager; `ask` is an `answer.Ask`."""

    def __init__(
        self,
        endpoint: Endpoint,
        stores: ResponseStores,
        policy: AskPolicy,
        budget: Budget | None = None,
    ) -> None:
        self._at = endpoint
        self._budget = budget
        self._stores = stores
        self._policy = policy
        # One a paper that was asked about: where its reply came from, or should have.
        self.asked: Counter[str] = Counter()
        self.gate = gate(policy.concurrency, time.monotonic, rpm=policy.rpm, tpm=policy.tpm)
        self._link = HttpClient(
            self.gate,
            timeout=policy.timeout,
            attempts=policy.attempts,
            backoff=policy.backoff,
            local=LocalRoute(endpoint.embedded, endpoint.options) if endpoint.embedded else None,
        )
        self._lean = fast_path.suits(endpoint) and (policy.lean or endpoint.mode == "decisions")
        self._prepared: dict[tuple[object, ...], asyncio.Task[fast_path.Prepared | None]] = {}
        self._vendor: VendorClient | None = None

    async def __aenter__(self) -> Client:
        return self

    @property
    def answers(self) -> Counter[str]:
        """Every try over HTTP by what came of it: its status, or nothing."""
        return self._link.answers

    async def __aexit__(self, *_: object) -> None:
        if self._vendor is not None:
            await self._vendor.close()
        await self._link.__aexit__()

    async def ask(self, request: Request) -> Answer:
        """The model's reply, from a store or from the server.

        Raises:
            NoRecordingError: nothing is stored and the policy forbids asking.
            RefusedError, TruncatedError, InvalidReplyError, TransportError: see `errors`.
            StoreError: a live reply could not be stored.
            StoppedError: the budget allows no further request.
            UsageError, SetupError: an embedded model cannot be started.
        """
        source, found = self._look_up(request)
        exchange = self._exchange(request, found)
        asking = self._policy.live and found is None
        async with self._paid(request, exchange, asking=asking):
            try:
                reply, dropped = await self._reply(request, exchange)
            except PaperError:
                tried = "live" if asking or exchange.asked_live else source
                self.asked[tried if found or asking else "nowhere"] += 1
                raise
        live = exchange.asked_live or found is None
        self.asked["live" if live else source] += 1
        return Answer(
            reply=reply,
            dropped=dropped,
            usage=_usage(exchange),
            source="live" if live else source,
            origin=self._at.origin if live or found is None else found.origin,
            model=request.model,
        )

    async def ask_pack(self, request: Request) -> PackAnswer:
        """The replies of a packed request, as far as they are valid; it is never asked again.

        There are none where the server refuses the pack as too long for it. Papers without a valid
        part count as asked only when they are asked about alone.

        Raises:
            TransportError, StoreError, StoppedError: as `ask`.
        """
        source, found = self._look_up(request)
        exchange = self._exchange(request, found)
        asking = self._policy.live and found is None
        async with self._paid(request, exchange, asking=asking):
            await self._lean_reply(request, exchange)
        if isinstance(exchange.failure, TooLongError):
            return PackAnswer({}, Usage(), source, self._at.origin)
        if exchange.failure is not None:
            self.asked[source] += request.packed
            raise exchange.failure
        replies = fast_path.read_pack(exchange.last_body, request.packed)
        self.asked[source] += len(replies)
        origin = self._at.origin if found is None else found.origin
        return PackAnswer(replies, _usage(exchange), source, origin)

    @asynccontextmanager
    async def _paid(
        self, request: Request, exchange: Exchange, *, asking: bool
    ) -> AsyncIterator[None]:
        """The budget's bracket around an exchange: allowed before it, accounted for after it."""
        if asking and self._budget and not await self._budget.start(token_estimate.usage(request)):
            raise StoppedError(f"{self._budget.spent} is reached")
        try:
            yield
        finally:
            if self._budget:
                self._budget.finish(exchange.paid, started=asking)

    def _exchange(self, request: Request, found: Recording | None) -> Exchange:
        async def keep(attempts: tuple[Attempt, ...]) -> None:
            made = recording(request, attempts, self._at.origin)
            for store in self._stores.write:
                await store.keep(made)

        def why() -> str:
            stores = self._stores
            known = stores.unanswered(request)
            return known or missing(request, [store for _, store in stores.read])

        return Exchange(
            recorded=found.attempts if found else (),
            live=self._policy.live,
            on_reply=keep,
            missing=why,
        )

    async def _reply(self, request: Request, exchange: Exchange) -> _Settled:
        if self._lean:
            reply = await self._lean_reply(request, exchange)
            if reply is not None:
                return reply, ()
            if request.grammar is not None and not exchange.attempts and not exchange.failure:
                exchange.failure = NoRecordingError(exchange.missing())
            cut = exchange.attempts and ending(exchange.last_body) != "complete"
            # No vendor's client speaks of grammars, and there is nothing to say in a re-ask: the
            # server held the reply to all that could be asked for.
            if exchange.failure or cut or request.grammar is not None:
                return _settle(exchange)
            # The real client reads what came, through the recorder, and re-asks if it must.
            exchange.recorded = max(exchange.recorded, tuple(exchange.attempts), key=len)
            exchange.attempts = []
        turns = 1 + self._policy.reasks
        if exchange.recorded and not exchange.live:
            # A recorded chain may end invalid; without a server nobody can be asked again.
            turns = min(turns, len(exchange.recorded))
        full = await self._full().reply(request, exchange, turns=turns)
        if full is not None and ending(exchange.last_body) == "complete":
            return full, ()
        return _settle(exchange)

    async def _lean_reply(self, request: Request, exchange: Exchange) -> Reply | None:
        if exchange.recorded:
            exchange.attempts.append(exchange.recorded[0])
            return fast_path.read(exchange.last_body, request)
        if not exchange.live:
            return None
        prepared = await self._prepare(request)
        if prepared is None:
            return None
        try:
            sent = await self._link.send(
                "POST", prepared.url, prepared.headers, prepared.body(request)
            )
        except TransportError as error:
            exchange.failure = error
            return None
        await exchange.took(sent, prepared.url)
        return None if exchange.failure else fast_path.read(exchange.last_body, request)

    async def _prepare(self, request: Request) -> fast_path.Prepared | None:
        shape = (
            request.prompt,
            request.prompt_sha256,
            request.model,
            request.mode,
            request.sampling,
        )
        if shape not in self._prepared:
            # One for all papers that come while it is being prepared.
            self._prepared[shape] = asyncio.create_task(fast_path.prepare(request, self._at))
        return await asyncio.shield(self._prepared[shape])

    def _full(self) -> VendorClient:
        if self._vendor is None:
            from claimgrid.llm.vendor_client import VendorClient

            self._vendor = VendorClient(self._at, self._link)
        return self._vendor

    def _look_up(self, request: Request) -> tuple[Source, Recording | None]:
        for source, store in self._stores.read:
            found = store.get(request.model, request.key)
            if found is not None:
                return source, found
        return "live", None


def _usage(exchange: Exchange) -> Usage:
    return sum((usage_of(attempt.body) for attempt in exchange.attempts), Usage())


def _settle(exchange: Exchange) -> _Settled:
    """What an exchange without a valid reply comes to: its failure, or the items that are valid."""
    if exchange.failure is not None:
        raise exchange.failure
    body = exchange.last_body
    match ending(body):
        case "refused":
            said = refusal_text(body)
            raise RefusedError("the model refused" + (f": {said}" if said else ""))
        case "truncated":
            raise TruncatedError("the reply was cut at the token limit; raise --max-tokens")
        case "complete":
            kept = salvage(body)
    if kept is None or not any(kept[0].model_dump().values()):
        reasons = [d.detail for d in kept[1]] if kept else ["it is not the JSON that was asked for"]
        raise InvalidReplyError(
            f"no valid reply in {len(exchange.attempts)} attempt(s): {'; '.join(reasons[:3])}",
            kept[1] if kept else (),
        )
    return kept


def recording(request: Request, attempts: tuple[Any, ...], origin: OriginName) -> Recording:
    """The record of a request's replies, dated today (UTC)."""
    return Recording(
        key=request.key,
        origin=origin,
        model=request.model,
        mode=request.mode,
        recorded=datetime.datetime.now(datetime.UTC).date().isoformat(),
        prompt=request.prompt,
        prompt_sha256=request.prompt_sha256,
        schema_sha256=request.schema_sha256,
        paper_id=request.paper_id,
        title=request.title,
        abstract_sha256=request.abstract_sha256,
        attempts=attempts,
    )
