"""A small run about invented systems, with what an attacker would put into titles and abstracts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from claimgrid.io import run_folder
from claimgrid.types.claim import CLAIM, Claim, PaperLine, Rejected, UnclaimedNumber
from claimgrid.types.manifest import RunManifest
from claimgrid.types.outcome import Outcome

SCRIPT = "<script>window.hacked = 1</script>"
MARKUP = '<img src=x onerror="window.hacked = 2">'
BREAK = "</script><script>window.hacked = 3</script>"
# A letter outside the Basic Multilingual Plane counts once in Python and twice in JavaScript.
ASTRAL = "𝒵"

ABSTRACTS = {
    "zephyr": (
        f"{ASTRAL}-calculus aside, Zephyr serves models up to 3.5x faster than Borealis on an A100 "
        "GPU, and 2.1x faster on average. It reaches 71.25% accuracy on QuuxBench in 7 rounds."
    ),
    "mistral-mix": (
        f"MixCloud has 40B total and 5B active parameters. {BREAK} It cuts decoding latency by 20% "
        "compared with Borealis and runs at 55 tokens/s on 16 H100 GPUs."
    ),
    "gale": f"Gale {MARKUP} improves throughput by 1.4x to 2.8x over Borealis.",
    "ember": (
        "Ember models see up to 4.5% accuracy improvement on QuuxBench while keeping 101.5% of the "
        "recall of Borealis, on AMD GPUs."
    ),
}
TITLES = {
    "zephyr": "Zephyr: Serving Fast",
    "mistral-mix": f"{SCRIPT} MixCloud",
    "gale": "Gale",
    "ember": "Ember",
}
DATES = {"zephyr": "2024-02-01", "mistral-mix": "2025-06", "gale": "--05-09", "ember": "2025"}
_GENERAL: dict[str, Any] = {"qualifier": "exact", "stance": "own", "grounding": "exact"}
_SPEEDUP: dict[str, Any] = {"workload": None, "hardware": [], "baselines": ["Borealis"]}
_BENCHMARK: dict[str, Any] = {"kind": "benchmark", "role": "result", "baselines": []}
_CLAIMS: tuple[tuple[str, dict[str, Any], str, dict[str, str]], ...] = (
    (
        "zephyr",
        _SPEEDUP
        | {
            "kind": "speedup",
            "metric": "speed",
            "ratio": (3.5, 3.5),
            "value": ("3.5x", 3.5, 3.5, "x"),
            "qualifier": "up_to",
            "hardware": ["nvidia-a100"],
            "subject": "Zephyr",
        },
        "up to 3.5x faster than Borealis",
        {"value": "3.5x", "baselines": "Borealis", "subject": "Zephyr"},
    ),
    (
        "zephyr",
        _SPEEDUP
        | {
            "kind": "speedup",
            "metric": "speed",
            "ratio": (2.1, 2.1),
            "value": ("2.1x", 2.1, 2.1, "x"),
            "qualifier": "average",
            "subject": "Zephyr",
        },
        "2.1x faster on average",
        {"value": "2.1x"},
    ),
    (
        "zephyr",
        {
            "kind": "hardware",
            "device": "nvidia-a100",
            "vendor": "nvidia",
            "category": "gpu",
            "known": True,
            "count": 1,
            "nodes": None,
            "per_node": None,
            "role": "evaluation",
            "subject": None,
            "value": None,
        },
        "faster than Borealis on an A100 GPU",
        {"device": "A100"},
    ),
    (
        "zephyr",
        _BENCHMARK
        | {
            "benchmark": "QuuxBench",
            "metric": "accuracy",
            "relation": "absolute",
            "subject": "Zephyr",
            "value": ("71.25%", 71.25, 71.25, "%"),
        },
        "71.25% accuracy on QuuxBench",
        {"value": "71.25%", "benchmark": "QuuxBench"},
    ),
    (
        "mistral-mix",
        {
            "kind": "model_size",
            "model": "MixCloud",
            "params": 40 * 10**9,
            "active_params": 5 * 10**9,
            "context_tokens": None,
            "subject": "MixCloud",
            "value": ("40B", 4e10, 4e10, "params"),
        },
        "40B total and 5B active",
        {"total": "40B", "active": "5B"},
    ),
    (
        "mistral-mix",
        _SPEEDUP
        | {
            "kind": "speedup",
            "metric": "latency",
            "ratio": (1.25, 1.25),
            "value": ("20%", 20.0, 20.0, "%"),
            "subject": MARKUP,
            "workload": "decoding",
        },
        "cuts decoding latency by 20%",
        {"value": "20%"},
    ),
    (
        "mistral-mix",
        {
            "kind": "efficiency",
            "metric": "throughput",
            "workload": None,
            "hardware": ["nvidia-h100"],
            "subject": "MixCloud",
            "value": ("55 tokens/s", 55.0, 55.0, "tokens/s"),
        },
        "55 tokens/s on 16 H100 GPUs",
        {"value": "55 tokens/s"},
    ),
    (
        "mistral-mix",
        {
            "kind": "hardware",
            "device": "nvidia-h100",
            "vendor": "nvidia",
            "category": "gpu",
            "known": True,
            "count": 16,
            "nodes": None,
            "per_node": None,
            "role": "evaluation",
            "subject": None,
            "value": ("16", 16.0, 16.0, ""),
        },
        "16 H100 GPUs",
        {"device": "H100", "count": "16"},
    ),
    (
        "gale",
        _SPEEDUP
        | {
            "kind": "speedup",
            "metric": "throughput",
            "ratio": (1.4, 2.8),
            "value": ("1.4x to 2.8x", 1.4, 2.8, "x"),
            "qualifier": "range",
            "subject": "Gale",
            "stance": "background",
        },
        f"{MARKUP} improves throughput by 1.4x to 2.8x",
        {"value": "1.4x to 2.8x"},
    ),
    (
        "ember",
        _BENCHMARK
        | {
            "benchmark": "QuuxBench",
            "metric": "accuracy",
            "relation": "delta",
            "subject": "Ember",
            "value": ("4.5%", 4.5, 4.5, "%"),
            "qualifier": "up_to",
        },
        "up to 4.5% accuracy improvement on QuuxBench",
        {"value": "4.5%", "benchmark": "QuuxBench"},
    ),
    (
        "ember",
        _BENCHMARK
        | {
            "benchmark": None,
            "metric": "recall",
            "relation": "ratio",
            "baselines": ["Borealis"],
            "subject": "Ember",
            "value": ("101.5%", 101.5, 101.5, "%"),
        },
        "101.5% of the recall of Borealis",
        {"value": "101.5%", "baselines": "Borealis"},
    ),
    (
        "ember",
        {
            "kind": "hardware",
            "device": "amd-gpu",
            "vendor": "amd",
            "category": "gpu",
            "known": True,
            "count": None,
            "nodes": None,
            "per_node": None,
            "role": "evaluation",
            "subject": None,
            "value": None,
        },
        "on AMD GPUs",
        {"device": "AMD GPUs"},
    ),
)


def write_run(folder: Path) -> Path:
    """The run's folder, as `extract run` leaves it."""
    claims = [_claim(*given) for given in _CLAIMS]
    with run_folder.RunWriter(folder) as writer:
        for paper_id, abstract in ABSTRACTS.items():
            own = tuple(claim for claim in claims if claim.paper_id == paper_id)
            rejected = (_rejected(),) if paper_id == "zephyr" else ()
            writer.add(Outcome(_paper(paper_id, abstract, own, len(rejected)), own, rejected))
        writer.add(Outcome(_paper("hush", "", (), 0, status="refused", reason="the model refused")))
    run_folder.write_manifest(folder, manifest(source="invented.jsonl", papers=5))
    return folder


