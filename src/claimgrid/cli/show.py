"""`extract show` prints a paper's abstract with its claims marked, and the claims beside it."""

from __future__ import annotations

import calendar
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH, min_confidence_option
from claimgrid.engines.in_process import CHECK_FIRST
from claimgrid.entities.device_names import product_name
from claimgrid.errors import UsageError
from claimgrid.quantities import shown_numbers
from claimgrid.review import checked_run
from claimgrid.tables import factors
from claimgrid.types.claim import Claim, PaperLine, Rejected

_COLOURS = {
    "benchmark": "green",
    "speedup": "magenta",
    "efficiency": "cyan",
    "hardware": "yellow",
    "model_size": "blue",
}
_LONGEST_NAME = 20  # of a baseline beside a number; a longer one stands in the next column alone
_YEARLESS = re.compile(r"--(0[1-9]|1[0-2])(?:-(\d\d))?")


def show(folder: Path, paper: str | None, least: float | None = None, sort: str = "text") -> int:
    """Print one paper of a run, or the list of its papers.

    Args:
        paper: an id, the beginning of one or of a title, or words of a title; None lists the
            papers.
        least: claims of a lower confidence, and those without any, are left out.
        sort: `text`: as the abstract has them; `confidence`: the least sure first.

    Raises:
        UsageError: no paper, or more than one, is called so.
    """
    console = Console(highlight=False)
    papers = list(checked_run.read_papers(folder))
    if paper is None:
        _print(console, _list(papers))
        return 0
    found = _called(papers, paper.rstrip("….*").casefold())
    if len(found) != 1:
        names = ", ".join(line.paper_id for line in found[:5])
        problem = (
            f"more than one paper is called {paper!r}: {names}"
            if found
            else f"no paper of {folder} is called {paper!r}; `extract show {folder}` lists them"
        )
        raise UsageError(problem)
    paper_id = found[0].paper_id
    claims = [claim for claim in checked_run.read_claims(folder) if claim.paper_id == paper_id]
    claims = [c for c in claims if least is None or _sure(c, -1.0) >= least]
    if sort == "confidence":
        claims.sort(key=lambda claim: _sure(claim, 2.0))
    rejected = [item for item in checked_run.read_rejected(folder) if item.paper_id == paper_id]
    print_paper(console, found[0], claims, rejected)
    return 0


def _sure(claim: Claim, without: float) -> float:
    return without if claim.confidence is None else claim.confidence


def _called(papers: Sequence[PaperLine], wanted: str) -> list[PaperLine]:
    """The papers of this id, else those that begin so, else those with these words in the title."""
    exact = [line for line in papers if wanted in (line.paper_id.casefold(), line.citation_key)]
    begun = [
        line
        for line in papers
        if line.paper_id.casefold().startswith(wanted) or line.title.casefold().startswith(wanted)
    ]
    inside = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
    return exact or begun or [line for line in papers if inside.search(line.title.casefold())]


def print_paper(
    console: Console, paper: PaperLine, claims: Sequence[Claim], rejected: Sequence[Rejected] = ()
) -> None:
    """The abstract with evidence underlined and values bold in the colour of their kind."""
    parts: list[RenderableType] = [_panel(paper, claims)]
    if paper.reason:
        parts.append(Text(f"{paper.status} at stage {paper.stage}: {paper.reason}", "red"))
    if claims:
        parts.append(_table(claims))
    if rejected:
        reasons = Counter(item.reason.replace("_", " ") for item in rejected)
        told = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
        parts.append(Text(f"{len(rejected)} rejected: {told}", "yellow"))
        parts += [Text(f"  {_kind(item)}: {item.detail}", "dim") for item in rejected]
    open_numbers = [n.text for n in paper.unclaimed_numbers if n.reason is None]
    if open_numbers:
        parts.append(Text(f"numbers that no claim covers: {', '.join(open_numbers)}", "dim"))
    _print(console, *parts)


