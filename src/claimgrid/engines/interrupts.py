"""What surrounds a run on this machine: Ctrl-C, a time limit, and seldom garbage collection."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def interrupts(end: Callable[[str], None]) -> Iterator[None]:
    """Call `end("Ctrl-C")` at the first Ctrl-C; the second one raises KeyboardInterrupt.

    It is raised between two steps of the loop, and not wherever the program is: in the middle of a
    retry it would be taken for one more failed try. Where a loop has no signal handlers (Windows,
    other threads), Ctrl-C ends the run at once.
    """
    loop = asyncio.get_running_loop()
    told = False

    def interrupted() -> None:
        nonlocal told
        if told:
            raise KeyboardInterrupt
        told = True
        end("Ctrl-C")

    with suppress(NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def after(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` once after so many seconds, unless the block has ended by then."""
    timer = asyncio.get_running_loop().call_later(seconds, act)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for reference cycles seldom while a run goes.

    What a paper leaves behind is freed by its reference counts; looking for cycles as often as
    Python does by default costs a sixth of a run's CPU (benchmarks/throughput.py).
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
