"""A run is read here with the decisions of people applied: the one place where that happens.

The files of a run stay as the model made them. The decisions in `corrections.jsonl` (in the run's
folder, and in the folder above) are applied whenever claims, papers or rejected items are read
through these functions: by tables, report, serve and `load`. `evaluate` reads the run without
them, because it measures the model.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from claimgrid.io import run_folder
from claimgrid.review import correction_log
from claimgrid.review.corrections import Applied, Correction, apply, standing
from claimgrid.types.claim import Claim, PaperLine, Rejected


@dataclass(frozen=True, slots=True)
class Changes:
    """The papers of a run that decisions are on, and the decisions that hold for none.

    `on` are the standing decisions on abstracts of the run, notes left out.
    """

    papers: dict[str, Applied] = field(default_factory=dict)
    stale: tuple[Correction, ...] = ()
    on: tuple[Correction, ...] = ()

    @property
    def changed(self) -> int:
        """How many rejections do not hold, because the claim now says something else."""
        return sum(len(one.changed) for one in self.papers.values())


def changes(folder: Path) -> Changes:
    """What the corrections beside a run change in it. Raises StoreError where it cannot be read."""
    every = correction_log.of_run(folder).corrections
    if not every:
        return Changes()
    own = {one.id for one in correction_log.read(folder / correction_log.NAME).corrections}
    wanted = {one.abstract_sha256 for one in every}
    names: set[str] = set()
    lines: dict[str, PaperLine] = {}
    for line in run_folder.read_papers(folder):
        names.add(line.paper_id)
        if line.abstract_sha256 in wanted:
            lines[line.paper_id] = line
    claims: dict[str, list[Claim]] = {name: [] for name in lines}
    for claim in run_folder.read_claims(folder):
        # Another abstract under the same id has claims of its own.
        if claim.paper_id in lines and _stands_in(claim, lines[claim.paper_id]):
            claims[claim.paper_id].append(claim)
    found = {line.abstract_sha256 for line in lines.values()}
    return Changes(
        {name: apply(line, claims[name], every) for name, line in lines.items()},
        tuple(stale(every, found, own, names)),
        tuple(
            one for one in standing(every) if one.abstract_sha256 in found and one.action != "note"
        ),
    )


def elsewhere(folder: Path) -> dict[Path, int]:
    """Files in the folders beside a run with decisions on its abstracts that it does not take.

    Returns:
        How many decisions each of them has on abstracts of the run.
    """
    above = folder.parent if folder.name else folder.resolve().parent
    beside = sorted(above.glob(f"*/{correction_log.NAME}"))
    others = [path for path in beside if path.parent.resolve() != folder.resolve()]
    if not others:
        return {}
    taken = {one.id for one in correction_log.of_run(folder).corrections}
    abstracts = {line.abstract_sha256 for line in run_folder.read_papers(folder)}
    found: dict[Path, int] = {}
    for path in others:
        decisions = standing(correction_log.read(path).corrections)
        count = sum(one.abstract_sha256 in abstracts and one.id not in taken for one in decisions)
        if count:
            found[path] = count
    return found


def stale(
    corrections: Iterable[Correction],
    abstracts: AbstractSet[str],
    own: AbstractSet[str],
    papers: AbstractSet[str],
) -> Iterator[Correction]:
    """The standing decisions that hold for no abstract of a run.

    Args:
        corrections: all that the run takes.
        abstracts: the hashes of the run's abstracts.
        own: the ids of the corrections in the run's own folder. Those of a file that runs share
            may be on papers of other runs.
        papers: the ids of the run's papers.
    """
    for one in standing(corrections):
        if one.abstract_sha256 not in abstracts and (one.id in own or one.paper_id in papers):
            yield one


def read_claims(folder: Path, of: Collection[str] | None = None) -> Iterator[Claim]:
    """The claims of a run with the decisions on them. Raises StoreError with file and line.

    Args:
        of: the ids of the papers whose claims are wanted; None: of all.
    """
    papers = _of(changes(folder).papers, of)
    told: set[str] = set()
    for claim in run_folder.read_claims(folder, _wanted(of)):
        applied = papers.get(claim.paper_id)
        if applied is None or not _stands_in(claim, applied.paper):
            yield claim
        elif claim.paper_id not in told:
            told.add(claim.paper_id)
            yield from applied.claims
    for name, applied in papers.items():
        if name not in told:
            yield from applied.claims


def read_papers(folder: Path, of: Collection[str] | None = None) -> Iterator[PaperLine]:
    """The paper lines of a run, counting what was decided. Raises StoreError with file and line."""
    papers = changes(folder).papers
    for line in run_folder.read_papers(folder, _wanted(of)):
        applied = papers.get(line.paper_id)
        same = applied is not None and applied.paper.abstract_sha256 == line.abstract_sha256
        yield applied.paper if applied is not None and same else line


def read_rejected(folder: Path, of: Collection[str] | None = None) -> Iterator[Rejected]:
    """The rejected items of a run, with those that people rejected at the end."""
    yield from run_folder.read_rejected(folder, _wanted(of))
    for applied in _of(changes(folder).papers, of).values():
        yield from applied.rejected


def write_copy(folder: Path, copy: Path) -> bool:
    """Write the three files of a run as they read with the decisions applied.

    Lines of papers without a decision are copied as they are. For readers of files alone, such as
    a database.

    Returns:
        Whether there were decisions; where there are none, nothing is written.
    """
    papers = changes(folder).papers
    if not papers:
        return False
    marks = [json.dumps(name, ensure_ascii=False).encode("utf-8") for name in papers]
    told: set[str] = set()
    with (folder / "claims.jsonl").open("rb") as lines, (copy / "claims.jsonl").open("wb") as out:
        for raw in lines:
            # Most lines are of other papers: only those that may be of these are parsed.
            name = json.loads(raw)["paper_id"] if any(mark in raw for mark in marks) else None
            if name not in papers:
                out.write(raw)
            elif name not in told:
                told.add(name)
                out.writelines(_json(claim) for claim in papers[name].claims)
        for name, applied in papers.items():
            if name not in told:
                out.writelines(_json(claim) for claim in applied.claims)
    with (copy / "papers.jsonl").open("wb") as out:
        out.writelines(map(_json, read_papers(folder)))
    with (copy / "rejected.jsonl").open("wb") as out:
        out.writelines(map(_json, read_rejected(folder)))
    return True


def _wanted(of: Collection[str] | None) -> run_folder.Wanted | None:
    return None if of is None else run_folder.of_papers(of)


def _of(papers: dict[str, Applied], of: Collection[str] | None) -> dict[str, Applied]:
    return {name: applied for name, applied in papers.items() if of is None or name in of}


def _json(line: Claim | PaperLine | Rejected) -> bytes:
    return line.model_dump_json().encode("utf-8") + b"\n"


def _stands_in(claim: Claim, paper: PaperLine) -> bool:
    evidence = claim.evidence
    return paper.abstract[evidence.start : evidence.end] == evidence.quote