def _print(console: Console, *parts: RenderableType) -> None:
    """Tables are padded to their width; what is piped on has no spaces at the ends of its lines."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as made:
        console.print(*parts, sep="\n")
    click.echo("\n".join(line.rstrip() for line in made.get().splitlines()), file=console.file)


def _panel(paper: PaperLine, claims: Sequence[Claim]) -> Panel:
    abstract = Text(paper.abstract)
    for claim in claims:
        colour = _COLOURS[claim.kind]
        abstract.stylize(f"{colour} underline", claim.evidence.start, claim.evidence.end)
    for claim in claims:
        for field in ("value", "device", "total", "active"):
            for start, end in claim.spans.get(field, ()):
                abstract.stylize(f"bold {_COLOURS[claim.kind]}", start, end)
    byline = " · ".join(
        filter(
            None, (", ".join(paper.authors), ", ".join(paper.organizations), shown_date(paper.date))
        )
    )
    head = [Text(paper.title or paper.paper_id, "bold"), *([Text(byline, "dim")] if byline else [])]
    return Panel(Group(*head, Text(), abstract))


def _table(claims: Sequence[Claim]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for claim in claims:
        kind = Text(claim.kind.replace("_", " "), _COLOURS[claim.kind])
        facts = [claim.subject, _what(claim)]
        if baselines := getattr(claim, "baselines", ()):
            facts.append(f"against {', '.join(baselines)}")
        if devices := getattr(claim, "hardware", ()):
            facts.append(f"on {', '.join(map(product_name, devices))}")
        if claim.stance == "background":
            facts.append("background")
        if claim.confidence is not None:
            first = "check first, " if claim.confidence < CHECK_FIRST else ""
            facts.append(f"{first}{claim.confidence:.0%} sure")
        about = Text(" · ".join(filter(None, facts)))
        about.append(f"\n{claim.evidence.quote}", "dim")
        table.add_row(kind, Text(shown_value(claim), no_wrap=True), about)
    return table


def shown_value(claim: Claim) -> str:
    """The normalized number of a claim with its bound: `≤ 3.04 x`, `1.27–7.57 x`, `8B`.

    A difference to a baseline is `Δ ≤ 10.1%`, a share of one `102.7% of baseline`: no scores.
    """
    if claim.kind == "hardware":
        return "" if claim.count is None else f"{claim.count:,}"
    if claim.kind == "model_size":
        active = f" ({_short(claim.active_params)} active)" if claim.active_params else ""
        return _short(claim.params) + active
    if claim.value is None:
        return ""
    number = _bound(claim.qualifier) + shown_numbers.shown_value(claim.value)
    if claim.kind == "benchmark" and claim.relation == "delta":
        return f"Δ {number}"
    if claim.kind == "benchmark" and claim.relation == "ratio":
        of = claim.baselines[0] if claim.baselines else ""
        return f"{number} of {of if 0 < len(of) <= _LONGEST_NAME else 'baseline'}"
    return number


def shown_date(date: str | None) -> str | None:
    """A date as people write it where its year is missing: `--05-02` is `2 May`."""
    found = _YEARLESS.fullmatch(date or "")
    if found is None:
        return date
    month = calendar.month_name[int(found[1])]
    return f"{int(found[2])} {month}" if found[2] else month


def _bound(qualifier: str) -> str:
    return {"up_to": "≤ ", "at_least": "≥ ", "about": "≈ ", "average": "avg "}.get(qualifier, "")


def _short(params: int) -> str:
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if params >= size:
            return f"{params / size:g}{letter}"
    return str(params)


def _what(claim: Claim) -> str:
    match claim.kind:
        case "benchmark":
            role = "" if claim.role == "result" else claim.role.replace("_", " ")
            return " ".join(filter(None, (role, claim.benchmark, claim.metric)))
        case "speedup":
            factor = factors.computed(claim)
            doubt = f"(ambiguous: {claim.ambiguous.replace('_', ' ')})" if claim.ambiguous else None
            metric = claim.metric.replace("_", " ")
            made = (metric, factor and f"({factor})", doubt, claim.workload)
            return " ".join(filter(None, made))
        case "efficiency":
            return " ".join(filter(None, (claim.metric.replace("_", " "), claim.workload)))
        case "hardware":
            return f"{product_name(claim.device)} ({claim.role})"
        case "model_size":
            window = f" {_short(claim.context_tokens)} context" if claim.context_tokens else ""
            return (claim.model or "") + window


def _kind(item: Rejected) -> str:
    return (item.kind or "no kind").replace("_", " ") + (f", {item.field}" if item.field else "")


def _list(papers: Sequence[PaperLine]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("paper", "status", "claims", "title"):
        table.add_column(name, overflow="fold")
    for line in papers:
        count = str(sum(line.claims.values()))
        table.add_row(Text(line.paper_id), line.status, count, Text(line.title))
    return table


@click.command()
@click.argument("folder", metavar="OUT", type=PATH)
@click.option(
    "--paper",
    metavar="ID",
    help="Id of a paper, how its id or title begins, or a word of its title.",
)
@min_confidence_option
@click.option(
    "--sort",
    type=click.Choice(["text", "confidence"]),
    default="text",
    help="text: claims as the abstract has them. confidence: what to check first. Default: text.",
)
def command(folder: Path, paper: str | None, min_confidence: float | None, sort: str) -> None:
    """Show a paper of a run: its abstract with the evidence marked, and its claims.

    Without --paper, lists the papers.
    """
    sys.exit(show(folder, paper, min_confidence, sort))
