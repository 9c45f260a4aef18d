"""Papers + work ─► results in the order of the papers, a bounded number under way (asyncio)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")
# A slow paper at the head must not idle the others, nor may finished ones pile up without end.
_WINDOW = 8


async def run(
    papers: Iterable[_In], work: Callable[[_In], Awaitable[_Out]], *, concurrency: int
) -> AsyncIterator[_Out]:
    """Work on papers, at most `concurrency` at a time, and give the results in their order.

    The source is read only as far as there is room: at most 8 × `concurrency` papers are held.
    An exception of `work` cancels what is under way and is raised here.
    """
    gate = asyncio.Semaphore(concurrency)

    async def one(paper: _In) -> _Out:
        async with gate:
            return await work(paper)

    waiting: deque[asyncio.Task[_Out]] = deque()
    try:
        for paper in papers:
            waiting.append(asyncio.create_task(one(paper)))
            if len(waiting) >= _WINDOW * concurrency:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
