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
