"""Writes the claims of runs into folders of files that other tools read."""

from __future__ import annotations

import glob
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from claimgrid.errors import UsageError
from claimgrid.evaluate import every_eval_ever, meas_eval
from claimgrid.review import checked_run
from claimgrid.text.counted import counted
from claimgrid.types.claim import Claim, PaperLine

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_meas_eval(
    outs: Sequence[str], destination: Path, min_confidence: float | None = None
) -> str:
    """Write a .txt with the abstract and a .tsv with its annotations for each paper of runs."""
    destination.mkdir(parents=True, exist_ok=True)
    written = 0
    for paper, claims in _papers(outs, min_confidence):
        name = _file_name(paper.paper_id)
        table = meas_eval.write([paper], claims)
        (destination / f"{name}.txt").write_text(paper.abstract, encoding="utf-8", newline="")
        (destination / f"{name}.tsv").write_text(table, encoding="utf-8", newline="")
        written += 1
    return f"{counted(written, 'abstract')} with annotations written to {destination}"


def write_every_eval_ever(
    outs: Sequence[str], destination: Path, min_confidence: float | None = None
) -> str:
    """Write a JSON record for each paper and system with benchmark results."""
    destination.mkdir(parents=True, exist_ok=True)
    now = int(time.time())
    written = 0
    for paper, claims in _papers(outs, min_confidence):
        found = every_eval_ever.records([paper], claims, retrieved=now)
        for number, record in enumerate(found, 1):
            path = destination / f"{_file_name(paper.paper_id)}-{number}.json"
            text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
            path.write_text(text, encoding="utf-8")
            written += 1
    return f"{written} records written to {destination}"


def _papers(outs: Sequence[str], least: float | None) -> Iterator[tuple[PaperLine, list[Claim]]]:
    """Each paper with its claims, as they stand after a review."""
    for out in outs:
        folders = sorted(glob.glob(out)) or [out]  # noqa: PTH207 the pattern may be absolute
        for folder in map(Path, folders):
            if not folder.is_dir():
                raise UsageError(f"{folder} is no folder of a run")
            claims: dict[str, list[Claim]] = {}
            for claim in checked_run.read_claims(folder):
                if least is None or (claim.confidence is not None and claim.confidence >= least):
                    claims.setdefault(claim.paper_id, []).append(claim)
            for paper in checked_run.read_papers(folder):
                yield paper, claims.get(paper.paper_id, [])


def _file_name(paper_id: str) -> str:
    return _UNSAFE.sub("-", paper_id).strip("-.") or "paper"
