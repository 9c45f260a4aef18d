"""The lines that a run writes: Claim, Rejected and PaperLine.

`docs/claims.md` says what each field means; `schemas/` holds the JSON Schemas of these models.
Offsets count Unicode code points of the abstract as read; `abstract[start:end]` is the quote.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Kind = Literal["benchmark", "speedup", "efficiency", "hardware", "model_size"]
KINDS: tuple[Kind, ...] = ("benchmark", "speedup", "efficiency", "hardware", "model_size")
Qualifier = Literal["exact", "up_to", "at_least", "about", "average", "range"]
Stance = Literal["own", "background"]
Grounding = Literal["exact", "aligned", "ambiguous"]
Status = Literal["claims", "no_claims", "refused", "truncated", "invalid", "error", "duplicate"]


class Span(NamedTuple):
    """Half-open range of code points in an abstract; written to JSON as `[start, end]`."""

    start: int
    end: int


def _absent(value: Any) -> bool:
    return value is None


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Line):
    """A number as written and as parsed; `low == high` unless it is a range, null if vague.

    `unit` is canonical and lower case (`x`, `%`, `score`, `tokens/s` …), in the magnitude that the
    text uses: nothing is converted.
    """

    text: str
    low: float | None
    high: float | None
    unit: str


class Ratio(_Line):
    """Improvement factor: larger is better, 1 is no change."""

    low: float
    high: float


class Evidence(_Line):
    """The verbatim words of the abstract that make the claim."""

    quote: str
    start: int
    end: int


class Checked(_Line):
    """What a person decided on a claim: by whom, and when (ISO 8601, UTC)."""

    decision: Literal["accepted", "edited", "added"]
    by: str
    at: str


class _Claim(_Line):
    """Fields of every claim.

    `confidence` is how sure the claim is, in 0..1, by `confidence_source`;
    `support` is the share of samples or models that make the claim. `ambiguous` says that a
    percent change of a share may be points. `checked` is there where a person has decided.
    """

    claim_id: str
    paper_id: str
    kind: Kind
    subject: str | None
    value: Value | None
    qualifier: Qualifier
    stance: Stance
    evidence: Evidence
    spans: dict[str, list[Span]]
    grounding: Grounding
    candidates: list[Span] = Field(default_factory=list)
    # Written only where they say something.
    ambiguous: Literal["points_or_percent"] | None = Field(default=None, exclude_if=_absent)
    confidence: float | None = Field(default=None, ge=0, le=1, exclude_if=_absent)
    confidence_source: Literal["support", "model"] | None = Field(default=None, exclude_if=_absent)
    support: float | None = Field(default=None, ge=0, le=1, exclude_if=_absent)
    checked: Checked | None = Field(default=None, exclude_if=_absent)


class BenchmarkClaim(_Claim):
    """A quality score, a benchmark that was used, or one that the paper introduces."""

    kind: Literal["benchmark"]
    role: Literal["result", "evaluated_on", "introduced"]
    benchmark: str | None
    metric: str | None
    relation: Literal["absolute", "delta", "ratio"] | None
    baselines: list[str]


class SpeedupClaim(_Claim):
    """A relative gain (or loss) in speed, cost or capacity against a baseline.

    `ratio` is null exactly where `ambiguous` is set.
    """

    kind: Literal["speedup"]
    metric: str
    ratio: Ratio | None
    baselines: list[str]
    workload: str | None
    hardware: list[str]


class EfficiencyClaim(_Claim):
    """An absolute speed, cost or share."""

    kind: Literal["efficiency"]
    metric: str
    workload: str | None
    hardware: list[str]


class HardwareClaim(_Claim):
    """A device that the work ran on, is deployed on or targets."""

    kind: Literal["hardware"]
    device: str
    vendor: str | None
    category: str
    known: bool
    count: int | None
    nodes: int | None
    per_node: int | None
    role: Literal["evaluation", "deployment", "target"]


class ModelSizeClaim(_Claim):
    """A stated parameter count, total and (for mixture of experts) active per token."""

    kind: Literal["model_size"]
    model: str | None
    params: int
    active_params: int | None
    context_tokens: int | None


Claim = Annotated[
    BenchmarkClaim | SpeedupClaim | EfficiencyClaim | HardwareClaim | ModelSizeClaim,
    Field(discriminator="kind"),
]
CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)


class Rejected(_Line):
    """What the model claimed and the abstract does not hold, with the raw item, never repaired.

    `field` is null when the whole item was refused; else the item became a claim without that
    field, and `words` are the ones that could not be found.
    """

    paper_id: str
    kind: Kind | None
    reason: str
    detail: str
    field: str | None = None
    words: str | None = None
    item: Any = None


class UnclaimedNumber(_Line):
    """A number of the abstract that no claim covers; `reason` is null where none is known."""

    text: str
    start: int
    end: int
    reason: str | None


class PaperLine(_Line):
    """How one paper ended: one line in `papers.jsonl` for every paper read, failed ones too."""

    paper_id: str
    title: str
    authors: list[str]
    organizations: list[str]
    categories: list[str]
    date: str | None
    citation_key: str | None = Field(default=None, exclude_if=_absent)
    doi: str | None = Field(default=None, exclude_if=_absent)
    arxiv_id: str | None = Field(default=None, exclude_if=_absent)
    arxiv_version: int | None = Field(default=None, exclude_if=_absent)
    venue: str | None = Field(default=None, exclude_if=_absent)
    year: int | None = Field(default=None, exclude_if=_absent)
    url: str | None = Field(default=None, exclude_if=_absent)
    extra: dict[str, Any]
    source: str | None
    abstract: str
    abstract_sha256: str
    status: Status
    stage: str | None
    reason: str | None
    model: str | None
    claims: dict[Kind, int]
    rejected: int
    unclaimed_numbers: list[UnclaimedNumber]
    warnings: list[str]
