"""What a reader must know of the runs behind a table: model, date, measured quality, overlap."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_UNMEASURED = "its quality on these papers was not measured"
_EACH_ONCE = (
    "papers are in several runs; each is shown once, from the first run that read it without an "
    "error. Each claim of every run: --every-run."
)
_EACH_RUN = "papers are in several runs; their claims are shown once for each run, see column run."


def manifest(path: str | None) -> dict[str, str | None]:
    """Model, day and caution of a run, from its run.json; all None where there is none."""
    found: Any = {}
    if path is not None:
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}  # a damaged run.json takes nothing from the claims
    if not isinstance(found, dict):
        found = {}
    finished = _text(found.get("finished"))
    return {
        "model": _text(found.get("model")),
        "finished": finished[:10] if finished else None,
        "caution": _text(found.get("caution")),
    }


def sentences(runs: Iterable[tuple[Any, ...]], *, every_run: bool) -> tuple[str, ...]:
    """One sentence for each run, and one where papers are in several of them.

    Args:
        runs: name, model, day, caution, papers, and how many of these other runs have too.
        every_run: whether the claims of such papers are shown from each run.
    """
    told, shared = [], 0
    for name, model, day, caution, _, overlap in runs:
        when = f" on {day}" if day else ""
        said = str(caution).rstrip(".") if caution else _UNMEASURED
        told.append(f"Extracted by {model or 'an unknown model'}{when} ({name}); {said}.")
        shared = max(shared, overlap)
    if shared:
        told.append(f"{shared} {_EACH_RUN if every_run else _EACH_ONCE}")
    return tuple(told)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
