"""Measures the local reader on abstracts with gold: quality, calibration, pace, memory, cascade.

    python benchmarks/reader.py ABSTRACTS.jsonl GOLD.jsonl [--model reader] [--repeat 1]

The cascade's rows take gold for what the second model would have said of the abstracts that are
sent to it: they are the most that a cascade can reach.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimgrid import sources
from claimgrid.engines import in_process
from claimgrid.evaluate import scoring
from claimgrid.extraction.pipeline import read_answer
from claimgrid.reader import calibration
from claimgrid.training.reader_fitting import right
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

DOUBTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 99.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One abstract: its outcome, the reader's doubt, and what gold says of it."""

    outcome: Outcome
    doubt: float
    gold: Mapping[str, Any]

    @property
    def due(self) -> list[Mapping[str, Any]]:
        lines = self.gold["claims"]
        return [g for g in lines if not g.get("optional") and g.get("stance") != "background"]


def f1(right_: float, found: float, due: float) -> float:
    return 2 * right_ / (found + due) if found + due else 1.0


def counts(rows: Sequence[Row], sent: frozenset[int]) -> tuple[float, float]:
    """F1 by key and with every field right, gold standing in for the abstracts that are sent."""
    hits = whole = found = due = 0
    for index, row in enumerate(rows):
        due += len(row.due)
        if index in sent:
            hits, whole, found = hits + len(row.due), whole + len(row.due), found + len(row.due)
            continue
        report = scoring.evaluate([row.gold], [row.outcome.paper], row.outcome.claims)
        hits += report.total.matched
        found += report.total.matched + report.total.extra
        whole += sum(any(right(g, claim) for claim in row.outcome.claims) for g in row.due)
    return f1(hits, found, due), f1(whole, found, due)


def quality(rows: Sequence[Row]) -> None:
    report = scoring.evaluate(
        [row.gold for row in rows],
        [row.outcome.paper for row in rows],
        [claim for row in rows for claim in row.outcome.claims],
    )
    print(
        "| kind | precision | recall | F1 | whole rows right, of matched |\n| --- |" + " --- |" * 4
    )
    for kind, score in [*report.kinds.items(), ("all", report.total)]:
        whole = matched = 0
        for row in rows:
            for line in row.due:
                if kind in (line["kind"], "all"):
                    same = [c for c in row.outcome.claims if scoring.same(line, c)]
                    matched += bool(same)
                    whole += any(right(line, claim) for claim in same)
        print(
            f"| {kind} | {score.precision:.3f} | {score.recall:.3f} | {score.f1:.3f} "
            f"| {whole} of {matched} |"
        )
    print("\nattributes:", {k: f"{a} of {b}" for k, (a, b) in report.attributes.items() if b})
    by_key, whole_f1 = counts(rows, frozenset())
    print(f"F1 {by_key:.3f}, with every field right {whole_f1:.3f}")


def sure(rows: Sequence[Row]) -> Iterator[tuple[float, bool]]:
    for row in rows:
        for claim in row.outcome.claims:
            if claim.confidence is not None and claim.stance == "own":
                yield claim.confidence, any(scoring.same(g, claim) for g in row.gold["claims"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    gold = {line["id"]: line for line in scoring.read_gold(given.gold)}
    papers = [p for p in sources.read(given.source) if isinstance(p, Paper) and p.paper_id in gold]
    began = time.perf_counter()
    model = in_process.load(given.model, given.threads)
    model.answer(papers[0].title, papers[0].abstract)
    loaded = time.perf_counter() - began
    rows: list[Row] = []
    began = time.perf_counter()
    for _ in range(given.repeat):
        rows = []
        for paper in papers:
            answer, doubt = model.answer(paper.title, paper.abstract)
            rows.append(Row(read_answer(paper, answer), doubt, gold[paper.paper_id]))
    seconds = (time.perf_counter() - began) / given.repeat
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{model.name}: {len(papers)} abstracts\n")
    quality(rows)
    outcomes = list(sure(rows))
    if outcomes:
        shares = {f"{k:.0%}": round(v, 3) for k, v in calibration.coverage(outcomes).items()}
        print(f"calibration error {calibration.error(outcomes):.3f}; the surest claims: {shares}")
        print("\n| doubt above which an abstract is sent | sent | F1 at best | whole at best |")
        print("| --- | --- | --- | --- |")
        for doubt in DOUBTS:
            sent = frozenset(i for i, row in enumerate(rows) if row.doubt > doubt)
            by_key, whole = counts(rows, sent)
            print(f"| {doubt:g} | {len(sent) / len(rows):.0%} | {by_key:.3f} | {whole:.3f} |")
    print(
        f"\n{60 * len(papers) / seconds:,.0f} abstracts a minute end to end, "
        f"{1e3 * seconds / len(papers):.1f} ms each; loaded in {loaded:.1f} s; peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
