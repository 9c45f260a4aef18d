"""Joins finished runs over the same papers into one, whose claims say how many runs make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import jsonlines

from claimgrid.engines.merged_manifest import joined_manifest
from claimgrid.engines.run_summary import RunSummary
from claimgrid.errors import StoreError, UsageError
from claimgrid.evaluate.agreement import Disagreement, agree
from claimgrid.extraction import coverage
from claimgrid.extraction.confidence_limit import without_doubtful
from claimgrid.extraction.pipeline import with_own_ids
from claimgrid.io import run_folder
from claimgrid.quantities.lexer import lex
from claimgrid.types.answer import Usage
from claimgrid.types.claim import KINDS
from claimgrid.types.manifest import RunManifest
from claimgrid.types.outcome import Outcome

DISAGREEMENTS = "disagreements.jsonl"
_CAME_OUT = ("claims", "no_claims")


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining runs."""

    summary: RunSummary
    manifest: RunManifest


@dataclass(slots=True)
class _Counts:
    """Papers that several runs read, claims that all of them make, and the places that differ."""

    compared: int = 0
    unanimous: int = 0
    disagreements: int = 0


@dataclass(slots=True)
class _Stream:
    """One run, read in step with the first: what came before its turn waits."""

    folder: Path
    outcomes: Iterator[Outcome]
    waiting: dict[str, Outcome] = field(default_factory=dict)

    def take(self, paper_id: str) -> Outcome | None:
        """What this run has of a paper; None if it never read it."""
        if paper_id in self.waiting:
            return self.waiting.pop(paper_id)
        for outcome in self.outcomes:
            if outcome.paper.paper_id == paper_id:
                return outcome
            self.waiting[outcome.paper.paper_id] = outcome
        return None

    def rest(self) -> Iterator[Outcome]:
        """The papers that nobody took."""
        yield from self.waiting.values()
        yield from self.outcomes


def join_runs(
    folders: Sequence[Path], out: Path, names: Sequence[str], least: float | None = None
) -> Joined:
    """Write the joined run into `out`, with `disagreements.jsonl` beside its claims.

    A paper's line, and what was rejected of it, are those of the first run that read it; a run in
    which it failed is named among its warnings.

    Args:
        names: what each run is called in warnings and in run.json.
        least: joined claims of a lower confidence are rejected; None rejects none.

    Raises:
        UsageError: the runs have no paper in common, or read other texts.
        StoreError: a run cannot be read, or `out` cannot be written.
    """
    manifests = [run_folder.read_manifest(folder) for folder in folders]
    summary, counts = RunSummary(), _Counts()
    part = out / f"{DISAGREEMENTS}.part"
    with run_folder.RunWriter(out) as writer:
        try:
            with jsonlines.open(part, "w") as listed:
                for group in _groups(folders):
                    made, found = _together(group, names)
                    made = without_doubtful(made, least)
                    writer.add(made)
                    summary.add(made)
                    for item in found:
                        listed.write(asdict(item))
                    _count(counts, group, made, found)
            if not counts.compared:
                raise UsageError(
                    f"no paper was read in two of {', '.join(map(str, folders))}; join runs over "
                    "the same source"
                )
            part.replace(out / DISAGREEMENTS)
        except OSError as error:
            raise StoreError(f"{part}: cannot be written: {error}") from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    agreement = {
        "runs": [{"folder": str(f), "name": n} for f, n in zip(folders, names, strict=True)],
        "min_confidence": least,
        **asdict(counts),
    }
    told = RunManifest.model_validate(joined_manifest(manifests, summary, agreement))
    run_folder.write_manifest(out, told)
    _add_replies(summary, told)
    return Joined(summary, told)


def _groups(folders: Sequence[Path]) -> Iterator[list[Outcome | None]]:
    """Each paper's outcomes, one a run, None where a run does not have it."""
    first_run, *later = (run_folder.read_outcomes(folder) for folder in folders)
    later = [(one for one in run if one.paper.status != "duplicate") for run in later]
    streams = [_Stream(*pair) for pair in zip(folders, [first_run, *later], strict=True)]
    for place, stream in enumerate(streams):
        before: list[Outcome | None] = [None] * place
        for first in stream.rest():
            if first.paper.status == "duplicate":
                yield [first, *[None] * len(later)]
                continue
            others = [other.take(first.paper.paper_id) for other in streams[place + 1 :]]
            for other, whose in zip(others, streams[place + 1 :], strict=True):
                if other and other.paper.abstract_sha256 != first.paper.abstract_sha256:
                    raise UsageError(
                        f"{stream.folder} and {whose.folder} read other texts of "
                        f"{first.paper.paper_id}; join runs over the same source"
                    )
            yield [*before, first, *others]


def _together(
    group: Sequence[Outcome | None], names: Sequence[str]
) -> tuple[Outcome, list[Disagreement]]:
    """One paper of all runs as one outcome, and what the runs do not make alike."""
    there = [outcome for outcome in group if outcome is not None]
    base = next((o for o in there if o.paper.status in _CAME_OUT), there[0])
    if base.paper.status not in _CAME_OUT:
        return base, []
    claims = [o.claims if o and o.paper.status in _CAME_OUT else None for o in group]
    kept, found = agree(base.paper.abstract, claims)
    kept = with_own_ids(kept)
    failed = [
        f"{name} did not read this paper: {outcome.paper.reason or outcome.paper.status}"
        for name, outcome in zip(names, group, strict=True)
        if outcome is not None and outcome.paper.status not in _CAME_OUT
    ]
    kinds = Counter(claim.kind for claim in kept)
    abstract = base.paper.abstract
    line = base.paper.model_copy(
        update={
            "claims": {kind: kinds[kind] for kind in KINDS},
            "status": "claims" if kept else "no_claims",
            "unclaimed_numbers": coverage.unclaimed(abstract, lex(abstract), kept),
            "warnings": [*base.paper.warnings, *failed],
        }
    )
    return replace(base, paper=line, claims=tuple(kept)), found


def _count(
    counts: _Counts,
    group: Sequence[Outcome | None],
    made: Outcome,
    found: Sequence[Disagreement],
) -> None:
    counts.compared += sum(o is not None and o.paper.status in _CAME_OUT for o in group) > 1
    counts.unanimous += sum(claim.support == 1 for claim in made.claims)
    counts.disagreements += len(found)


def _add_replies(summary: RunSummary, told: RunManifest) -> None:
    """Let the summary tell the replies of all runs, which the joined lines do not."""
    summary.replies.update(told.replies)
    summary.usage = {name: Usage(**used.model_dump()) for name, used in told.usage.items()}
