"""Makes the table "How good is it" from runs, and checks that the documents have it.

    python benchmarks/quality.py --check                    # exit 1 if a document differs
    python benchmarks/quality.py --write
    python benchmarks/quality.py --outside GOLD --write     # measures the yardsticks again too

Each row is measured by a run over recorded replies, or over a model that needs neither network nor
key; a row that cannot be measured here is left out and named. The yardsticks' texts are not in the
repository, so their counts are kept in `fixtures/outside/scores.json` and are measured again with
`--outside`: a folder with the prepared files, as `benchmarks/outside.py` reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from claimgrid.evaluate.gold_files import read_gold
from claimgrid.evaluate.scoring import ScoreReport, evaluate
from claimgrid.io import run_folder
from claimgrid.types.paper import Paper
from figures import alike
from outside import read_gold as read_outside
from outside import score as score_outside
from outside import unpack

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = ROOT / "fixtures" / "outside"
SCORES = OUTSIDE / "scores.json"
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "evaluation.md")
MARKS = ("<!-- quality:begin -->", "<!-- quality:end -->")
SOURCES = {
    "seeds": (ROOT / "seeds" / "listing.txt", ROOT / "fixtures" / "gold" / "seeds.jsonl"),
    "open": (
        ROOT / "fixtures" / "gold" / "open-abstracts.jsonl",
        ROOT / "fixtures" / "gold" / "open.jsonl",
    ),
}


@dataclass(frozen=True)
class System:
    """A row of the table: how people call it, and how the command line does."""

    name: str
    model: str
    gold: tuple[str, ...]
    replay: str = "only"


SYSTEMS = (
    System("strong model (recorded)", "claude", ("seeds", "open")),
    System("local model: reader", "reader", ("seeds", "open"), replay="off"),
    System("no model: rules", "rules", ("seeds", "open"), replay="off"),
)


def measure(system: System, gold: str) -> ScoreReport | None:
    """The scores of one system; None if it answers for no paper."""
    source, labels = SOURCES[gold]
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-m", "claimgrid", "run", str(source), "-o", out, "--model",
             system.model, "--replay", system.replay, "--log-format", "none"],
            cwd=ROOT, env=os.environ | {"CLAIMGRID_MODELS": out}, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode not in (0, 1):  # 1: some papers failed, and count as missed
            return None
        folder = Path(out)
        if not any(p.status in ("claims", "no_claims") for p in run_folder.read_papers(folder)):
            return None
        lines, claims = run_folder.read_papers(folder), run_folder.read_claims(folder)
        return evaluate(read_gold(labels), lines, claims)


def table() -> tuple[str, list[str]]:
    """The table of systems and that of the yardsticks; and the rows that could not be measured."""
    rows, left_out = [], []
    for system in SYSTEMS:
        for gold in system.gold:
            report = measure(system, gold)
            if report is None:
                left_out.append(f"{system.name} on {gold}")
                continue
            ends = report.intervals()
            f1, whole = ends["f1"], ends["whole_claim_accuracy"]
            assert f1 is not None
            assert whole is not None
            rows.append(
                f"| {system.name} | {gold}, {report.papers} | "
                f"{report.total.f1:.3f} ({f1.low:.2f}–{f1.high:.2f}) | "
                f"{report.whole_claims.accuracy:.3f} ({whole.low:.2f}–{whole.high:.2f}) | "
                f"{report.whole_claims_lenient.accuracy:.3f} | {report.grounding.f1:.3f} |"
            )
    head = [
        "| system | gold, papers | F1 (95%) | whole claims right (95%) | with lenient names "
        "| grounding F1 |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    found = json.loads(SCORES.read_text(encoding="utf-8"))
    yardsticks = ["", "| entered by people, recorded strong model | found | of | recall |"]
    yardsticks.append("| --- | ---: | ---: | ---: |")
    for source, counts in found.items():
        for name, (right, of) in counts.items():
            yardsticks.append(f"| {source}: {name} | {right} | {of} | {right / of:.1%} |")
    return "\n".join([*head, *rows, *yardsticks]), left_out


def measure_outside(gold: Path) -> None:
    """Rebuild the runs from the packed replies and write their counts."""
    found = {}
    for name, source in (("sota", "CLEF'24 SOTA corpus"), ("epoch", "Epoch AI")):
        papers = list(read_outside(gold))
        texts = [Paper(paper_id=p.id, title=p.title, abstract=p.abstract) for p in papers]
        with tempfile.TemporaryDirectory() as out:
            unpack(OUTSIDE / f"{name}.jsonl.gz", texts, Path(out))
            found[source] = score_outside(papers, Path(out)).rows
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    SCORES.write_text(text, encoding="utf-8")


def placed(text: str, made: str, marks: tuple[str, str] = MARKS) -> str:
    """A document with the table between its markers."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    return f"{before}{begin}\n{made}\n{end}{after}" if begin and end else text


def same_table(shown: str, made: str) -> bool:
    """Whether a document has the figures of today; those of the reader may differ a little."""
    lines = list(zip(shown.splitlines(), made.splitlines(), strict=False))
    return len(shown.splitlines()) == len(made.splitlines()) and all(
        one == other or (one.startswith("| local model") and alike(one, other))
        for one, other in lines
    )


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--outside", type=Path, metavar="GOLD")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.outside:
        measure_outside(given.outside)
    made, left_out = table()
    for name in left_out:
        print(f"not measured here: {name}", file=sys.stderr)
    stale = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        today = placed(text, made)
        if not same_table(text, today):
            stale.append(path.name)
        if given.write and today != text:
            path.write_text(today, encoding="utf-8")
    if given.check and stale:
        print(f"{', '.join(stale)}: not the table of today; run benchmarks/quality.py --write")
        return 1
    if not given.check:
        print(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
