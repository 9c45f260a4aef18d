"""`extract agree`: asks several times, or several models, and counts who makes each claim."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from claimgrid import settings, sources
from claimgrid.cli.options import PATH
from claimgrid.cli.recordings import Unwatched
from claimgrid.engines.agreement_runs import DISAGREEMENTS, join_runs
from claimgrid.engines.local_engine import run_source
from claimgrid.errors import UsageError

_TEMPERATURE = 0.7  # of every sample but the first: at 0 a model says the same again


def agree(
    names: Sequence[str],
    out: Path,
    given: Sequence[settings.Settings],
    *,
    samples: int,
    temperature: float,
) -> int:
    """Run the sources once for each model and sample, and join the runs into `out`.

    Each run has a folder of its own below `out`, so that the same command continues where it
    stopped and pays for no reply twice.

    Returns:
        The worst exit code of the runs.
    """
    folders: list[Path] = []
    code = 0
    for one in given:
        for sample in range(samples):
            # The first sample is what `extract run` asks; recordings answer it.
            asked = one if sample == 0 else one.model_copy(update={"temperature": temperature})
            folder = out / "runs" / str(len(folders) + 1)
            done = run_source(
                " ".join(names), folder, asked, items=sources.read(*names), watcher=Unwatched,
                tell=_tell,
            )  # fmt: skip
            told = f"run {len(folders) + 1}: {one.model or 'default model'}, sample {sample + 1}"
            _tell(f"{told}: {done.summary.claims} claims")
            code = max(code, done.exit_code)
            folders.append(folder)
    joined = join_runs(folders, out)
    click.echo(
        f"{joined.papers} papers, {joined.claims} claims, {joined.unanimous} of them in all "
        f"{len(folders)} runs; {joined.disagreements} disagreements in {out / DISAGREEMENTS}"
    )
    return code


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the joined run.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--samples", type=click.IntRange(1, 50), default=1, show_default=True, metavar="N")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    default=_TEMPERATURE,
    show_default=True,
    metavar="T",
    help="Of every sample but the first.",
)
@click.option("--base-url", metavar="URL", help="OpenAI-compatible server.")
@click.option("--recordings", type=PATH, help="Folder of recorded replies.")
@click.option("--replay", type=click.Choice(["auto", "only"]), help="Default: auto.")
def command(
    source: tuple[str, ...],
    out: Path,
    models: tuple[str, ...],
    samples: int,
    temperature: float,
    **flags: Any,
) -> None:
    """Ask about SOURCE several times or with several models, and count who makes each claim.

    Each claim of OUT has `support`, the share of the runs that make the same row; what they
    disagree on is listed in OUT/disagreements.jsonl.
    """
    if samples * max(1, len(models)) < 2:
        raise UsageError("nothing to compare: pass --samples N or several --model")
    given = [settings.load(model=model, **flags) for model in models or (None,)]
    sys.exit(agree(source, out, given, samples=samples, temperature=temperature))
