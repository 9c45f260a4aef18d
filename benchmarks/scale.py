"""Memory, seconds and disk of the commands that read a run, and papers a second of the engines.

    PYTHONPATH=src python benchmarks/scale.py [PAPERS …]              default: 1000 10000 100000
    PYTHONPATH=src python benchmarks/scale.py --throughput [PAPERS]   default: 4000; needs the extra
                                                                      [ray] for more than `local`

Each command is a process of its own; the peak is that of its resident memory. The first `sql` of a
large run makes its columnar copy, the second reads it. `run` asks the simulated server of the tests
about fresh papers; `again` reads the replies that it stored.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scale_runs import write_gold, write_run
from simulated import Simulated, paper

_SIZES = (1_000, 10_000, 100_000)
_PAPERS = 4_000  # of a measurement of throughput
_WORKERS = (1, 2, 4)
_COUNT = "select kind, count(*) from claims group by kind"


def main(sizes: list[int]) -> None:
    """Print a line for each size and command."""
    print(f"{'papers':>9} {'claims':>9}  {'command':<14} {'seconds':>8} {'CPU-s':>6} {'MB':>6}")
    for papers in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            run, gold = Path(scratch, "run"), Path(scratch, "gold.jsonl")
            claims = write_run(run, papers)
            write_gold(gold, 14)
            twin = shutil.copytree(run, Path(scratch, "twin"))
            commands = {
                "sql, first": ("sql", _COUNT, run),
                "sql": ("sql", _COUNT, run),
                "table": ("table", "speedups", run, "--limit", "20"),
                "eval": ("eval", run, "--gold", gold),
                "report": ("report", run, "-o", Path(scratch, "report.html")),
                "sql, 2 runs": ("sql", _COUNT, run, twin),
                "table, 2 runs": ("table", "speedups", run, twin, "--limit", "20"),
            }
            for name, words in commands.items():
                seconds, cpu, peak, code = _measured(*map(str, words))
                failed = f"  exit code {code}" if code else ""
                if name == "report" and code == 2:
                    failed = "  refused: too many claims for a page"
                told = f"{seconds:>8.1f} {cpu:>6.1f} {peak:>6}{failed}"
                print(f"{papers:>9,} {claims:>9,}  {name:<14} {told}")
            for path in sorted(run.iterdir()):
                print(f"{'':>20}  {path.name:<18} {path.stat().st_size / 1e6:>10.1f} MB")


def throughput(papers: int) -> None:
    """Print papers a second of the local engine, and of Ray with so many workers."""
    print(f"{'engine':<16} {'seconds':>8} {'papers/s':>9} {'MB':>6}")
    with tempfile.TemporaryDirectory() as scratch, Simulated() as server:
        source = Path(scratch, "papers.jsonl")
        with source.open("w", encoding="utf-8") as file:
            for number in range(papers):
                file.write(json.dumps(paper(number).record) + "\n")
        engines = {"local": ()} | {
            f"ray, {workers} workers": ("--engine", "ray", "--workers", workers)
            for workers in _WORKERS
        }
        for name, words in engines.items():
            out = Path(scratch, name)
            given = ("run", source, "--model", "sim:latency=20", "--base-url", server.url)
            given += ("--concurrency", 64, "--log-format", "none", "--out", out, *words)
            seconds, _, peak, code = _measured(*map(str, given))
            failed = f"  exit code {code}" if code else ""
            print(f"{name:<16} {seconds:>8.1f} {papers / seconds:>9.0f} {peak:>6}{failed}")
            if name == "local":
                lines, replies = _bytes(out, "*.jsonl"), _bytes(out, "replies.sqlite*")
                print(f"  on disk a paper: lines {lines / papers:,.0f}, replies "
                      f"{replies / papers:,.0f} bytes")  # fmt: skip
                seconds, _, peak, _ = _measured(*map(str, given))
                print(f"{'local, again':<16} {seconds:>8.1f} {papers / seconds:>9.0f} {peak:>6}")


def _bytes(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


def _measured(*words: str) -> tuple[float, float, int, int]:
    """Seconds, those of a CPU, peak resident megabytes and exit code of one `extract` command."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "claimgrid", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, process.returncode


def _machine() -> str:
    """The machine, its load and the versions that the figures come from."""
    import duckdb

    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f} at the start, "
        f"Python {platform.python_version()}, duckdb {duckdb.__version__}"
    )


if __name__ == "__main__":
    print(_machine())
    sizes = [int(word) for word in sys.argv[1:] if word != "--throughput"]
    if "--throughput" in sys.argv:
        throughput(*(sizes or [_PAPERS]))
    else:
        main(sizes or list(_SIZES))
