"""`extract serve`: the claim browser of runs on a local address, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from claimgrid.cli.options import run_folders
from claimgrid.errors import SetupError, UsageError
from claimgrid.io import run_folder

_LOCAL_NAMES = ["localhost", "127.0.0.1", "::1", "[::1]"]


def serve(
    folders: Sequence[Path],
    *,
    host: str,
    port: int,
    reviewer: str | None = None,
    corrections: Path | None = None,
) -> int:
    """Serve runs until interrupted.

    Args:
        folders: the runs; a paper that several have read is shown once.
        host: address to listen on. On loopback, requests for other host names are refused.
        port: 0 takes a free one.
        reviewer: who may decide on claims of the one run; without a name nothing can be written.
        corrections: the file of decisions to use instead of the run's own.

    Raises:
        StoreError: the run cannot be read.
        SetupError: the extra `[serve]` is not installed.
        UsageError: the address cannot be listened on.
    """
    try:
        import uvicorn

        from claimgrid.report.page_builder import page, run_names
        from claimgrid.report.page_data import facts_of_runs
        from claimgrid.serve.app import create
        from claimgrid.serve.live_database import LiveDatabase
        from claimgrid.serve.review_session import Session
        from claimgrid.tables import views
    except ImportError as error:
        raise SetupError(
            f"extract serve needs the extra [serve] ({error.name} is missing): "
            "pip install 'claimgrid[serve]'"
        ) from error
    run = facts_of_runs([run_folder.read_manifest(folder) for folder in folders])
    listening = _listen(host, port)
    token = secrets.token_urlsafe(24) if reviewer is not None else None
    html = page(None, title=" and ".join(run_names(folders)), token=token)
    local = _is_loopback(host)
    hosts = [*_LOCAL_NAMES, host] if local else None
    if reviewer is None or token is None:
        app = create(views.connect([str(folder) for folder in folders]), html, run, hosts=hosts)
    else:
        session = Session(folders[0], reviewer, corrections)
        live = LiveDatabase(str(folders[0]), lambda: session.stamp)
        app = create(live, html, run, hosts=hosts, review=(session, token))
    shown = f"[{host}]" if ":" in host else host
    view = "#view=review" if reviewer is not None else ""
    click.echo(f"http://{shown}:{listening.getsockname()[1]}/{view}  (Ctrl-C ends it)")
    if not local:
        click.echo("warning: not a loopback address, anyone who reaches it can read this run")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return 0  # the way to end it
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{host} port {port} cannot be listened on: {error.strerror}; pass another --port"
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@click.command()
@click.argument("outs", metavar="OUT...", nargs=-1, required=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; any but loopback shows the run to the network.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
def command(outs: tuple[str, ...], host: str, port: int) -> None:
    """Serve the claim browser of runs and a read-only JSON API (described in /openapi.json).

    OUT is a run's folder, or a glob in quotes. A paper that several runs have read is shown once,
    from the first; `extract report` compares runs. For runs too large for one file. Needs the extra
    [serve]. Port 0 takes a free one.
    """
    sys.exit(serve(run_folders(outs), host=host, port=port))
