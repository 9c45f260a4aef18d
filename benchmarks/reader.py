"""Measures the local reader on abstracts with gold: quality, calibration, pace, memory, cascade.

    python benchmarks/reader.py ABSTRACTS.jsonl GOLD.jsonl [--model reader] [--strong RUN]

The cascade's rows take what the second model said of the abstracts that are sent to it from the
folder of its run (`--strong`). Without one they take gold: the most that a cascade can reach.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from claimgrid import sources
from claimgrid.engines import in_process
from claimgrid.evaluate import scoring
from claimgrid.evaluate.matching import is_free, same
from claimgrid.evaluate.scoring import PaperScore, Score
from claimgrid.extraction.pipeline import read_answer
from claimgrid.io import run_folder
from claimgrid.reader import calibration
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

DOUBTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 99.0)
Gold = dict[str, Any]


def quality(outcomes: Sequence[Outcome], gold: Sequence[Gold]) -> list[PaperScore]:
    claims = [claim for outcome in outcomes for claim in outcome.claims]
    report = scoring.evaluate(gold, [outcome.paper for outcome in outcomes], claims)
    print("| kind | precision | recall | F1 | F1 with every field right |")
    print("| --- | --- | --- | --- | --- |")
    rows = [(kind, score, score.only(report.whole[kind])) for kind, score in report.kinds.items()]
    for kind, score, whole in [*rows, ("all", report.total, report.whole_claims)]:
        figures = (score.precision, score.recall, score.f1, whole.f1)
        print(f"| {kind} | {' | '.join(f'{x:.3f}' for x in figures)} |")
    print(f"\nwith names that need only be alike: {report.whole_claims_lenient.f1:.3f}")
    print("fields:", ", ".join(f"{k} {a} of {b}" for k, (a, b) in report.attributes.items() if b))
    return report.by_paper


def sure(outcomes: Sequence[Outcome], gold: Sequence[Gold]) -> Iterator[tuple[float, bool]]:
    for outcome, lines in zip(outcomes, gold, strict=True):
        for claim in outcome.claims:
            if claim.confidence is not None and claim.stance == "own":
                yield claim.confidence, any(same(line, claim) for line in lines["claims"])


def second_model(run: Path | None, gold: Sequence[Gold]) -> list[PaperScore] | None:
    """What a run of the second model comes to, paper by paper; None without a run."""
    if run is None:
        return None
    lines, claims = run_folder.read_papers(run), run_folder.read_claims(run)
    return scoring.evaluate(gold, lines, claims).by_paper


def cascade(
    papers: Sequence[PaperScore],
    gold: Sequence[Gold],
    doubts: Sequence[float],
    second: Sequence[PaperScore] | None,
) -> None:
    at_best = "" if second else " at best"
    print(f"\n| doubt above which an abstract is sent | sent | F1{at_best} | whole{at_best} |")
    print("| --- | --- | --- | --- |")
    for limit in DOUBTS:
        by_key, whole, sent = Score(), 0, 0
        for index, (paper, lines, doubt) in enumerate(zip(papers, gold, doubts, strict=True)):
            score, right = paper.score, paper.whole
            if doubt > limit:
                sent += 1
                if second is None:
                    right = sum(not is_free(line) for line in lines["claims"])
                    score = Score(matched=right)
                else:
                    score, right = second[index].score, second[index].whole
            by_key = scoring.summed([by_key, score])
            whole += right
        share, best = sent / len(gold), by_key.only(whole)
        print(f"| {limit:g} | {share:.0%} | {by_key.f1:.3f} | {best.f1:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--strong", type=Path, help="folder of a run of the second model")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    known = {line["id"]: line for line in scoring.read_gold(given.gold)}
    papers = [p for p in sources.read(given.source) if isinstance(p, Paper) and p.paper_id in known]
    gold = [known[paper.paper_id] for paper in papers]
    began = time.perf_counter()
    model = in_process.load(given.model, given.threads)
    model.answer(papers[0].title, papers[0].abstract)
    loaded = time.perf_counter() - began
    outcomes: list[Outcome] = []
    doubts: list[float] = []
    began, busy = time.perf_counter(), time.process_time()
    for _ in range(given.repeat):
        outcomes, doubts = [], []
        for paper in papers:
            answer, doubt = model.answer(paper.title, paper.abstract)
            outcomes.append(read_answer(paper, answer))
            doubts.append(doubt)
    count = given.repeat * len(papers)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{model.name}: {len(papers)} abstracts\n")
    scores = quality(outcomes, gold)
    told = list(sure(outcomes, gold))
    if told:
        shares = {f"{k:.0%}": round(v, 3) for k, v in calibration.coverage(told).items()}
        print(f"calibration error {calibration.error(told):.3f}; the surest claims: {shares}")
        cascade(scores, gold, doubts, second_model(given.strong, gold))
    print(
        f"\n{60 * count / seconds:,.0f} abstracts a minute end to end, "
        f"{1e3 * seconds / count:.1f} ms each ({1e3 * busy / count:.1f} ms of processor time); "
        f"loaded in {loaded:.1f} s; peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
