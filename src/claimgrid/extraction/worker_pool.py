"""Runs work on papers with a bounded number under way, and gives results in the order of papers.

It is generic: papers, models and files are the caller's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")
# A slow paper at the head must not idle the others, nor may finished ones pile up without end.
_WINDOW = 16


async def run(
    papers: Iterable[_In], work: Callable[[_In], Awaitable[_Out]], *, concurrency: int
) -> AsyncGenerator[_Out, None]:
    """Work on papers, at most `concurrency` at a time, and give the results in their order.

    A paper is read when there is a place for it: at most `concurrency` are read and not done, and
    at most 16 × `concurrency` are held in all, results that wait for a slower one included. An
    exception of `work` cancels what is under way and is raised here, whichever paper it is of.
    """
    source = iter(papers)
    held: deque[asyncio.Task[_Out]] = deque()
    free = concurrency
    ended = asyncio.Event()
    broken: list[asyncio.Task[_Out]] = []

    async def one(paper: _In) -> _Out:
        return await work(paper)

    def note(task: asyncio.Task[_Out]) -> None:
        nonlocal free
        free += 1
        ended.set()
        if not task.cancelled() and task.exception() is not None:
            broken.append(task)

    more = True
    try:
        while more or held:
            while more and free and len(held) < _WINDOW * concurrency:
                try:
                    paper = next(source)
                except StopIteration:
                    more = False
                    break
                free -= 1
                task = asyncio.create_task(one(paper))
                task.add_done_callback(note)
                held.append(task)
            if broken:
                broken[0].result()
            if held and held[0].done():
                yield held.popleft().result()
            elif held:
                ended.clear()
                await ended.wait()
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
