"""A fault, a rate ─► what a run of `extract` over 40 simulated papers came to.

Runs the command line's own `main` with its own arguments in worker processes that are started anew
and pay for their imports once, so that the whole table takes less than a minute.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simulated.papers import paper
from simulated.plan import FAULTS, parse
from simulated.process import Simulated

PAPERS = 40
RATES = (0.05, 0.5)
SEED = 107  # at which exactly 2 and 20 of the 40 papers are touched
TIMEOUT = 60.0  # seconds; a busy machine must not look like a faulty server
STALL_TIMEOUT = 3.0  # what each stall costs
ATTEMPTS = 3
_WORKERS = 4  # most of a trial is waiting
_ENVIRONMENT = {"CLAIMGRID_BACKOFF": "0.01", "COLUMNS": "120", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a fault, the share of papers that meet it, and whether it never clears."""

    fault: str
    rate: float
    lasting: bool = False

    @property
    def model(self) -> str:
        """The name that tells the simulated server this case."""
        lasting = ",clears=never" if self.lasting else ""
        return f"sim:{self.fault}={self.rate},seed={SEED},first_byte=300{lasting}"

    @property
    def timeout(self) -> float:
        """Seconds that the run waits for a reply."""
        return STALL_TIMEOUT if self.fault.startswith("stalled") else TIMEOUT

    @property
    def touched(self) -> frozenset[int]:
        """The numbers of the papers that meet the fault."""
        plan = parse(self.model)
        return frozenset(number for number in range(PAPERS) if plan.touching(number))


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a case: by paper number, its line, its claims verbatim and its requests."""

    case: Case
    exit_code: int
    printed: str
    papers: Mapping[int, Mapping[str, Any]]
    claims: Mapping[int, tuple[str, ...]]
    rejected: Mapping[int, tuple[str, ...]]
    requests: Mapping[int, int]


def cases() -> list[Case]:
    """Every fault at both rates, and once more as one that never clears where it would."""
    clearing = [Case(fault, rate) for fault in FAULTS for rate in RATES]
    clears = [fault for fault, about in FAULTS.items() if about.clears is not None]
    return clearing + [Case(fault, RATES[-1], lasting=True) for fault in clears]


def faultless(folder: Path) -> Trial:
    """The same papers of a server without faults."""
    return next(trials([Case("slow", 0.0)], folder))


def trials(wanted: Iterable[Case], folder: Path) -> Iterator[Trial]:
    """Run cases, several at a time, below `folder`; in their order."""
    source = folder / "papers.jsonl"
    lines = (json.dumps(paper(number).record) + "\n" for number in range(PAPERS))
    source.write_text("".join(lines), encoding="utf-8")
    workers = ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn"))
    with Simulated() as server, workers:
        pending = [
            (case, workers.submit(_extract, case, source, folder / _name(case), server.url))
            for case in wanted
        ]
        for case, result in pending:
            code, printed = result.result()
            yield _read(case, code, printed, folder / _name(case), server)


def _name(case: Case) -> str:
    return f"{case.fault}-{case.rate:g}{'-lasting' if case.lasting else ''}"


def _extract(case: Case, source: Path, out: Path, url: str) -> tuple[int, str]:
    """Runs in a worker: `extract run` as the shell would, with what it prints."""
    os.environ |= _ENVIRONMENT
    from claimgrid.cli.main import main

    arguments = ["run", source, "--out", out, "--model", case.model, "--base-url", url]
    arguments += ["--replay", "off", "--concurrency", PAPERS]
    arguments += ["--timeout", case.timeout, "--attempts", ATTEMPTS]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main([str(argument) for argument in arguments], prog_name="extract")
        except SystemExit as end:
            return int(end.code or 0), printed.getvalue()
    raise AssertionError("click ends with SystemExit")


def _read(case: Case, code: int, printed: str, out: Path, server: Simulated) -> Trial:
    papers = {_number(row): row for row in map(json.loads, _lines(out / "papers.jsonl"))}
    claims, rejected = defaultdict(list), defaultdict(list)
    for line in _lines(out / "claims.jsonl"):
        claims[_number(json.loads(line))].append(line)
    for row in map(json.loads, _lines(out / "rejected.jsonl")):
        rejected[_number(row)].append(str(row["reason"]))
    return Trial(
        case=case,
        exit_code=code,
        printed=printed,
        papers=papers,
        claims={number: tuple(lines) for number, lines in claims.items()},
        rejected={number: tuple(reasons) for number, reasons in rejected.items()},
        requests=server.requests(case.model),
    )


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _number(row: Mapping[str, Any]) -> int:
    return int(str(row["paper_id"]).removeprefix("sim-"))
