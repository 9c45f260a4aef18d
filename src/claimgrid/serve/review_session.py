"""A review session holds a run and the decisions on it, and saves new ones, one at a time.

It reads the run and its corrections again whenever their files have changed: another tab, another
reviewer's server or a new run may have written them. A decision is taken only if the claim still is
what the reviewer saw.
"""

from __future__ import annotations

import datetime
import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimgrid.errors import ClaimgridError
from claimgrid.io import run_folder
from claimgrid.report.page_data import told
from claimgrid.review import check_first, checked_run, correction_log, rebuilding, refused_items
from claimgrid.review.corrections import DISMISSED, Applied, Correction, apply, standing
from claimgrid.serve import review_entries
from claimgrid.serve.review_request import Decision
from claimgrid.types.claim import Claim, PaperLine, Rejected, Span
from claimgrid.types.grounded import Refusal

_LONGEST = 2000  # entries that one answer lists


class StaleError(ClaimgridError):
    """What the reviewer saw is no longer what the run or another decision says."""


class RefusedChangeError(ClaimgridError):
    """The selected words make no claim; `field` is the one that is at fault."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.field = refusal.field


@dataclass(frozen=True, slots=True)
class _State:
    papers: tuple[PaperLine, ...]
    rejected: dict[str, list[Rejected]]
    refused: dict[str, list[Rejected]]
    applied: dict[str, Applied]
    log: correction_log.Log
    own: frozenset[str]


class Session:
    """One run under review by one person. Its methods may be called from several threads."""

    def __init__(self, folder: Path, by: str, corrections: Path | None = None) -> None:
        """`corrections` is a file to use instead of the run's own, as for a second opinion."""
        self.folder = folder
        self.by = by
        self._file = corrections or folder / correction_log.NAME
        self._given = corrections is not None
        self._lock = threading.Lock()
        self._stamp: tuple[Any, ...] = ()
        self._state: _State | None = None

    @property
    def stamp(self) -> tuple[Any, ...]:
        """What changes when a file of the run or of its corrections does."""
        files = (self._file,) if self._given else correction_log.files_of(self.folder)
        return tuple(map(_mark, (*(self.folder / name for name in run_folder.NAMES), *files)))

    def overview(self) -> dict[str, Any]:
        """What there is to decide on, the most urgent first, and what needs a person's eye."""
        state = self._read()
        found = check_first.order(
            entry for paper in state.papers for entry in self._entries(state, paper)
        )
        said = review_entries.said_of_items(state.log.corrections)
        listed = [review_entries.entry(one, said) for one in found] + list(
            review_entries.taken_out(state.log.corrections, state.applied)
        )
        known = {paper.abstract_sha256 for paper in state.papers}
        names = {paper.paper_id for paper in state.papers}
        return {
            "by": self.by,
            "file": str(self._file),
            "total": len(listed),
            "decided": sum(one["state"] != "open" for one in listed),
            "entries": listed[:_LONGEST],
            "stale": [
                _told(one)
                for one in checked_run.stale(state.log.corrections, known, state.own, names)
            ],
            "broken": [
                {"line": one.line, "why": one.why, "file": one.file.name}
                for one in state.log.broken
            ],
            "fields": rebuilding.FIELDS,
            "labels": rebuilding.LABELS,
        }

    def paper(self, paper_id: str) -> dict[str, Any] | None:
        """A paper as it stands, with the version of each claim and what was decided on it."""
        state = self._read()
        applied = state.applied.get(paper_id)
        if applied is None:
            return None
        mine = [
            one
            for one in standing(state.log.corrections)
            if one.abstract_sha256 == applied.paper.abstract_sha256
        ]
        lost = [*state.rejected.get(paper_id, []), *applied.rejected]
        return {
            "paper": applied.paper.model_dump(mode="json"),
            "claims": [_for_page(claim) | {"version": version(claim)} for claim in applied.claims],
            "rejected": [item.model_dump(mode="json") for item in lost],
            "decisions": [_told(one) for one in mine],
        }

    def decide(self, asked: Decision) -> dict[str, Any]:
        """Save a decision, or only say what it would make of the claim.

        Returns:
            The paper as `paper` gives it, with the claim that the decision left.

        Raises:
            StaleError: the claim or the abstract is no longer what the reviewer saw.
            RefusedChangeError: the selected words make no claim.
            StoreError: the decision could not be written.
        """
        with self._lock:
            state = self._fresh()
            saved = next((one for one in state.log.corrections if one.id == asked.id), None)
            if asked.only_try:
                return self._tried(state, asked)
            if saved is None:
                saved = self._correction(state, asked)
                correction_log.append(self._file, [saved])
                self._fresh()
        found = self.paper(asked.paper_id) or {}
        return found | {"claim_id": saved.claim.claim_id if saved.claim else saved.claim_id}

    def _tried(self, state: _State, asked: Decision) -> dict[str, Any]:
        """What a decision would make of the claim, or why the words make none."""
        try:
            claim = self._correction(state, asked).claim
        except RefusedChangeError as error:
            return {"claim": None, "refused": str(error), "field": error.field}
        return {"claim": _for_page(claim) if claim else None}

    def _correction(self, state: _State, asked: Decision) -> Correction:
        applied = state.applied.get(asked.paper_id)
        if applied is None or applied.paper.abstract_sha256 != asked.abstract_sha256:
            raise StaleError("the abstract is no longer the one that you saw; look at it again")
        paper = applied.paper
        before = next((c for c in applied.claims if c.claim_id == asked.claim_id), None)
        if asked.action in ("accept", "reject", "edit", "note"):
            if before is None:
                raise StaleError("this claim is no longer in the run, or was taken out meanwhile")
            if version(before) != asked.seen:
                raise StaleError("this claim was changed meanwhile; look at it again")
        if asked.action == "dismiss":
            _check_dismissal(state, applied, asked)
        numbers = {(one.start, one.end): one for one in applied.paper.unclaimed_numbers}
        claim = self._claim(paper, before, asked)
        if asked.action == "add" and claim is not None:
            if any(one.claim_id == claim.claim_id for one in applied.claims):
                raise StaleError("this claim is there already")
            before = None
        if asked.action == "undo":
            _check_undo(state, asked)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        # A clock that was set back does not put a decision before the one that it follows.
        latest = max((one.at for one in state.log.corrections), default="")
        return Correction(
            id=asked.id,
            action=asked.action,
            abstract_sha256=paper.abstract_sha256,
            paper_id=paper.paper_id,
            claim_id=asked.claim_id or (claim.claim_id if claim else None),
            before=_unchecked(before),
            claim=_unchecked(claim),
            number=numbers.get(asked.number or (-1, -1)) if asked.action == "dismiss" else None,
            item=asked.item if asked.action in ("add", "dismiss") else None,
            undoes=asked.undoes,
            note=asked.note or None,
            by=self.by,
            at=max(now.replace("+00:00", "Z"), latest),
        )

    def _claim(self, paper: PaperLine, before: Claim | None, asked: Decision) -> Claim | None:
        """The claim that a decision leaves standing."""
        change = rebuilding.Change(
            {name: [Span(*pair) for pair in pairs] for name, pairs in asked.spans.items()},
            asked.labels,
        )
        if asked.action == "accept":
            return before
        if asked.action == "edit" and before is not None:
            made = rebuilding.edited(paper, before, change)
        elif asked.action == "add" and asked.kind is not None:
            made = rebuilding.added(paper, asked.kind, change)
        else:
            return None
        if isinstance(made, Refusal):
            raise RefusedChangeError(made)
        return made

    def _read(self) -> _State:
        with self._lock:
            return self._fresh()

    def _fresh(self) -> _State:
        stamp = self.stamp
        if self._state is None or stamp != self._stamp:
            self._state, self._stamp = self._load(), stamp
        return self._state

    def _load(self) -> _State:
        papers = tuple(run_folder.read_papers(self.folder))
        claims: dict[str, list[Claim]] = {}
        for claim in run_folder.read_claims(self.folder):
            claims.setdefault(claim.paper_id, []).append(claim)
        rejected: dict[str, list[Rejected]] = {}
        for item in run_folder.read_rejected(self.folder):
            rejected.setdefault(item.paper_id, []).append(item)
        own = correction_log.read(self._file)
        log = own if self._given else correction_log.of_run(self.folder)
        by_abstract: dict[str, list[Correction]] = {}
        for one in log.corrections:
            by_abstract.setdefault(one.abstract_sha256, []).append(one)
        applied: dict[str, Applied] = {}
        for paper in papers:
            mine = by_abstract.get(paper.abstract_sha256, [])
            if paper.paper_id not in applied:
                applied[paper.paper_id] = apply(paper, claims.get(paper.paper_id, []), mine)
        refused = {
            name: list(refused_items.whole(items, claims.get(name, [])))
            for name, items in rejected.items()
        }
        mine_alone = frozenset(one.id for one in own.corrections)
        lines = tuple(one.paper for one in applied.values())
        return _State(lines, rejected, refused, applied, log, mine_alone)

    def _entries(self, state: _State, paper: PaperLine) -> Iterator[check_first.Entry]:
        applied = state.applied[paper.paper_id]
        decisions: dict[str, list[Correction]] = {}
        for one in standing(state.log.corrections):
            if one.abstract_sha256 == paper.abstract_sha256 and one.claim_id is not None:
                decisions.setdefault(one.claim_id, []).append(one)
        lost = state.rejected.get(paper.paper_id, [])
        refused = state.refused.get(paper.paper_id, [])
        return check_first.entries(applied.paper, applied.claims, lost, decisions, refused)


