"""The ready-made tables are described here: view, columns, order and conditions of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from claimgrid.errors import UsageError

# Columns that hold the words behind a row; every table of claims ends with them.
_SOURCE = ("paper", "dated", "confidence", "checked_by", "quote", "location", "claim_id")


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One ready-made table.

    Attributes:
        view: its view; also its name on the command line.
        title: what stands above it.
        claim_kind: the kind of its claims; None where it holds all, or papers.
        columns: the columns shown to people, in order; files for machines get the whole view.
        brief: those of a line on the screen or a table in a paper.
        measure: the column that is ranked, as people see it; None where nothing is.
        number: the columns that order `measure`, the first that has a number counts.
        direction: how the rows of a ranking are ordered: `higher` is better, or by `metric` or
            `unit`, whose tables say which way is better; None where nothing is ranked.
        group: the columns that split the table into rankings unless the user names another.
        conditions: what must be equal for two numbers to be ranked against each other.
        order: the columns that sort a table without a measure.
    """

    view: str
    title: str
    columns: tuple[str, ...]
    brief: tuple[str, ...]
    claim_kind: str | None = None
    measure: str | None = None
    number: tuple[str, ...] = ()
    direction: Literal["higher", "metric", "unit"] | None = None
    group: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def holds_claims(self) -> bool:
        """Whether a row is a claim; else it is a paper."""
        return self.view != "papers"


KINDS = {
    kind.view: kind
    for kind in (
        TableSpec(
            "speedups",
            "Speedups and other relative gains",
            ("subject", "ratio", "computed", "metric", "baselines", "workload", "hardware",
             *_SOURCE),
            brief=("subject", "ratio", "computed", "metric", "baselines", "on", "paper", "quote"),
            claim_kind="speedup",
            measure="ratio",
            number=("ratio_high", "ratio_low"),
            direction="higher",
            group=("metric",),
            conditions=("bound", "metric", "baseline", "workload", "hardware"),
        ),
        TableSpec(
            "benchmarks",
            "Benchmark results",
            ("subject", "score", "benchmark", "written", "metric", "role", "baselines", *_SOURCE),
            brief=("subject", "score", "benchmark", "metric", "baselines", "paper", "quote"),
            claim_kind="benchmark",
            measure="score",
            number=("score_high", "score_low"),
            direction="metric",
            group=("benchmark", "metric"),
            conditions=("bound", "benchmark", "metric", "relation", "unit", "baseline"),
        ),
        TableSpec(
            "hardware",
            "Hardware",
            ("device", "count", "nodes", "per_node", "role", "subject", "written", *_SOURCE),
            brief=("device", "count", "nodes", "per_node", "role", "subject", "paper", "quote"),
            claim_kind="hardware",
            order=("device", "paper_id"),
        ),
        TableSpec(
            "models",
            "Model sizes",
            ("model", "size", "written", "context_tokens", "subject", *_SOURCE),
            brief=("model", "size", "context_tokens", "subject", "paper", "quote"),
            claim_kind="model_size",
            measure="size",
            number=("params", "active_params"),
            direction="higher",
            conditions=("bound",),
        ),
        TableSpec(
            "efficiency",
            "Absolute speeds, costs and shares",
            ("subject", "value", "written", "metric", "workload", "hardware", *_SOURCE),
            brief=("subject", "value", "metric", "on", "paper", "quote"),
            claim_kind="efficiency",
            measure="value",
            number=("value_high", "value_low"),
            direction="unit",
            group=("metric", "unit"),
            conditions=("bound", "metric", "unit", "workload", "hardware"),
        ),
        TableSpec(
            "papers",
            "Papers",
            ("paper", "claim_count", "dated", "status", "benchmarks", "speedups", "efficiency",
             "hardware_claims", "models", "rejected", "unclaimed", "title", "paper_id"),
            brief=("paper", "claim_count", "dated", "status", "benchmarks", "speedups",
                   "efficiency", "hardware_claims", "models", "rejected", "unclaimed"),
        ),
        TableSpec(
            "claims",
            "Claims",
            ("subject", "shown", "computed", "kind", "benchmark", "metric", "device", "model",
             "baselines", "workload", "hardware", *_SOURCE),
            brief=("subject", "shown", "computed", "what", "baselines", "on", "paper", "quote"),
            group=("kind",),
        ),
    )
}  # fmt: skip


def kind(name: str) -> TableSpec:
    """The ready-made table of this name. Raises UsageError with the names that there are."""
    if name not in KINDS:
        raise UsageError(f"{name}: no such table. There are {', '.join(KINDS)}")
    return KINDS[name]
