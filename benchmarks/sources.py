"""Prints how time and peak memory grow with a synthetic arXiv snapshot of 10^3 … 10^6 lines.

    python benchmarks/sources.py [--least 1000] [--most 1000000] [--read-only]

Each size runs in a fresh process: reading alone (`claimgrid.sources.read`, repeats found), and the
whole of `extract run --replay only`, where nothing is recorded, so that every paper is read, looked
up and written as a failed line. The peak is the largest resident set of the process.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

READ = """
import resource, sys, time
from claimgrid.sources import read
began, count = time.perf_counter(), 0
for _ in read(sys.argv[1]):
    count += 1
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, time.perf_counter() - began, used // 1024)
"""
RUN = """
import resource, sys, time
from claimgrid.cli.main import main
began = time.perf_counter()
try:
    main(["run", sys.argv[1], "--replay", "only", "--log-format", "none", "--out", sys.argv[2]])
except SystemExit:
    pass
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in open(sys.argv[2] + "/papers.jsonl"))
print(count, time.perf_counter() - began, used // 1024)
"""
WORDS = [f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ta") for b in ("rin", "vel", "dos", "pak")
         for c in ("", "ing", "ed", "or", "al", "is")]  # fmt: skip


def write_snapshot(path: Path, lines: int) -> None:
    """Write records in the form of the arXiv metadata snapshot, one in fifty a repeat."""
    chooser = random.Random(lines)
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            own = number if number % 50 else max(0, number - 25)
            words = " ".join(chooser.choices(WORDS, k=150))
            identifier = f"{7 + own // 1_200_000:02}{1 + own // 100_000 % 12:02}.{own % 100_000:05}"
            record = {
                "id": identifier,
                "submitter": "Jane Doe",
                "authors": "Jane Doe and J\\'ozsef Lund",
                "title": f"Kite {own}:\n  {' '.join(chooser.choices(WORDS, k=8))}",
                "comments": None,
                "journal-ref": None,
                "doi": f"10.1000/kite.{own}" if own % 2 else None,
                "categories": "cs.DC cs.LG",
                "abstract": f"  Kite {own} is {own % 9 + 1}x faster.\n{words}.\n",
                "versions": [{"version": "v1", "created": "Thu, 2 May 2024 10:00:00 GMT"}],
                "update_date": "2024-06-04",
                "authors_parsed": [["Doe", "Jane", ""], ["Lund", "J\\'ozsef", ""]],
            }
            file.write(json.dumps(record) + "\n")


def measured(code: str, *arguments: str) -> tuple[int, float, int]:
    """Lines, seconds and peak MB of a fresh process."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds, peak = done.stdout.split()[-3:]
    return int(count), float(seconds), int(peak)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=int, default=1000)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--read-only", action="store_true")
    given = parser.parse_args()
    print("| lines | what | papers | seconds | peak MB |\n| --- | --- | --- | --- | --- |")
    for exponent in range(3, 7):
        lines = 10**exponent
        if not given.least <= lines <= given.most:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "arxiv-metadata-oai-snapshot.json"
            write_snapshot(path, lines)
            cases = {"read": (READ, str(path))}
            if not given.read_only:
                cases["extract run --replay only"] = (RUN, str(path), f"{folder}/out")
            for name, arguments in cases.items():
                count, seconds, peak = measured(*arguments)
                print(f"| {lines:,} | {name} | {count:,} | {seconds:.1f} | {peak} |", flush=True)


if __name__ == "__main__":
    main()