def _claim(paper_id: str, given: dict[str, Any], quote: str, words: dict[str, str]) -> Claim:
    line = _GENERAL | given
    abstract = ABSTRACTS[paper_id]
    start = abstract.index(quote)
    line["evidence"] = {"quote": quote, "start": start, "end": start + len(quote)}
    line["spans"] = {
        field: [(abstract.index(text), abstract.index(text) + len(text))]
        for field, text in words.items()
    }
    if line["value"]:
        line["value"] = dict(zip(("text", "low", "high", "unit"), line["value"], strict=True))
    if "ratio" in line:
        line["ratio"] = {"low": line["ratio"][0], "high": line["ratio"][1]}
    digest = hashlib.sha256(json.dumps([paper_id, line["kind"], quote]).encode()).hexdigest()
    return CLAIM.validate_python(line | {"claim_id": digest[:16], "paper_id": paper_id})


def _rejected() -> Rejected:
    return Rejected(
        paper_id="zephyr",
        kind="speedup",
        reason="not_in_text",
        detail=f"'9.9x' is not in the abstract {MARKUP}",
        words="9.9x",
        item={"quote": f"9.9x {BREAK}"},
    )


def _paper(
    paper_id: str,
    abstract: str,
    claims: tuple[Claim, ...],
    rejected: int,
    *,
    status: str = "claims",
    reason: str | None = None,
) -> PaperLine:
    seven = abstract.find("7 rounds")
    open_ = (
        [UnclaimedNumber(text="7", start=seven, end=seven + 1, reason=None)] if seven > 0 else []
    )
    counts: dict[str, int] = {}
    for claim in claims:
        counts[claim.kind] = counts.get(claim.kind, 0) + 1
    return PaperLine.model_validate(
        {
            "paper_id": paper_id,
            "title": TITLES.get(paper_id, "Hush"),
            "authors": ["Ada Example", MARKUP],
            "organizations": [],
            "categories": [],
            "date": DATES.get(paper_id),
            "extra": {"url": "javascript:window.hacked=4"},
            "source": "invented.jsonl:1",
            "abstract": abstract,
            "abstract_sha256": hashlib.sha256(abstract.encode()).hexdigest(),
            "status": status,
            "stage": "ask" if reason else None,
            "reason": reason,
            "model": None,
            "claims": counts,
            "rejected": rejected,
            "unclaimed_numbers": open_,
            "warnings": [],
        }
    )


