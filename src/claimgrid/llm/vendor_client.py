"""Asks through instructor and the vendor's own client, re-asks included.

This is the full path: it serves every mode and every vendor, and re-asks where the first reply
cannot be read. It imports instructor and, through it, openai; the client loads this module when it
is first needed.
"""

from __future__ import annotations

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from claimgrid.errors import ClaimgridError
from claimgrid.llm import providers, reply_reader
from claimgrid.llm.adaptation import Sends
from claimgrid.llm.replay import CURRENT, Exchange, recorder
from claimgrid.llm.reply_body import texts
from claimgrid.types.reply import LISTS, Reply
from claimgrid.types.request import Request


class VendorClient:
    """A provider's client under instructor, sending through `http`."""

    def __init__(self, at: providers.Endpoint, sender: Sends, *, backoff: float) -> None:
        http = providers.http_module(at)
        # Time-outs are those of `http`, which also waits for its turn and between tries.
        self._http = http.AsyncClient(transport=recorder(http, sender), timeout=None)
        self._at = at
        self._backoff = backoff
        self._instructor = providers.connect(at, self._http)
        self._arguments = providers.arguments(at)

    async def close(self) -> None:
        """Close the client; the sender stays open."""
        await self._http.aclose()

    async def ask(self, request: Request, exchange: Exchange, *, turns: int) -> Reply | None:
        """Ask within so many turns; `exchange` holds what came.

        A reply that cannot be read is asked for again with the reason, and an empty one after a
        pause. Refusals and truncated replies are final: asking again costs money and changes
        nothing. Returns the reply as instructor read it, None where it could not.
        """

        def again(error: BaseException) -> bool:
            if isinstance(error, ClaimgridError) or exchange.failure is not None:
                return False
            return reply_reader.wants_another(exchange.last_body, request)

        def pause(_: RetryCallState) -> float:
            empty = not any(text.strip() for text in texts(exchange.last_body))
            return self._backoff if empty and exchange.live else 0.0

        retries = AsyncRetrying(
            stop=stop_after_attempt(turns),
            wait=pause,
            retry=retry_if_exception(again),
            reraise=True,
        )
        token = CURRENT.set(exchange)
        try:
            reply = await self._instructor.chat.completions.create(
                model=request.model,
                messages=providers.messages(self._at, request),
                response_model=Reply,
                max_retries=retries,
                strict=False,
                **self._arguments(request),
            )
        except ClaimgridError:
            raise
        except Exception:  # an odd reply may break a vendor's client anywhere
            if exchange.failure is None and not exchange.attempts:
                raise  # no reply at all: the fault is on this side
            return None
        finally:
            CURRENT.reset(token)
        # A copy without the raw response that instructor hangs on its replies.
        return Reply(**{name: getattr(reply, name) for name in LISTS})
