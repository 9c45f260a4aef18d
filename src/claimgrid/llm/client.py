"""Request ─► Answer through instructor and the vendor's client; the only home of both.

Knows nothing of abstracts or claims. Three ladders are kept apart: the transport retries trouble
(`transport.retrier`), instructor re-asks invalid replies, and when its re-asks run out the valid
items are kept. Refusals and truncated replies are final: asking again costs money and changes
nothing.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from instructor.core.exceptions import InstructorError
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from claimgrid.errors import InvalidReplyError, RefusedError, TruncatedError
from claimgrid.llm import providers
from claimgrid.llm.answer import (
    Answer,
    Dropped,
    Source,
    Usage,
    ending,
    refusal_text,
    salvage,
    usage_of,
)
from claimgrid.llm.recordings import Folder, OriginName, Recording, Store
from claimgrid.llm.transport import CURRENT, Exchange, recorder, retrier
from claimgrid.prompt import Request
from claimgrid.reply import LISTS, Reply

# instructor logs each failed attempt as an error; here it is a row in papers.jsonl instead.
logging.getLogger("instructor").addHandler(logging.NullHandler())
logging.getLogger("instructor").propagate = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try. In seconds: `timeout` for one HTTP request, `backoff` the first wait."""

    live: bool
    timeout: float = 120.0
    attempts: int = 6
    backoff: float = 0.5
    reasks: int = 2


@dataclass(frozen=True, slots=True)
class Stores:
    """Where replies are looked up, in order, and where live ones are written, all of them."""

    read: Sequence[tuple[Source, Store]] = ()
    write: Sequence[Store] = ()


class Client:
    """Asks one model. Use as an async context manager; `ask` is an `answer.Ask`."""

    def __init__(self, endpoint: providers.Endpoint, stores: Stores, policy: Policy) -> None:
        self._stores = stores
        self._policy = policy
        self._origin: OriginName = endpoint.origin
        http = providers.http_module(endpoint)
        network = None
        if policy.live:  # a replay needs no certificates loaded
            pool = http.AsyncHTTPTransport(limits=http.Limits(max_connections=None))
            network = retrier(http, pool, attempts=policy.attempts, backoff=policy.backoff)
        self._http = http.AsyncClient(
            transport=recorder(http, network), timeout=http.Timeout(policy.timeout, connect=15.0)
        )
        self._instructor = providers.connect(endpoint, self._http)
        self._arguments = providers.arguments(endpoint)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, request: Request) -> Answer:
        """The model's reply, from a store or from the server.

        Raises:
            NoRecordingError: nothing is stored and the policy forbids asking.
            RefusedError, TruncatedError, InvalidReplyError, TransportError: see `errors`.
            StoreError: a live reply could not be stored.
        """
        source, found = self._look_up(request)
        exchange = Exchange(
            recorded=found.attempts if found else (),
            live=self._policy.live,
            on_reply=lambda attempts: self._keep(request, attempts),
            missing=lambda: missing(request, [store for _, store in self._stores.read]),
        )
        token = CURRENT.set(exchange)
        try:
            reply, dropped = await self._reply(request, exchange)
        finally:
            CURRENT.reset(token)
        live = exchange.asked_live or found is None
        return Answer(
            reply=reply,
            dropped=dropped,
            usage=sum((usage_of(a.body) for a in exchange.attempts), Usage()),
            source="live" if live else source,
            origin=self._origin if live or found is None else found.origin,
            model=request.model,
        )

    async def _reply(
        self, request: Request, exchange: Exchange
    ) -> tuple[Reply, tuple[Dropped, ...]]:
        # A recorded chain may end in an invalid reply; without a server nobody can be asked again.
        turns = 1 + self._policy.reasks
        if exchange.recorded and not exchange.live:
            turns = min(turns, len(exchange.recorded))

        def again(error: BaseException) -> bool:
            invalid = isinstance(error, (ValidationError, ValueError))
            return invalid and exchange.failure is None and ending(exchange.last_body) == "complete"

        ladder = AsyncRetrying(
            stop=stop_after_attempt(turns), retry=retry_if_exception(again), reraise=True
        )
        try:
            reply = await self._instructor.chat.completions.create(
                model=request.model,
                messages=[dict(message) for message in request.messages],
                response_model=Reply,
                max_retries=ladder,
                strict=False,
                **self._arguments(request),
            )
        except InstructorError as error:
            return self._settle(exchange, error)
        # instructor reads an empty or cut reply leniently where it can; the ending decides.
        if ending(exchange.last_body) != "complete":
            return self._settle(exchange, None)
        # A copy without the raw response that instructor hangs on its replies.
        return Reply(**{name: getattr(reply, name) for name in LISTS}), ()

    def _settle(
        self, exchange: Exchange, error: Exception | None
    ) -> tuple[Reply, tuple[Dropped, ...]]:
        if exchange.failure is not None:
            raise exchange.failure from error
        body = exchange.last_body
        match ending(body):
            case "refused":
                said = refusal_text(body)
                raise RefusedError("the model refused" + (f": {said}" if said else "")) from error
            case "truncated":
                raise TruncatedError(
                    "the reply was cut at the token limit; raise --max-tokens"
                ) from error
            case "complete":
                kept = salvage(body)
        if kept is None or not any(kept[0].model_dump().values()):
            reasons = [d.detail for d in kept[1]] if kept else [str(error).splitlines()[0][:300]]
            raise InvalidReplyError(
                f"no valid reply in {len(exchange.attempts)} attempt(s): {'; '.join(reasons[:3])}"
            ) from error
        return kept

    def _look_up(self, request: Request) -> tuple[Source, Recording | None]:
        for source, store in self._stores.read:
            found = store.get(request.model, request.key)
            if found is not None:
                return source, found
        return "live", None

    def _keep(self, request: Request, attempts: tuple[Any, ...]) -> None:
        made = recording(request, attempts, self._origin)
        for store in self._stores.write:
            store.put(made)


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


def missing(request: Request, stores: Sequence[Store]) -> str:
    """What to tell a person whose request has no recording: what changed, and the ways on."""
    near = [
        r
        for store in stores
        if isinstance(store, Folder)
        for r in store.of_model(request.model)
        if r.abstract_sha256 == request.abstract_sha256 or r.paper_id == request.paper_id
    ]
    if not near:
        why = f"model {request.model} has no recording for this paper"
    else:
        changed = [
            what
            for what, now in (
                ("abstract", request.abstract_sha256),
                ("title", request.title),
                ("prompt", request.prompt_sha256),
                ("schema", request.schema_sha256),
                ("mode", request.mode),
            )
            if all(
                getattr(r, f"{what}_sha256" if hasattr(r, f"{what}_sha256") else what) != now
                for r in near
            )
        ]
        why = (
            f"the recording of model {request.model} for this paper is stale: "
            f"{' and '.join(changed) or 'the sampling'} changed since"
        )
    return (
        f"{why}. Ways on: set OPENAI_API_KEY and pass --model; or point --base-url at an "
        "OpenAI-compatible server (vLLM, Ollama, llama.cpp) and pass --model; or write the "
        "requests to a file with `extract batch export`, have them answered and bring the answers "
        "back with `extract batch import`"
    )
