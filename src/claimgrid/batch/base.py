"""Batch types: identity, status, progress."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from claimgrid.errors import ClaimgridError
from claimgrid.modes import Mode
from claimgrid.types.request import Request

QUEUE_FULL = "token_limit_exceeded"
Step = Literal["planned", "uploading", "uploaded", "creating", "under_way", "ended"]
RequestStatus = Literal["waiting", "sent", "done", "failed"]
ProviderName = Literal["openai", "anthropic", "google"]


class UnsureError(ClaimgridError):
    """Whether a batch came into being cannot be told yet; the message says until when."""


class QueueFullError(ClaimgridError):
    """The account's queue of batch tokens has no room now; ask again when a batch has ended."""


@dataclass(frozen=True, slots=True)
class IdempotencyTag:
    """What tells one batch from all others at the provider. `since` is a Unix time before it.

    `path` is its input file on this disk, `requests` are how many it holds, `others` are the ids of
    the run's other batches.
    """

    run_id: str
    part: int
    since: float
    path: Path
    requests: int
    others: frozenset[str]

    @property
    def name(self) -> str:
        """A name that no other part of any run has."""
        return f"{self.run_id}-{self.part}"

    @property
    def filename(self) -> str:
        """Name of the input file."""
        return f"claimgrid-{self.run_id}-{self.part:04d}.jsonl"

    def metadata(self, tries: int) -> dict[str, str]:
        """Metadata of the batch that was asked for at the `tries`-th time."""
        return {
            "claimgrid_run": self.run_id,
            "claimgrid_part": str(self.part),
            "claimgrid_try": str(tries),
        }


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the provider says against an input file: 1-based line number where it names one."""

    code: str
    message: str
    line: int | None


@dataclass(frozen=True, slots=True)
class BatchJob:
    """The state of a batch at the provider."""

    batch_id: str
    status: str
    completed: int
    failed: int
    output_file: str | None
    error_file: str | None
    complaints: tuple[Complaint, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ("completed", "failed", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class BatchRun:
    """What all batches of a folder share.

    `run_id` marks them at the provider. `cancelled`: nothing more is to be sent. `part_bytes`: the
    largest part that the account's queue takes, once it has said so.
    """

    run_id: str
    source: str
    model: str
    provider: ProviderName
    mode: Mode
    base_url: str | None
    reasks: int
    cancelled: bool = False
    part_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One batch of requests. Times are Unix seconds.

    `tries` counts the batches asked for: a batch that the account's queue had no room for is asked
    for again. `held`: how many parts were under way when that happened.
    """

    number: int
    requests: int
    bytes: int
    planned_at: float
    step: Step = "planned"
    tries: int = 0
    file_id: str | None = None
    batch_id: str | None = None
    status: str = "not sent"
    completed: int = 0
    failed: int = 0
    held: int | None = None

    def after(self, job: BatchJob) -> BatchPart:
        """The part, now that the provider says this of its batch."""
        admitted = job.status != "validating"
        return replace(
            self,
            step="under_way",
            batch_id=job.batch_id,
            status=job.status,
            completed=job.completed,
            failed=job.failed,
            held=None if admitted else self.held,
        )


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request, the replies' bodies so far, and how often it was sent in vain since the last."""

    request: Request
    status: RequestStatus
    part: int | None
    replies: tuple[Any, ...]
    in_vain: int


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Most requests and bytes of one input file; by default as OpenAI documents them."""

    requests: int = 50_000
    bytes: int = 200_000_000


class BatchApi(Protocol):
    """A vendor's batches. Use as an async context manager.

    The remote steps raise SetupError (key, quota, a refused request) or TransportError (the server
    could not be reached or kept failing); the same step can be tried again later.
    """

    limits: BatchLimits

    async def __aenter__(self) -> BatchApi: ...

    async def __aexit__(self, *_: object) -> None: ...

    def line(self, tag: IdempotencyTag, key: str, body: Any) -> dict[str, Any]:
        """The line of a part's file that asks this."""

    async def upload(self, tag: IdempotencyTag, *, unsure: bool) -> str:
        """Upload a part's file, if the vendor wants one, and return its id."""

    async def create(
        self, tag: IdempotencyTag, file_id: str, tries: int, *, unsure: bool
    ) -> BatchJob:
        """Create the batch; `tries` counts those asked for this part.

        Raises:
            QueueFullError: the account's queue has no room for it.
            UnsureError: it may exist already, which cannot be told yet.
        """

    async def look_up(self, tag: IdempotencyTag, tries: int) -> BatchJob | None:
        """The batch that was asked for at the `tries`-th time, if it came into being.

        Raises:
            UnsureError: that cannot be told yet.
        """

    async def retrieve(self, batch_id: str) -> BatchJob:
        """The state of a batch."""

    async def cancel(self, batch_id: str) -> BatchJob:
        """Ask for a batch to be stopped; one that has ended already stays as it is."""

    async def download(self, file_id: str, path: Path) -> bool:
        """Write results to `path`, whole or not at all. False where they are gone."""


@dataclass(slots=True)
class BatchProgress:
    """What one step did: counts of requests, failures by reason, and sentences for the user."""

    stored: int = 0
    reasks: int = 0
    again: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
