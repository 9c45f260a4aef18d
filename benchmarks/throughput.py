"""Abstracts a second of claimgrid and its peers, side by side, on one simulated server.

    python benchmarks/throughput.py [--papers 500] [--concurrency 64] [--latency 20,200]
                                    [--only NAME,…] [--json FILE]

Each contestant runs in a fresh process; the papers, the server and the concurrency are the same.
Measured: wall time and CPU time of asking (imports and the first requests are over, except for
"ours: CLI", whose start-up counts), and the process's peak memory. Peers that are not installed are
skipped with the reason (`pip install -r benchmarks/requirements.txt`).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from contestants import CONTESTANTS, Contestant, Job  # noqa: E402 the path above comes first
from simulated import Simulated, paper  # noqa: E402

_WARM_UP = 16  # papers, none of which is measured
_LONGEST = 900  # seconds for one contestant


@dataclass(frozen=True, slots=True)
class Measured:
    """One contestant at one latency: seconds, CPU seconds (children too), bytes."""

    name: str
    latency: int
    papers: int
    right: int
    seconds: float
    cpu: float
    peak: int

    @property
    def rate(self) -> float:
        """Abstracts a second."""
        return self.papers / self.seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--papers", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", default="20,200", help="milliseconds, several with commas")
    parser.add_argument("--only", help="contestants, several with commas")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(asdict(_measure(given))))
        return
    print(_machine())
    done: list[Measured] = []
    for latency in map(int, given.latency.split(",")):
        print(f"\n{given.papers} abstracts, {given.concurrency} under way, {latency} ms latency")
        print(f"{'':14}{'abstracts/s':>12}{'CPU-s/1000':>12}{'peak MB':>9}{'right':>7}")
        for name in given.only.split(",") if given.only else CONTESTANTS:
            missing = [m for m in CONTESTANTS[name].needs if importlib.util.find_spec(m) is None]
            if missing:
                print(f"{name:14}skipped: {', '.join(missing)} not installed")
                continue
            measured = _in_a_process(name, latency, given)
            if measured is None:
                continue
            done.append(measured)
            print(
                f"{name:14}{measured.rate:12.1f}{1000 * measured.cpu / measured.papers:12.2f}"
                f"{measured.peak / 1e6:9.0f}{measured.right:7}",
                flush=True,
            )
        _ratios([m for m in done if m.latency == latency], given.concurrency)
    if given.json:
        rows = [asdict(measured) for measured in done]
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _in_a_process(name: str, latency: int, given: argparse.Namespace) -> Measured | None:
    with Simulated() as server:
        command = [sys.executable, __file__, "--child", name, "--url", server.url,
                   "--latency", str(latency), "--papers", str(given.papers),
                   "--concurrency", str(given.concurrency)]  # fmt: skip
        try:
            child = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=_LONGEST
            )
        except subprocess.CalledProcessError as error:
            print(f"{name:14}failed: {error.stderr.strip().splitlines()[-1]}")
            return None
        except subprocess.TimeoutExpired:
            print(f"{name:14}not done after {_LONGEST} s")
            return None
    return Measured(**json.loads(child.stdout.splitlines()[-1]))


def _measure(given: argparse.Namespace) -> Measured:
    contestant = CONTESTANTS[given.child]
    model = f"sim:latency={given.latency},style={contestant.style}"

    def job(first: int, count: int) -> Job:
        papers = [paper(number) for number in range(first, first + count)]
        return Job(papers, given.url, model, given.concurrency)

    measured, warm_up = job(0, given.papers), job(1_000_000, _WARM_UP)
    if not contestant.outside:
        contestant.run(warm_up)
    began, cpu = time.perf_counter(), _cpu(contestant)
    right = contestant.run(measured)
    return Measured(
        name=given.child,
        latency=int(given.latency),
        papers=given.papers,
        right=right,
        seconds=time.perf_counter() - began,
        cpu=_cpu(contestant) - cpu,
        peak=1024 * resource.getrusage(_whose(contestant)).ru_maxrss,
    )


def _whose(contestant: Contestant) -> int:
    return resource.RUSAGE_CHILDREN if contestant.outside else resource.RUSAGE_SELF


def _cpu(contestant: Contestant) -> float:
    used = resource.getrusage(_whose(contestant))
    return used.ru_utime + used.ru_stime


def _ratios(rows: list[Measured], concurrency: int) -> None:
    """How ours compares with each other contestant, and with what the latency allows."""
    rates = {row.name: row.rate for row in rows}
    ideal = concurrency / (rows[0].latency / 1000) if rows else 0.0
    for name in ("ours: ask", "ours: run", "ours: CLI"):
        if name not in rates:
            continue
        others = [
            f"{rates[name] / rate:.2f} x {other}"
            for other, rate in rates.items()
            if not other.startswith("ours")
        ]
        share = f"{rates[name] / ideal:.0%} of concurrency/latency"
        print(f"{name} = {', '.join([*others, share])}")


def _machine() -> str:
    names = ("claimgrid", "aiohttp", "orjson", "openai", "instructor", "langextract", "uvicorn")
    there = [f"{n} {version(n)}" for n in names if importlib.util.find_spec(n)]
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}; "
        f"load {os.getloadavg()[0]:.1f}; {', '.join(there)}"
    )


if __name__ == "__main__":
    main()
