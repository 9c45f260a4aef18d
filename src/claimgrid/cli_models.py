"""The `extract models` commands: parses, calls, exits. Imports nothing heavy before it must."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from claimgrid.cli_options import PATH, embedded_options

_NAME = click.argument("name")


@click.group()
def models() -> None:
    """Fetch, list and measure models that run on this machine."""


@models.command(name="list")
def list_() -> None:
    """List the models that can be fetched by name, and which are here."""
    from claimgrid.commands.models import list_ as command

    sys.exit(command())


@models.command()
@_NAME
def pull(name: str) -> None:
    """Fetch the model NAME and check it; a download that was cut goes on where it stopped."""
    from claimgrid.commands.models import pull as command

    sys.exit(command(name))


@models.command()
@_NAME
def path(name: str) -> None:
    """Print where the file of the model NAME is."""
    from claimgrid.commands.models import path as command

    sys.exit(command(name))


@models.command()
@_NAME
def remove(name: str) -> None:
    """Delete the fetched model NAME."""
    from claimgrid.commands.models import remove as command

    sys.exit(command(name))


@models.command()
@_NAME
@click.option(
    "--source",
    metavar="SOURCE",
    help="Abstracts to ask about. Default: the invented ones of the prompt file.",
)
@click.option("--prompt", type=PATH, help="Prompt file instead of prompts/claims.md.")
@click.option(
    "--papers",
    type=click.IntRange(2, 1000),
    default=8,
    show_default=True,
    metavar="N",
    help="Abstracts to ask about at most.",
)
@click.option("--max-tokens", type=int, metavar="N", help="Longest reply, in tokens.")
@click.option("--adapter", type=PATH, help="LoRA adapter (a GGUF file) over the model.")
@embedded_options
def bench(name: str, source: str | None, papers: int, prompt: Path | None, **flags: Any) -> None:
    """Measure the model NAME (or a GGUF file) here: tokens per second, abstracts per minute.

    Asks what a run would ask, and stores nothing. Takes minutes on few cores.
    """
    from claimgrid import settings
    from claimgrid.commands.bench import bench as command

    given = settings.load(prompt=prompt, **flags)
    sys.exit(command(name, source, given, papers=papers))


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option(
    "--base",
    required=True,
    metavar="MODEL",
    help="What is tuned: embedded/NAME, a GGUF file, or a folder that transformers reads.",
)
@click.option(
    "-o", "--out", type=PATH, required=True, help="Folder of the training; goes on there."
)
@click.option(
    "--gold",
    type=PATH,
    metavar="FILE",
    help="Learn from gold claims instead; RUN… are then sources of abstracts, as for extract run.",
)
@click.option(
    "--form",
    type=click.Choice(["decisions", "json"]),
    default="decisions",
    show_default=True,
    help="decisions: one short decision a candidate, which suits small models. json: the stored "
    "replies as they are.",
)
@click.option("--epochs", type=float, default=3.0, show_default=True, metavar="N")
@click.option("--rank", type=int, default=16, show_default=True, metavar="N", help="LoRA's rank.")
@click.option("--rate", type=float, default=1e-3, show_default=True, help="Highest learning rate.")
@click.option("--held-out", type=float, default=0.05, show_default=True, metavar="SHARE")
@click.option(
    "--seed", type=int, default=7, show_default=True, metavar="N", help="Of the order of training."
)
def distill(
    runs: tuple[str, ...],
    base: str,
    out: Path,
    gold: Path | None,
    form: str,
    epochs: float,
    rank: int,
    rate: float,
    held_out: float,
    seed: int,
) -> None:
    """Tune a small model on the claims or replies of the runs RUN… (extra `train`).

    Writes a LoRA adapter that llama.cpp loads. A training that was stopped goes on with the same
    command. Takes an hour or two for a thousand abstracts and 135 million parameters on two cores.
    """
    from claimgrid.commands.distill import distill as command
    from claimgrid.distill.train import Plan

    plan = Plan(rank=rank, alpha=2 * rank, rate=rate, epochs=epochs, seed=seed)
    told = command(runs, base, out, plan, gold=gold, form=form, held_out=held_out)  # type: ignore[arg-type]
    sys.exit(told)
