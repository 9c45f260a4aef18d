"""Answers requests: from a store, by the fast path, or through the vendor's client.

Three kinds of repetition are kept apart: `http` retries what went wrong on the way, `adaptation`
changes what a server refuses, and instructor re-asks where a reply cannot be read. When the re-asks
run out, the claims that can be read are kept.
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
    UnusableServerError,
)
from claimgrid.llm import fast_path, reply_reader, token_estimate, turn_by_turn
from claimgrid.llm.adaptation import AdaptingSender
from claimgrid.llm.budget import Purse
from claimgrid.llm.cache_miss import missing
from claimgrid.llm.http import HttpClient
from claimgrid.llm.local_route import LocalRoute
from claimgrid.llm.providers import Endpoint
from claimgrid.llm.rate_limiter import Limiter, rate_limiter
from claimgrid.llm.replay import Exchange
from claimgrid.llm.reply_body import ending, nothing_said, refusal_text, usage_of
from claimgrid.llm.response_store import Attempt, OriginName, Recording, ResponseStore
from claimgrid.types.answer import Answer, Dropped, PackAnswer, Source, Usage
from claimgrid.types.reply import Reply
from claimgrid.types.request import Confidence, Request

if TYPE_CHECKING:
    from claimgrid.llm.vendor_client import VendorClient

_Settled = tuple[Reply, tuple[Dropped, ...], tuple[Confidence, ...]]


@dataclass(frozen=True, slots=True)
class AskPolicy:
    """How hard to try, and how fast.

    In seconds: `timeout` for one HTTP request, `backoff` the first wait between tries. `rpm` and
    `tpm` are requests and tokens per minute. `fast` may be switched off to compare the two paths.
    """

    live: bool
    timeout: float = 120.0
    attempts: int = 6
    backoff: float = 0.5
    reasks: int = 2
    concurrency: int = 64
    rpm: float | None = None
    tpm: float | None = None
    fast: bool = True


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
        budget: Purse | None = None,
        limiter: Limiter | None = None,
    ) -> None:
        self._at = endpoint
        self._budget = budget
        self._stores = stores
        self._policy = policy
        # One a paper that was asked about: where its reply came from, or should have.
        self.asked: Counter[str] = Counter()
        # Why no paper can be answered, once the server has said so.
        self.unusable: str | None = None
        self.limiter = rate_limiter(
            policy.concurrency, time.monotonic, rpm=policy.rpm, tpm=policy.tpm
        )
        self._shared: Limiter = limiter or self.limiter
        self._http = HttpClient(
            self._shared,
            timeout=policy.timeout,
            attempts=policy.attempts,
            backoff=policy.backoff,
            local=LocalRoute(endpoint.embedded, endpoint.options) if endpoint.embedded else None,
        )
        self._sender = AdaptingSender(self._http)
        self._fast = fast_path.suits(endpoint) and policy.fast
        # As many papers are asked about in turns as the server has room for: it keeps what it has
        # read of a paper until another one takes its place.
        self._in_turns = asyncio.Semaphore(policy.concurrency)
        self._prepared: dict[tuple[object, ...], asyncio.Task[fast_path.Prepared | None]] = {}
        self._vendor: VendorClient | None = None

    async def __aenter__(self) -> Client:
        return self

    @property
    def answers(self) -> Counter[str]:
        """Every try over HTTP by what came of it: its status, or nothing."""
        return self._http.answers

    @property
    def adapted(self) -> list[str]:
        """What was asked in another way because the server refused the usual one."""
        return self._sender.told

    async def __aexit__(self, *_: object) -> None:
        if self._vendor is not None:
            await self._vendor.close()
        await self._http.__aexit__()

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
                reply, dropped, sure = await self._reply(request, exchange)
            except PaperError as error:
                self._stop_if_unusable(error)
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
            confidences=sure,
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
            await self._first_reply(request, exchange)
        if isinstance(exchange.failure, TooLongError):
            return PackAnswer({}, Usage(), source, self._at.origin)
        if exchange.failure is not None:
            self.asked[source] += request.packed
            self._stop_if_unusable(exchange.failure)
            raise exchange.failure
        about = request.messages[-1]["content"]
        replies = reply_reader.read_pack(exchange.last_body, request.packed, about)
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

    def _stop_if_unusable(self, error: Exception) -> None:
        """Send nothing more where the server has said what it will say to every paper."""
        if not isinstance(error, UnusableServerError) or self.unusable:
            return
        if error.certain or not self.asked["live"]:
            self.unusable = error.why
            self._http.limiter.close(error.why)

    async def _reply(self, request: Request, exchange: Exchange) -> _Settled:
        if not exchange.recorded and not exchange.live:
            raise NoRecordingError(exchange.missing())
        if request.questions is not None:
            read, sure = await turn_by_turn.ask(
                request, request.questions, exchange, self._at, self._sender, self._in_turns
            )
            return read, (), sure
        if self._fast:
            await self._first_reply(request, exchange)
            if exchange.failure is not None or (
                exchange.attempts and not reply_reader.wants_another(exchange.last_body, request)
            ):
                return _settle(exchange, request)
            # The real client reads what came, through the recorder, and re-asks if it must.
            exchange.recorded = max(exchange.recorded, tuple(exchange.attempts), key=len)
            exchange.attempts = []
        turns = 1 + self._policy.reasks
        if exchange.recorded and not exchange.live:
            # A recorded chain may end invalid; without a server nobody can be asked again.
            turns = min(turns, len(exchange.recorded))
        full = await self._full().ask(request, exchange, turns=turns)
        return _settle(exchange, request, full)

    async def _first_reply(self, request: Request, exchange: Exchange) -> None:
        """The first reply to a request, by the fast path; `exchange` holds it, or why not."""
        if exchange.recorded:
            exchange.attempts.append(exchange.recorded[0])
            return
        prepared = await self._prepare(request) if exchange.live else None
        if prepared is None:
            return
        try:
            reply = await self._sender.send(
                "POST", prepared.url, prepared.headers, prepared.body(request)
            )
        except TransportError as error:
            exchange.failure = error
            return
        await exchange.took(reply, prepared.url)

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

            self._vendor = VendorClient(self._at, self._sender, backoff=self._policy.backoff)
        return self._vendor

    def _look_up(self, request: Request) -> tuple[Source, Recording | None]:
        for source, store in self._stores.read:
            found = store.get(request.model, request.key)
            if found is not None:
                return source, found
        return "live", None


def _usage(exchange: Exchange) -> Usage:
    return sum((usage_of(attempt.body) for attempt in exchange.attempts), Usage())


def _settle(exchange: Exchange, request: Request, full: Reply | None = None) -> _Settled:
    """What an exchange comes to: the claims that can be read, or the error that says why none.

    Args:
        full: the reply as the vendor's client read it.
    """
    if exchange.failure is not None:
        raise exchange.failure
    body = exchange.last_body
    found = reply_reader.read(body, request)
    if found is not None and (found.whole or any(found.reply.model_dump().values())):
        return found.reply, found.dropped, ()
    match ending(body):
        case "refused":
            said = refusal_text(body)
            raise RefusedError("the model refused" + (f": {said}" if said else ""))
        case "truncated":
            raise TruncatedError("the reply was cut at the token limit; raise --max-tokens")
    if full is not None and found is None:
        return full, (), ()
    dropped = found.dropped if found else ()
    reasons = [one.detail for one in dropped] or [
        f"{nothing_said(body)}; run the same command again, or ask another model or in another "
        "--mode"
    ]
    tries = len(exchange.attempts)
    raise InvalidReplyError(
        f"no reply could be read in {tries} {'try' if tries == 1 else 'tries'}: "
        + "; ".join(reasons[:3]),
        dropped,
    )


def recording(request: Request, attempts: tuple[Any, ...], origin: OriginName) -> Recording:
    """The record of a request's replies, dated today (UTC)."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Recording(**request.identity, origin=origin, recorded=today, attempts=attempts)
