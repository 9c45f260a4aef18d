"""Settles the requests of a batch that has ended: stored, re-asked, requeued or failed.

Result files are on this disk until all of a part is settled, and a reply reaches the reply cache
before the state file says that it is there: after a kill the part is simply read again. The
vendor's client library stays behind `base.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from claimgrid.batch import result_lines
from claimgrid.batch.base import BatchApi, BatchJob, BatchPart, BatchProgress, BatchRequest
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.result_lines import BatchFault, DamagedLine, ResultLine
from claimgrid.batch.state import BatchState
from claimgrid.llm.client import recording
from claimgrid.llm.response_store import Attempt, ReplyCache
from claimgrid.text.counted import counted
from claimgrid.types.request import Request

_SENDS = 3  # times that a request is sent without any answer before it counts as failed
_DOWNLOADS = 3  # times that an output file is fetched that is shorter than the batch's own count
_TOGETHER = 200  # results in one transaction


class Collector:
    """Settles the requests of batches that have ended."""

    def __init__(
        self, state: BatchState, api: BatchApi, bodies_of: RequestBodies, cache: ReplyCache
    ) -> None:
        self._state = state
        self._api = api
        self._bodies = bodies_of
        self._cache = cache

    async def collect(self, part: BatchPart, job: BatchJob, progress: BatchProgress) -> None:
        """Settle every request of a part: each ends stored, requeued, re-asked or failed."""
        paths, gone = await self._download(part, job, progress)
        seen: set[str] = set()
        for path in paths:
            lines = result_lines.read(path, self._state.run.provider)
            while some := list(islice(lines, _TOGETHER)):
                with self._state.together():
                    for line in some:
                        await self._take(part, line, seen, progress)
        with self._state.together():
            self._leftover(part, job, gone=gone, progress=progress)
            self._state.end(part.after(job))
        for path in paths:
            path.unlink()

    async def _download(
        self, part: BatchPart, job: BatchJob, progress: BatchProgress
    ) -> tuple[list[Path], bool]:
        """The batch's result files, output first, and whether one is gone at the provider."""
        paths = []
        gone = False
        for file_id, expected in ((job.output_file, job.completed), (job.error_file, 0)):
            if file_id is None:
                continue
            path = self._state.file(part.number).with_suffix(
                ".errors" if file_id == job.error_file else ".output"
            )
            for _ in range(_DOWNLOADS):
                if not await self._api.download(file_id, path):
                    gone = True
                    progress.notes.append(f"part {part.number}: file {file_id} is gone")
                    break
                if self._whole(path) >= min(expected, part.requests):
                    break
            else:
                progress.notes.append(f"part {part.number}: file {file_id} is cut short")
            if path.exists():
                paths.append(path)
        return paths, gone

    async def _take(
        self, part: BatchPart, line: ResultLine, seen: set[str], progress: BatchProgress
    ) -> None:
        if isinstance(line, DamagedLine):
            progress.notes.append(f"part {part.number}: {line.detail}")
            return
        asked = self._state.asked(line.key)
        if asked is None or line.key in seen:
            what = "is not of this run" if asked is None else "came twice; the first one counts"
            progress.notes.append(f"part {part.number}: the result for {line.key!r} {what}")
            return
        seen.add(line.key)
        if asked.status != "sent" or asked.part != part.number:
            return  # settled before a kill
        if isinstance(line, BatchFault):
            self._fault(asked, line.reason, again=line.again, progress=progress)
        else:
            await self._reply(asked, line.body, progress)

    async def _reply(self, asked: BatchRequest, body: Any, progress: BatchProgress) -> None:
        replies = (*asked.replies, body)
        self.store(asked.request, replies)
        progress.stored += 1
        run = self._state.run
        reask = (
            len(replies) <= run.reasks
            and not run.cancelled
            and await self._bodies.following(asked.request, replies) is not None
        )
        progress.reasks += reask
        self._state.settle(asked.request.key, "waiting" if reask else "done", replies=replies)

    def store(self, request: Request, replies: Sequence[Any]) -> None:
        """Put a request's replies into the cache; aside, where an online answer got there first."""
        attempts = tuple(Attempt(status=200, body=body) for body in replies)
        made = recording(request, attempts, "batch-api")
        known = self._cache.get(request.model, request.key)
        if known is None or known.attempts == attempts[: len(known.attempts)]:
            self._cache.put(made)
        elif attempts != known.attempts[: len(attempts)]:  # else an online re-ask has added to them
            self._cache.set_aside(made)

    def _fault(
        self, asked: BatchRequest, reason: str, *, again: bool, progress: BatchProgress
    ) -> None:
        in_vain = asked.in_vain + 1
        if again and in_vain < _SENDS and not self._state.run.cancelled:
            self._state.settle(asked.request.key, "waiting", in_vain=in_vain)
            progress.again += 1
        else:
            self._state.settle(asked.request.key, "failed", in_vain=in_vain, reason=reason)
            progress.failed[reason] += 1

    def _leftover(
        self, part: BatchPart, job: BatchJob, *, gone: bool, progress: BatchProgress
    ) -> None:
        """Requests that no line speaks of.

        They are sent again, but not where their results were paid for and deleted, or where
        somebody stopped the batch: whoever asks again then does so knowingly.
        """
        reason, again = f"the {job.status} batch holds no result for it", True
        if gone:
            reason, again = "its result was deleted at the provider before it was collected", False
        elif job.status == "cancelled":
            reason, again = "its batch was cancelled", False
        left = self._state.members(part.number)
        if left and again:
            progress.notes.append(f"part {part.number}: {counted(len(left), 'result')} missing")
        for asked in filter(None, map(self._state.asked, left)):
            self._fault(asked, reason, again=again, progress=progress)

    def refused(self, part: BatchPart, job: BatchJob, progress: BatchProgress) -> None:
        """Settle a part whose input the provider refuses: by line where it names lines."""
        members = self._state.members(part.number)
        bad = {c.line: c.message for c in job.complaints if c.line is not None}
        said = "; ".join(dict.fromkeys(c.message for c in job.complaints)) or "no reason given"
        progress.notes.append(f"part {part.number}: batch {job.batch_id} was refused: {said[:300]}")
        with self._state.together():
            for number, key in enumerate(members, 1):
                asked = self._state.asked(key)
                assert asked is not None
                reason = bad.get(number, said[:300])
                self._fault(asked, reason, again=bool(bad) and number not in bad, progress=progress)
            self._state.end(part.after(job))

    def _whole(self, path: Path) -> int:
        lines = result_lines.read(path, self._state.run.provider)
        return sum(not isinstance(line, DamagedLine) for line in lines)
