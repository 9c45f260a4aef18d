"""The `extract` command. Each of its commands is a file here, loaded when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from claimgrid import __version__
from claimgrid.errors import ClaimgridError

# Command: its module in this folder. The help of each stands here too, so that `extract --help`
# loads none of them; a test holds it to the command's own.
COMMANDS: dict[str, tuple[str, str]] = {
    "agree": (
        "agree",
        "Join finished runs over the same papers: how many of them make each claim.",
    ),
    "audit": (
        "audit",
        "List the numbers that no claim covers, with the words around them.",
    ),
    "batch": (
        "batch",
        "Ask by a vendor's Batch API, at half the price, or exchange files (OpenAI's format).",
    ),
    "completion": (
        "completion",
        'Print the script that completes `extract` in SHELL: eval "$(extract completion bash)".',
    ),
    "diff": (
        "diff",
        "Show what differs between the claims of two runs, claim by claim.",
    ),
    "distill": (
        "distill",
        "Tune a small model on the claims or replies of the runs RUN… (extra `train`).",
    ),
    "drift": (
        "drift",
        "Ask a sample of SOURCE again and report how many claims changed.",
    ),
    "eval": (
        "evaluate",
        "Score a run against gold: precision, recall and F1 by kind, and what differs.",
    ),
    "export": (
        "export",
        "Write the papers and claims of runs in the form of another tool.",
    ),
    "gold": (
        "gold",
        "Check labelled claims against their abstracts, or draft them from a run.",
    ),
    "leaderboard": (
        "leaderboard",
        "Rank the results of one or more runs, a board for each benchmark and metric.",
    ),
    "merge": (
        "merge",
        "Put the shards of a run together into one run's folder.",
    ),
    "models": (
        "models",
        "Fetch, list and measure models that run on this machine.",
    ),
    "plan": (
        "plan",
        "Estimate what a run of SOURCE… would take: requests, tokens, cost and time.",
    ),
    "recordings": (
        "recordings",
        "Look after recorded replies: which are fresh, stale, orphaned or missing.",
    ),
    "registry": (
        "registry",
        "Look after the registries of hardware, benchmarks and metrics.",
    ),
    "report": (
        "report",
        "Write a run's claim browser: one HTML file that opens from disk without a network.",
    ),
    "review": (
        "review",
        "Decide on a run's claims in a browser: accept, reject, edit, add; `extract review OUT`.",
    ),
    "run": (
        "run",
        "Extract the claims of SOURCE…: files, folders, URLs, arxiv:ID, doi:…, or - for stdin.",
    ),
    "schema": (
        "schema",
        "Write the JSON Schemas of the reply and of the output lines.",
    ),
    "serve": (
        "serve",
        "Serve the claim browser of runs and a read-only JSON API (described in /openapi.json).",
    ),
    "show": (
        "show",
        "Show a paper of a run: its abstract with the evidence marked, and its claims.",
    ),
    "sources": (
        "sources",
        "Look at SOURCE… before paying: formats, papers, duplicates, columns, three of them.",
    ),
    "sql": (
        "sql",
        "Query one or more runs with SQL.",
    ),
    "table": (
        "table",
        "Compare the systems of one or more runs in a table.",
    ),
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns our errors into exit codes.

    Errors that are not ours are bugs and keep their traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's own hook
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        found: click.Command = importlib.import_module(f"claimgrid.cli.{module}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        limit = formatter.width - 6 - width
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=COMMANDS[name][1]).get_short_help_str(limit))
                    for name in self.list_commands(ctx)
                ]
            )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClaimgridError as error:
            click.echo(f"extract: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("extract: interrupted; the same command continues from here", err=True)
            sys.exit(130)  # what a shell expects after Ctrl-C


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="extract")
def main() -> None:
    """Read paper abstracts and write down what they claim, each number with its exact words."""
