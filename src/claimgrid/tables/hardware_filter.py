"""A device is named to `--hardware` as people write it, and becomes the slug to look for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from claimgrid.entities import hardware
from claimgrid.tables.views import Database


def slug_of(asked: str) -> str:
    """The slug that a user means: A100 and "NVIDIA A100" are nvidia-a100; nvidia-* stays."""
    if any(sign in asked for sign in "*?["):
        return asked.lower()
    device = hardware.resolve(asked)
    return device.slug if device.known else asked.lower()


def devices(database: Database) -> list[str]:
    """The devices that the claims name, most often named first."""
    found = database.query(
        "select device from (select device from hardware union all select unnest(hardware) "
        "from claims) where device is not null group by all order by count(*) desc, device"
    )
    return [row[0] for row in found.rows]


def nothing_found(database: Database, asked: str) -> str:
    """What to say where no row is of this device: the nearest one that there is, or all."""
    slug, there = slug_of(asked), devices(database)
    if any(fnmatchcase(device, slug) for device in there):
        return f"devices in these runs: {', '.join(there)}."
    near = _near(slug, there)
    if near:
        return f"no device {asked} in these runs; did you mean {' or '.join(near[:3])}?"
    return f"no device {asked} in these runs; there are: {', '.join(there) or 'none'}."


def _near(slug: str, there: Sequence[str]) -> list[str]:
    part = slug.strip("*-")
    holds = [device for device in there if part and part in device]
    return holds or get_close_matches(slug, there, n=1)
