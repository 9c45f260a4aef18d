"""What one paper came to: the lines to write and what they cost. Types only."""

from __future__ import annotations

from dataclasses import dataclass, field

from claimgrid.claims import Claim, PaperLine, Rejected
from claimgrid.llm.answer import Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one paper came to: its lines, and what it cost."""

    paper: PaperLine
    claims: tuple[Claim, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    usage: Usage = field(default_factory=Usage)
    source: str | None = None
    origin: str | None = None
