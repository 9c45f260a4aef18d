"""Measures how far the confidence of claims can be believed, and checks that the document says so.

    python benchmarks/confidence.py --check                 # exit 1 if docs/evaluation.md differs
    python benchmarks/confidence.py --write                 # the tables and docs/risk-coverage.svg

Both gold sets of this project are read by the local reader, which gives a probability to each
claim, and by three systems, whose agreement is the support of a claim. Needs no network and no key.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claimgrid.evaluate import score_output
from claimgrid.evaluate.gold_files import read_all_gold
from claimgrid.evaluate.scoring import ScoreReport, evaluate
from claimgrid.io import run_folder
from figures import alike
from quality import ROOT, SOURCES, placed

DOCUMENT = ROOT / "docs" / "evaluation.md"
CURVE = ROOT / "docs" / "risk-coverage.svg"
MARKS = ("<!-- confidence:begin -->", "<!-- confidence:end -->")
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 300, 56, 20, 150, 48


@dataclass(frozen=True)
class Measured:
    """A system whose claims have a confidence, and what gold says of them."""

    name: str
    colour: str
    report: ScoreReport


def measure() -> list[Measured]:
    """Run both systems over both gold sets."""
    return [
        Measured("reader: its own probability", "#2563eb", _scored("reader")),
        Measured(
            "support: recorded strong model, reader and rules",
            "#d97706",
            _scored("claude", "reader", "rules"),
        ),
    ]


def _scored(*models: str) -> ScoreReport:
    asked = [part for model in models for part in ("--model", model)]
    sources = [str(source) for source, _ in SOURCES.values()]
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "claimgrid", "run", *sources, "-o", out, *asked,
             "--replay", "only", "--log-format", "none"],
            cwd=ROOT, capture_output=True, check=True,
        )  # fmt: skip
        gold = read_all_gold([labels for _, labels in SOURCES.values()])
        folder = Path(out)
        return evaluate(gold, run_folder.read_papers(folder), run_folder.read_claims(folder))


def tables(measured: Sequence[Measured]) -> str:
    """The reliability table and the risk-coverage table of each system, as Markdown."""
    parts = []
    for one in measured:
        report = one.report
        parts += [
            f"**{one.name}** ({report.papers} papers, {len(report.judged)} claims; calibration "
            f"error {report.calibration_error:.3f})",
            _markdown(score_output.RELIABILITY, score_output.reliability_rows(report)),
            _markdown(score_output.COVERAGE, score_output.coverage_rows(report)),
        ]
    return "\n\n".join(parts)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---:"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def curve(measured: Sequence[Measured]) -> str:
    """Risk over coverage as SVG: a line for claims and a dashed one for whole rows."""
    highest = max(row.whole_risk for one in measured for row in one.report.coverage)
    top = max(0.1, -(-highest // 0.1) * 0.1)
    parts = [*_axes(top)]
    for place, one in enumerate(measured):
        for what, dash in (("risk", "none"), ("whole_risk", "5 4")):
            points = [_at(row.coverage, getattr(row, what), top) for row in one.report.coverage]
            told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(
                f'<polyline fill="none" stroke="{one.colour}" stroke-width="2" '
                f'stroke-dasharray="{dash}" points="{told}"/>'
            )
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{one.colour}"/>'
                      for x, y in points]  # fmt: skip
        y = _TOP + 16 + place * 46
        x = _WIDTH - _RIGHT + 14
        name = one.name.partition(":")[0]
        for row, (words, dash) in enumerate(((name, "none"), (f"{name}, rows", "5 4"))):
            at = y + row * 20
            parts += [
                f'<line x1="{x}" y1="{at - 4}" x2="{x + 22}" y2="{at - 4}" stroke="{one.colour}" '
                f'stroke-width="2" stroke-dasharray="{dash}"/>',
                f'<text x="{x + 30}" y="{at}">{words}</text>',
            ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="Share of wrong claims over the share that is kept">\n'
        "<style>text { font: 13px system-ui, sans-serif; fill: #52525b } "
        ".axis { stroke: #a1a1aa } @media (prefers-color-scheme: dark) "
        "{ text { fill: #d4d4d8 } .axis { stroke: #71717a } }</style>\n"
        f"{body}\n</svg>\n"
    )


def _at(coverage: float, risk: float, top: float) -> tuple[float, float]:
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return _LEFT + coverage * wide, _TOP + (1 - risk / top) * high


def _axes(top: float) -> list[str]:
    parts = []
    for step in range(6):
        x, y = _at(step / 5, 0, top)
        parts.append(
            f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{step / 5:.0%}</text>'
        )
    for step in range(round(top * 10) + 1):
        x, y = _at(0, step / 10, top)
        parts.append(
            f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{step / 10:.0%}</text>'
        )
        end, _ = _at(1, 0, top)
        parts.append(
            f'<line class="axis" x1="{x:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{y:.1f}" '
            f'stroke-width="{1 if step == 0 else 0.4}"/>'
        )
    x, y = _at(0.5, 0, top)
    parts.append(
        f'<text x="{x:.1f}" y="{y + 38:.1f}" text-anchor="middle">claims kept, the surest first; '
        "up: the share of them that is wrong</text>"
    )
    return parts


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    measured = measure()
    shown = DOCUMENT.read_text(encoding="utf-8")
    made = placed(shown, tables(measured), MARKS)
    if given.write:
        DOCUMENT.write_text(made, encoding="utf-8")
        CURVE.write_text(curve(measured), encoding="utf-8")
    elif given.check and not (CURVE.exists() and alike(shown, made)):
        print(f"{DOCUMENT.name}: not the measure of today; run benchmarks/confidence.py --write")
        return 1
    if not given.check:
        print(tables(measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
