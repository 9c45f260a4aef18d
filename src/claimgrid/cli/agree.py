"""`extract agree`: joins finished runs over the same papers, and counts who makes each claim."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from claimgrid.cli.options import PATH
from claimgrid.cli.run_report import print_summary
from claimgrid.engines import agreement_runs
from claimgrid.errors import UsageError


@click.command()
@click.argument("runs", metavar="RUN RUN…", type=PATH, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the joined run.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Reject claims that a smaller share of the runs makes.",
)
def command(runs: tuple[Path, ...], out: Path, min_confidence: float | None) -> None:
    """Join finished runs over the same papers: how many of them make each claim.

    Each claim of OUT has `support`, the share of the runs that make the same row; what they
    disagree on is listed in OUT/disagreements.jsonl. `extract run --samples N`, or with several
    --model, makes the runs too.
    """
    if len({run.resolve() for run in runs}) < len(runs) or len(runs) < 2:
        raise UsageError("name two runs or more, each once")
    if out.resolve() in {run.resolve() for run in runs}:
        raise UsageError(f"{out} is one of the runs; pass another -o FOLDER")
    done = agreement_runs.joined(out, runs, [str(run) for run in runs], min_confidence)
    print_summary(Console(highlight=False), done.folder, done.summary, done.manifest)
    sys.exit(0)
