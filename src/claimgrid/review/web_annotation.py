"""Claims are written as W3C Web Annotations, one a region, and read back as regions.

The data model counts text positions in code points, as claimgrid does. Each target carries a
position and the exact words; both must fit the abstract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claimgrid.review.regions import Region, Unread, label, of_claim, read_label
from claimgrid.types.claim import Claim, PaperLine, Span

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
_CLAIM = "urn:claimgrid:claim:"
_ABSTRACT = "urn:sha256:"


def page(annotations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Annotations as one AnnotationPage."""
    return {"@context": CONTEXT, "type": "AnnotationPage", "items": list(annotations)}


def annotations(paper: PaperLine, claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """The annotations of one paper's claims."""
    made = []
    for claim in claims:
        for place, region in enumerate(of_claim(claim)):
            made.append(_annotation(paper, claim, region, place))
    return made


def abstract_of(annotation: Mapping[str, Any]) -> str | None:
    """The hash of the abstract that an annotation is about."""
    source = str(_target(annotation).get("source", ""))
    return source.removeprefix(_ABSTRACT) if source.startswith(_ABSTRACT) else None


def region(annotation: Mapping[str, Any], paper: PaperLine) -> Region | Unread | None:
    """The region of an annotation; None where it is none of a claim."""
    bodies = annotation.get("body", [])
    bodies = bodies if isinstance(bodies, list) else [bodies]
    values = [
        str(body.get("value", body.get("source", ""))) for body in bodies if isinstance(body, dict)
    ]
    named = next(filter(None, map(read_label, values)), None)
    if named is None:
        return None
    name = next((v.removeprefix(_CLAIM) for v in values if v.startswith(_CLAIM)), None)
    selectors = _target(annotation).get("selector", [])
    by_type = {one.get("type"): one for one in _list(selectors)}
    position = by_type.get("TextPositionSelector", {})
    start, end = position.get("start"), position.get("end")
    where = f"{paper.paper_id}, annotation {annotation.get('id')}"
    if not isinstance(start, int) or not isinstance(end, int):
        return Unread(where, "it has no TextPositionSelector")
    exact = by_type.get("TextQuoteSelector", {}).get("exact", paper.abstract[start:end])
    if not 0 <= start < end <= len(paper.abstract) or paper.abstract[start:end] != exact:
        return Unread(where, "its position and its words do not fit the abstract")
    group = name or str(annotation.get("id") or f"{start}-{end}")
    return Region(group, name, *named, Span(start, end))


def _annotation(paper: PaperLine, claim: Claim, region: Region, place: int) -> dict[str, Any]:
    start, end = region.span
    made: dict[str, Any] = {
        "id": f"urn:claimgrid:region:{claim.claim_id}-{place}",
        "type": "Annotation",
        "motivation": "classifying",
        "body": [
            {"type": "TextualBody", "purpose": "classifying", "value": label(region)},
            {
                "type": "SpecificResource",
                "purpose": "linking",
                "source": f"{_CLAIM}{claim.claim_id}",
            },
        ],
        "target": {
            "source": f"{_ABSTRACT}{paper.abstract_sha256}",
            "selector": [
                {"type": "TextPositionSelector", "start": start, "end": end},
                {
                    "type": "TextQuoteSelector",
                    "exact": paper.abstract[start:end],
                    "prefix": paper.abstract[max(0, start - 24) : start],
                    "suffix": paper.abstract[end : end + 24],
                },
            ],
        },
    }
    if claim.checked is not None:
        made |= {
            "creator": {"type": "Person", "name": claim.checked.by},
            "created": claim.checked.at,
        }
    return made


def _target(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    found = annotation.get("target", {})
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, dict) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
