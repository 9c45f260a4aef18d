"""Writes the folder of a run of any size: simulated papers, read as their own replies say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic_core import to_json

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from claimgrid.extraction.pipeline import read_answer
from claimgrid.io import run_folder
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.manifest import RunManifest
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply
from simulated import paper

_DISTINCT = 2_000  # abstracts that are really read; more papers repeat them under other ids


def write_run(folder: Path, papers: int) -> int:
    """Write a run of so many papers, with four claims each on average. Returns its claims."""
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = [_outcome(number) for number in range(min(papers, _DISTINCT))]
    claims = 0
    with (
        (folder / "papers.jsonl").open("wb") as lines,
        (folder / "claims.jsonl").open("wb") as made,
    ):
        for number in range(papers):
            line, own = outcomes[number % len(outcomes)]
            mark = f"{number:010}"
            # The digest stays that of another abstract; nothing that is measured looks at it.
            sha = f"{number:064x}"
            lines.write(to_json(line | {"paper_id": f"sim-{mark}", "abstract_sha256": sha}) + b"\n")
            for claim in own:
                claims += 1
                ids = {"paper_id": f"sim-{mark}", "claim_id": f"{claims:016x}"}
                made.write(to_json(claim | ids) + b"\n")
    (folder / "rejected.jsonl").write_bytes(b"")
    run_folder.write_manifest(folder, _manifest(papers, claims))
    return claims


def _manifest(papers: int, claims: int) -> RunManifest:
    """A run.json of lines that no run made."""
    words = "claimgrid python instructor openai finished source model provider mode replay prompt "
    words += "prompt_sha256 schema_sha256 prices"
    counts = "statuses errors asked http rejected unclaimed_numbers replies usage"
    unknown = "stopped_by caution serving base_url cost_usd"
    used = dict.fromkeys(("requests", "input_tokens", "cached_tokens", "output_tokens"), 0)
    each = {"tokens": None, "cost_usd": None}
    told: dict[str, Any] = dict.fromkeys(words.split(), "simulated")
    told |= {name: {} for name in counts.split()} | dict.fromkeys(unknown.split())
    told |= dict.fromkeys(("exit_code", "seconds", "unreached", "source_problems", "warnings"), 0)
    told |= {"papers": papers, "read": papers, "source_ended": True, "claims": {"speedup": claims}}
    told |= {"live_usage": used, "per_live_claim": each}
    told |= {"per_live_paper": {"input_tokens": 0, "output_tokens": 0, "cost_usd": None}}
    told |= {"spent": used | {"cost_usd": None, "per_paper": each, "per_claim": each, "of": []}}
    return RunManifest.model_validate(told)


def write_gold(path: Path, papers: int) -> None:
    """Gold of the first so many papers of such a run: what their abstracts really claim."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(papers):
            _, own = _outcome(number)
            gold = [
                claim | {"quote": claim["evidence"]["quote"], "start": claim["evidence"]["start"]}
                for claim in own
            ]
            file.write(json.dumps({"id": f"sim-{number:010}", "claims": gold}) + "\n")


def _outcome(number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    made = paper(number)
    source = Paper(paper_id="p", title=made.title, abstract=made.abstract, date="2025-01-01")
    reply = Reply.model_validate(made.reply)
    outcome = read_answer(source, Answer(reply, (), Usage(), "live", "api", "sim:"))
    claims = [json.loads(claim.model_dump_json()) for claim in outcome.claims]
    return json.loads(outcome.paper.model_dump_json()), claims


if __name__ == "__main__":
    print(write_run(Path(sys.argv[1]), int(sys.argv[2])), "claims")
