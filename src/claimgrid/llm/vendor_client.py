"""Request ─► Reply through instructor and the vendor's own client, re-asks included.

The full path: every mode and every provider, and whatever the lean path cannot take. Imports
instructor and, through it, openai; the client loads this module when it is first needed.
"""

from __future__ import annotations

from instructor.core.exceptions import InstructorError
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from claimgrid.llm import providers
from claimgrid.llm.http import HttpClient
from claimgrid.llm.replay import CURRENT, Exchange, recorder
from claimgrid.llm.reply_reader import ending
from claimgrid.types.reply import LISTS, Reply
from claimgrid.types.request import Request


class VendorClient:
    """A provider's client under instructor, sending through a link."""

    def __init__(self, at: providers.Endpoint, link: HttpClient) -> None:
        http = providers.http_module(at)
        # Time-outs are the link's: it also waits for its turn and between tries.
        self._http = http.AsyncClient(transport=recorder(http, link), timeout=None)
        self._at = at
        self._instructor = providers.connect(at, self._http)
        self._arguments = providers.arguments(at)

    async def close(self) -> None:
        """Close the client; the link stays open."""
        await self._http.aclose()

    async def reply(self, request: Request, exchange: Exchange, *, turns: int) -> Reply | None:
        """A complete, valid reply within so many turns, or None: the exchange tells what came.

        An invalid reply is asked again with the reason. Refusals and truncated replies are final:
        asking again costs money and changes nothing.
        """

        def again(error: BaseException) -> bool:
            # IndexError: instructor cannot word a re-ask where there is no choice to quote.
            invalid = isinstance(error, (ValidationError, ValueError, IndexError))
            return invalid and exchange.failure is None and ending(exchange.last_body) == "complete"

        ladder = AsyncRetrying(
            stop=stop_after_attempt(turns), retry=retry_if_exception(again), reraise=True
        )
        token = CURRENT.set(exchange)
        try:
            reply = await self._instructor.chat.completions.create(
                model=request.model,
                messages=providers.messages(self._at, request),
                response_model=Reply,
                max_retries=ladder,
                strict=False,
                **self._arguments(request),
            )
        except InstructorError:
            return None
        finally:
            CURRENT.reset(token)
        # A copy without the raw response that instructor hangs on its replies.
        return Reply(**{name: getattr(reply, name) for name in LISTS})
