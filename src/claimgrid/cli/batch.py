"""`extract batch`: requests to a file, and replies from one."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from claimgrid import settings, sources
from claimgrid.batch import files
from claimgrid.cli.options import PATH, model_options
from claimgrid.engines.session import RECORDINGS, open_session
from claimgrid.errors import UsageError
from claimgrid.io import run_folder
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.response_store import ReplyCache, ResponseStore
from claimgrid.text.counted import counted
from claimgrid.types.request import Request


def export(source: str, out: Path, given: settings.Settings) -> int:
    """Write the requests of a source that no recording answers.

    Returns:
        1 if some paper could not be read, else 0.
    """
    session = open_session(given.model_copy(update={"replay": "only"}))
    known = problems = 0

    def open_requests() -> Iterator[Request]:
        nonlocal known, problems
        for item in sources.read(source):
            if isinstance(item, sources.Problem):
                problems += 1
                click.echo(f"extract: {item.file}:{item.line}: {item.message}", err=True)
                continue
            request = session.request(item)
            if session.recordings.get(request.model, request.key):
                known += 1
            else:
                yield request

    count = files.write(out, files.bodies(open_requests(), session.endpoint))
    click.echo(f"{counted(count, 'request')} for model {session.endpoint.model} written to {out}")
    if known:
        click.echo(f"{counted(known, 'paper')} left out: a recording is there already")
    click.echo(f"bring the answers back with: extract batch import RESULTS --requests {out}")
    return int(bool(problems))


def import_(results: Path, requests: Path, given: settings.Settings, folder: Path | None) -> int:
    """Store the replies of a Batch output file.

    Returns:
        1 if some line held no reply, else 0.
    """
    target: ResponseStore
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        where = folder / run_folder.REPLIES
        target = ReplyCache(where)
    else:
        where = given.recordings or Path(RECORDINGS)
        if not given.recordings and not where.is_dir():
            raise UsageError(
                f"there is no {where} here: pass --run OUT (the folder of the run that is to use "
                "the replies) or --recordings FOLDER"
            )
        target = RecordingFolder(where)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    stored = failed = 0
    for found in files.recordings(results, requests, today):
        if isinstance(found, str):
            failed += 1
            click.echo(f"extract: {found}", err=True)
        else:
            target.put(found)
            stored += 1
    lost = f", {counted(failed, 'line')} held none" if failed else ""
    click.echo(f"{stored} repl{'y' if stored == 1 else 'ies'} stored in {where}{lost}")
    return int(bool(failed))


_REASKS = click.option(
    "--reasks", type=int, metavar="N", help="Re-asks after an invalid reply. Default: 2."
)
_FOLDER = click.argument("folder", metavar="OUT", type=PATH)


@click.group("batch")
def command() -> None:
    """Ask by a vendor's Batch API, at half the price, or exchange files (OpenAI's format)."""


@command.command("export")
@click.argument("source")
@click.option("-o", "--out", type=PATH, required=True, help="File to write the requests to.")
@model_options
def export_command(source: str, out: Path, **flags: Any) -> None:
    """Write the requests for SOURCE that no recording answers yet."""
    sys.exit(export(source, out, settings.load(**flags)))


@command.command("import")
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
def import_command(
    results: Path, requests: Path, recordings: Path | None, folder: Path | None
) -> None:
    """Store the replies of a Batch output file under the keys of their requests."""
    sys.exit(import_(results, requests, settings.load(recordings=recordings), folder))


@command.command("submit")
@click.argument("source")
@click.option("-o", "--out", type=PATH, help="Folder of the run. Default: outputs/<source>.")
@model_options
@_REASKS
def submit_command(source: str, out: Path | None, **flags: Any) -> None:
    """Send the requests for SOURCE that nothing answers yet, as batches, and return at once.

    May be repeated after a kill or a failure: nothing is sent twice.
    """
    from claimgrid.cli import batch_api

    sys.exit(batch_api.submit(source, out, settings.load(**flags)))


@command.command("status")
@_FOLDER
def status_command(folder: Path) -> None:
    """Show how the batches of the run in OUT stand. Changes nothing."""
    from claimgrid.cli import batch_api

    sys.exit(batch_api.status(folder, settings.load()))


@command.command("collect")
@_FOLDER
def collect_command(folder: Path) -> None:
    """Store the replies of ended batches, and send again what expired, failed or was invalid.

    Exit code 1: some requests failed for good.
    """
    from claimgrid.cli import batch_api

    sys.exit(batch_api.collect(folder, settings.load()))


@command.command("cancel")
@_FOLDER
def cancel_command(folder: Path) -> None:
    """Stop the batches of the run in OUT; what they did by then can still be collected."""
    from claimgrid.cli import batch_api

    sys.exit(batch_api.cancel(folder, settings.load()))


@command.command("run")
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
def run_command(source: str, out: Path | None, poll: float, **flags: Any) -> None:
    """Submit SOURCE, wait for the batches, collect them and extract the claims.

    Ctrl-C is safe: the same command continues.
    """
    from claimgrid.cli import batch_api

    sys.exit(batch_api.run(source, out, settings.load(**flags), poll=poll))
