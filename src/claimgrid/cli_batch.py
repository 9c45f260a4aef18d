"""The `extract batch` commands: parses, calls, exits. Imports nothing heavy before it must."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from claimgrid.cli_options import PATH, model_options

_REASKS = click.option(
    "--reasks", type=int, metavar="N", help="Re-asks after an invalid reply. Default: 2."
)
_FOLDER = click.argument("folder", metavar="OUT", type=PATH)


@click.group()
def batch() -> None:
    """Ask by a vendor's Batch API, at half the price, or exchange files (OpenAI's format)."""


@batch.command()
@click.argument("source")
@click.option("-o", "--out", type=PATH, required=True, help="File to write the requests to.")
@model_options
def export(source: str, out: Path, **flags: Any) -> None:
    """Write the requests for SOURCE that no recording answers yet."""
    from claimgrid import settings
    from claimgrid.commands.batch import export as command

    sys.exit(command(source, out, settings.load(**flags)))


@batch.command(name="import")
@click.argument("results", type=PATH)
@click.option(
    "--requests", type=PATH, required=True, help="The file that `batch export` wrote for them."
)
@click.option(
    "--recordings",
    type=PATH,
    help="Folder to record in. Default: fixtures/recordings, if it is here.",
)
@click.option("--run", "folder", type=PATH, help="Folder of the run that is to use the replies.")
def import_(results: Path, requests: Path, recordings: Path | None, folder: Path | None) -> None:
    """Store the replies of a Batch output file under the keys of their requests."""
    from claimgrid import settings
    from claimgrid.commands.batch import import_ as command

    sys.exit(command(results, requests, settings.load(recordings=recordings), folder))


@batch.command()
@click.argument("source")
@click.option("-o", "--out", type=PATH, help="Folder of the run. Default: outputs/<source>.")
@model_options
@_REASKS
def submit(source: str, out: Path | None, **flags: Any) -> None:
    """Send the requests for SOURCE that nothing answers yet, as batches, and return at once.

    May be repeated after a kill or a failure: nothing is sent twice.
    """
    from claimgrid import settings
    from claimgrid.commands.batch_api import submit as command

    sys.exit(command(source, out, settings.load(**flags)))


@batch.command()
@_FOLDER
def status(folder: Path) -> None:
    """Show how the batches of the run in OUT stand. Changes nothing."""
    from claimgrid import settings
    from claimgrid.commands.batch_api import status as command

    sys.exit(command(folder, settings.load()))


@batch.command()
@_FOLDER
def collect(folder: Path) -> None:
    """Store the replies of ended batches, and send again what expired, failed or was invalid.

    Exit code 1: some requests failed for good.
    """
    from claimgrid import settings
    from claimgrid.commands.batch_api import collect as command

    sys.exit(command(folder, settings.load()))


@batch.command()
@_FOLDER
def cancel(folder: Path) -> None:
    """Stop the batches of the run in OUT; what they did by then can still be collected."""
    from claimgrid import settings
    from claimgrid.commands.batch_api import cancel as command

    sys.exit(command(folder, settings.load()))


@batch.command(name="run")
@click.argument("source")
@click.option("-o", "--out", type=PATH, help="Folder of the run. Default: outputs/<source>.")
@model_options
@_REASKS
@click.option(
    "--poll",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Longest wait between two looks, in seconds.",
)
def batch_run(source: str, out: Path | None, poll: float, **flags: Any) -> None:
    """Submit SOURCE, wait for the batches, collect them and extract the claims.

    Ctrl-C is safe: the same command goes on.
    """
    from claimgrid import settings
    from claimgrid.commands.batch_api import run as command

    sys.exit(command(source, out, settings.load(**flags), poll=poll))
