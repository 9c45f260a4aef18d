"""Items that a run refused can be looked at again: kept out by a person, or made a claim after all.

An item has no words of its own: what it becomes is selected in the abstract, like any other claim.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from claimgrid.review.rebuilding import FIELDS, LABELS
from claimgrid.types.claim import Claim, Rejected, Span

_YES_NO = {True: "yes", False: "no"}
# The claim is there already, so that nothing was missed.
NOTHING_MISSED = frozenset({"duplicate", "has_result"})


def whole(items: Iterable[Rejected], claims: Sequence[Claim]) -> Iterator[Rejected]:
    """The items that became no claim of the run, each once; of others a field was left out."""
    seen: set[str] = set()
    for item in items:
        if item.field is not None and any(belongs(item, claim) for claim in claims):
            continue
        if (name := key(item)) not in seen:
            seen.add(name)
            yield item


def belongs(item: Rejected, claim: Claim) -> bool:
    """Whether a field that was left out was one of this claim's."""
    found = item.item.get("quote") if isinstance(item.item, dict) else None
    quote, own = str(found or ""), claim.evidence.quote
    return item.kind == claim.kind and quote != "" and (quote in own or own in quote)


def key(item: Rejected) -> str:
    """A short hash of what was refused: the same in every run that gets the same reply."""
    told = json.dumps([item.kind, item.item, item.words], sort_keys=True, default=str)
    return hashlib.sha256(told.encode("utf-8")).hexdigest()[:16]


def spans(abstract: str, item: Rejected) -> dict[str, list[Span]]:
    """The item's fields whose words stand in the abstract, at one place that is not in doubt."""
    raw: Mapping[str, Any] = item.item if isinstance(item.item, dict) else {}
    if item.kind is None:
        return {}
    given = raw.get("spans")
    if isinstance(given, dict):  # it was grounded, and refused later
        return {
            name: [Span(*pair) for pair in pairs]
            for name, pairs in given.items()
            if name in FIELDS[item.kind]
        }
    quote = _place(abstract, str(raw.get("quote") or ""), None)
    found: dict[str, list[Span]] = {}
    for name in FIELDS[item.kind]:
        words = raw.get(name)
        places = [
            _place(abstract, str(one), quote)
            for one in (words if isinstance(words, list) else [words])
            if one
        ]
        if places and None not in places:
            found[name] = [place for place in places if place is not None]
    return found


def labels(item: Rejected) -> dict[str, str]:
    """What the item says that no words say, such as its metric."""
    raw: Mapping[str, Any] = item.item if isinstance(item.item, dict) else {}
    if item.kind is None:
        return {}
    given = {
        name: _YES_NO[value] if isinstance(value, bool) else value for name, value in raw.items()
    }
    known = LABELS[item.kind]
    return {name: given[name] for name in known if given.get(name) in known[name]}


def words(item: Rejected) -> str:
    """The few words that tell an item from the others of its paper."""
    raw: Mapping[str, Any] = item.item if isinstance(item.item, dict) else {}
    evidence = raw.get("evidence")
    quote = evidence.get("quote") if isinstance(evidence, dict) else raw.get("quote")
    anchor = FIELDS[item.kind][0] if item.kind is not None else "value"
    return str(item.words or raw.get(anchor) or quote or item.reason.replace("_", " "))


def _place(abstract: str, text: str, inside: Span | None) -> Span | None:
    """Where a text stands: inside a span if it is given and holds it, else where it stands once."""
    if not text:
        return None
    if inside is not None:
        at = abstract.find(text, inside.start, inside.end)
        if at >= 0:
            return Span(at, at + len(text))
    at = abstract.find(text)
    if at < 0 or abstract.find(text, at + 1) >= 0:
        return None
    return Span(at, at + len(text))
