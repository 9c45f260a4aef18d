"""What `run.json` says of a run: its inputs, its settings, its counts and its costs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _absent(value: object) -> bool:
    return value is None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TokenCounts(_Part):
    """Tokens and HTTP replies."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


class PerPaper(_Part):
    """What one paper that was asked about live took on average."""

    input_tokens: float
    output_tokens: float
    cost_usd: float | None


class Each(_Part):
    """What one paper or claim of the result took; null where there is none, or no known price."""

    tokens: float | None
    cost_usd: float | None


class PaidReplies(TokenCounts):
    """The replies of one model that came by one way."""

    model: str
    origin: str
    cost_usd: float | None


class Spent(TokenCounts):
    """What all replies in the folder took, over all runs that filled it."""

    cost_usd: float | None
    per_paper: Each
    per_claim: Each
    of: list[PaidReplies]


class RunManifest(BaseModel):
    """One run. Every input is accounted for.

    `read` is `papers` and `unreached`; `papers` is the sum of `statuses`, and the sum of `asked`
    and `source_problems`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    claimgrid: str = Field(description="version of claimgrid")
    python: str
    instructor: str
    openai: str
    finished: str = Field(description="ISO 8601 time")
    seconds: float
    exit_code: int
    stopped_by: str | None = Field(description="what ended the run before its source did")
    source: str
    model: str
    provider: str
    mode: str
    caution: str | None = Field(description="what a reader must know of the model")
    serving: dict[str, Any] | None = Field(description="how a local model was served")
    base_url: str | None
    replay: str
    prompt: str = Field(description="name@version of the prompt file")
    prompt_sha256: str
    schema_sha256: str
    read: int = Field(description="papers and problems that the source gave")
    source_ended: bool
    papers: int = Field(description="lines in papers.jsonl")
    unreached: int = Field(description="read from the source and not asked about")
    source_problems: int
    statuses: dict[str, int]
    errors: dict[str, int] = Field(description="failed papers by status or stage")
    warnings: int
    asked: dict[str, int] = Field(description="papers by where their reply came from")
    http: dict[str, int] = Field(description="tries over HTTP by what came of them")
    adapted: list[str] = Field(
        default=[], description="what was asked in another way because the server refused it"
    )
    claims: dict[str, int]
    rejected: dict[str, int]
    unclaimed_numbers: dict[str, int]
    replies: dict[str, int]
    usage: dict[str, TokenCounts]
    live_usage: TokenCounts
    cost_usd: float | None = Field(description="of the live replies of this run")
    prices: str
    per_live_paper: PerPaper
    per_live_claim: Each
    spent: Spent
    shard: dict[str, Any] | None = Field(
        default=None, exclude_if=_absent, description="which part of the source this is"
    )
    shards: int | None = Field(
        default=None, exclude_if=_absent, description="how many shards were merged"
    )
    agreement: dict[str, Any] | None = Field(
        default=None, exclude_if=_absent, description="which runs were joined, and where they agree"
    )
