"""Single requests ─► packed ones and back: an `Ask` that asks about several papers at a time.

The prompt is sent once a pack and not once a paper, which saves most of the input tokens. Packs are
made in the order of the papers, so that the same command makes the same packs and finds their
replies stored. A paper whose part of a reply is missing or invalid is asked about by itself; so is
each paper of a pack that was refused, cut short or failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from claimgrid.errors import ClaimgridError, InvalidReplyError, RefusedError, TruncatedError
from claimgrid.llm.answer import Answer, Usage
from claimgrid.llm.client import Client
from claimgrid.prompt import Request

_Waiting = tuple[Request, "asyncio.Future[Answer]"]
# What a smaller request may get round; trouble on the wire would meet it again.
_ALONE = (RefusedError, TruncatedError, InvalidReplyError)


class Packer:
    """Asks a client about `size` papers at a time.

    Args:
        pack: makes one request of several (`prompt.pack` with its prompt file).
    """

    def __init__(
        self, client: Client, pack: Callable[[Sequence[Request]], Request], size: int
    ) -> None:
        self._client = client
        self._pack = pack
        self._size = size
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = 0
        self._ended = False

    def coming(self) -> None:
        """One more paper will ask, or be dropped."""
        self._coming += 1

    def drop(self) -> None:
        """A paper that was coming will not ask."""
        self._coming -= 1
        self._send_if_due()

    def end(self) -> None:
        """No more papers are coming: the last pack need not be full."""
        self._ended = True
        self._send_if_due()

    async def ask(self, request: Request) -> Answer:
        """The answer about one paper that was announced as coming, once its pack is answered.

        Raises:
            ClaimgridError: as `Client.ask` does.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._coming -= 1
        self._send_if_due()
        return await answer

    def _send_if_due(self) -> None:
        last = self._ended and self._coming == 0
        if not self._waiting or (len(self._waiting) < self._size and not last):
            return
        pack, self._waiting = self._waiting, []
        task = asyncio.create_task(self._answer(pack))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, pack: list[_Waiting]) -> None:
        alone = pack
        if len(pack) > 1:
            try:
                alone = await self._together(pack)
            except _ALONE:
                alone = pack
            except (ClaimgridError, asyncio.CancelledError) as error:
                _fail(pack, error)
                return
        await asyncio.gather(*(self._single(*one) for one in alone))

    async def _together(self, pack: list[_Waiting]) -> list[_Waiting]:
        """Answer what the packed reply answers; the others are given back."""
        request = self._pack([request for request, _ in pack])
        parts = await self._client.ask_pack(request)
        rest = []
        for number, (single, answer) in enumerate(pack, 1):
            reply = parts.replies.get(number)
            if reply is None:
                rest.append((single, answer))
            elif not answer.done():
                # The pack's tokens are counted once, with its first paper.
                used = parts.usage if number == min(parts.replies) else Usage()
                answer.set_result(Answer(reply, (), used, parts.source, parts.origin, single.model))
        return rest

    async def _single(self, request: Request, answer: asyncio.Future[Answer]) -> None:
        try:
            found = await self._client.ask(request)
        except (ClaimgridError, asyncio.CancelledError) as error:
            _fail([(request, answer)], error)
        else:
            if not answer.done():
                answer.set_result(found)


def _fail(pack: Sequence[_Waiting], error: BaseException) -> None:
    for _, answer in pack:
        if answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(error)
