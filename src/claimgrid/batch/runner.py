"""Answers requests by batches, in steps that may be killed and done again.

The steps are: add, plan, upload, create, wait for hours, retrieve, download, settle, and plan again
for re-asks. The state file says how far each part is; nothing is remembered elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from claimgrid.batch.base import QUEUE_FULL, BatchApi, BatchLimits, BatchPart, BatchProgress
from claimgrid.batch.collector import Collector
from claimgrid.batch.files import RequestBodies
from claimgrid.batch.sender import Sender
from claimgrid.batch.state import BatchState
from claimgrid.errors import TransportError
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.request import Request


class BatchRunner:
    """The batches of one run.

    Args:
        state: its state file, taken for this process.
        api: the provider.
        bodies_of: makes the bodies of requests and re-asks.
        cache: where replies go.
        limits: of one input file, instead of the provider's.
    """

    def __init__(
        self,
        state: BatchState,
        api: BatchApi,
        bodies_of: RequestBodies,
        cache: ReplyCache,
        limits: BatchLimits | None = None,
    ) -> None:
        self._state = state
        self._api = api
        self._sender = Sender(state, api, bodies_of, limits or api.limits)
        self._collector = Collector(state, api, bodies_of, cache)

    def add(self, requests: Iterable[Request]) -> None:
        """Let requests wait to be sent. Replies that the cache has lost are put back instead."""
        with self._state.together():
            for request in requests:
                self._state.add(request)
                known = self._state.asked(request.key)
                if known and known.status == "done":
                    self._collector.store(request, known.replies)

    async def advance(self) -> BatchProgress:
        """Collect what has ended, then send what waits: new, requeued and re-asking requests.

        Raises:
            SetupError, TransportError, StoreError: the step cannot go on; do it again later.
        """
        progress = BatchProgress()
        for part in self._state.parts():
            if part.step == "under_way":
                try:
                    await self._look_after(part, progress)
                except TransportError as error:  # the other parts can still be had
                    progress.notes.append(f"part {part.number}: {error}")
        if self._state.run.cancelled:
            await self._sender.stop(progress)
        else:
            await self._sender.plan(progress)
            await self._sender.send(progress)
        return progress

    async def cancel(self) -> BatchProgress:
        """Stop everything; what the provider has done by then can still be collected."""
        self._state.change(replace(self._state.run, cancelled=True))
        progress = BatchProgress()
        await self._sender.stop(progress)
        return progress

    async def _look_after(self, part: BatchPart, progress: BatchProgress) -> None:
        assert part.batch_id is not None
        job = await self._api.retrieve(part.batch_id)
        full = next((c.message for c in job.complaints if c.code == QUEUE_FULL), None)
        if not job.ended:
            self._state.keep(part.after(job))
        elif job.status == "failed" and full is not None:
            self._sender.hold(part, full, progress)
        elif job.status == "failed":
            self._collector.refused(part, job, progress)
        else:
            await self._collector.collect(part, job, progress)


async def current_parts(state: BatchState, api: BatchApi) -> list[BatchPart]:
    """The parts with their state at the provider now; nothing is written."""
    parts = []
    for part in state.parts():
        if part.step == "under_way" and part.batch_id:
            parts.append(part.after(await api.retrieve(part.batch_id)))
        else:
            parts.append(part)
    return parts
