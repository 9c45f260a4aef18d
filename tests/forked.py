"""Runs `extract` in processes that are forked from one which has done the imports.

It is the command line's own `main` in a process of its own, with nothing in its place. Only the
second that the imports take is saved, so that the command line can be run, or killed, often.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path

# What the commands import when they run.
IMPORTED = (
    "forked",
    "claimgrid.cli.run",
    "claimgrid.cli.table",
    "claimgrid.cli.evaluate",
    "claimgrid.llm.vendor_client",
    "openai.resources",
)


class Forks:
    """Starts runs; each may be killed like any process."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(IMPORTED))

    def start(self, log: Path, *arguments: object) -> BaseProcess:
        """`extract` with these arguments; what it prints goes to the file `log`."""
        texts = [str(argument) for argument in arguments]
        return self._started(str(log), texts)

    def run(
        self, arguments: list[str], cwd: Path, stdin: str, env: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `extract` to its end, as `subprocess.run` does with captured text."""
        with tempfile.TemporaryDirectory() as folder:
            files = [str(Path(folder, name)) for name in ("out", "err", "in")]
            Path(files[2]).write_text(stdin, encoding="utf-8")
            process = self._started(files[0], arguments, files[1], files[2], str(cwd), env)
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                process.join()
                raise subprocess.TimeoutExpired(arguments, timeout)
            out, err = (Path(name).read_text(encoding="utf-8") for name in files[:2])
        return subprocess.CompletedProcess(arguments, process.exitcode, out, err)

    def _started(self, *arguments: object) -> BaseProcess:
        process = self._context.Process(target=_extract, args=arguments)
        process.start()
        return process


@cache
def forks() -> Forks:
    """The one server of forks of this test process."""
    return Forks()


def _extract(
    log: str,
    arguments: list[str],
    errors: str | None = None,
    stdin: str | None = None,
    cwd: str | None = None,
    env: dict[str, str] | None = None,
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    out = os.open(log, flags)
    os.dup2(out, 1)
    os.dup2(out if errors is None else os.open(errors, flags), 2)
    if stdin is not None:
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    if env is not None:
        os.environ.clear()
        os.environ.update(env)
    if cwd is not None:
        os.chdir(cwd)
    from claimgrid.cli.main import main

    sys.argv = ["extract", *arguments]
    main(arguments, prog_name="extract")
