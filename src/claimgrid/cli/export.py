"""`extract export` writes the papers and claims of runs in the form of another tool.

Each form is a function in a module of its own, which is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from claimgrid.cli.options import min_confidence_option
from claimgrid.errors import UsageError

# Name: the module, its function and what it writes. The function takes what names the runs and the
# destination, and returns a sentence on what it wrote.
TARGETS: dict[str, tuple[str, str, str]] = {
    "markdown-notes": (
        "claimgrid.tables.notes",
        "write_notes",
        "a folder with one Markdown note a paper, for Obsidian and Zotero",
    ),
    "meas-eval": (
        "claimgrid.evaluate.export_targets",
        "write_meas_eval",
        "a folder with a .txt and a MeasEval .tsv a paper",
    ),
    "every-eval-ever": (
        "claimgrid.evaluate.export_targets",
        "write_every_eval_ever",
        "a folder with a record of Every Eval Ever 0.3 a paper and system",
    ),
    "parquet": ("claimgrid.tables.database_export", "write_parquet", "the claims"),
    "csv": ("claimgrid.tables.database_export", "write_csv", "the claims"),
    "duckdb": ("claimgrid.tables.database_export", "write_duckdb", "every view as a table"),
    "sqlite": ("claimgrid.tables.database_export", "write_sqlite", "every view as a table"),
}
Write = Callable[[Sequence[str], Path, float | None], str]


def _targets() -> str:
    return "; ".join(f"{name}: {what}" for name, (_, _, what) in TARGETS.items())


@click.command()
@click.argument("arguments", metavar="OUT… DESTINATION", nargs=-1, required=True)
@click.option("--to", "target", type=click.Choice(list(TARGETS)), required=True, help=_targets())
@min_confidence_option
def command(arguments: tuple[str, ...], target: str, min_confidence: float | None) -> None:
    """Write the papers and claims of runs in the form of another tool.

    As in: extract export OUT --to markdown-notes DIR. OUT is what `extract table` takes; the last
    argument is the file or folder to write.
    """
    if len(arguments) < 2:
        raise UsageError(f"name the runs and where to write: extract export OUT --to {target} DIR")
    module, function, _ = TARGETS[target]
    write: Write = getattr(importlib.import_module(module), function)
    click.echo(write(arguments[:-1], Path(arguments[-1]), min_confidence))
    sys.exit(0)
