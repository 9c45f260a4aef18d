"""Memory, seconds and disk of the commands that read a run, by the size of the run.

    PYTHONPATH=src python benchmarks/scale.py [PAPERS …]      default: 1000 10000 100000

Each command is a process of its own; the peak is that of its resident memory. The first `sql` of a
large run makes its columnar copy, the second reads it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scale_runs import write_gold, write_run

_SIZES = (1_000, 10_000, 100_000)
_COUNT = "select kind, count(*) from claims group by kind"


def main(sizes: list[int]) -> None:
    """Print a line for each size and command."""
    print(f"{'papers':>9} {'claims':>9}  {'command':<14} {'seconds':>8} {'MB':>6}")
    for papers in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            run, gold = Path(scratch, "run"), Path(scratch, "gold.jsonl")
            claims = write_run(run, papers)
            write_gold(gold, 14)
            commands = {
                "sql, first": ("sql", _COUNT, run),
                "sql": ("sql", _COUNT, run),
                "table": ("table", "speedups", run, "--limit", "20"),
                "eval": ("eval", run, "--gold", gold),
                "report": ("report", run, "-o", Path(scratch, "report.html")),
            }
            for name, words in commands.items():
                seconds, peak, code = _measured(*map(str, words))
                failed = f"  exit code {code}" if code else ""
                print(f"{papers:>9,} {claims:>9,}  {name:<14} {seconds:>8.1f} {peak:>6}{failed}")
            for path in sorted(run.iterdir()):
                print(f"{'':>20}  {path.name:<18} {path.stat().st_size / 1e6:>10.1f} MB")


def _measured(*words: str) -> tuple[float, int, int]:
    """Seconds, peak resident megabytes and exit code of one `extract` command."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "claimgrid", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - began, used.ru_maxrss // 1024, process.returncode


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or list(_SIZES))
