"""`extract models`: the catalogue on the terminal, and what is on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH, embedded_options
from claimgrid.local import catalogue, download, model_files


def list_() -> int:
    """Print the catalogue: sizes, licence, measured F1, and which models are here."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("model", "here", "file", "memory", "F1", "licence", "from"):
        table.add_column(name, overflow="fold")
    for entry in catalogue.entries().values():
        here = model_files.where(entry)
        table.add_row(
            Text(entry.name),
            "yes" if here else "no",
            _gigabytes(entry.size_bytes),
            _gigabytes(entry.ram_bytes),
            "–" if entry.f1 is None else f"{entry.f1:.2f}",
            Text(entry.licence),
            Text(entry.source.partition(":")[2].partition("@")[0]),
        )
    Console(highlight=False).print(table)
    click.echo("F1 on seeds that the model did not learn from, – where nobody has measured it")
    click.echo("extract models pull MODEL fetches one; extract run SOURCE --model embedded/MODEL")
    return 0


def pull(name: str) -> int:
    """Fetch a model and say where it is.

    Raises:
        UsageError, SetupError: see `fetch.fetch`.
    """
    entry = catalogue.find(name)
    path = download.fetch(entry)
    click.echo(f"{path}")
    click.echo(f"ask it: extract run SOURCE --model embedded/{entry.name}", err=True)
    return 0


def path(name: str) -> int:
    """Print a model's file.

    Raises:
        UsageError: there is no such model.
        SetupError: it is not on this machine.
    """
    entry = catalogue.find(name)
    click.echo(str(model_files.resolve(f"{model_files.PREFIX}/{entry.name}").require()))
    return 0


def remove(name: str) -> int:
    """Delete a fetched model.

    Raises:
        UsageError, SetupError: see `model_files.remove`.
    """
    click.echo(f"deleted {model_files.remove(catalogue.find(name))}")
    return 0


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


_NAME = click.argument("name")


@click.group("models")
def command() -> None:
    """Fetch, list and measure models that run on this machine."""


@command.command("list")
def list_command() -> None:
    """List the models that can be fetched by name, and which are here."""
    sys.exit(list_())


@command.command("pull")
@_NAME
def pull_command(name: str) -> None:
    """Fetch the model NAME and check it; a download that was cut continues where it stopped."""
    sys.exit(pull(name))


@command.command("path")
@_NAME
def path_command(name: str) -> None:
    """Print where the file of the model NAME is."""
    sys.exit(path(name))


@command.command("remove")
@_NAME
def remove_command(name: str) -> None:
    """Delete the fetched model NAME."""
    sys.exit(remove(name))


@command.command("bench")
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
def bench_command(
    name: str, source: str | None, papers: int, prompt: Path | None, **flags: Any
) -> None:
    """Measure the model NAME (or a GGUF file) here: tokens per second, abstracts per minute.

    Asks what a run would ask, and stores nothing. Takes minutes on few cores.
    """
    from claimgrid import settings
    from claimgrid.cli.bench import bench

    given = settings.load(prompt=prompt, **flags)
    sys.exit(bench(name, source, given, papers=papers))
