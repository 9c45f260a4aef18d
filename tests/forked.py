"""`extract` in a process that is forked from one with all imports done, so that it may be killed
often: the command line's own `main`, with nothing in its place.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

# What a live run imports, so that a forked one need not.
IMPORTED = ("forked", "claimgrid.cli.run", "claimgrid.llm.vendor_client", "openai.resources")


class Forks:
    """Starts runs; each may be killed like any process."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(IMPORTED))

    def start(self, log: Path, *arguments: object) -> BaseProcess:
        """`extract` with these arguments; what it prints goes to the file `log`."""
        texts = [str(argument) for argument in arguments]
        process = self._context.Process(target=_extract, args=(str(log), texts))
        process.start()
        return process


def _extract(log: str, arguments: list[str]) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    from claimgrid.cli.main import main

    sys.argv = ["extract", *arguments]
    main(arguments, prog_name="extract")
