"""What the model fills: copied words and labels only, no arithmetic, no canonical names.

The field names and descriptions go over the wire with every request: they are prompt text and part
of the request's key. Defaults are left out of a good reply, to save tokens.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

RelativeMetric = Literal[
    "speed",
    "latency",
    "throughput",
    "training_time",
    "efficiency",
    "batch_size",
    "memory",
    "energy",
    "cost",
    "utilization",
    "compute",
    "communication",
]
AbsoluteMetric = Literal[RelativeMetric, "power", "area", "frequency"]
Bound = Literal["exact", "up_to", "at_least", "about", "average"]


def _list(value: Any) -> Any:
    """Models write null or one bare string where a list is due; both mean one thing only."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _or(default: str) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None else value)


def _lean(schema: dict[str, Any]) -> None:
    """Drop the titles that pydantic derives from names: they are tokens of every request."""
    # Titles that instructor names the tool by stay.
    if schema.get("title") not in ("Reply", "PackedReply"):
        schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


Words = Annotated[list[str], BeforeValidator(_list)]


class Item(BaseModel):
    """Fields that every claim has; `quote` is copied verbatim from the abstract."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_lean)

    quote: str = Field(description="shortest verbatim run of words, within one sentence")
    stance: Annotated[Literal["own", "background"], _or("own")] = "own"


class BenchmarkItem(Item):
    value: str | None = Field(default=None, description="the number as written, with its unit")
    role: Annotated[Literal["result", "evaluated_on", "introduced"], _or("result")] = "result"
    relation: Annotated[Literal["absolute", "delta", "ratio"], _or("absolute")] = "absolute"
    benchmark: str | None = None
    metric: str | None = None
    subject: str | None = None
    baselines: Words = []
    bound: Annotated[Bound, _or("exact")] = "exact"


class SpeedupItem(Item):
    value: str = Field(description="the number as written, with its unit")
    change: Literal["up", "down", "of", "from_to"] = Field(
        description="up: rises by; down: falls by; of: is this share or multiple of the baseline's"
    )
    better: bool = Field(default=True, description="false if it is a loss")
    metric: Annotated[RelativeMetric, _or("speed")] = "speed"
    subject: str | None = None
    baselines: Words = []
    workload: str | None = None
    hardware: Words = []
    bound: Annotated[Bound, _or("exact")] = "exact"


class EfficiencyItem(Item):
    value: str = Field(description="the number as written, with its unit")
    unit: str | None = Field(default=None, description="unit words that stand apart from value")
    metric: Annotated[AbsoluteMetric, _or("speed")] = "speed"
    subject: str | None = None
    workload: str | None = None
    hardware: Words = []
    bound: Annotated[Bound, _or("exact")] = "exact"


class HardwareItem(Item):
    device: str = Field(description="the device's own words, without the count")
    count: str | None = Field(default=None, description="count words of all devices, as written")
    nodes: str | None = None
    per_node: str | None = None
    role: Annotated[Literal["evaluation", "deployment", "target"], _or("evaluation")] = "evaluation"


class ModelSizeItem(Item):
    model: str | None = None
    total: str = Field(description="words of the total parameter count")
    active: str | None = Field(default=None, description="words of the active parameter count")
    context: str | None = Field(default=None, description="context length in the model's name")


class Reply(BaseModel):
    """The claims of one abstract. An abstract without claims has empty lists."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_lean)

    benchmarks: list[BenchmarkItem] = []
    speedups: list[SpeedupItem] = []
    efficiencies: list[EfficiencyItem] = []
    hardware: list[HardwareItem] = []
    model_sizes: list[ModelSizeItem] = []

    @model_validator(mode="before")
    @classmethod
    def _only_known_lists(cls, value: Any) -> Any:
        # Every list has a default, so a misspelled one would pass for a reply without claims.
        if not isinstance(value, dict):
            return value
        unknown = sorted(map(str, value.keys() - cls.model_fields.keys()))
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}; write {', '.join(cls.model_fields)}")
        return value


class PackedItem(Reply):
    id: int


class PackedReply(BaseModel):
    """The claims of several abstracts, each under the id of its paper."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_lean)

    papers: list[PackedItem]


LISTS: dict[str, type[Item]] = {
    "benchmarks": BenchmarkItem,
    "speedups": SpeedupItem,
    "efficiencies": EfficiencyItem,
    "hardware": HardwareItem,
    "model_sizes": ModelSizeItem,
}
