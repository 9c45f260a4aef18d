"""Runs one part as a batch at OpenAI's Batch API: upload, batch, results. Keeps no state.

The openai client's own retries are off (see `batch_retries`): a POST whose outcome is unknown (a
dropped connection, a 5xx, a kill before the reply was read) is looked up first, by a name that only
this part of this run has. The rest is safe to repeat. What cannot be closed from this side is a
provider that lists a batch late: it is given the time of one back-off, so a batch that shows up
still later is not found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from claimgrid.batch.base import (
    QUEUE_FULL,
    BatchJob,
    BatchLimits,
    Complaint,
    IdempotencyTag,
    QueueFullError,
)
from claimgrid.batch.files import URL, request_line
from claimgrid.batch.retry_policy import (
    AGAIN,
    CLOCK_SKEW,
    RetryPolicy,
    refusal,
    retry_after,
    unreachable,
)
from claimgrid.errors import SetupError, StoreError
from claimgrid.llm.providers import Endpoint

if TYPE_CHECKING:
    from openai.types import Batch

_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")


class OpenAiBatchApi:
    """The remote steps. Use as an async context manager.

    All of them raise SetupError (key, quota, a refused request) or TransportError (the server
    could not be reached or kept failing); the same step can be tried again later.

    Args:
        at: an OpenAI-compatible endpoint.
        attempts: tries of a failing step.
        backoff: seconds before the second try, about doubled for each further one.
        timeout: seconds without a byte before a request is given up.
        transport: replaces the network, in tests.
    """

    def __init__(
        self,
        at: Endpoint,
        *,
        attempts: int,
        timeout: float,
        backoff: float = 0.5,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = RetryPolicy(attempts, backoff, _passing, retry_after, _explained)
        self._client = openai.AsyncOpenAI(
            api_key=at.api_key or "none",
            base_url=at.base_url or "https://api.openai.com/v1",
            max_retries=0,
            timeout=httpx2.Timeout(timeout, connect=15.0),
            http_client=httpx2.AsyncClient(transport=transport) if transport else None,
        )

    limits = BatchLimits()

    async def __aenter__(self) -> OpenAiBatchApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    def line(self, tag: IdempotencyTag, key: str, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """The line of a part's file that asks this."""
        return request_line(key, body)

    async def upload(self, tag: IdempotencyTag, *, unsure: bool) -> str:
        """Upload a part's file. Returns its id.

        Args:
            tag: whose file it is.
            unsure: whether it may be there already; it is looked for first then.

        Raises:
            StoreError: the file cannot be read.
        """

        async def post() -> str:
            try:
                file = tag.path.open("rb")
            except OSError as error:
                raise StoreError(f"{tag.path}: cannot be read: {error}") from error
            with file:
                made = await self._client.files.create(file=(tag.filename, file), purpose="batch")
            return made.id

        async def find() -> str | None:
            listed = self._client.files.list(purpose="batch", order="desc")
            async for file in _recent(listed, tag.since):
                if file.filename == tag.filename:
                    return str(file.id)
            return None

        return await self._retries.once_only(post, find, unsure=unsure)

    async def create(
        self, tag: IdempotencyTag, file_id: str, tries: int, *, unsure: bool
    ) -> BatchJob:
        """Create the batch of an uploaded file.

        Args:
            tag: whose batch it is.
            file_id: its input.
            tries: counts the batches asked for this part; each has its own metadata.
            unsure: whether it may be there already; it is looked for first then.

        Raises:
            QueueFullError: the account's queue has no room for it.
        """
        metadata = tag.metadata(tries)

        async def post() -> BatchJob:
            made = await self._client.batches.create(
                input_file_id=file_id,
                endpoint=URL,
                completion_window="24h",
                metadata=metadata,
            )
            return _job(made)

        async def find() -> BatchJob | None:
            return await self._find(tag, metadata)

        return await self._retries.once_only(post, find, unsure=unsure)

    async def look_up(self, tag: IdempotencyTag, tries: int) -> BatchJob | None:
        """The batch that was asked for at the `tries`-th time, if it came into being."""

        async def find() -> BatchJob | None:
            return await self._find(tag, tag.metadata(tries))

        return await self._retries.repeatable(find)

    async def _find(self, tag: IdempotencyTag, metadata: dict[str, str]) -> BatchJob | None:
        async for batch in _recent(self._client.batches.list(limit=100), tag.since):
            if metadata.items() <= (batch.metadata or {}).items():
                return _job(batch)
        return None

    async def retrieve(self, batch_id: str) -> BatchJob:
        """How a batch stands."""
        return await self._retries.repeatable(
            lambda: self._job_of(self._client.batches.retrieve(batch_id))
        )

    async def cancel(self, batch_id: str) -> BatchJob:
        """Ask for a batch to be stopped; one that has ended already stays as it is."""

        async def cancel() -> BatchJob:
            try:
                return await self._job_of(self._client.batches.cancel(batch_id))
            except (openai.BadRequestError, openai.ConflictError):
                job = await self._job_of(self._client.batches.retrieve(batch_id))
                if not job.ended:
                    raise
                return job

        return await self._retries.repeatable(cancel)

    async def download(self, file_id: str, path: Path) -> bool:
        """Write a result file to `path`, whole or not at all. False where it is gone.

        Raises:
            StoreError: it cannot be written.
        """
        part = path.with_name(path.name + ".part")

        async def get() -> bool:
            streamed = self._client.files.with_streaming_response.content(file_id)
            try:
                async with streamed as response:
                    with part.open("wb") as file:
                        async for chunk in response.iter_bytes():
                            file.write(chunk)
                part.replace(path)
            except openai.NotFoundError:
                return False
            except OSError as error:
                raise StoreError(f"{path}: cannot be written: {error}") from error
            return True

        return await self._retries.repeatable(get)

    @staticmethod
    async def _job_of(asked: Awaitable[Batch]) -> BatchJob:
        return _job(await asked)


