"""Gives the factor between two canonical units, by pint with the field's own definitions.

Used only where one claim names two units ("from 2 s to 300 ms"): values keep the unit that the text
uses. pint is imported when such a claim comes up.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any


@cache
def factor(unit: str, into: str) -> float | None:
    """How many `into` one `unit` is; None where they do not convert.

    >>> factor("s", "ms"), factor("s", "gb")
    (1000.0, None)
    """
    if unit == into:
        return 1.0
    registry = _registry()
    if unit not in registry or into not in registry:
        return None
    start, goal = registry.Unit(unit), registry.Unit(into)
    if start.dimensionality != goal.dimensionality:
        return None
    return float(registry.Quantity(1.0, start).to(goal).magnitude)


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    data = files("claimgrid").joinpath("data/conversions.txt")
    # No defaults: pint's own "min" or "B" must not slip in, and its 50 kB file need not be parsed.
    registry: UnitRegistry[Any] = UnitRegistry(None, case_sensitive=True)
    for line in data.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            registry.define(line)
    return registry
