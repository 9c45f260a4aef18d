"""What there is to decide on in a run, as the page of a review lists it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.review import check_first, refused_items
from claimgrid.review.corrections import DISMISSED, Applied, Correction, standing
from claimgrid.text.readable import readable
from claimgrid.types.claim import Claim, PaperLine, Rejected


def entry(one: check_first.Entry, said: dict[tuple[str, str], str]) -> dict[str, Any]:
    """One entry; `said` is what became of refused items."""
    claim = one.claim
    told = {
        "key": one.key,
        "paper_id": one.paper.paper_id,
        "title": readable(one.paper.title) or one.paper.paper_id,
        "reasons": one.reasons,
        "state": claim.checked.decision if claim is not None and claim.checked else "open",
    }
    if claim is not None:
        return told | {"kind": claim.kind, "claim_id": claim.claim_id, "words": _words(claim)}
    if one.item is not None:
        name = refused_items.key(one.item)
        state = said.get((one.paper.abstract_sha256, name), "open")
        return (
            told
            | {"kind": "refused", "state": state, "words": _read(refused_items.words(one.item))}
            | {"item": _item(one.paper, one.item)}
        )
    assert one.number is not None
    number = one.number.model_dump(mode="json")
    state = "dismissed" if one.number.reason == DISMISSED else "open"
    return told | {
        "kind": "number",
        "state": state,
        "number": number,
        "words": readable(one.number.text),
    }


def _read(words: str) -> str:
    return readable(words).strip() or words


def _item(paper: PaperLine, item: Rejected) -> dict[str, Any]:
    """A refused item for the page, with the words of its fields that stand in the abstract."""
    return {
        "key": refused_items.key(item),
        "kind": item.kind,
        "reason": item.reason,
        "detail": item.detail,
        "raw": item.item if isinstance(item.item, dict) else {},
        "spans": refused_items.spans(paper.abstract, item),
        "labels": refused_items.labels(item),
    }


def said_of_items(corrections: Iterable[Correction]) -> dict[tuple[str, str], str]:
    """What became of refused items that people decided on, by abstract and key."""
    return {
        (one.abstract_sha256, one.item): "dismissed" if one.action == "dismiss" else "added"
        for one in standing(corrections)
        if one.item is not None
    }


def taken_out(
    corrections: Iterable[Correction], papers: Mapping[str, Applied]
) -> Iterator[dict[str, Any]]:
    """The claims that were rejected: they stand in no list of claims and can be taken back."""
    for one in standing(corrections):
        applied = papers.get(one.paper_id)
        if one.action != "reject" or one.before is None or applied is None:
            continue
        ids = {item.item["claim_id"] for item in applied.rejected if item.item}
        if one.claim_id in ids and applied.paper.abstract_sha256 == one.abstract_sha256:
            yield {
                "key": one.claim_id,
                "paper_id": one.paper_id,
                "title": readable(applied.paper.title) or one.paper_id,
                "reasons": [],
                "state": "rejected",
                "kind": one.before.kind,
                "claim_id": one.claim_id,
                "words": _words(one.before),
            }


def _words(claim: Claim) -> str:
    """The few words that tell a claim from the others of its paper."""
    if claim.kind == "hardware":
        return product_name(claim.device)
    named = claim.benchmark if claim.kind == "benchmark" else None
    return readable(claim.value.text if claim.value else named or claim.evidence.quote)