def _for_page(claim: Claim) -> dict[str, Any]:
    line = claim.model_dump(mode="json")
    return line | told(line)


def version(claim: Claim) -> str:
    """A short hash of all that a claim says; it differs when anything in it does."""
    return hashlib.sha256(claim.model_dump_json().encode("utf-8")).hexdigest()[:16]


def _unchecked(claim: Claim | None) -> Claim | None:
    """The claim without an earlier decision on it: the log's own lines say who decided what."""
    return None if claim is None else claim.model_copy(update={"checked": None})


def _check_undo(state: _State, asked: Decision) -> None:
    """Only the last standing decision on a claim can be taken back; what follows it needs it."""
    chain = [one for one in standing(state.log.corrections) if one.action != "note"]
    target = next((one for one in chain if one.id == asked.undoes), None)
    if target is None:
        raise StaleError("this decision was taken back already")
    left = target.claim.claim_id if target.claim else target.claim_id
    later = chain[chain.index(target) + 1 :]
    on_claim = {left, target.claim_id} - {None}
    same = (one.claim_id in on_claim or one.about == target.about for one in later)
    if any(same):
        raise StaleError("this claim was decided on again since; undo the later decision first")


def _check_dismissal(state: _State, applied: Applied, asked: Decision) -> None:
    """What is dismissed must still stand open in the run."""
    if asked.item is not None:
        keys = {refused_items.key(one) for one in state.refused.get(asked.paper_id, [])}
        said = review_entries.said_of_items(state.log.corrections)
        open_ = asked.item in keys and (asked.abstract_sha256, asked.item) not in said
    else:
        open_ = any(
            asked.number == (one.start, one.end) and one.reason != DISMISSED
            for one in applied.paper.unclaimed_numbers
        )
    if not open_:
        raise StaleError("this is no longer open in the run; look at it again")


def _told(one: Correction) -> dict[str, Any]:
    return one.model_dump(mode="json")


def _mark(path: Path) -> Sequence[int]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
