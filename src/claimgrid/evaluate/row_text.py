"""Writes the key of a claim as one line of text, for lists of differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimgrid.types.claim import Claim

_NAMES = (
    "role", "relation", "benchmark", "ratio", "device", "count", "params", "active_params",
)  # fmt: skip


def gold_key(line: Mapping[str, Any]) -> str:
    """What tells a gold claim from others of its kind."""
    value = line.get("value") or {}
    shown = {"value": value.get("text"), "unit": value.get("unit")}
    shown |= {name: _short(line.get(name)) for name in _NAMES}
    return ", ".join(f"{name}={value}" for name, value in shown.items() if value is not None)


def claim_key(claim: Claim) -> str:
    """What tells a claim from others of its kind."""
    return gold_key(claim.model_dump(mode="json"))


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):  # a ratio
        low, high = f"{value['low']:.4g}", f"{value['high']:.4g}"
        return low if low == high else f"{low}–{high}"
    return value
