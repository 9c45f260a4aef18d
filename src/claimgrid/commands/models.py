"""`extract models`: the catalogue on the terminal, and what is on this machine."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.embedded import catalogue, fetch, store


def list_() -> int:
    """Print the catalogue: sizes, licence, measured F1, and which models are here."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("model", "here", "file", "memory", "F1", "licence", "from"):
        table.add_column(name, overflow="fold")
    for entry in catalogue.entries().values():
        here = store.where(entry)
        table.add_row(
            Text(entry.name),
            "yes" if here else "no",
            _gigabytes(entry.size_bytes),
            _gigabytes(entry.ram_bytes),
            "–" if entry.f1 is None else f"{entry.f1:.2f}",
            Text(entry.licence),
            Text(entry.base or entry.source.partition(":")[2].partition("@")[0]),
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
    path = fetch.fetch(entry)
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
    click.echo(str(store.resolve(f"{store.PREFIX}/{entry.name}").require()))
    return 0


def remove(name: str) -> int:
    """Delete a fetched model.

    Raises:
        UsageError, SetupError: see `store.remove`.
    """
    click.echo(f"deleted {store.remove(catalogue.find(name))}")
    return 0


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
