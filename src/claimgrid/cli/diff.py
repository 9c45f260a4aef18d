"""`extract diff`: shows what differs between the claims of two runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH, ignore_option
from claimgrid.evaluate import diff_output
from claimgrid.evaluate.run_diff import RunDiff, RunSide
from claimgrid.evaluate.run_diff import diff as diff_runs
from claimgrid.io import run_folder
from claimgrid.text.readable import readable

_COLOURS = {"added": "green", "removed": "red", "changed": "yellow"}


def diff(
    before: Path,
    after: Path,
    *,
    form: str,
    out: Path | None,
    exit_code: bool,
    ignore: tuple[str, ...] = (),
) -> int:
    """Print or write what differs.

    Returns:
        1 if `exit_code` is set and anything differs, else 0.
    """
    found = diff_runs(_side(before), _side(after), ignore)
    names = (str(before), str(after))
    if form == "terminal":
        print_diff(Console(highlight=False), found)
    else:
        made = {
            "json": lambda: json.dumps(diff_output.as_json(found), indent=1, ensure_ascii=False),
            "markdown": lambda: diff_output.as_markdown(found, *names),
            "html": lambda: diff_output.as_html(found, *names),
        }[form]()
        if out is None:
            click.echo(made.rstrip("\n"))
        else:
            out.write_text(made.rstrip("\n") + "\n", encoding="utf-8")
    return int(exit_code and bool(found))


def _side(folder: Path) -> RunSide:
    return RunSide(run_folder.read_papers(folder), run_folder.read_claims(folder))


def print_diff(console: Console, found: RunDiff) -> None:
    """The counts by kind, then each claim that differs."""
    console.print(diff_output.headline(found), style="bold")
    if not found:
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("kind", *_COLOURS):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, counts in found.counts().items():
        if any(counts.values()):
            table.add_row(kind.replace("_", " "), *(str(counts[what]) for what in _COLOURS))  # type: ignore[index]
    console.print(table)
    for paper in found.papers:
        told = f"{paper.before or 'not there'} → {paper.after or 'not there'}"
        console.print(Text.assemble((paper.paper_id, "bold"), f": {told}"), soft_wrap=True)
    last = None
    for change in found.changes:
        if change.paper_id != last:
            last = change.paper_id
            console.print(Text(f"\n{change.paper_id}", "bold"), soft_wrap=True)
        line = Text.assemble(
            "  ",
            (f"{change.what:<8}", _COLOURS[change.what]),
            f"{change.kind.replace('_', ' '):<11}{readable(change.quote)}",
        )
        if not change.fields:
            line.append(f"\n          {readable(change.key)}", "dim")
        for field in change.fields:
            line.append(f"\n          {field.field}: ", "dim")
            line.append(diff_output.shown(field.before), "red").append(" → ", "dim")
            line.append(diff_output.shown(field.after), "green")
        console.print(line, soft_wrap=True)


@click.command()
@click.argument("before", metavar="A", type=PATH)
@click.argument("after", metavar="B", type=PATH)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "html", "json"]),
    default="terminal",
    help="Default: terminal.",
)
@click.option("-o", "--out", type=PATH, help="File for markdown, html or json. Default: print it.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@ignore_option
def command(
    before: Path,
    after: Path,
    form: str,
    out: Path | None,
    exit_code: bool,
    ignore: tuple[str, ...],
) -> None:
    """Show what differs between the claims of two runs, claim by claim.

    A and B are folders of runs. Claims are joined by their evidence; a changed claim names the
    field, its value in A and its value in B.
    """
    sys.exit(diff(before, after, form=form, out=out, exit_code=exit_code, ignore=ignore))
