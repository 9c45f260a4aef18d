"""`extract sources`: says what sources hold and how they are read, before anything is paid for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from claimgrid import sources
from claimgrid.cli.options import source_options, taken_source_options
from claimgrid.sources.overview import Overview, look

_LONGEST = 160  # characters of an abstract that are shown
_FILES = 10


def show(names: Sequence[str], choice: dict[str, Any]) -> int:
    """Print what the sources hold.

    Returns:
        1 if something of them cannot be read, else 0. A record without an abstract is no fault.
    """
    seen: list[sources.Recognised] = []
    found = look(sources.read(*names, note=seen.append, **choice))
    console = Console(highlight=False)
    for one in seen[:_FILES]:
        console.print(f"[bold]{escape(one.file)}[/]  {escape(one.format)}", soft_wrap=True)
        columns = ", ".join(f"{field} ← {name}" for field, name in one.columns.items())
        if columns:
            console.print(f"  [dim]columns   {escape(columns)}[/]", soft_wrap=True)
    if len(seen) > _FILES:
        console.print(f"… and {len(seen) - _FILES} more files")
    _figures(console, found)
    for paper in found.first:
        console.print(f"\n[bold]{escape(paper.title or '(no title)')}[/]", soft_wrap=True)
        ids = [paper.paper_id, paper.date or "no date", paper.venue or ""]
        if paper.arxiv_id:
            version = f"v{paper.arxiv_version}" if paper.arxiv_version else ""
            ids.append(f"arXiv:{paper.arxiv_id}{version}")
        if paper.doi:
            ids.append(f"doi:{paper.doi}")
        console.print(f"  [dim]{escape(' · '.join(filter(None, ids)))}[/]", soft_wrap=True)
        abstract = " ".join(paper.abstract.split())
        cut = "…" if len(abstract) > _LONGEST else ""
        console.print(f"  {escape(abstract[:_LONGEST])}{cut}", soft_wrap=True)
    if found.first_problems:
        console.print()
    for problem in found.first_problems:
        where = escape(f"{problem.file}:{problem.line}")
        console.print(f"[yellow]{where}[/] {escape(problem.message)}", soft_wrap=True)
    return found.exit_code


def _figures(console: Console, found: Overview) -> None:
    def row(name: str, number: int, detail: str = "") -> None:
        console.print(f"  {name:<12}{number:>9,}   [dim]{escape(detail)}[/]", soft_wrap=True)

    languages = " · ".join(f"{code} {n:,}" for code, n in found.languages.most_common(6))
    row("papers", found.papers, languages)
    row("no abstract", found.without_abstract, "each is a failed line of papers.jsonl in a run")
    row("repeated", found.merged, "records of a paper that another record stands for")
    row("unreadable", found.problems)
    having = [f"{name.replace('_', ' ')} {n:,}" for name, n in found.having.most_common()]
    console.print(f"  [dim]with      {escape(' · '.join(having) or 'nothing')}[/]", soft_wrap=True)


@click.command()
@click.argument("source", nargs=-1, required=True)
@source_options
def command(source: tuple[str, ...], **flags: Any) -> None:
    """Look at SOURCE… before paying: formats, papers, duplicates, columns, three of them.

    Asks no model. Exit code 0: everything can be read (records without an abstract are counted);
    1: something is broken, and is named.
    """
    sys.exit(show(source, taken_source_options(flags)))
