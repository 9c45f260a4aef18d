"""Sends waiting requests: writes them into part files, makes batches of these, and stops them.

A step that costs money is preceded by a line in the state file, so that after a kill `Api` is told
to look before it asks again. A part whose batch the account's queue has no room for is held until
another one has ended; if it is larger than the whole queue it is split.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from claimgrid.batch.base import (
    BatchApi,
    BatchLimits,
    BatchPart,
    BatchProgress,
    BatchRequest,
    IdempotencyTag,
    QueueFullError,
    UnsureError,
)
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.state import BatchState
from claimgrid.errors import StoreError

_BYTES_A_TOKEN = 3  # low for English and JSON, so that a part that should fit the queue does fit
_LIMIT = re.compile(r"limit:?\s*([\d,]+)\s*enqueued tokens", re.I)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The keys of a new part file, its bytes, and how many of the given keys are dealt with."""

    keys: list[str]
    size: int
    seen: int


class Sender:
    """Sends what waits in `state`."""

    def __init__(
        self, state: BatchState, api: BatchApi, bodies_of: RequestBodies, limits: BatchLimits
    ) -> None:
        self._state = state
        self._api = api
        self._bodies = bodies_of
        self._limits = limits

    async def plan(self, progress: BatchProgress) -> None:
        """Put what waits into parts, whose files are on disk before the state says so."""
        keys = self._state.waiting()
        while keys:
            number = 1 + max((part.number for part in self._state.parts()), default=0)
            taken = await self._write(number, keys, progress)
            if taken.keys:
                self._state.plan(number, taken.keys, size=taken.size)
            keys = keys[taken.seen :]

    async def _write(self, number: int, keys: Sequence[str], progress: BatchProgress) -> _Taken:
        path = self._state.file(number)
        tag = self._tag(number)
        most = min(self._limits.bytes, self._state.run.part_bytes or self._limits.bytes)
        size = seen = 0
        taken: list[str] = []
        try:
            with path.open("wb") as file:
                for key in keys:
                    line = await self._line(tag, key)
                    if line is not None and len(line) > self._limits.bytes:
                        self.drop([key], f"larger than {self._limits.bytes:,} bytes", progress)
                    elif line is not None:
                        full = len(taken) == self._limits.requests or size + len(line) > most
                        if taken and full:
                            break
                        file.write(line)
                        taken.append(key)
                        size += len(line)
                    seen += 1
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error}") from error
        return _Taken(taken, size, seen)

    async def _line(self, tag: IdempotencyTag, key: str) -> bytes | None:
        """The line that asks this, or None where its last reply needs no other after all."""
        asked = self._state.asked(key)
        assert asked is not None
        body = await self._body(asked)
        if body is None:
            self._state.settle(key, "done")
            return None
        line = self._api.line(tag, key, body)
        return (json.dumps(line, ensure_ascii=False) + "\n").encode()

    async def _body(self, asked: BatchRequest) -> object | None:
        if asked.replies:
            return await self._bodies.following(asked.request, asked.replies)
        first: object = await self._bodies.first(asked.request)
        return first

    async def send(self, progress: BatchProgress) -> None:
        """Upload each part that is not sent yet and create its batch, as far as there is room."""
        for planned in self._state.parts():
            part = planned
            if part.step in ("planned", "uploading"):
                part = await self._upload(part)
            if part.step == "creating" or (part.step == "uploaded" and self._has_room()):
                await self._create(part, progress)

    async def _upload(self, part: BatchPart) -> BatchPart:
        # Deleted by hand; an upload costs nothing, so it is just made anew.
        if not self._state.file(part.number).exists():
            return self._state.dissolve(part, "its file was lost")
        unsure = part.step == "uploading"
        part = self._state.keep(replace(part, step="uploading"))
        file_id = await self._api.upload(self._tag(part.number, part), unsure=unsure)
        return self._state.keep(replace(part, step="uploaded", file_id=file_id, status="uploaded"))

    def _has_room(self) -> bool:
        """Whether the account's queue may take a part now.

        After a refusal one part at a time is tried, once a batch has ended or none is left.
        """
        parts = self._state.parts()
        held = [p.held for p in parts if p.held is not None and p.step != "ended"]
        under_way = sum(p.step == "under_way" for p in parts)
        return not held or under_way == 0 or under_way < min(held)

    async def _create(self, part: BatchPart, progress: BatchProgress) -> None:
        file_id = part.file_id
        assert file_id is not None
        unsure = part.step == "creating"
        if not unsure:
            part = self._state.keep(replace(part, step="creating", tries=part.tries + 1))
        try:
            tag = self._tag(part.number, part)
            job = await self._api.create(tag, file_id, part.tries, unsure=unsure)
        except QueueFullError as error:
            self.hold(part, str(error), progress)
        except UnsureError as error:
            progress.notes.append(f"part {part.number}: {error}")
        else:
            self._state.keep(part.after(job))

    def hold(self, part: BatchPart, said: str, progress: BatchProgress) -> None:
        """Let a part wait for room in the queue; split it if it is larger than the queue."""
        found = _LIMIT.search(said)
        fits = int(found[1].replace(",", "")) * _BYTES_A_TOKEN if found else part.bytes
        if part.bytes > fits and part.requests > 1:
            progress.notes.append(
                f"part {part.number} is larger than the queue and is split: {said}"
            )
            self._state.change(replace(self._state.run, part_bytes=fits))
            self._state.dissolve(part, "split")
            return
        others = sum(p.step == "under_way" and p != part for p in self._state.parts())
        progress.notes.append(f"part {part.number} waits for room in the queue: {said}")
        self._state.keep(
            replace(part, step="uploaded", batch_id=None, status="waits for room", held=others)
        )

    async def stop(self, progress: BatchProgress) -> None:
        """Stop batches at the provider and forget parts that were not sent yet."""
        for part in self._state.parts():
            now = part
            if part.step == "creating":
                try:
                    job = await self._api.look_up(self._tag(part.number, part), part.tries)
                except UnsureError as error:
                    progress.notes.append(f"part {part.number}: {error}")
                    continue
                now = self._state.keep(part.after(job)) if job else part
            if now.step == "under_way" and now.batch_id and now.status != "cancelling":
                job = await self._api.cancel(now.batch_id)
                self._state.keep(now.after(job))
                progress.notes.append(f"part {part.number}: batch {job.batch_id} is {job.status}")
            elif now.step not in ("under_way", "ended"):
                self._state.dissolve(now, "cancelled")
        self.drop(self._state.waiting(), "cancelled before it was sent", progress)

    def drop(self, keys: Sequence[str], reason: str, progress: BatchProgress) -> None:
        """Count requests as failed."""
        with self._state.together():
            for key in keys:
                self._state.settle(key, "failed", reason=reason)
        progress.failed[reason] += len(keys)

    def _tag(self, number: int, part: BatchPart | None = None) -> IdempotencyTag:
        """What marks a part at the provider; `part` once it is planned."""
        others = [p.batch_id for p in self._state.parts() if p.batch_id and p.number != number]
        return IdempotencyTag(
            run_id=self._state.run.run_id,
            part=number,
            since=part.planned_at if part else 0.0,
            path=self._state.file(number),
            requests=part.requests if part else 0,
            others=frozenset(others),
        )
