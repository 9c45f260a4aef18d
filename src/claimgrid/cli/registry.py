"""`extract registry`: lists the devices of a run that the hardware registry does not hold."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH
from claimgrid.entities.hardware import unmapped as not_held
from claimgrid.io import run_folder


def unmapped(folder: Path) -> int:
    """Print each unknown device slug with how often, where and in which words it stands."""
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for claim in run_folder.read_claims(folder):
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
    console.print("add them to src/claimgrid/data/hardware.toml")
    return 0


@click.group("registry")
def command() -> None:
    """Look after the hardware registry."""


@command.command("unmapped")
@click.argument("folder", metavar="OUT", type=PATH)
def unmapped_command(folder: Path) -> None:
    """List the devices of a run that the registry does not hold, for adding."""
    sys.exit(unmapped(folder))
