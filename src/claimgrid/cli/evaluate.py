"""`extract eval`: a run and gold ─► a table of scores and the list of differences."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH
from claimgrid.evaluate.scoring import Score, ScoreReport, read_gold
from claimgrid.evaluate.scoring import evaluate as score_run
from claimgrid.io import run_folder


def evaluate(folder: Path, gold: Path, *, as_json: bool) -> int:
    """Print the scores of a run. Returns 0 whatever they are."""
    report = score_run(
        read_gold(gold), run_folder.read_papers(folder), run_folder.read_claims(folder)
    )
    if as_json:
        click.echo(json.dumps(_plain(report), indent=1, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    console.print(_scores(report))
    console.print(_attributes(report))
    if report.absent:
        console.print(f"[red]not in the run:[/] {', '.join(report.absent)}")
    if report.wrong_offsets:
        console.print(f"[red]evidence offsets that are wrong: {report.wrong_offsets}[/]")
    for item in report.differences:
        colour = "red" if item.what == "missed" else "yellow"
        line = Text.assemble(
            (f"{item.what:<7}", colour), f"{item.kind:<11}{item.paper_id}: ", (item.words, "bold")
        )
        console.print(line.append(f"  [{item.key}]", "dim"), soft_wrap=True)
    return 0


def _scores(report: ScoreReport) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("kind", "precision", "recall", "F1", "matched", "extra", "missed", "optional"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    rows: list[tuple[str, Score]] = [*report.kinds.items(), ("all", report.total)]
    for name, score in rows:
        ratios = (f"{x:.3f}" for x in (score.precision, score.recall, score.f1))
        counts = (score.matched, score.extra, score.missed, score.optional)
        table.add_row(name, *ratios, *map(str, counts), style="bold" if name == "all" else "")
    return table


def _attributes(report: ScoreReport) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("attribute", "right", "of", "accuracy"):
        table.add_column(name, justify="left" if name == "attribute" else "right")
    for name, (right, of) in report.attributes.items():
        table.add_row(name, str(right), str(of), f"{right / of:.3f}" if of else "–")
    return table


def _plain(report: ScoreReport) -> dict[str, Any]:
    def scored(score: Score) -> dict[str, float]:
        ratios = {name: round(getattr(score, name), 4) for name in ("precision", "recall", "f1")}
        return ratios | asdict(score)

    return {
        "papers": report.papers,
        "absent": report.absent,
        "wrong_offsets": report.wrong_offsets,
        "kinds": {kind: scored(score) for kind, score in report.kinds.items()},
        "all": scored(report.total),
        "attributes": {name: tuple(counts) for name, counts in report.attributes.items()},
        "differences": [asdict(item) for item in report.differences],
    }


@click.command("eval")
@click.argument("folder", metavar="OUT", type=PATH)
@click.option("--gold", type=PATH, required=True, help="JSON Lines of labelled claims.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def command(folder: Path, gold: Path, as_json: bool) -> None:
    """Score a run against gold: precision, recall and F1 by kind, and what differs."""
    sys.exit(evaluate(folder, gold, as_json=as_json))
