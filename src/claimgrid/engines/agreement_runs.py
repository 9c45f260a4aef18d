"""Joins finished runs over the same papers into one, whose claims say how many runs make them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import jsonlines

from claimgrid.evaluate.agreement import agree
from claimgrid.io import run_folder
from claimgrid.types.claim import KINDS, Claim
from claimgrid.types.outcome import Outcome

DISAGREEMENTS = "disagreements.jsonl"


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining runs: papers, claims, those that every run makes, disagreements."""

    papers: int
    claims: int
    unanimous: int
    disagreements: int


def join_runs(folders: Sequence[Path], out: Path) -> Joined:
    """Write the joined run into `out`, with `disagreements.jsonl` beside its claims.

    Paper lines, rejected items and run.json are those of the first run.
    """
    claims = [_by_paper(folder) for folder in folders]
    rejected = list(run_folder.read_rejected(folders[0]))
    papers = made = unanimous = disagreements = 0
    with run_folder.RunWriter(out) as writer, jsonlines.open(out / DISAGREEMENTS, "w") as listed:
        for line in run_folder.read_papers(folders[0]):
            kept, found = agree(line.abstract, [run.get(line.paper_id, []) for run in claims])
            counts = Counter(claim.kind for claim in kept)
            status = "claims" if kept else line.status
            told = {"claims": {kind: counts[kind] for kind in KINDS}, "status": status}
            mine = tuple(item for item in rejected if item.paper_id == line.paper_id)
            writer.add(Outcome(line.model_copy(update=told), tuple(kept), mine))
            for item in found:
                listed.write(asdict(item))
            papers, made = papers + 1, made + len(kept)
            disagreements += len(found)
            unanimous += sum(claim.support == 1 for claim in kept)
    shutil.copyfile(folders[0] / run_folder.MANIFEST, out / run_folder.MANIFEST)
    return Joined(papers, made, unanimous, disagreements)


def _by_paper(folder: Path) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in run_folder.read_claims(folder):
        found.setdefault(claim.paper_id, []).append(claim)
    return found
