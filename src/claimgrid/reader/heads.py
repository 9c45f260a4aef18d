"""Names what the reader's network says: labels of candidates, details, and fields it points at."""

from __future__ import annotations

from typing import get_args

from claimgrid.decisions.grammar import ABSOLUTE, RELATIVE
from claimgrid.types.reply import Bound

OWN_LABELS: dict[str, tuple[str, ...]] = {
    "number": ("no", "score", "delta", "share", "up", "down", "of", "from", "amount"),
    "size": ("no", "size", "active"),
    "device": ("no", "run", "deploy", "aim"),
    "name": ("no", "used", "new"),
}
LABELS = tuple((about, label) for about, labels in OWN_LABELS.items() for label in labels)
SLICES: dict[str, slice] = {}
for _about in OWN_LABELS:
    _first = next(i for i, (about, _) in enumerate(LABELS) if about == _about)
    SLICES[_about] = slice(_first, _first + len(OWN_LABELS[_about]))
METRICS = ABSOLUTE
RELATIVES = len(RELATIVE)
BOUNDS: tuple[str, ...] = get_args(Bound)
# The details: loss (no, yes), background (no, yes), metric, bound.
LOSS, BACKGROUND = slice(0, 2), slice(2, 4)
METRIC = slice(4, 4 + len(METRICS))
BOUND = slice(4 + len(METRICS), 4 + len(METRICS) + len(BOUNDS))

QUALITY = ("score", "delta", "share")
CHANGE = ("up", "down", "of", "from")
FIELDS: dict[str, tuple[str, ...]] = {
    "subject": (*QUALITY, *CHANGE, "amount"),
    "metric": QUALITY,
    "benchmark": QUALITY,
    "baselines": (*QUALITY, *CHANGE),
    "workload": (*CHANGE, "amount"),
    "model": ("size", "active"),
}
DEVICES_FOR = (*CHANGE, "amount")
CHANNELS = (*(f"{name}:{edge}" for name in FIELDS for edge in ("start", "end")), "hardware")
