"""Runs one part as a batch at Gemini's Batch API: upload, batch, results. Keeps no state.

Files and batches bear a display name that only this part of this run has, so that one that may have
come into being is looked up before another is created.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claimgrid.batch.base import BatchJob, BatchLimits, Complaint, IdempotencyTag, QueueFullError
from claimgrid.batch.retry_policy import CLOCK_SKEW, RetryPolicy, refusal, retry_after, unreachable
from claimgrid.errors import StoreError
from claimgrid.llm.providers import Endpoint, no_extra

_STATUSES = {
    "JOB_STATE_SUCCEEDED": "completed",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "completed",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_EXPIRED": "expired",
    "JOB_STATE_CANCELLING": "cancelling",
    "JOB_STATE_QUEUED": "validating",
    "JOB_STATE_PENDING": "validating",
}


class GeminiBatchApi:
    """A `batch_types.BatchApi`.

    Args:
        at: a Gemini endpoint.
        attempts: tries of a failing step.
        timeout: seconds without a byte before a request is given up.
        backoff: seconds before the second try, about doubled for each further one.

    Raises:
        SetupError: the extra is not installed.
    """

    # Gemini takes a file of 2 GB, and names no number of requests.
    limits = BatchLimits(requests=50_000, bytes=1_000_000_000)

    def __init__(
        self, at: Endpoint, *, attempts: int, timeout: float, backoff: float = 0.5
    ) -> None:
        try:
            genai = importlib.import_module("google.genai")
        except ImportError as error:
            raise no_extra("google") from error
        httpx = importlib.import_module("httpx")
        self._refused = genai.errors.APIError
        self._unreached = httpx.TransportError
        self._retries = RetryPolicy(attempts, backoff, self._passing, retry_after, self._explained)
        self._model = at.model
        self._where = at.base_url or "Gemini's API"
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(timeout, connect=15.0))
        options = genai.types.HttpOptions(
            httpx_async_client=self._http, base_url=at.base_url, timeout=round(timeout * 1000)
        )
        self._client = genai.Client(api_key=at.api_key or "none", http_options=options).aio

    async def __aenter__(self) -> GeminiBatchApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def line(self, tag: IdempotencyTag, key: str, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """The line of a part's file that asks this."""
        return {"key": key, "request": body}

    async def upload(self, tag: IdempotencyTag, *, unsure: bool) -> str:
        """Upload a part's file. Returns its name.

        Raises:
            StoreError: the file cannot be read.
        """

        async def post() -> str:
            try:
                made = await self._client.files.upload(
                    file=tag.path,
                    config={"display_name": tag.filename, "mime_type": "application/jsonl"},
                )
            except OSError as error:
                raise StoreError(f"{tag.path}: cannot be read: {error}") from error
            return str(made.name)

        async def find() -> str | None:
            async for file in await self._client.files.list():
                if file.display_name == tag.filename:
                    return str(file.name)
            return None

        return await self._retries.once_only(post, find, unsure=unsure)

    async def create(
        self, tag: IdempotencyTag, file_id: str, tries: int, *, unsure: bool
    ) -> BatchJob:
        """Create the batch; see `BatchApi`."""

        async def post() -> BatchJob:
            try:
                made = await self._client.batches.create(
                    model=self._model, src=file_id, config={"display_name": _name(tag, tries)}
                )
            except self._refused as error:
                # Gemini limits the tokens of batches under way, and says so by a 429.
                if error.code == 429:
                    raise QueueFullError(_words(error)) from error
                raise
            return _job(made)

        async def find() -> BatchJob | None:
            return await self._find(tag, tries)

        return await self._retries.once_only(post, find, unsure=unsure)

    async def look_up(self, tag: IdempotencyTag, tries: int) -> BatchJob | None:
        """The batch that was asked for at the `tries`-th time; see `BatchApi`."""

        async def find() -> BatchJob | None:
            return await self._find(tag, tries)

        return await self._retries.repeatable(find)

    async def _find(self, tag: IdempotencyTag, tries: int) -> BatchJob | None:
        async for batch in _recent(await self._client.batches.list(), tag.since):
            if batch.display_name == _name(tag, tries):
                return _job(batch)
        return None

    async def retrieve(self, batch_id: str) -> BatchJob:
        """How a batch stands."""

        async def get() -> BatchJob:
            return _job(await self._client.batches.get(name=batch_id))

        return await self._retries.repeatable(get)

    async def cancel(self, batch_id: str) -> BatchJob:
        """Ask for a batch to be stopped; one that has ended already stays as it is."""

        async def cancel() -> BatchJob:
            try:
                await self._client.batches.cancel(name=batch_id)
            except self._refused as error:
                job = _job(await self._client.batches.get(name=batch_id))
                if not job.ended or error.code not in (400, 409):
                    raise
                return job
            return _job(await self._client.batches.get(name=batch_id))

        return await self._retries.repeatable(cancel)

    async def download(self, file_id: str, path: Path) -> bool:
        """Write a result file to `path`, whole or not at all. False where it is gone.

        Raises:
            StoreError: it cannot be written.
        """
        part = path.with_name(path.name + ".part")

        async def get() -> bool:
            try:
                await self._client.files.download(file=file_id, destination=part)
                part.replace(path)
            except self._refused as error:
                # Gemini answers 403 about a file that is not there, or no longer.
                if error.code in (403, 404):
                    return False
                raise
            except OSError as error:
                raise StoreError(f"{path}: cannot be written: {error}") from error
            return True

        return await self._retries.repeatable(get)

    def _passing(self, error: BaseException) -> bool:
        """Whether the same step may work a little later."""
        if isinstance(error, self._refused):
            return error.code in (408, 409, 429) or error.code >= 500
        return isinstance(error, self._unreached)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._refused as error:
            said = f"{self._where} answered {error.code}: {_words(error)}"
            raise refusal(
                error.code, said, key="GEMINI_API_KEY", passing=self._passing(error)
            ) from error
        except self._unreached as error:
            raise unreachable(self._where, error) from error


def _name(tag: IdempotencyTag, tries: int) -> str:
    return f"claimgrid-{tag.name}-{tries}"


async def _recent(listed: Any, since: float) -> AsyncIterator[Any]:
    """What a listing, newest first, holds from a time on; later pages are not asked for."""
    async for item in listed:
        created = item.create_time.timestamp() if item.create_time else time.time()
        if created < since - CLOCK_SKEW:
            return
        yield item


def _words(error: Any) -> str:
    return str(error.message or error.status or "no reason given")[:300]


def _job(batch: Any) -> BatchJob:
    """The client (3.6) passes on neither counts nor, of a failed batch, the reason."""
    status = _STATUSES.get(batch.state.value if batch.state else "", "in_progress")
    said = batch.error.message if batch.error else None
    unknown = f"batch {batch.name} failed; its page at Gemini may say why"
    complaints = (Complaint("", said or unknown, None),) if status == "failed" else ()
    return BatchJob(
        batch_id=str(batch.name),
        status=status,
        completed=0,
        failed=0,
        output_file=(batch.dest.file_name or None) if batch.dest else None,
        error_file=None,
        complaints=complaints,
    )
