"""Runs one part as a batch at Anthropic's Message Batches API. Keeps no state.

A batch is created with its requests in one call, and has no name. What tells it from others are
its requests' ids, which hold the run and the part, and which only its results show. So where a POST
may have created one, the batches with as many requests and of that time are looked through: those
that have ended show whose they are, and one that has not is waited for before another is created.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claimgrid.batch.base import BatchJob, BatchLimits, IdempotencyTag, UnsureError
from claimgrid.batch.retry_policy import CLOCK_SKEW, RetryPolicy, refusal, retry_after, unreachable
from claimgrid.errors import StoreError
from claimgrid.llm.providers import Endpoint, no_extra


class AnthropicBatchApi:
    """A `batch_types.BatchApi`.

    Args:
        at: an Anthropic endpoint.
        attempts: tries of a failing step.
        timeout: seconds without a byte before a request is given up.
        backoff: seconds before the second try, about doubled for each further one.

    Raises:
        SetupError: the extra is not installed.
    """

    # Anthropic takes 100,000 requests and 256 MB. A part is one POST here, held in memory.
    limits = BatchLimits(requests=10_000, bytes=64_000_000)

    def __init__(
        self, at: Endpoint, *, attempts: int, timeout: float, backoff: float = 0.5
    ) -> None:
        try:
            self._sdk = importlib.import_module("anthropic")
        except ImportError as error:
            raise no_extra("anthropic") from error
        # A stream of results breaks with the error of httpx itself.
        broken = importlib.import_module("httpx").TransportError
        self._unreached = (self._sdk.APIConnectionError, broken)
        self._retries = RetryPolicy(attempts, backoff, self._passing, retry_after, self._explained)
        self._client = self._sdk.AsyncAnthropic(
            api_key=at.api_key or "none",
            base_url=at.base_url,
            max_retries=0,
            timeout=self._sdk.Timeout(timeout, connect=15.0),
        )

    async def __aenter__(self) -> AnthropicBatchApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    def line(self, tag: IdempotencyTag, key: str, body: Any) -> dict[str, Any]:
        """The line of a part's file that asks this."""
        return {"custom_id": f"{key}_{tag.name}", "params": body}

    async def upload(self, tag: IdempotencyTag, *, unsure: bool) -> str:  # noqa: ARG002 nothing goes out
        """There is nothing to upload: the requests go with the batch."""
        return tag.filename

    async def create(
        self,
        tag: IdempotencyTag,
        file_id: str,  # noqa: ARG002
        tries: int,  # noqa: ARG002 a batch has no name that could tell
        *,
        unsure: bool,
    ) -> BatchJob:
        """Create the batch; see `BatchApi`.

        Raises:
            StoreError: the part's file is gone.
        """

        async def post() -> BatchJob:
            try:
                lines = tag.path.read_bytes().splitlines()
            except OSError as error:
                raise StoreError(
                    f"{tag.path}: cannot be read: {error}; `extract batch cancel "
                    f"{tag.path.parent.parent}`, then `extract batch submit` make it anew"
                ) from error
            requests = [json.loads(line) for line in lines]
            return _job(await self._client.messages.batches.create(requests=requests))

        async def find() -> BatchJob | None:
            return await self._find(tag)

        return await self._retries.once_only(post, find, unsure=unsure)

    async def look_up(self, tag: IdempotencyTag, tries: int) -> BatchJob | None:  # noqa: ARG002
        """The part's batch, if it came into being; see `BatchApi`."""

        async def find() -> BatchJob | None:
            return await self._find(tag)

        return await self._retries.repeatable(find)

    async def _find(self, tag: IdempotencyTag) -> BatchJob | None:
        under_way = []
        async for batch in self._client.messages.batches.list(limit=100):
            if batch.created_at.timestamp() < tag.since - CLOCK_SKEW:
                break
            counts = batch.request_counts
            number = counts.processing + counts.succeeded + _failed(counts)
            if batch.id in tag.others or number != tag.requests:
                continue
            if batch.processing_status != "ended":
                under_way.append(batch.id)
            elif batch.results_url and await self._is_of(batch.id, tag):
                return _job(batch)
        if under_way:
            raise UnsureError(
                f"whether batch {' or '.join(under_way)} is this part's can only be told when it "
                "has ended; nothing is sent again before that"
            )
        return None

    async def _is_of(self, batch_id: str, tag: IdempotencyTag) -> bool:
        results = await self._client.messages.batches.results(batch_id)
        try:
            async for result in results:
                return bool(result.custom_id.endswith(f"_{tag.name}"))
        finally:
            await results.close()
        return False

    async def retrieve(self, batch_id: str) -> BatchJob:
        """How a batch stands."""

        async def get() -> BatchJob:
            return _job(await self._client.messages.batches.retrieve(batch_id))

        return await self._retries.repeatable(get)

    async def cancel(self, batch_id: str) -> BatchJob:
        """Ask for a batch to be stopped; one that has ended already stays as it is."""

        async def cancel() -> BatchJob:
            batches = self._client.messages.batches
            try:
                return _job(await batches.cancel(batch_id))
            except (self._sdk.BadRequestError, self._sdk.ConflictError):
                job = _job(await batches.retrieve(batch_id))
                if not job.ended:
                    raise
                return job

        return await self._retries.repeatable(cancel)

    async def download(self, file_id: str, path: Path) -> bool:
        """Write a batch's results to `path`, whole or not at all. False where they are gone.

        Raises:
            StoreError: they cannot be written.
        """
        part = path.with_name(path.name + ".part")

        async def get() -> bool:
            try:
                # The bytes as they come: a reply is stored as an online call would have given it.
                results = await self._client.messages.batches.results(file_id)
                try:
                    with part.open("wb") as file:
                        async for chunk in results.http_response.aiter_bytes():
                            file.write(chunk)
                finally:
                    await results.close()
                part.replace(path)
            except self._sdk.NotFoundError:
                return False
            except OSError as error:
                raise StoreError(f"{path}: cannot be written: {error}") from error
            return True

        return await self._retries.repeatable(get)

    def _passing(self, error: BaseException) -> bool:
        """Whether the same step may work a little later."""
        if isinstance(error, self._sdk.APIStatusError):
            return error.status_code in (408, 409, 429) or error.status_code >= 500
        return isinstance(error, self._unreached)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._sdk.APIStatusError as error:
            body = error.body.get("error") if isinstance(error.body, dict) else None
            words = body.get("message") if isinstance(body, dict) else None
            said = f"{error.request.url} answered {error.status_code}: {words or error.message}"
            raise refusal(
                error.status_code,
                said[:500],
                key="ANTHROPIC_API_KEY",
                passing=self._passing(error),
            ) from error
        except self._unreached as error:
            raise unreachable(self._client.base_url, error) from error


def _failed(counts: Any) -> int:
    return int(counts.errored + counts.canceled + counts.expired)


def _job(batch: Any) -> BatchJob:
    counts = batch.request_counts
    ended = batch.processing_status == "ended"
    status = "cancelling" if batch.processing_status == "canceling" else "in_progress"
    if ended:
        unfinished = "expired" if counts.expired else "completed"
        status = "cancelled" if counts.canceled else unfinished
    return BatchJob(
        batch_id=batch.id,
        status=status,
        completed=counts.succeeded,
        failed=_failed(counts),
        output_file=batch.id if ended else None,
        error_file=None,
        complaints=(),
    )