def manifest(**told: Any) -> RunManifest:
    """What run.json says of a run that asked nothing, with these fields."""
    texts = ("claimgrid", "python", "instructor", "openai", "finished", "source", "model", "mode",
             "provider", "replay", "prompt", "prompt_sha256", "schema_sha256",
             "prices")  # fmt: skip
    counts = ("statuses", "errors", "asked", "http", "claims", "rejected", "unclaimed_numbers",
              "replies", "usage")  # fmt: skip
    tokens = dict.fromkeys(("requests", "input_tokens", "cached_tokens", "output_tokens"), 0)
    each = {"tokens": None, "cost_usd": None}
    paid = {**tokens, "cost_usd": None, "per_paper": each, "per_claim": each, "of": []}
    paper = {"input_tokens": 0, "output_tokens": 0, "cost_usd": None}
    given: dict[str, Any] = dict.fromkeys(texts, "0")
    given |= {name: {} for name in counts}
    given |= dict.fromkeys(("stopped_by", "caution", "serving", "base_url", "cost_usd"))
    given |= dict.fromkeys(("seconds", "exit_code", "read", "papers", "unreached"), 0)
    given |= {"source_problems": 0, "warnings": 0, "source_ended": True, "live_usage": tokens}
    given |= {"per_live_paper": paper, "per_live_claim": each, "spent": paid}
    return RunManifest.model_validate(given | told)