def _passing(error: BaseException) -> bool:
    """Whether the same step may work a little later."""
    if isinstance(error, openai.APIStatusError):
        if error.code in (*_NO_QUOTA, QUEUE_FULL):
            return False
        # A file is sometimes not yet known to the batch service just after its upload.
        unknown_file = error.status_code in (400, 404) and "file" in str(error.param or "")
        return error.status_code in (408, 409, 429) or error.status_code >= 500 or unknown_file
    return isinstance(error, (openai.APIConnectionError, httpx2.TransportError))


async def _recent(listed: Any, since: float) -> AsyncIterator[Any]:
    """What a listing, newest first, holds from a time on; later pages are not asked for."""
    async for item in listed:
        if item.created_at < since - CLOCK_SKEW:
            return
        yield item


def _job(batch: Batch) -> BatchJob:
    counts = batch.request_counts
    errors = batch.errors.data if batch.errors else None
    return BatchJob(
        batch_id=batch.id,
        status=batch.status,
        completed=counts.completed if counts else 0,
        failed=counts.failed if counts else 0,
        output_file=batch.output_file_id or None,
        error_file=batch.error_file_id or None,
        complaints=tuple(
            Complaint(e.code or "", e.message or e.code or "no reason given", e.line)
            for e in errors or ()
        ),
    )


@contextmanager
def _explained() -> Iterator[None]:
    """Turns the client's errors into ours."""
    try:
        yield
    except openai.APIStatusError as error:
        said = f"{error.request.url} answered {error.status_code}: {_message(error)}"
        if error.code == QUEUE_FULL:
            raise QueueFullError(_message(error)) from error
        if error.code in _NO_QUOTA:
            raise SetupError(f"{said}; add credit to the account, {AGAIN}") from error
        if error.status_code == 404 and "/files/" in str(error.request.url):
            raise SetupError(said) from error
        raise refusal(
            error.status_code, said, key="OPENAI_API_KEY", passing=_passing(error)
        ) from error
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        request = getattr(error, "request", None)
        raise unreachable(request.url if request else "the server", error) from error


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, dict) else body
    return str(said or error.message)[:300]
