"""`extract leaderboard` ranks the results of runs, a board for each benchmark and metric."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from claimgrid.cli.options import min_confidence_option
from claimgrid.cli.table_output import emit, every_run_option, format_of, format_options
from claimgrid.errors import UsageError
from claimgrid.tables import leaderboard, over_time, views

_SHOWS = ("boards", "speedups", "hardware")


def _none(fewest: int) -> str:
    if fewest == 1:
        return "No abstract states a score on a benchmark."
    return (
        f"No benchmark has scores by one metric from {fewest} papers; --least 1 shows also the "
        "boards of one paper."
    )


@click.command()
@click.argument("outs", metavar="OUT…", nargs=-1, required=True)
@click.option(
    "--show",
    type=click.Choice(_SHOWS),
    default="boards",
    show_default=True,
    help="boards: results by benchmark and metric; speedups: gains by date; hardware: devices by "
    "year.",
)
@click.option("--benchmark", metavar="NAME", help="This benchmark only, in any spelling.")
@click.option("--metric", metavar="NAME", help="This metric only.")
@click.option(
    "--least",
    type=click.IntRange(min=1),
    metavar="N",
    help="Papers that a board must hold. Default: 2, or 1 where a benchmark is named.",
)
@min_confidence_option
@every_run_option
@format_options
def command(
    outs: tuple[str, ...],
    show: str,
    benchmark: str | None,
    metric: str | None,
    least: int | None,
    min_confidence: float | None,
    every_run: bool,
    form: str | None,
    out: Path | None,
) -> None:
    """Rank the results of one or more runs, a board for each benchmark and metric.

    The best comes first, by what is better for the metric; ★ marks what was the best at its date.
    Rows that were measured under other conditions than the best one are marked and get no rank. OUT
    is what `extract table` takes.
    """
    form = format_of(form, out)
    if show != "boards" and (benchmark or metric or least):
        raise UsageError("--benchmark, --metric and --least go with --show boards")
    database = views.connect(outs, every_run=every_run)
    if show == "boards":
        fewest = least or (1 if benchmark else 2)
        found = leaderboard.boards(database, benchmark, metric, fewest, min_confidence)
        if benchmark and not found and metric is None:
            raise leaderboard.wanted(database, benchmark)
        notes = database.about if found else (_none(fewest), *database.about)
        made = leaderboard.laid_out(found, notes)
        grid, frame = made.grid, made.frame
    else:
        grid, frame = getattr(over_time, show)(database, min_confidence)
    emit([grid], frame, form, out, database.about)
    sys.exit(0)
