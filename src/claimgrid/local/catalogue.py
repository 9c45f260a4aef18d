"""Lists the models that can be fetched by name, from `data/models.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from claimgrid.errors import UsageError

DATA = Path(__file__).resolve().parents[1] / "data"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model of the catalogue.

    Sizes are in bytes: of the file, and of the memory that a run takes with one slot.
    `mode` is the request mode that the model was made for, None for the default one. `f1` was
    measured on the seeds; None: by nobody.
    """

    name: str
    licence: str
    source: str
    file: str
    size_bytes: int
    ram_bytes: int
    sha256: str
    mode: str | None = None
    f1: float | None = None


@cache
def entries() -> dict[str, CatalogueEntry]:
    """All entries by name, in the order of the file."""
    tables = tomllib.loads((DATA / "models.toml").read_text(encoding="utf-8"))
    return {name: CatalogueEntry(name=name, **table) for name, table in tables.items()}


def find(name: str) -> CatalogueEntry:
    """The entry of this name.

    Raises:
        UsageError: there is none; the message names those that there are.
    """
    known = entries()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"no embedded model is called {name!r}: {hint}there are {', '.join(known)}; any other GGUF "
        "file is asked as --model embedded:/path/to/model.gguf"
    )
