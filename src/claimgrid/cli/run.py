"""`extract run`: extracts the claims of a source into the folder of a run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from claimgrid import settings, sources
from claimgrid.cli.options import (
    PATH,
    embedded_options,
    scale_options,
    several_models_options,
    source_options,
    taken_source_options,
)
from claimgrid.cli.progress import LogFormat, progress
from claimgrid.cli.run_report import print_summary, tell_decisions
from claimgrid.engines import agreement_runs, ray_engine
from claimgrid.engines.local_engine import run_source
from claimgrid.engines.ray_cluster import RayOptions
from claimgrid.engines.run_setup import FinishedRun
from claimgrid.errors import UsageError
from claimgrid.llm.budget import SpendLimits


def run(
    names: Sequence[str],
    out: Path | None,
    given: settings.Settings,
    *,
    limits: SpendLimits | None = None,
    log_format: LogFormat = "bar",
    choice: dict[str, Any] | None = None,
    ray_options: RayOptions | None = None,
    models: Sequence[str] = (),
    samples: int = 1,
) -> int:
    """Extract the claims of sources into `out`, with progress and a summary for a person.

    Args:
        choice: which papers of the sources, as keyword arguments of `sources.read`.
        ray_options: of the cluster that runs it; None runs it in this process.
        models: more than one, or more than one of `samples`, makes a run each and joins them.

    Returns:
        The exit code: 0 if every paper came out, 1 if some failed or a limit stopped the run, 130
        after Ctrl-C.

    Raises:
        ClaimgridError: the run cannot begin, or its folder cannot be written.
    """
    source = " ".join(names)
    engine = (
        run_source
        if ray_options is None
        else functools.partial(ray_engine.run_source, ray_options=ray_options)
    )
    read = functools.partial(sources.read, *names, **choice or {})
    watcher = functools.partial(progress, log_format)
    if samples * max(1, len(models)) == 1:
        if models:
            given = given.model_copy(update={"model": models[0]})
        done = engine(
            source, out, given, items=read(), limits=limits, watcher=watcher, tell=_tell
        )  # fmt: skip
    else:
        done = agreement_runs.run_source(
            source, out, agreement_runs.samples_of(given, models, samples),
            read=_again(read) if "-" in names else read, least=given.min_confidence, engine=engine,
            limits=limits or SpendLimits(), watcher=watcher, tell=_tell, announce=_tell,
        )  # fmt: skip
    _print(names, done)
    return done.exit_code


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


def _again(read: Callable[[], Iterator[sources.SourceItem]]) -> Callable[[], Any]:
    """Standard input can be read once: its papers are kept for the runs after the first."""
    kept = list(read())
    return lambda: iter(kept)


def _print(names: Sequence[str], done: FinishedRun) -> None:
    console = Console(highlight=False)
    summary, told = done.summary, done.manifest
    if "-" in names and summary.papers == 1 and summary.last and not summary.failures.total:
        from claimgrid.cli.show import print_paper

        print_paper(console, summary.last.paper, summary.last.claims, summary.last.rejected)
    print_summary(console, done.folder, summary, told)
    tell_decisions(done.folder)
    if done.kept_earlier:
        console.print(
            f"[yellow]no paper came out[/]: {escape(str(done.folder))} keeps the results of the "
            "earlier run",
            soft_wrap=True,
        )
    for name in (name for source in names for name in sources.skipped(source)):
        console.print(f"[yellow]skipped[/] {escape(name)}: not a source file", soft_wrap=True)
    if told["stopped_by"]:
        console.print(
            f"[yellow]stopped[/] by {escape(told['stopped_by'])}: the results cover part of the "
            "source; the same command continues from here and pays for no reply twice",
            soft_wrap=True,
        )


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, help="Folder of the run. Default: outputs/<source>.")
@source_options
@several_models_options
@embedded_options
@click.option(
    "--replay",
    type=click.Choice(["auto", "only", "refresh", "off"]),
    help="auto: recorded replies where there are any, else the model. only: never ask. refresh: "
    "ask and record anew. off: ask, record nothing. Default: auto.",
)
@click.option(
    "--concurrency",
    type=int,
    metavar="N",
    help="Most requests under way; fewer where the server slows down. Default: 32.",
)
@click.option(
    "--pack",
    type=int,
    metavar="N",
    help="Ask about N papers in one request: far fewer input tokens, the same F1 as measured. "
    "Papers without a valid part of the reply are asked about alone. Default: 1.",
)
@click.option(
    "--min-confidence",
    type=float,
    metavar="P",
    help="Reject claims of a lower confidence, where there is one (reader, --samples, several "
    "--model).",
)
@click.option(
    "--doubt",
    type=float,
    metavar="N",
    help="With --model reader+NAME: ask NAME about an abstract where more than N claims are "
    "expected to be wrong or missed. Default: 1.",
)
@click.option("--rpm", type=float, metavar="N", help="Most requests per minute.")
@click.option("--tpm", type=float, metavar="N", help="Most tokens per minute, in and out.")
@click.option("--timeout", type=float, metavar="S", help="Seconds for one request. Default: 120.")
@click.option("--attempts", type=int, metavar="N", help="Tries of a failing server. Default: 6.")
@click.option("--reasks", type=int, metavar="N", help="Re-asks after an invalid reply. Default: 2.")
@click.option("--max-cost", type=float, metavar="USD", help="Stop before spending more.")
@click.option("--max-requests", type=int, metavar="N", help="Stop after so many live requests.")
@click.option("--max-minutes", type=float, metavar="N", help="Begin no paper after so long.")
@scale_options
@click.option(
    "--log-format",
    type=click.Choice(["bar", "json", "none"]),
    default="bar",
    help="Progress on standard error: a bar (in a log, a line every 15 seconds), JSON lines, or "
    "none.",
)
def command(
    source: tuple[str, ...],
    out: Path | None,
    max_cost: float | None,
    max_requests: int | None,
    max_minutes: float | None,
    log_format: str,
    engine: str,
    address: str | None,
    workers: int | None,
    models: tuple[str, ...],
    samples: int,
    **flags: Any,
) -> None:
    """Extract the claims of SOURCE…: files, folders, URLs, arxiv:ID, doi:…, or - for stdin.

    Reads BibTeX, RIS, CSL-JSON, CSV, spreadsheets, Parquet, JSON Lines, the arXiv snapshot,
    OpenAlex, Semantic Scholar, Crossref, PubMed, JATS, listings and plain abstracts, packed or not;
    `extract sources` says what it sees. Exit code 0: all papers came out; 1: some failed (see
    papers.jsonl); 2: wrong usage or set-up.
    """
    limits = SpendLimits(cost=max_cost, requests=max_requests, minutes=max_minutes)
    choice = taken_source_options(flags)
    given = settings.load(**flags)
    if engine != "ray" and (address or workers):
        raise UsageError("--address and --workers go with --engine ray")
    cluster = RayOptions(address, workers) if engine == "ray" else None
    told: LogFormat = log_format  # type: ignore[assignment]
    done = run(
        source, out, given, limits=limits, log_format=told, choice=choice, ray_options=cluster,
        models=models, samples=samples,
    )  # fmt: skip
    sys.exit(done)
