"""What starting `extract` costs, in CPU seconds and as a ratio to `python -c pass`.

    python benchmarks/startup.py [REPEATS]

The least of several repeats counts: the CPU time of a process does not depend on what else the
machine does, but its caches do. The replay of the seeds is measured in one process, after the
imports that it needs. `python -X importtime -m claimgrid run seeds/` says which module costs what.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPLAY = """
import resource, sys
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
began = cpu()
from claimgrid.cli.main import main
import claimgrid.cli.run
imported = cpu()
try:
    main(["run", "seeds/", "--out", sys.argv[1]], prog_name="extract")
except SystemExit as end:
    assert not end.code, end.code
once = cpu()
print(f"{imported - began} {once - imported}", file=sys.stderr)
"""


def cpu(*command: str) -> float:
    """CPU seconds of a child process, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def replay(out: str) -> tuple[float, float]:
    """CPU seconds of the imports and of the replay of the 14 seeds."""
    command = [sys.executable, "-c", REPLAY, out]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    imports, run = done.stderr.split()[-2:]
    return float(imports), float(run)


def main(repeats: int) -> None:
    """Measure and print."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as out:
        bare = min(cpu(python, "-c", "pass") for _ in range(4 * repeats))
        cases = {
            "python -c pass": bare,
            "extract --help": _least(repeats, python, "-m", "claimgrid", "--help"),
            "extract run seeds/ (replay)": _least(
                repeats, python, "-m", "claimgrid", "run", "seeds/", "--out", out
            ),
        }
        measured = [replay(out) for _ in range(repeats)]
    cases["  of it: imports"] = min(imports for imports, _ in measured)
    cases["  of it: 14 abstracts"] = min(run for _, run in measured)
    for name, seconds in cases.items():
        print(f"{name:<30}{seconds:>8.3f} CPU-s {seconds / bare:>7.1f} x")


def _least(repeats: int, *command: str) -> float:
    return min(cpu(*command) for _ in range(repeats))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
