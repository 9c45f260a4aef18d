"""How extractions, claims and runs show themselves in a notebook. Everything shown is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from claimgrid.types.claim import Claim, PaperLine

_SHOWN = 200  # rows of a claim list that a notebook prints
_HEAD = ("kind", "subject", "value", "qualifier", "quote", "paper", "claim")
_MARK = {
    "benchmark": "#2e7d3233",
    "speedup": "#8e24aa33",
    "efficiency": "#00838f33",
    "hardware": "#ef6c0033",
    "model_size": "#1565c033",
}


def named(claim: Claim) -> str:
    """A claim in a few words: its kind, and its number or name as written."""
    words = claim.value.text if claim.value else claim.evidence.quote
    return f"{claim.kind} {words if len(words) <= 32 else words[:31] + '…'}"


def claims_table(claims: Sequence[Claim]) -> str:
    """Claims as an HTML table; the first 200 rows."""
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    body = "".join(_row(claim) for claim in claims[:_SHOWN])
    more = len(claims) - _SHOWN
    rest = f"<p>and {more:,} more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def extraction(paper: PaperLine, claims: Sequence[Claim]) -> str:
    """An abstract with its evidence marked, and its claims below."""
    title = f"<p><b>{html.escape(paper.title)}</b></p>" if paper.title else ""
    failed = ""
    if paper.status not in ("claims", "no_claims"):
        failed = f"<p>{html.escape(f'{paper.status}: {paper.reason}')}</p>"
    return f"{title}{failed}<p>{_marked(paper.abstract, claims)}</p>{claims_table(claims)}"


def run(head: str, manifests: Sequence[Mapping[str, Any]], claims: Sequence[Claim]) -> str:
    """A line on a run, what a reader must know of its model, and its claims."""
    cautions = "".join(
        f"<p>{html.escape(str(told['caution']))}</p>" for told in manifests if told.get("caution")
    )
    return f"<p><b>{html.escape(head.strip('<>'))}</b></p>{cautions}{claims_table(claims)}"


def _row(claim: Claim) -> str:
    cells = (
        claim.kind,
        claim.subject or "",
        claim.value.text if claim.value else "",
        claim.qualifier,
        claim.evidence.quote,
        f"{claim.paper_id}:{claim.evidence.start}-{claim.evidence.end}",
        claim.claim_id,
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _marked(abstract: str, claims: Sequence[Claim]) -> str:
    """The abstract with each evidence in the colour of its kind; overlaps take the first kind."""
    kinds: list[str | None] = [None] * len(abstract)
    for claim in claims:
        for at in range(claim.evidence.start, claim.evidence.end):
            kinds[at] = kinds[at] or claim.kind
    parts: list[str] = []
    start = 0
    for at in range(1, len(abstract) + 1):
        if at < len(abstract) and kinds[at] == kinds[start]:
            continue
        words, kind = html.escape(abstract[start:at]), kinds[start]
        parts.append(
            f'<mark title="{kind}" style="background:{_MARK[kind]};color:inherit">{words}</mark>'
            if kind
            else words
        )
        start = at
    return "".join(parts)
