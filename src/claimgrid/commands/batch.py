"""`extract batch`: requests to a file, and replies from one."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import click

from claimgrid import settings, sources, store
from claimgrid.commands.session import RECORDINGS, open_session
from claimgrid.errors import UsageError
from claimgrid.llm import batch
from claimgrid.llm.recordings import Cache, Folder, Store
from claimgrid.prompt import Request


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

    count = batch.write(out, batch.bodies(open_requests(), session.endpoint))
    click.echo(f"{count} requests for model {session.endpoint.model} written to {out}")
    if known:
        click.echo(f"{known} papers have a recording already and were left out")
    click.echo(f"bring the answers back with: extract batch import RESULTS --requests {out}")
    return int(bool(problems))


def import_(results: Path, requests: Path, given: settings.Settings, folder: Path | None) -> int:
    """Store the replies of a Batch output file.

    Returns:
        1 if some line held no reply, else 0.
    """
    target: Store
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        where = folder / store.REPLIES
        target = Cache(where)
    else:
        where = given.recordings or Path(RECORDINGS)
        if not given.recordings and not where.is_dir():
            raise UsageError(
                f"there is no {where} here: pass --run OUT (the folder of the run that is to use "
                "the replies) or --recordings FOLDER"
            )
        target = Folder(where)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    stored = failed = 0
    for found in batch.recordings(results, requests, today):
        if isinstance(found, str):
            failed += 1
            click.echo(f"extract: {found}", err=True)
        else:
            target.put(found)
            stored += 1
    lost = f", {failed} line{'s' * (failed != 1)} held none" if failed else ""
    click.echo(f"{stored} repl{'y' if stored == 1 else 'ies'} stored in {where}{lost}")
    return int(bool(failed))
