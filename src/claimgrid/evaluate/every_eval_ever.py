"""Writes benchmark results as records of Every Eval Ever, version 0.3, one a paper and system.

The source type is `documentation`: the scores are what a paper says, not an evaluation that was
run. Each score carries its quote and offsets (in `details`, and in `additional_details` of its
source), so that it can be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from claimgrid.entities import metrics, spelling
from claimgrid.types.claim import BenchmarkClaim, Claim, PaperLine

SCHEMA_VERSION = "0.3.0"


def records(
    papers: Iterable[PaperLine], claims: Iterable[Claim], *, retrieved: int
) -> list[dict[str, Any]]:
    """The records of a run: absolute results of its own with a benchmark, by paper and system.

    Args:
        retrieved: Unix time at which the records were made.
    """
    lines = {paper.paper_id: paper for paper in papers}
    grouped: dict[tuple[str, str], list[BenchmarkClaim]] = {}
    for claim in claims:
        if _counts(claim):
            assert claim.kind == "benchmark"
            name = claim.subject or lines[claim.paper_id].title or claim.paper_id
            grouped.setdefault((claim.paper_id, name), []).append(claim)
    return [
        _record(lines[paper_id], name, found, retrieved)
        for (paper_id, name), found in grouped.items()
    ]


def _counts(claim: Claim) -> bool:
    return (
        claim.kind == "benchmark"
        and claim.role == "result"
        and claim.relation == "absolute"
        and claim.stance == "own"
        and claim.benchmark is not None
        and claim.value is not None
        and claim.value.low is not None
        and claim.value.low == claim.value.high
    )


def _record(
    paper: PaperLine, name: str, claims: list[BenchmarkClaim], retrieved: int
) -> dict[str, Any]:
    organization = ", ".join(paper.organizations) or ", ".join(paper.authors[:3]) or "unknown"
    told = {"paper_id": paper.paper_id, "abstract_sha256": paper.abstract_sha256}
    told |= {
        key: str(value)
        for key in ("doi", "arxiv_id", "url", "date")
        if (value := getattr(paper, key)) is not None
    }
    system = f"{paper.paper_id}/{spelling.plain(name)}"
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"paper-claims/{system}/{retrieved}",
        "retrieved_timestamp": str(retrieved),
        "source_metadata": {
            "source_name": paper.title or paper.paper_id,
            "source_type": "documentation",
            "source_organization_name": organization,
            "evaluator_relationship": "first_party",
            "additional_details": told,
        },
        "eval_library": {"name": "claimgrid", "version": _version()},
        "model_info": {
            "name": name,
            "id": system,
            "additional_details": {"deployment_type": "unknown", "model_availability": "unknown"},
        },
        "evaluation_results": [_result(paper, claim) for claim in claims],
    }


def _version() -> str:
    try:
        return version("claimgrid")
    except PackageNotFoundError:
        return "unknown"


def _result(paper: PaperLine, claim: BenchmarkClaim) -> dict[str, Any]:
    assert claim.value is not None
    assert claim.value.low is not None
    benchmark = str(claim.benchmark)
    details = {
        "claim_id": claim.claim_id,
        "quote": claim.evidence.quote,
        "start": str(claim.evidence.start),
        "end": str(claim.evidence.end),
        "value_text": claim.value.text,
        "qualifier": claim.qualifier,
    }
    if claim.confidence is not None:
        details["confidence"] = f"{claim.confidence:g}"
    less = metrics.direction(claim.metric) == "lower"
    metric: dict[str, Any] = {"lower_is_better": less}
    if claim.metric:
        metric["metric_name"] = claim.metric
    metric["metric_unit"] = "percent" if claim.value.unit == "%" else claim.value.unit
    return {
        "evaluation_result_id": hashlib.sha256(
            f"{paper.abstract_sha256}/{claim.claim_id}".encode()
        ).hexdigest()[:16],
        "evaluation_name": benchmark,
        "source_data": {
            "dataset_name": benchmark,
            "source_type": "other",
            "additional_details": {name: details[name] for name in ("quote", "start", "end")},
        },
        "metric_config": metric,
        "score_details": {"score": claim.value.low, "details": details},
    }
