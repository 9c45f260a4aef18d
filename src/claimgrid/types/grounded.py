"""What grounding hands to normalizing: an item with spans, or a refusal. Types only."""

from __future__ import annotations

from dataclasses import dataclass

from claimgrid.types.claim import Grounding, Kind, Span
from claimgrid.types.reply import Item


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item, or one field of it, was not taken."""

    reason: str
    detail: str
    field: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Grounded:
    """An item whose words were found: `spans` by field, in the order of the item's words."""

    kind: Kind
    item: Item
    quote: Span
    spans: dict[str, list[Span]]
    grounding: Grounding
    candidates: tuple[Span, ...]
    lost: tuple[Refusal, ...]
