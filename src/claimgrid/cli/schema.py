"""`extract schema`: writes the JSON Schemas, or checks that they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from claimgrid.cli.options import PATH
from claimgrid.errors import UsageError
from claimgrid.io import shipped_files
from claimgrid.types.claim import CLAIM, PaperLine, Rejected
from claimgrid.types.manifest import RunManifest
from claimgrid.types.reply import Reply

_LINES: dict[str, TypeAdapter[Any]] = {
    "reply": TypeAdapter(Reply),
    "claim": CLAIM,
    "paper": TypeAdapter(PaperLine),
    "rejected": TypeAdapter(Rejected),
    "run": TypeAdapter(RunManifest),
}


def schema(out: Path | None, *, check: bool) -> int:
    """Write the schemas, or with `check` only compare.

    Returns:
        1 if `check` found a stale or missing file, else 0.

    Raises:
        UsageError: there is no checkout to write to and no --out.
    """
    root = shipped_files.checkout()
    # Installed from a wheel and called inside a checkout, the folder at hand is meant.
    here = Path("schemas")
    if out is None and root is None and not (here / "reply.schema.json").exists():
        raise UsageError("there is no schemas/ of claimgrid here: pass --out FOLDER")
    folder = out or (root / "schemas" if root else here)
    stale = 0
    for name, lines in _LINES.items():
        path = folder / f"{name}.schema.json"
        # A reply is read, the lines are written: a default is optional in the one only.
        made = lines.json_schema(mode="validation" if name == "reply" else "serialization")
        text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        current = path.read_text(encoding="utf-8") if path.exists() else None
        if current == text:
            click.echo(f"{path}: up to date")
        elif check:
            stale += 1
            click.echo(f"{path}: {'missing' if current is None else 'stale'}; run `extract schema`")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"{path}: written")
    return int(bool(stale))


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is stale.")
@click.option("--out", type=PATH, help="Folder. Default: schemas/ of the checkout.")
def command(check: bool, out: Path | None) -> None:
    """Write the JSON Schemas of the reply and of the output lines."""
    sys.exit(schema(out, check=check))
