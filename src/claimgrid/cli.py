"""The `extract` command: parses, calls, prints, exits. Imports nothing heavy before it must."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from claimgrid import __version__
from claimgrid.cli_batch import batch
from claimgrid.cli_models import distill, models
from claimgrid.cli_options import PATH as _PATH
from claimgrid.cli_options import embedded_options, model_options
from claimgrid.cli_tables import sql, table
from claimgrid.errors import ClaimgridError


class _Group(click.Group):
    """Turns our errors into a message and an exit code; any other is a bug and keeps its trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClaimgridError as error:
            click.echo(f"extract: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("extract: interrupted; the same command goes on from here", err=True)
            sys.exit(130)  # what a shell expects after Ctrl-C


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="extract")
def main() -> None:
    """Read paper abstracts and write down what they claim, each number with its exact words."""


main.add_command(batch)
main.add_command(models)
main.add_command(distill)
main.add_command(table)
main.add_command(sql)


@main.command()
@click.argument("source")
@click.option("-o", "--out", type=_PATH, help="Folder of the run. Default: outputs/<source>.")
@model_options
@embedded_options
@click.option(
    "--replay",
    type=click.Choice(["auto", "only", "refresh", "off"]),
    help="auto: recorded replies where there are any, else the model. only: never ask. refresh: "
    "ask and record anew. off: ask, record nothing. Default: auto.",
)
@click.option(
    "--concurrency",
    type=int,
    metavar="N",
    help="Most requests under way; fewer where the server slows down. Default: 32.",
)
@click.option(
    "--pack",
    type=int,
    metavar="N",
    help="Ask about N papers in one request: far fewer input tokens, the same F1 as measured. "
    "Papers without a valid part of the reply are asked about alone. Default: 1.",
)
@click.option("--rpm", type=float, metavar="N", help="Most requests per minute.")
@click.option("--tpm", type=float, metavar="N", help="Most tokens per minute, in and out.")
@click.option("--timeout", type=float, metavar="S", help="Seconds for one request. Default: 120.")
@click.option("--attempts", type=int, metavar="N", help="Tries of a failing server. Default: 6.")
@click.option("--reasks", type=int, metavar="N", help="Re-asks after an invalid reply. Default: 2.")
@click.option("--max-cost", type=float, metavar="USD", help="Stop before spending more.")
@click.option("--max-requests", type=int, metavar="N", help="Stop after so many live requests.")
@click.option("--max-minutes", type=float, metavar="N", help="Begin no paper after so long.")
@click.option(
    "--log-format",
    type=click.Choice(["bar", "json", "none"]),
    default="bar",
    help="Progress on standard error: a bar (on a terminal), JSON lines, or none.",
)
def run(
    source: str,
    out: Path | None,
    max_cost: float | None,
    max_requests: int | None,
    max_minutes: float | None,
    log_format: str,
    **flags: Any,
) -> None:
    """Extract the claims of SOURCE: a file, a folder, or - for standard input.

    Reads listings (.txt), JSON Lines (.jsonl) and plain abstracts (.txt), gzipped or not. Exit
    code 0: all papers came out; 1: some failed (see papers.jsonl); 2: wrong usage or set-up.
    """
    from claimgrid import settings
    from claimgrid.commands.run import run as command
    from claimgrid.llm.budget import Limits

    limits = Limits(cost=max_cost, requests=max_requests, minutes=max_minutes)
    given = settings.load(**flags)
    sys.exit(command(source, out, given, limits=limits, log_format=log_format))  # type: ignore[arg-type]


@main.command()
@click.argument("source")
@click.option("-o", "--out", type=_PATH, help="Folder whose replies count as answered already.")
@model_options
@click.option("--concurrency", type=int, metavar="N", help="As for run. Default: 32.")
@click.option("--pack", type=int, metavar="N", help="Papers in one request, as for run.")
@click.option("--rpm", type=float, metavar="N", help="Requests per minute, as for run.")
@click.option("--tpm", type=float, metavar="N", help="Tokens per minute, as for run.")
@click.option(
    "--latency",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="S",
    help="Assumed seconds of one request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(source: str, out: Path | None, latency: float, as_json: bool, **flags: Any) -> None:
    """Estimate what a run of SOURCE would take: requests, tokens, cost and time.

    Asks nothing and needs no key. Replies that the run's folder or the recordings hold cost
    nothing; their token counts, where they have any, calibrate the estimate.
    """
    from claimgrid import settings
    from claimgrid.commands.plan import plan as command

    given = settings.load(**flags)
    sys.exit(command(source, out, given, latency=latency, as_json=as_json))


@main.command()
@click.argument("folder", metavar="OUT", type=_PATH)
@click.option("--paper", metavar="ID", help="Id of a paper, or how its id or title begins.")
def show(folder: Path, paper: str | None) -> None:
    """Show a paper of a run: its abstract with the evidence marked, and its claims.

    Without --paper, lists the papers.
    """
    from claimgrid.commands.show import show as command

    sys.exit(command(folder, paper))


@main.command(name="eval")
@click.argument("folder", metavar="OUT", type=_PATH)
@click.option("--gold", type=_PATH, required=True, help="JSON Lines of labelled claims.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def evaluate(folder: Path, gold: Path, as_json: bool) -> None:
    """Score a run against gold: precision, recall and F1 by kind, and what differs."""
    from claimgrid.commands.evaluate import evaluate as command

    sys.exit(command(folder, gold, as_json=as_json))


@main.command()
@click.argument("folder", metavar="OUT", type=_PATH)
@click.option("-o", "--out", type=_PATH, metavar="FILE", help="Default: report.html in OUT.")
def report(folder: Path, out: Path | None) -> None:
    """Write a run's claim browser: one HTML file that opens from disk without a network.

    Needs the extra [report].
    """
    from claimgrid.commands.report import report as command

    sys.exit(command(folder, out))


@main.command()
@click.argument("folder", metavar="OUT", type=_PATH)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; any but loopback shows the run to the network.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
def serve(folder: Path, host: str, port: int) -> None:
    """Serve a run's claim browser and a read-only JSON API (described in /openapi.json).

    For runs too large for one file. Needs the extra [serve]. Port 0 takes a free one.
    """
    from claimgrid.commands.serve import serve as command

    sys.exit(command(folder, host=host, port=port))


@main.command()
@click.argument("folder", metavar="OUT", type=_PATH)
@click.option("--all", "everything", is_flag=True, help="Also those with a known reason.")
def audit(folder: Path, everything: bool) -> None:
    """List the numbers that no claim covers, with the words around them."""
    from claimgrid.commands.audit import audit as command

    sys.exit(command(folder, everything=everything))


@main.group()
def registry() -> None:
    """Look after the hardware registry."""


@registry.command()
@click.argument("folder", metavar="OUT", type=_PATH)
def unmapped(folder: Path) -> None:
    """List the devices of a run that the registry does not hold, for adding."""
    from claimgrid.commands.registry import unmapped as command

    sys.exit(command(folder))


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is stale.")
@click.option("--out", type=_PATH, help="Folder. Default: schemas/ of the checkout.")
def schema(check: bool, out: Path | None) -> None:
    """Write the JSON Schemas of the reply and of the output lines."""
    from claimgrid.commands.schema import schema as command

    sys.exit(command(out, check=check))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes `extract` in SHELL: eval "$(extract completion bash)"."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(main, {}, "extract", "_EXTRACT_COMPLETE").source())
