"""Adds up what shards of a run, or runs over the same papers, say in their run.json."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from claimgrid.engines.run_summary import RunSummary

_ADDED = (
    "read",
    "papers",
    "unreached",
    "source_problems",
    "statuses",
    "errors",
    "warnings",
    "asked",
    "http",
    "claims",
    "rejected",
    "unclaimed_numbers",
    "replies",
    "usage",
    "live_usage",
    "cost_usd",
)
_TOKENS = ("requests", "input_tokens", "cached_tokens", "output_tokens")


def merged_manifest(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What run.json says of a run that was made in shards.

    Counts and costs are added; a cost that one shard does not know makes the sum unknown. `seconds`
    is the longest shard's. What a run has once (model, prompt, versions) is the first shard's.
    """
    whole = {name: value for name, value in parts[0].items() if name != "shard"}
    whole |= {name: _added(part[name] for part in parts) for name in _ADDED}
    # As a single run does where it asked nobody.
    live, asked = whole["live_usage"], max(1, whole["asked"].get("live", 0))
    claims = sum(whole["claims"].values())
    return whole | {
        "adapted": sorted({one for part in parts for one in part["adapted"]}),
        "finished": max(part["finished"] for part in parts),
        "seconds": max(part["seconds"] for part in parts),
        "exit_code": max(part["exit_code"] for part in parts),
        "shards": len(parts),
        "per_live_paper": {
            "input_tokens": round(live["input_tokens"] / asked, 1),
            "output_tokens": round(live["output_tokens"] / asked, 1),
            "cost_usd": _each(whole["cost_usd"], asked),
        },
        # The shards do not say how many claims came of live replies.
        "per_live_claim": {"tokens": None, "cost_usd": None},
        "spent": _spent([part["spent"] for part in parts], whole["papers"], claims),
    }


def joined_manifest(
    parts: Sequence[dict[str, Any]], summary: RunSummary, agreement: dict[str, Any]
) -> dict[str, Any]:
    """What run.json says of runs over the same papers that were joined.

    Replies and costs are added; papers and claims are those of the joined run. What the runs do not
    share (the model, the prompt) is listed.
    """
    own = ("shards", "reader", "shard", "agreement")  # what only one of the runs can say
    added = {name: value for name, value in merged_manifest(parts).items() if name not in own}
    once = max(parts, key=lambda part: part["read"])
    listed = {name: _listed(part[name] for part in parts) for name in ("model", "provider", "mode")}
    return (
        added
        | listed
        | {
            "prompt": _listed(part["prompt"] for part in parts),
            "caution": _listed((part["caution"] for part in parts), "; ") or None,
            "seconds": round(sum(part["seconds"] for part in parts), 3),
            "read": once["read"],
            "source_ended": once["source_ended"],
            "papers": summary.papers,
            "unreached": once["unreached"],
            "source_problems": summary.source_problems,
            "statuses": dict(sorted(summary.statuses.items())),
            "errors": dict(sorted(summary.errors.items())),
            "warnings": summary.warnings.total,
            "claims": dict(summary.kinds),
            "rejected": dict(sorted(summary.rejected.items())),
            "unclaimed_numbers": dict(sorted(summary.unclaimed.items())),
            "spent": _spent([part["spent"] for part in parts], summary.papers, summary.claims),
            "agreement": agreement,
        }
    )


def _listed(values: Iterable[str | None], between: str = ", ") -> str:
    """The different values, in order."""
    return between.join(dict.fromkeys(value for value in values if value))


def _spent(parts: Sequence[dict[str, Any]], papers: int, claims: int) -> dict[str, Any]:
    names = (*_TOKENS, "cost_usd")
    whole = {name: _added(part[name] for part in parts) for name in names}
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for part in parts:
        for row in part["of"]:
            rows.setdefault((row["model"], row["origin"]), []).append(row)
    tokens = whole["input_tokens"] + whole["output_tokens"]
    return {
        **whole,
        "per_paper": _per(tokens, whole["cost_usd"], papers),
        "per_claim": _per(tokens, whole["cost_usd"], claims),
        "of": [
            {"model": model, "origin": origin, **{n: _added(row[n] for row in same) for n in names}}
            for (model, origin), same in sorted(rows.items())
        ],
    }


def _per(tokens: int, cost: float | None, count: int) -> dict[str, float | None]:
    return {"tokens": _each(tokens, count), "cost_usd": _each(cost, count)}


def _each(amount: float | None, count: int) -> float | None:
    return None if amount is None or not count else round(amount / count, 9)


def _added(values: Iterable[Any]) -> Any:
    return functools.reduce(_sum, values)


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        both = {name: _sum(one[name], other[name]) for name in one.keys() & other.keys()}
        return dict(sorted((one | other | both).items()))
    if one is None or other is None:
        return None
    return one + other
