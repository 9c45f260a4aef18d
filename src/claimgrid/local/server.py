"""Serves a local model over the OpenAI API on a free loopback port, while it is needed.

`plan` chooses slots, context, threads and batch by the model's header and the machine; `start` runs
llama.cpp in a process of its own (`serve` says why) and returns when the model answers.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from claimgrid.errors import SetupError, UsageError
from claimgrid.local import gguf, machine, model_files
from claimgrid.local.machine import Machine
from claimgrid.local.model_files import ModelFile

# Tokens of a slot where nobody says: the prompt takes 5,000 to 6,500, depending on the model's
# vocabulary, an abstract 200 to 600, a reply 100 to 2,000.
CONTEXT = 10_240
_MOST_SLOTS = 4
_OVERHEAD = 400 * 2**20  # bytes: llama.cpp, Python, compute buffers
_LARGE = 10**9  # bytes of a model whose batches take seconds on a processor
_CACHE_MIB = 512  # of prompts that may come again after their slot went on to another

NO_RUNTIME = "embedded models need llama.cpp: pip install 'claimgrid[embedded]'"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What was set for embedded models; None is chosen by the machine and the model.

    `context` is in tokens and of each slot, `batch` in tokens. `adapter` is a GGUF LoRA file.
    """

    threads: int | None = None
    slots: int | None = None
    context: int | None = None
    batch: int | None = None
    adapter: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """How a model is served: requests at once, tokens of each, threads, tokens a batch."""

    slots: int
    context: int
    threads: int
    batch: int


def available() -> bool:
    """Whether llama.cpp is installed. Imports nothing."""
    return importlib.util.find_spec("xllamacpp") is not None


def plan(model: ModelFile, options: ServerOptions, this: Machine | None = None) -> ServerPlan:
    """How to serve a model here.

    Args:
        this: the machine; looked at if it is not given.

    Raises:
        UsageError: the context is longer than the model's own.
        SetupError: the file is not there or no GGUF model, or the memory does not suffice.
    """
    path = model.require()
    header = gguf.header(path)
    if header.kind != "model":
        raise SetupError(f"{path}: a GGUF, but no model (its general.type is {header.kind})")
    if model.adapter is not None:
        model_files.check_adapter(header, model.adapter)
    this = this or machine.look()
    size = path.stat().st_size
    longest = header.context or CONTEXT
    if options.context is not None and options.context > longest:
        raise UsageError(
            f"--context {options.context}: {model.name} was made for {longest} tokens at most"
        )
    context = options.context or min(CONTEXT, longest)
    # llama.cpp's threads wait for each other at every step: where another process takes a part of
    # one core, all of them run at that core's pace (benchmarks/embedded.md).
    threads = options.threads or max(1, this.cores - 1)
    each = context * header.kv_bytes
    wanted = options.slots or min(_MOST_SLOTS, max(1, threads))
    room = None
    if this.free_bytes is not None:
        room = this.free_bytes - size - _OVERHEAD
        if room < each * (options.slots or 1):
            needed = size + _OVERHEAD + each * (options.slots or 1)
            raise SetupError(
                f"{model.name} needs {needed / 1e9:.1f} GB of memory for {options.slots or 1} "
                f"slot(s) of {context} tokens, and {this.free_bytes / 1e9:.1f} GB are free; take a "
                "smaller model (extract models list), or lower --slots or --context"
            )
    fitting = wanted if room is None or not each else max(1, min(wanted, room // each))
    batch = options.batch or (256 if size > _LARGE else 512)
    return ServerPlan(fitting, context, threads, batch)


class RunningServer:
    """A server that answers at `base_url` to `api_key`. Ends with `close`, or with this process."""

    def __init__(self, process: subprocess.Popen[str], base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self._process = process
        self._owner = os.getpid()
        _RUNNING.add(self)

    def close(self) -> None:
        """Stop the server, requests under way included. May be called again."""
        if os.getpid() != self._owner:
            return  # a fork's copy: the server is the parent's
        _stop(self._process)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid


_RUNNING: weakref.WeakSet[RunningServer] = weakref.WeakSet()


def start(model: ModelFile, options: ServerOptions) -> RunningServer:
    """Serve a model; returns when it answers. Takes seconds for small models, a minute for large.

    Raises:
        UsageError, SetupError: as `plan`; or llama.cpp is not installed or cannot load the model.
    """
    chosen = plan(model, options)
    if not available():
        raise SetupError(NO_RUNTIME)
    key = secrets.token_urlsafe(32)
    job = {
        "path": str(model.require().resolve()),
        "name": model.name,
        "adapter": str(model.adapter.resolve()) if model.adapter else None,
        "api_key": key,
        "cache_mib": _CACHE_MIB,
        "slots": chosen.slots,
        "context": chosen.context,
        "threads": chosen.threads,
        "batch": chosen.batch,
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = _spawn(log)
        try:
            said = _first_words(process, job)
        except BaseException:  # Ctrl-C among them: nobody would hold the process any more
            _stop(process)
            raise
        if "url" not in said:
            _stop(process)
            raise SetupError(_failed(model, said, log))
    return RunningServer(process, said["url"], key)


def _spawn(log: IO[str]) -> subprocess.Popen[str]:
    # -P: no module of the working directory is taken for one of ours.
    command = [sys.executable, "-P", "-m", "claimgrid.local.llama_process"]
    try:
        return subprocess.Popen(  # noqa: S603 our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C goes to a terminal's whole session; the run decides what becomes of requests.
            start_new_session=True,
        )
    except OSError as error:
        raise SetupError(f"the process for the model cannot be started: {error}") from error


def _first_words(process: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    line = ""
    with suppress(BrokenPipeError):
        # The key goes this way: arguments can be read by everybody on the machine.
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    try:
        said = json.loads(line)
    except ValueError:
        return {"error": f"llama.cpp ended with exit code {process.wait()}"}
    return said if isinstance(said, dict) else {"error": line}


def _failed(model: ModelFile, said: dict[str, str], log: IO[str]) -> str:
    log.seek(0)
    told = [line.strip() for line in log.read().splitlines() if line.strip()]
    why = "; ".join([said["error"], *told[-3:]])
    return f"{model.require()}: llama.cpp could not serve this model: {why[:600]}"


def _stop(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@atexit.register
def _stop_all() -> None:
    for running in list(_RUNNING):
        running.close()
