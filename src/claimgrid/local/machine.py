"""Tells how many cores and how much memory a model may use, on Linux, macOS and Windows."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores that this process may use, and bytes of memory that are free (None: unknown)."""

    cores: int
    free_bytes: int | None


def look() -> Machine:
    """What this process may use now: affinity and control groups count, not only the hardware."""
    return Machine(_cores(), _free())


def _cores() -> int:
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # macOS, Windows
        return max(1, os.cpu_count() or 1)
    # Two threads of one core share its arithmetic: a second one gains nothing and costs caches.
    cores = set()
    for number in allowed:
        path = Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list")
        try:
            cores.add(path.read_text(encoding="ascii").strip())
        except OSError:
            cores.add(str(number))
    count = len(cores) or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        count = min(count, max(1, int(quota) // int(period)))
    return count


def _free() -> int | None:
    free = None
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        # File pages count as used and are given back when memory is short.
        for line in (group / "memory.stat").read_text(encoding="ascii").splitlines():
            if line.startswith("inactive_file "):
                used -= int(line.split()[1])
        free = min(limit - used, free) if free is not None else limit - used
    return free
