"""What one paper came to: the lines to write and what they cost. Types only."""

from __future__ import annotations

from dataclasses import dataclass, field

from claimgrid.types.answer import Usage
from claimgrid.types.claim import Claim, PaperLine, Rejected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one paper came to: its lines, and what it cost."""

    paper: PaperLine
    claims: tuple[Claim, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    usage: Usage = field(default_factory=Usage)
    source: str | None = None
    origin: str | None = None
