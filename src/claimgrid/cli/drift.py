"""`extract drift`: asks a sample of a source again and reports how many claims changed."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from claimgrid import settings, sources
from claimgrid.cli.diff import print_diff
from claimgrid.cli.options import PATH, ignore_option, model_options
from claimgrid.engines.local_engine import run_source
from claimgrid.engines.run_setup import Unwatched
from claimgrid.errors import UsageError
from claimgrid.evaluate import diff_output
from claimgrid.evaluate.bootstrap import SEED, Interval, interval
from claimgrid.evaluate.run_diff import RunDiff, RunSide, diff
from claimgrid.io import run_folder
from claimgrid.text.counted import counted
from claimgrid.types.paper import Paper


def drift(
    source: str,
    stored: Path | None,
    given: settings.Settings,
    *,
    sample: int,
    form: str,
    ignore: tuple[str, ...] = (),
) -> int:
    """Compare what is stored for a sample of papers with what the model says today.

    Args:
        stored: folder of an earlier run; None takes the recordings of the same model.
        ignore: fields whose difference makes no change.
    """
    if given.model is None:
        raise UsageError("pass --model NAME: the model that is to be asked again")
    papers = _sample(source, sample)
    with tempfile.TemporaryDirectory(prefix="claimgrid-") as temporary:
        folder = Path(temporary)
        if stored is None:
            before = _run(papers, folder / "stored", given.model_copy(update={"replay": "only"}))
        else:
            before = stored
        after = _run(papers, folder / "live", given.model_copy(update={"replay": "off"}))
        names = {paper.paper_id for paper in papers}
        failed = _failed(before, names), _failed(after, names)
        compared = names - failed[0] - failed[1]
        found = diff(_side(before, compared), _side(after, compared), ignore)
    rate = interval(found.by_paper, _rate)
    if form == "json":
        click.echo(json.dumps(_plain(found, rate, failed), indent=1, ensure_ascii=False))
    else:
        _print(Console(highlight=False), found, rate, failed)
    return 2 if not compared else 0


def _sample(source: str, size: int) -> list[Paper]:
    """A sample of papers that is the same each time, in the order of the source."""
    papers = [item for item in sources.read(source) if isinstance(item, Paper)]
    if not papers:
        raise UsageError(f"{source} holds no paper")
    chosen = random.Random(SEED).sample(range(len(papers)), min(size, len(papers)))  # noqa: S311
    return [papers[index] for index in sorted(chosen)]


def _run(papers: list[Paper], out: Path, given: settings.Settings) -> Path:
    run_source("sample", out, given, items=iter(papers), watcher=Unwatched, tell=_tell)
    return out


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


def _failed(folder: Path, names: set[str]) -> set[str]:
    came_out = {
        line.paper_id
        for line in run_folder.read_papers(folder)
        if line.status in ("claims", "no_claims")
    }
    return names - came_out


def _side(folder: Path, names: set[str]) -> RunSide:
    return RunSide(
        (line for line in run_folder.read_papers(folder) if line.paper_id in names),
        (claim for claim in run_folder.read_claims(folder) if claim.paper_id in names),
    )


def _rate(papers: Any) -> float:
    changed, all_claims = (sum(paper[index] for paper in papers) for index in (1, 2))
    return changed / all_claims if all_claims else 0.0


def _plain(
    found: RunDiff, rate: Interval | None, failed: tuple[set[str], set[str]]
) -> dict[str, Any]:
    return diff_output.as_json(found) | {
        "papers": len(found.by_paper),
        "change_rate": round(found.change_rate, 4),
        "interval": [round(end, 4) for end in rate] if rate else None,
        "not_stored": sorted(failed[0]),
        "not_answered": sorted(failed[1]),
    }


def _print(
    console: Console, found: RunDiff, rate: Interval | None, failed: tuple[set[str], set[str]]
) -> None:
    print_diff(console, found)
    ends = f" (95% interval {rate.low:.1%}–{rate.high:.1%})" if rate else ""
    papers = counted(len(found.by_paper), "paper")
    console.print(
        f"\n{found.change_rate:.1%} of the claims of {papers} changed{ends}", style="bold"
    )
    for why, names in zip(("nothing stored", "no live answer"), failed, strict=True):
        if names:
            console.print(f"[yellow]{why}[/] for {', '.join(sorted(names))}", soft_wrap=True)


@click.command()
@click.argument("source")
@click.option("--sample", type=click.IntRange(min=1), default=20, show_default=True, metavar="N")
@click.option("--stored", type=PATH, help="Folder of an earlier run. Default: the recordings.")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@ignore_option
@model_options
def command(
    source: str,
    sample: int,
    stored: Path | None,
    form: str,
    ignore: tuple[str, ...],
    **flags: Any,
) -> None:
    """Ask a sample of SOURCE again and report how many claims changed.

    The model is asked live for N papers, always the same ones of a source; the stored claims are
    those of its recordings, or of an earlier run. Exit code 2: no paper has both.
    """
    given = settings.load(**flags)
    sys.exit(drift(source, stored, given, sample=sample, form=form, ignore=ignore))
