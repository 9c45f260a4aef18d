"""Which way a score is better: asked of the table of metrics, where the package has one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any


def better(unit: str, metric: str | None) -> str | None:
    """`higher`, `lower`, or None where it is not known: such numbers are not ranked."""
    asked = _table()
    return asked(unit, metric) if asked is not None else None


@cache
def _table() -> Callable[[str, str | None], Any] | None:
    try:
        return importlib.import_module("claimgrid.entities.metrics").direction_in  # type: ignore[no-any-return]
    except (ImportError, AttributeError):
        return None
