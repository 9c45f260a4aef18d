"""`extract batch`: requests to a file, and replies from one."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import click

from claimgrid import settings, sources, store
from claimgrid.commands.session import open_session
from claimgrid.llm import batch
from claimgrid.llm.recordings import Cache, Store
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
    target: Store = open_session(given).recordings
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        target = Cache(folder / store.REPLIES)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    stored = failed = 0
    for found in batch.recordings(results, requests, today):
        if isinstance(found, str):
            failed += 1
            click.echo(f"extract: {found}", err=True)
        else:
            target.put(found)
            stored += 1
    click.echo(f"{stored} replies stored" + (f", {failed} lines held none" if failed else ""))
    return int(bool(failed))
