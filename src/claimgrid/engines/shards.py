"""Divides a source among runs that know nothing of each other, so that their results can be merged.

A shard takes every N-th unit of the source. A unit is what one request asks about: one paper, or as
many as `--pack` puts together; an item that cannot be read belongs to the unit of the paper after
it. Every shard reads the whole source, so that ids are given as one run of everything gives them,
and so that the order can be put together again from the numbers of the shards alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from claimgrid import settings, sources
from claimgrid.errors import UsageError
from claimgrid.llm.budget import SpendLimits
from claimgrid.llm.packing import Grouping
from claimgrid.types.paper import Paper

_WRITTEN = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a run: the `number`-th, from 1, of `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"

    def settings(self, given: settings.Settings) -> settings.Settings:
        """The settings with this shard's share of the rates per minute."""
        rates = {"rpm": given.rpm, "tpm": given.tpm}
        shares = {name: rate / self.of for name, rate in rates.items() if rate is not None}
        return given.model_copy(update=shares)

    def limits(self, limits: SpendLimits) -> SpendLimits:
        """This shard's share of the dollars and requests; the shares add up to the whole."""
        cost, requests = limits.cost, limits.requests
        if cost is not None:
            cost /= self.of
        if requests is not None:
            requests = requests // self.of + (self.number <= requests % self.of)
        return replace(limits, cost=cost, requests=requests)


def parse(written: str) -> Shard:
    """The shard that `3/16` means.

    Raises:
        UsageError: it is not of this form, or the number is not within 1 and the count.
    """
    found = _WRITTEN.fullmatch(written)
    shard = Shard(int(found[1]), int(found[2])) if found else None
    if shard is None or not 1 <= shard.number <= shard.of:
        raise UsageError(
            f"--shard {written}: give it as I/N, such as 3/16 for the third of sixteen shards, "
            "with I from 1 to N"
        )
    return shard


@dataclass(slots=True)
class Slice:
    """The items of a source that one shard takes, and what it saw of the whole source."""

    shard: Shard
    pack: int
    items: int = 0
    _read: Any = field(default_factory=hashlib.sha256)

    def take(self, source: Iterable[sources.SourceItem]) -> Iterator[sources.SourceItem]:
        """The shard's own items, in order; the others are counted and left to the other shards."""
        turn = Turns(self.pack, self.shard.of)
        for item in source:
            self.items += 1
            self._read.update(_identity(item))
            if turn.of(paper=isinstance(item, Paper)) == self.shard.number:
                yield item

    def facts(self) -> dict[str, Any]:
        """What run.json says, and merging goes by: which part this is, and of which source."""
        return {
            "number": self.shard.number,
            "of": self.shard.of,
            "pack": self.pack,
            "items": self.items,
            "source_sha256": self._read.hexdigest(),
        }


class Turns:
    """Whose turn it is: the same when a source is divided and when its results are merged."""

    def __init__(self, pack: int, of: int) -> None:
        self._grouping = Grouping(pack)
        self._of = of
        self._unit = 0

    @property
    def next(self) -> int:
        """The number of the shard that the next item belongs to."""
        return self._unit % self._of + 1

    def of(self, *, paper: bool) -> int:
        """The number of the shard that this item belongs to."""
        number = self.next
        self._unit += bool(self._grouping.read(paper=paper))
        return number


def _identity(item: sources.SourceItem) -> bytes:
    if isinstance(item, Paper):
        return f"{item.paper_id}\n{item.abstract_sha256}\n".encode("utf-8", "surrogatepass")
    return f"{item.line}\n{item.message}\n".encode("utf-8", "surrogatepass")
