"""`extract eval`: scores a run against gold and lists every error with its cause."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH
from claimgrid.evaluate import score_output
from claimgrid.evaluate.gold_files import may_join, read_all_gold
from claimgrid.evaluate.scoring import ScoreReport
from claimgrid.evaluate.scoring import evaluate as score_run
from claimgrid.io import run_folder


def evaluate(
    folder: Path, gold: tuple[Path, ...], *, form: str, out: Path | None, fail_under: float | None
) -> int:
    """Print or write the scores of a run.

    Returns:
        1 if F1 over all claims is below `fail_under`, else 0.
    """
    labelled = read_all_gold(gold)
    # Only the gold's papers are read as what they are: a run may be a thousand times larger.
    papers = list(run_folder.read_papers(folder, may_join(labelled)))
    mine = run_folder.of_papers({paper.paper_id for paper in papers})
    report = score_run(labelled, papers, run_folder.read_claims(folder, mine))
    for told in score_output.warnings(report):
        click.echo(f"extract: {told}", err=True)
    if form == "table":
        console = Console(highlight=False)
        _print(console, report)
    else:
        made = _made(report, form, folder.name or str(folder), fail_under)
        if out is None:
            click.echo(made)
        else:
            out.write_text(made + "\n", encoding="utf-8")
    failed = fail_under is not None and report.total.f1 < fail_under
    if failed:
        told = f"F1 {report.total.f1:.4f} is below --fail-under {fail_under:g}"
        click.echo(f"extract: {told}", err=True)
    return int(failed)


def _made(report: ScoreReport, form: str, name: str, fail_under: float | None) -> str:
    if form == "json":
        return json.dumps(score_output.as_json(report), indent=1, ensure_ascii=False)
    if form == "junit":
        return score_output.as_junit(report, name=name, fail_under=fail_under)
    return score_output.as_html(report, name=name)


def _print(console: Console, report: ScoreReport) -> None:
    rows = score_output.summary_rows(report)
    console.print(_table(("score", "value", "95% interval"), rows), "")
    head = ("kind", "precision", "recall", "F1", "whole", "matched", "extra", "missed")
    console.print(_table(head, score_output.kind_rows(report)), "")
    fields = score_output.field_rows(report)
    console.print(_table(("field", "right", "of", "accuracy"), fields), "")
    if report.judged:
        told = f"confidence (calibration error {report.calibration_error:.3f})"
        first = (told, *score_output.RELIABILITY[1:])
        console.print(_table(first, score_output.reliability_rows(report)), "")
        console.print(_table(score_output.COVERAGE, score_output.coverage_rows(report)), "")
    causes = [(cause, str(count)) for cause, count in report.causes.items() if count]
    console.print(_table(("errors by cause", "count"), causes or [("none", "")]))
    for error in report.errors:
        costs = error.cause in ("missed", "invented") or error.gold is None
        line = Text.assemble(
            "\n",
            (error.cause, "red" if costs else "yellow"),
            f" {error.kind.replace('_', ' ')} ",
            (error.paper_id, "dim"),
        )
        for side, words in (("gold", error.gold), ("run", error.found)):
            if words is not None and not (side == "run" and words == error.gold):
                line.append(f"\n  {side:<4} ", "dim").append(words, "bold")
        console.print(line.append(f"\n       {error.detail}", "dim"), soft_wrap=True)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for index, name in enumerate(head):
        table.add_column(name, justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*row, style="bold" if row[0] == "all" else "")
    return table


@click.command("eval")
@click.argument("folder", metavar="OUT", type=PATH)
@click.option(
    "--gold",
    type=PATH,
    required=True,
    multiple=True,
    help="JSON Lines of labelled claims; may be given several times.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "html", "junit"]),
    default="table",
    help="table: for a terminal. html: one page with every error. junit: for CI. Default: table.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("-o", "--out", type=PATH, help="File for json, html or junit. Default: print it.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    metavar="F1",
    help="Exit with 1 if F1 over all claims is lower.",
)
def command(
    folder: Path, gold: tuple[Path, ...], form: str, out: Path | None, fail_under: float | None
) -> None:
    """Score a run against gold: precision, recall and F1 by kind, and what differs.

    Whole-claim accuracy is the share right of all rows that gold or the run has, where a row is
    right only with every field. Papers of the gold that the run lacks count as missed.
    """
    sys.exit(evaluate(folder, gold, form=form, out=out, fail_under=fail_under))
