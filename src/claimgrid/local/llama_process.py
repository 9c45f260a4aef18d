"""The process that serves one model with llama.cpp; started by `runtime`, never by a person.

    standard input   a line of JSON: what to serve; then nothing, until it closes
    standard output  a line of JSON: {"url": …} once the model answers, or {"error": …}

llama.cpp lives in a process of its own: xllamacpp holds Python's lock while a model loads and while
a server stops, and stopping one that answers a request waits for that request for ever. Here the
end of standard input ends the process at once, whatever llama.cpp is doing, and the operating
system closes it when the parent dies, in whatever way.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Serve until standard input closes."""
    # Where there are no sessions (Windows), Ctrl-C comes here too; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # llama.cpp may print what it likes, but not into the protocol.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    try:
        server = _serve(job)
        said = {"url": f"{server.listening_address}/v1"}
    except Exception as error:  # noqa: BLE001 whatever it is, the parent words it
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), file=told, flush=True)
    if "url" in said:
        sys.stdin.read()
    # Without clean-up: it would wait for requests under way, and nobody is there to read them.
    os._exit(0)


def _serve(job: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = job["path"]
    # Else replies would carry the path, into recordings too.
    params.model_alias = {job["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [job["api_key"]]
    params.ui = False
    params.endpoint_slots = False
    params.n_parallel = job["slots"]
    params.n_ctx = job["slots"] * job["context"]
    params.n_batch = job["batch"]
    params.n_ubatch = job["batch"]
    params.cpuparams.n_threads = job["threads"]
    params.cpuparams_batch.n_threads = job["threads"]
    # Threads that wait do not spin: on a busy core, spinning holds up the thread they wait for.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    params.cache_ram_mib = job["cache_mib"]
    params.verbosity = 1  # errors alone, for the parent to quote
    # A reply is held to a schema from its first token; there is no room for thoughts before it.
    params.enable_reasoning = 0
    params.default_template_kwargs = {"enable_thinking": "false"}
    if job["adapter"]:
        adapter = xllamacpp.CommonAdapterLoraInfo()
        adapter.path = job["adapter"]
        adapter.scale = 1.0
        params.lora_adapters = [adapter]
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
