"""How a batch is named, stands and fares. Types only; knows no client library and no file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from claimgrid.errors import ClaimgridError
from claimgrid.prompt import Request

QUEUE_FULL = "token_limit_exceeded"
Step = Literal["planned", "uploading", "uploaded", "creating", "under_way", "ended"]
Standing = Literal["waiting", "sent", "done", "failed"]
ModeName = Literal["json_schema", "tools", "json", "md_json"]


class QueueFullError(ClaimgridError):
    """The account's queue of batch tokens has no room now; ask again when a batch has ended."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one batch from all others at the provider. `since` is a Unix time before it."""

    run_id: str
    part: int
    since: float

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
class Job:
    """How a batch stands at the provider."""

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
class Run:
    """What all batches of a folder share.

    `run_id` marks them at the provider. `cancelled`: nothing more is to be sent. `part_bytes`: the
    largest part that the account's queue takes, once it has said so.
    """

    run_id: str
    source: str
    model: str
    provider: str
    mode: ModeName
    base_url: str | None
    reasks: int
    cancelled: bool = False
    part_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
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

    def after(self, job: Job) -> Part:
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
class Asked:
    """A request, the replies' bodies so far, and how often it was sent in vain since the last."""

    request: Request
    standing: Standing
    part: int | None
    replies: tuple[Any, ...]
    in_vain: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Most requests and bytes of one input file; by default as OpenAI documents them."""

    requests: int = 50_000
    bytes: int = 200_000_000


@dataclass(slots=True)
class News:
    """What one step did: counts of requests, failures by reason, and sentences for the user."""

    stored: int = 0
    reasks: int = 0
    again: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
