"""Asks about several papers in one request, and gives each its own answer.

The prompt is sent once a pack and not once a paper, which saves most of the input tokens. Which
papers share a pack is settled as they are read, so that the same command makes the same packs and
finds their replies stored. A paper whose part of a reply is missing or invalid is asked about by
itself; so is each paper of a pack that was refused or cut short.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace

from claimgrid.errors import SetupError
from claimgrid.llm.client import Client
from claimgrid.types.answer import Answer, PackAnswer, Usage
from claimgrid.types.request import Request

MakePack = Callable[[Sequence[Request]], Request]
_Waiting = tuple[Request, "asyncio.Future[Answer]"]
# A pack reaches over so many times its size of the source's items. Results are given in the order
# of the source, and an engine holds at least 16 times its concurrency of them behind one that
# waits: a pack that could reach further might wait for a paper that is never read.
_REACH = 4


class Grouping:
    """Which papers of a source share a pack of `size`: settled as its items are read."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._papers = 0
        self._items = 0  # of the source, since the first of the papers

    def read(self, *, paper: bool) -> int:
        """One more item of the source. Returns the papers of the pack that it ends, or 0."""
        self._papers += paper
        self._items = self._items + 1 if self._papers else 0
        full = self._papers == self._size or self._items == _REACH * self._size
        return self.end() if full else 0

    def end(self) -> int:
        """The papers of the pack that was being filled, which gets no further one."""
        papers, self._papers, self._items = self._papers, 0, 0
        return papers


class Packer:
    """Asks a client about `size` papers at a time.

    An engine must work on `size` papers at once, or the first would wait for the last for ever.

    Args:
        pack: makes one request of several (`prompt.pack` with its prompt file).
    """

    def __init__(self, client: Client, pack: MakePack, size: int) -> None:
        self._client = client
        self._pack = pack
        self._grouping = Grouping(size)
        self._planned: deque[int] = deque()  # papers of each pack that is filled and not yet sent
        self._here: list[_Waiting | None] = []  # in the order of the papers; None: was dropped
        self._tasks: set[asyncio.Task[None]] = set()

    def read(self, *, will_ask: bool) -> None:
        """One more item of the source is read: a paper that will ask or be dropped, or not."""
        self._plan(self._grouping.read(paper=will_ask))

    def end(self) -> None:
        """The pack that is being filled gets no further paper."""
        self._plan(self._grouping.end())

    def _plan(self, papers: int) -> None:
        if papers:
            self._planned.append(papers)
            self._send_if_due()

    def drop(self) -> None:
        """The next paper that was read will not ask."""
        self._here.append(None)
        self._send_if_due()

    async def ask(self, request: Request) -> Answer:
        """The answer about the next paper that was read, once its pack is answered.

        Raises:
            ClaimgridError: as `Client.ask` does.
            SetupError: requests of this prompt cannot be packed.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._here.append((request, answer))
        self._send_if_due()
        return await answer

    def _send_if_due(self) -> None:
        while self._planned and len(self._here) >= self._planned[0]:
            size = self._planned.popleft()
            pack = [one for one in self._here[:size] if one is not None]
            del self._here[:size]
            if len(pack) == 1:
                self._start(self._alone(*pack[0], []), pack)
            elif pack:
                self._start(self._together(pack), pack)

    def _start(self, work: Coroutine[None, None, None], pack: list[_Waiting]) -> None:
        """Begin work for a pack; whatever error ends it, those of the pack get it."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            for _, answer in pack:
                if answer.done():
                    continue
                if task.cancelled():
                    answer.cancel()
                elif error := task.exception():
                    answer.set_exception(error)

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _together(self, pack: list[_Waiting]) -> None:
        parts = await self._client.ask_pack(packed([request for request, _ in pack], self._pack))
        # The pack's tokens are counted once, with the first answer that comes of it.
        uncounted = [parts]
        for number, (request, answer) in enumerate(pack, 1):
            reply = parts.replies.get(number)
            if reply is None:
                one = self._alone(request, answer, uncounted)
                self._start(one, [(request, answer)])
            elif not answer.done():
                used = uncounted.pop().usage if uncounted else Usage()
                answer.set_result(
                    Answer(reply, (), used, parts.source, parts.origin, request.model)
                )

    async def _alone(
        self, request: Request, answer: asyncio.Future[Answer], uncounted: list[PackAnswer]
    ) -> None:
        found = await self._client.ask(request)
        # Tokens of a stored pack are not those of a live answer.
        if uncounted and uncounted[0].source == found.source:
            found = replace(found, usage=found.usage + uncounted.pop().usage)
        if not answer.done():
            answer.set_result(found)


def packed(requests: Sequence[Request], pack: MakePack) -> Request:
    """One request about the papers of several.

    Raises:
        SetupError: requests of this prompt cannot be packed.
    """
    try:
        return pack(requests)
    except (ValueError, TypeError) as error:
        raise SetupError(
            f"--pack: requests of this prompt cannot be packed ({error}); each === reply of "
            "the prompt file must be a JSON object, and the === user section of "
            "prompts/pack.md must hold {paper} once"
        ) from error
