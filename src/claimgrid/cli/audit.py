"""`extract audit`: lists the numbers that no claim covers, each with the words around it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from claimgrid.cli.options import PATH
from claimgrid.review import checked_run
from claimgrid.text.counted import counted
from claimgrid.types.claim import PaperLine, UnclaimedNumber

_AROUND = 48  # code points of context on each side


def audit(folder: Path, *, everything: bool) -> int:
    """Print a reading list: papers with open numbers, the most first, then the totals.

    Args:
        everything: also list the numbers whose reason is known (a year, a name …).
    """
    console = Console(highlight=False)
    reasons: Counter[str] = Counter()
    listed: list[tuple[PaperLine, list[UnclaimedNumber]]] = []
    for paper in checked_run.read_papers(folder):
        numbers = paper.unclaimed_numbers
        reasons.update(number.reason or "unknown" for number in numbers)
        shown = [number for number in numbers if everything or number.reason is None]
        if shown:
            listed.append((paper, shown))
    listed.sort(key=lambda pair: -len(pair[1]))
    for paper, shown in listed:
        console.print(Text.assemble((paper.paper_id, "bold"), f"  {paper.title}"), soft_wrap=True)
        for number in shown:
            console.print(_in_context(paper.abstract, number), soft_wrap=True)
    total = sum(reasons.values())
    parts = " · ".join(f"{name.replace('_', ' ')} {n}" for name, n in reasons.most_common())
    if total:
        console.print(f"{counted(total, 'number')} that no claim covers: {parts}", soft_wrap=True)
    else:
        console.print("no number is left")
    return 0


def _in_context(abstract: str, number: UnclaimedNumber) -> Text:
    before = " ".join(abstract[max(0, number.start - _AROUND) : number.start].split("\n"))
    after = " ".join(abstract[number.end : number.end + _AROUND].split("\n"))
    line = Text(f"  {number.start:>5}  …{before}")
    line.append(number.text, "bold yellow").append(f"{after}…")
    if number.reason:
        line.append(f"  [{number.reason.replace('_', ' ')}]", "dim")
    return line


@click.command()
@click.argument("folder", metavar="OUT", type=PATH)
@click.option("--all", "everything", is_flag=True, help="Also those with a known reason.")
def command(folder: Path, everything: bool) -> None:
    """List the numbers that no claim covers, with the words around them."""
    sys.exit(audit(folder, everything=everything))
