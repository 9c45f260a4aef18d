"""Joins a Ray cluster, or starts one on this machine, and sees that a run has room on it.

Ray counts CPUs by what is asked for and not by what is used. When a run goes on, Ray Data puts an
actor before the workers that leaves out the papers that are done, and asks a whole CPU of one node
for it. Where the workers hold a part of every CPU, that actor waits for ever, and all with it. So
the room is counted before anything begins.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from claimgrid.errors import SetupError

TASK_CPUS = 0.25  # of a worker, and of a task that reads or writes: all of them mostly wait
_REACH = 10.0  # seconds
_HOST_AND_PORT = re.compile(r"(?:\w+://)?(?P<host>[^/]+):(?P<port>\d+)/?")
_LEAST_CPUS = 4  # that a cluster on this machine is told to have


@dataclass(frozen=True, slots=True)
class RayOptions:
    """Where the cluster is, None for one on this machine, and how many workers it is to run.

    Args:
        workers: None is half of the cluster's CPUs.
    """

    address: str | None = None
    workers: int | None = None


def library() -> Any:
    """Ray with Ray Data. Raises SetupError where they are not installed."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SetupError("--engine ray needs: pip install 'claimgrid[ray]'") from error
    return ray


@contextmanager
def joined(ray: Any, options: RayOptions) -> Iterator[int]:
    """Connect to the cluster, or start one on this machine; leave what was joined here.

    Yields:
        How many workers to run.

    Raises:
        SetupError: the cluster is not there, or is too small.
    """
    # None would join whatever cluster was started on this machine last.
    own = {"num_cpus": max(_LEAST_CPUS, os.cpu_count() or 1), "include_dashboard": False}
    to = {"address": options.address} if options.address else {"address": "local", **own}
    try:
        _reach(options.address)
        ray.init(**to, log_to_driver=False, logging_level=logging.ERROR)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
    except OSError as error:  # a ConnectionError of Ray's own is one too
        raise SetupError(
            f"--address {options.address}: no Ray cluster answers there ({error}); start one with "
            "`ray start --head`, or leave out --address"
        ) from error
    try:
        alive = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
        yield fitting(alive, options.workers)
    finally:
        ray.shutdown()


def _reach(address: str | None) -> None:
    """Raises OSError where nothing listens at HOST:PORT: there Ray's own code ends the process."""
    found = _HOST_AND_PORT.fullmatch(address or "")
    if found:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), _REACH).close()


def fitting(cpus: Sequence[float], wanted: int | None) -> int:
    """How many workers to run: those that are wanted, else one for every second CPU.

    Args:
        cpus: of each node.

    Raises:
        SetupError: so many could leave no node with the CPU that a run needs to go on.
    """
    most = room(cpus)
    if most < 1:
        raise SetupError(
            f"the Ray cluster has {_shown(cpus)} CPUs, too few for one worker and what Ray puts "
            "beside it; start it with 2 or more, such as `ray start --head --num-cpus 4`"
        )
    if wanted is None:
        return max(1, min(most, int(sum(cpus)) // 2))
    if wanted > most:
        raise SetupError(
            f"--workers {wanted}: the Ray cluster's {_shown(cpus)} CPUs have room for {most} at "
            "most; pass fewer, or add nodes"
        )
    return wanted


def room(cpus: Sequence[float]) -> int:
    """The most workers that leave a whole CPU on some node, and a task's share beside it, wherever
    Ray puts them."""
    whole = [own for own in cpus if own >= 1]
    # One worker more than so many on each node would take the last of the whole CPUs.
    takes_all = sum(int((own - 1) / TASK_CPUS) + 1 for own in whole)
    beside = int((sum(cpus) - 1) / TASK_CPUS) - 1
    return max(0, min(takes_all - 1, beside))


def _shown(cpus: Sequence[float]) -> str:
    return " + ".join(f"{own:g}" for own in sorted(cpus, reverse=True)) or "no"
