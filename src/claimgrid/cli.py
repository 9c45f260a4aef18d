"""The `extract` command: parses, calls, prints, exits. Imports nothing heavy before it must."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from claimgrid import __version__
from claimgrid.errors import ClaimgridError

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)


class _Group(click.Group):
    """Turns our errors into a message and an exit code; any other is a bug and keeps its trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClaimgridError as error:
            click.echo(f"extract: {error}", err=True)
            sys.exit(error.exit_code)


def _model_options(command: _Command) -> _Command:
    """The options that decide which model is asked, and how."""
    for option in reversed(
        (
            click.option(
                "--model",
                metavar="NAME",
                help="Model to ask: openai/NAME, anthropic/NAME, google/NAME, or the name that a "
                "server behind --base-url knows. Without it, recordings answer.",
            ),
            click.option(
                "--base-url",
                metavar="URL",
                help="OpenAI-compatible server (vLLM, Ollama, llama.cpp, OpenRouter …); also "
                "OPENAI_BASE_URL.",
            ),
            click.option(
                "--mode",
                type=click.Choice(["json_schema", "tools", "json", "md_json"]),
                help="How the reply is held to its schema. Default: json_schema for openai, tools "
                "for anthropic, json for google.",
            ),
            click.option("--prompt", type=_PATH, help="Prompt file instead of prompts/claims.md."),
            click.option(
                "--recordings",
                type=_PATH,
                help="Folder of recorded replies. Default: fixtures/recordings.",
            ),
            click.option(
                "--temperature",
                metavar="T",
                help="Sampling temperature, or none to leave it to the server. Default: the "
                "prompt file's.",
            ),
            click.option("--max-tokens", type=int, metavar="N", help="Longest reply, in tokens."),
        )
    ):
        command = option(command)
    return command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="extract")
def main() -> None:
    """Read paper abstracts and write down what they claim, each number with its exact words."""


@main.command()
@click.argument("source")
@click.option("-o", "--out", type=_PATH, help="Folder of the run. Default: outputs/<source>.")
@_model_options
@click.option(
    "--replay",
    type=click.Choice(["auto", "only", "refresh", "off"]),
    help="auto: recorded replies where there are any, else the model. only: never ask. refresh: "
    "ask and record anew. off: ask, record nothing. Default: auto.",
)
@click.option("--concurrency", type=int, metavar="N", help="Papers under way. Default: 8.")
@click.option("--timeout", type=float, metavar="S", help="Seconds for one request. Default: 120.")
@click.option("--attempts", type=int, metavar="N", help="Tries of a failing server. Default: 6.")
@click.option("--reasks", type=int, metavar="N", help="Re-asks after an invalid reply. Default: 2.")
def run(source: str, out: Path | None, **flags: Any) -> None:
    """Extract the claims of SOURCE: a file, a folder, or - for standard input.

    Reads listings (.txt), JSON Lines (.jsonl) and plain abstracts (.txt), gzipped or not. Exit
    code 0: all papers came out; 1: some failed (see papers.jsonl); 2: wrong usage or set-up.
    """
    from claimgrid import settings
    from claimgrid.commands.run import run as command

    sys.exit(command(source, out, settings.load(**flags)))


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


@main.group()
def batch() -> None:
    """Exchange requests and replies as files in the OpenAI Batch format."""


@batch.command()
@click.argument("source")
@click.option("-o", "--out", type=_PATH, required=True, help="File to write the requests to.")
@_model_options
def export(source: str, out: Path, **flags: Any) -> None:
    """Write the requests for SOURCE that no recording answers yet."""
    from claimgrid import settings
    from claimgrid.commands.batch import export as command

    sys.exit(command(source, out, settings.load(**flags)))


@batch.command(name="import")
@click.argument("results", type=_PATH)
@click.option(
    "--requests", type=_PATH, required=True, help="The file that `batch export` wrote for them."
)
@click.option("--recordings", type=_PATH, help="Folder to record in. Default: fixtures/recordings.")
@click.option("--run", "folder", type=_PATH, help="Store in this run's reply cache instead.")
def import_(results: Path, requests: Path, recordings: Path | None, folder: Path | None) -> None:
    """Store the replies of a Batch output file under the keys of their requests."""
    from claimgrid import settings
    from claimgrid.commands.batch import import_ as command

    sys.exit(command(results, requests, settings.load(recordings=recordings), folder))


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
