"""Claims are written as Label Studio tasks, and annotated tasks are read as regions.

Label Studio has stored offsets in UTF-16 units in some versions and in code points in others, and
does not say which. Code points are written, as everywhere in claimgrid. On reading, the words that
stand beside the offsets decide between the two; offsets that fit neither are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from claimgrid.review.regions import Region, Unread, label, of_claim, read_label
from claimgrid.types.claim import Claim, PaperLine, Span

_NAMES = {"from_name": "label", "to_name": "text", "type": "labels"}


def task(paper: PaperLine, claims: Iterable[Claim]) -> dict[str, Any]:
    """One paper as a task; its claims are the predictions that an annotator corrects."""
    result = [
        {
            "id": f"{region.claim_id}-{place}",
            **_NAMES,
            "value": {
                "start": region.span.start,
                "end": region.span.end,
                "text": paper.abstract[region.span.start : region.span.end],
                "labels": [label(region)],
            },
            "meta": {"text": [region.claim_id]},
        }
        for claim in claims
        for place, region in enumerate(of_claim(claim))
    ]
    return {
        "data": {
            "text": paper.abstract,
            "title": paper.title,
            "paper_id": paper.paper_id,
            "abstract_sha256": paper.abstract_sha256,
        },
        "predictions": [{"model_version": paper.model or "claimgrid", "result": result}],
    }


def regions(given: Mapping[str, Any], paper: PaperLine) -> tuple[list[Region], list[Unread]]:
    """The regions of a task's latest annotation."""
    annotations = [one for one in given.get("annotations", []) if not one.get("was_cancelled")]
    if not annotations:
        return [], []
    result: Sequence[Mapping[str, Any]] = annotations[-1].get("result", [])
    group = _groups(result)
    found: list[Region] = []
    unread: list[Unread] = []
    for item in result:
        value = item.get("value", {})
        named = next(filter(None, map(read_label, value.get("labels", []))), None)
        if item.get("type") != "labels" or named is None:
            continue
        where = f"{paper.paper_id}, region {item.get('id')}"
        span = _span(value, paper.abstract)
        if span is None:
            unread.append(Unread(where, "its offsets and its words do not fit the abstract"))
            continue
        name = str(item.get("id"))
        told = (item.get("meta") or {}).get("text") or [None]
        found.append(Region(group[name], told[0], *named, span))
    return found, unread


def _groups(result: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Which regions make one claim: those of one claim's id, and those that a relation joins."""
    group = {
        str(item.get("id")): ((item.get("meta") or {}).get("text") or [str(item.get("id"))])[0]
        for item in result
        if item.get("type") == "labels"
    }
    for item in result:
        ends = str(item.get("from_id")), str(item.get("to_id"))
        if item.get("type") == "relation" and all(end in group for end in ends):
            old, new = group[ends[0]], group[ends[1]]
            group = {name: new if one == old else one for name, one in group.items()}
    return group


def _span(value: Mapping[str, Any], abstract: str) -> Span | None:
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    words = value.get("text")
    for span in _readings(start, end, abstract):
        if abstract[span.start : span.end] == words:
            return span
    # Without the words beside them, offsets are sure only where both units count the same.
    plain = words is None and all(ord(letter) <= 0xFFFF for letter in abstract)
    return Span(start, end) if plain and 0 <= start < end <= len(abstract) else None


def _readings(start: int, end: int, abstract: str) -> Iterator[Span]:
    yield Span(start, end)
    units = abstract.encode("utf-16-le")
    before = units[: start * 2].decode("utf-16-le", "ignore")
    inside = units[start * 2 : end * 2].decode("utf-16-le", "ignore")
    yield Span(len(before), len(before) + len(inside))
