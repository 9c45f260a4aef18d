"""`extract registry unmapped`: a run ─► the devices that the hardware registry does not hold."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid import store
from claimgrid.normalize.hardware import unmapped as not_held


def unmapped(folder: Path) -> int:
    """Print each unknown device slug with how often, where and in which words it stands."""
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for claim in store.read_claims(folder):
        slugs = [claim.device] if claim.kind == "hardware" else getattr(claim, "hardware", [])
        for slug in slugs:
            seen[slug].append((claim.paper_id, claim.evidence.quote))
    unknown = not_held(seen)
    console = Console(highlight=False)
    if not unknown:
        console.print(f"the registry holds all {len(seen)} devices of {folder}")
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("slug", "claims", "first in", "words"):
        table.add_column(name, overflow="fold")
    for slug in sorted(unknown, key=lambda slug: (-len(seen[slug]), slug)):
        paper, words = seen[slug][0]
        table.add_row(Text(slug), str(len(seen[slug])), Text(paper), Text(words))
    console.print(table)
    console.print("add them to src/claimgrid/normalize/data/hardware.toml")
    return 0
