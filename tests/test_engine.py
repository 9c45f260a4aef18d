"""engines/local: order, bounds, back-pressure, exceptions and cancellation, in made-up time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.extraction import worker_pool
from fake_time import run


class Source:
    """Numbers that are counted as they are read."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self.count = count

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            self.read += 1
            yield number


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.5, 30.0]), max_size=80),
    st.integers(1, 9),
)
def test_results_come_in_the_order_of_the_papers_and_no_more_run_than_allowed(
    seconds: list[float], concurrency: int
) -> None:
    running = peak = 0

    async def work(number: int) -> int:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        if seconds[number]:
            await asyncio.sleep(seconds[number])
        running -= 1
        return number

    async def main(clock: Callable[[], float]) -> list[int]:
        papers = range(len(seconds))
        return [result async for result in worker_pool.run(papers, work, concurrency=concurrency)]

    assert run(main) == list(range(len(seconds)))
    assert peak <= concurrency
    assert running == 0


def test_a_source_of_a_million_is_read_only_as_far_as_there_is_room() -> None:
    source = Source(1_000_000)
    done = 0

    async def work(number: int) -> int:
        nonlocal done
        await asyncio.sleep(random.Random(number).random())
        done += 1
        return number

    async def main(clock: Callable[[], float]) -> None:
        given = 0
        results = worker_pool.run(source, work, concurrency=10)
        async for _ in results:
            given += 1
            assert source.read <= given + 16 * 10
            assert source.read <= done + 10
            if given == 5000:
                break
        await results.aclose()

    run(main)
    assert source.read < 5000 + 16 * 10 + 1


def test_a_consumer_that_stops_reading_stops_the_source() -> None:
    source = Source(1000)

    async def work(number: int) -> int:
        return number

    async def main(clock: Callable[[], float]) -> int:
        results = worker_pool.run(source, work, concurrency=4)
        async for _ in results:
            await asyncio.sleep(1000)
            break
        read = source.read
        await results.aclose()
        return read

    assert run(main) <= 16 * 4


def test_a_slow_head_does_not_idle_the_others() -> None:
    async def work(number: int) -> float:
        await asyncio.sleep(100 if number == 0 else 1)
        return asyncio.get_running_loop().time()

    async def main(clock: Callable[[], float]) -> list[float]:
        return [ended async for ended in worker_pool.run(range(40), work, concurrency=4)]

    ended = run(main)
    assert max(ended[1:]) == pytest.approx(39 / 3, abs=1)
    assert ended[0] == pytest.approx(100)


def test_what_waits_for_a_slow_head_is_bounded() -> None:
    source = Source(1000)

    async def work(number: int) -> int:
        if number == 0:
            await asyncio.sleep(100)
            assert source.read <= 16 * 4
        return number

    async def main(clock: Callable[[], float]) -> int:
        return len([result async for result in worker_pool.run(source, work, concurrency=4)])

    assert run(main) == 1000


def test_an_exception_is_raised_at_once_and_cancels_what_is_under_way() -> None:
    cancelled: list[int] = []

    async def work(number: int) -> int:
        if number == 3:
            await asyncio.sleep(1)
            raise RuntimeError("disk full")
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async def main(clock: Callable[[], float]) -> float:
        with pytest.raises(RuntimeError, match="disk full"):
            [result async for result in worker_pool.run(range(100), work, concurrency=6)]
        return clock()

    # Not after the 1000 s that the papers before it take.
    assert run(main) == pytest.approx(1)
    assert cancelled == [0, 1, 2, 4, 5]


def test_a_source_that_breaks_is_told_and_cancels_what_is_under_way() -> None:
    cancelled: list[int] = []

    def papers() -> Iterator[int]:
        yield from range(3)
        raise ValueError("line 4")

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async def main(clock: Callable[[], float]) -> list[int]:
        with pytest.raises(ValueError, match="line 4"):
            [result async for result in worker_pool.run(papers(), work, concurrency=8)]
        await asyncio.sleep(0)
        return cancelled

    assert run(main) == []  # none of them had begun


def test_cancelling_the_run_leaves_no_task_behind() -> None:
    async def work(number: int) -> None:
        await asyncio.sleep(1000)

    async def all_of_it() -> None:
        async for _ in worker_pool.run(range(50), work, concurrency=8):
            pass

    async def main(clock: Callable[[], float]) -> set[Any]:
        task = asyncio.create_task(all_of_it())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert run(main) == set()
