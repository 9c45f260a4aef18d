"""`extract registry unmapped` lists the devices, benchmarks and metrics that no registry holds."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid.cli.options import PATH
from claimgrid.entities import benchmarks, metrics
from claimgrid.entities.hardware import unmapped as unknown_devices
from claimgrid.entities.spelling import fold
from claimgrid.io import run_folder
from claimgrid.types.claim import Claim

_FILES = {"device": "hardware.toml", "benchmark": "benchmarks.toml", "metric": "metrics.toml"}
_PLURALS = {"device": "devices", "benchmark": "benchmarks", "metric": "metrics"}
_Seen = dict[str, list[tuple[str, str]]]


def unmapped(folder: Path, kinds: tuple[str, ...]) -> int:
    """Print each unknown name with how often, where and in which words it stands. Returns 0."""
    claims = list(run_folder.read_claims(folder))
    console = Console(highlight=False)
    for kind in kinds:
        seen: _Seen = defaultdict(list)
        for claim in claims:
            for name in _names(claim, kind):
                seen[name].append((claim.paper_id, claim.evidence.quote))
        unknown = _unknown(seen, kind)
        if not unknown:
            console.print(f"the registry holds all {len(seen)} {_PLURALS[kind]} of {folder}")
            continue
        console.print(_listed(kind, unknown, seen))
        console.print(f"add them to src/claimgrid/data/{_FILES[kind]}")
    return 0


def _names(claim: Claim, kind: str) -> Iterator[str]:
    if kind == "device":
        yield from [claim.device] if claim.kind == "hardware" else getattr(claim, "hardware", [])
    elif claim.kind == "benchmark":
        name = claim.benchmark if kind == "benchmark" else claim.metric
        if name:
            yield name


def _unknown(seen: _Seen, kind: str) -> list[str]:
    if kind == "device":
        found = list(unknown_devices(seen))
    else:
        find = benchmarks.find if kind == "benchmark" else metrics.find
        found = [name for name in seen if find(name) is None]
    return sorted(found, key=lambda name: (-len(seen[name]), name))


def _listed(kind: str, unknown: list[str], seen: _Seen) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    # A name that only looks similar is shown, never merged: that is for a person to decide.
    near = {fold(entry.name): entry.name for entry in benchmarks.names()}
    columns = (kind, "claims", "first in", "words")
    for name in (*columns, "similar to") if kind == "benchmark" else columns:
        table.add_column(name, overflow="fold")
    for name in unknown:
        paper, words = seen[name][0]
        cells = [Text(name), Text(str(len(seen[name]))), Text(paper), Text(words)]
        if kind == "benchmark":
            close = get_close_matches(fold(name), near, n=1, cutoff=0.85)
            cells.append(Text(near[close[0]] if close else ""))
        table.add_row(*cells)
    return table


@click.group("registry")
def command() -> None:
    """Look after the registries of hardware, benchmarks and metrics."""


@command.command("unmapped")
@click.argument("folder", metavar="OUT", type=PATH)
@click.option(
    "--only",
    type=click.Choice(list(_FILES)),
    help="One registry only. Default: all three.",
)
def unmapped_command(folder: Path, only: str | None) -> None:
    """List the devices, benchmarks and metrics of a run that no registry holds, for adding."""
    sys.exit(unmapped(folder, (only,) if only else tuple(_FILES)))
