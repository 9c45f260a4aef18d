"""`extract gold`: checks labelled claims, and drafts them from a run for a person to correct."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from claimgrid import sources
from claimgrid.cli.options import PATH
from claimgrid.errors import UsageError
from claimgrid.evaluate import gold_check, gold_files
from claimgrid.io import run_folder
from claimgrid.review import correction_log
from claimgrid.review.corrections import to_gold
from claimgrid.text.counted import counted
from claimgrid.types.paper import Paper

_BESIDE = "-abstracts.jsonl"  # open.jsonl is checked against open-abstracts.jsonl by default


def check(gold: tuple[Path, ...], abstracts: tuple[str, ...]) -> int:
    """Print everything that is wrong with gold files.

    Returns:
        1 if anything is, else 0.
    """
    console = Console(highlight=False)
    texts = list(_papers(abstracts or tuple(map(_beside, gold))))
    lines = gold_files.read_all_gold(gold)
    found = list(gold_check.check(lines, texts))
    for problem in found:
        where = problem.paper if problem.claim is None else f"{problem.paper} claim {problem.claim}"
        line = Text.assemble((where, "bold"), f": {problem.what}")
        if problem.quote:
            line.append(f"\n  {problem.quote}", "dim")
        console.print(line, soft_wrap=True)
    claims = sum(len(line["claims"]) for line in lines)
    told = f"{counted(len(lines), 'paper')}, {counted(claims, 'claim')}"
    if found:
        problems = counted(len(found), "problem")
        click.echo(f"{told}: {problems}")
        return 1
    click.echo(f"{told}: every quote is verbatim, every value parses, every device is known")
    return 0


def _beside(gold: Path) -> str:
    path = gold.with_name(gold.stem + _BESIDE)
    if not path.exists():
        raise UsageError(f"{gold}: pass --abstracts SOURCE with the texts, or put {path} beside it")
    return str(path)


def _papers(abstracts: tuple[str, ...]) -> Iterator[Paper]:
    for source in abstracts:
        for item in sources.read(source):
            if isinstance(item, sources.Problem):
                raise UsageError(f"{item.file}:{item.line}: {item.message}")
            yield item


def draft(folder: Path, out: Path | None, paper: tuple[str, ...]) -> int:
    """Write a run's claims as gold lines, one paper a line.

    Papers that failed are left out: nobody has read them. Where people have decided on the run's
    claims, the papers that they decided on are written, and the claims there that nobody checked
    are optional.
    """
    papers = [p for p in run_folder.read_papers(folder) if not paper or p.paper_id in paper]
    lacking = sorted(set(paper) - {p.paper_id for p in papers})
    if lacking:
        raise UsageError(f"{folder} has no paper {', '.join(lacking)}")
    failed = [p.paper_id for p in papers if p.status not in ("claims", "no_claims")]
    papers = [p for p in papers if p.paper_id not in failed]
    if failed:
        click.echo(f"left out, since the run failed there: {', '.join(failed)}", err=True)
    if not papers:
        raise UsageError(f"{folder}: no paper came out, so there is nothing to correct")
    abstracts = {p.abstract_sha256 for p in papers}
    every = correction_log.of_run(folder).corrections
    decisions = [one for one in every if one.abstract_sha256 in abstracts]
    claims = run_folder.read_claims(folder)
    lines = list(
        to_gold(papers, claims, decisions) if decisions else gold_files.draft(papers, claims)
    )
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    if out is None:
        click.echo(text, nl=False)
        return 0
    if out.exists():
        raise UsageError(f"{out} is there already; corrected gold is not overwritten")
    out.write_text(text, encoding="utf-8")
    click.echo(
        f"{counted(len(lines), 'paper')} written to {out}: correct them by hand, then", err=True
    )
    click.echo(f"  extract gold check {out} --abstracts SOURCE", err=True)
    return 0


@click.group("gold")
def command() -> None:
    """Check labelled claims against their abstracts, or draft them from a run."""


@command.command("check")
@click.argument("gold", metavar="GOLD...", nargs=-1, required=True, type=PATH)
@click.option(
    "--abstracts",
    multiple=True,
    metavar="SOURCE",
    help="Where the texts are: any source that `extract run` reads. Default: for each NAME.jsonl "
    "the file NAME-abstracts.jsonl beside it.",
)
def check_command(gold: tuple[Path, ...], abstracts: tuple[str, ...]) -> None:
    """Check that quotes are verbatim, values parse to the stated numbers, devices are known.

    Exit code 1: something is wrong.
    """
    sys.exit(check(gold, abstracts))


@command.command("draft")
@click.argument("folder", metavar="OUT", type=PATH)
@click.option("-o", "--out", type=PATH, help="File to write. Default: print.")
@click.option("--paper", multiple=True, metavar="ID", help="Only this paper; may be repeated.")
def draft_command(folder: Path, out: Path | None, paper: tuple[str, ...]) -> None:
    """Write the claims of the run in OUT as gold, to be corrected by hand."""
    sys.exit(draft(folder, out, paper))
