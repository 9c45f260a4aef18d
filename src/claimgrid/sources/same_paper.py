"""Finds records of the same paper: versions, preprint and proceedings, the same id twice.

Two records are the same paper if they share a DOI or an arXiv id, or a title of three words or more
with near-equal abstracts. What was read is remembered by hashes in a temporary database on disk,
not by its text, so memory does not grow with the source. Records that lie near each other are
merged before they are given out; one that comes much later is told as a duplicate of the first.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from claimgrid.sources.lines import Problem
from claimgrid.types.paper import Paper

AHEAD = 2000  # papers that are read before the first is given out
_WORDS = re.compile(r"\w+")
_TOKENS = re.compile(r"\w*[0-9][\w.,%]*|\w{5,}")
_SKETCH = 8  # hashes of an abstract that are kept
_NEAR = 0.75  # share of them that near-equal abstracts have in common
_PREPRINT = re.compile(r"arxiv|corr\b|biorxiv|preprint|openreview", re.IGNORECASE)
_IDS = ("citation_key", "doi", "arxiv_id", "arxiv_version", "venue", "year", "url")
_FOUND_BY = {"d": "DOI", "a": "arXiv id", "t": "title and a near-equal abstract"}


def without_repeats(
    items: Iterable[Paper | Problem], *, ahead: int = AHEAD
) -> Iterator[Paper | Problem]:
    """Every paper once, with the ids of all its records, and duplicates that came too late."""
    with closing(_Seen()) as seen:
        waiting: list[_Slot | Problem] = []
        given = 0
        slots: dict[int, _Slot] = {}
        for item in items:
            if isinstance(item, Problem):
                waiting.append(item)
            else:
                match = seen.match(item)
                if match is None:
                    slot = _Slot(seen.count, [(item, "")])
                    slots[slot.number] = slot
                    waiting.append(slot)
                elif match.number in slots:
                    slots[match.number].records.append((item, match.why))
                else:
                    yield _late(item, match)
            while len(waiting) - given > ahead:
                yield _given(waiting[given], slots)
                given += 1
                if given > ahead:
                    del waiting[:given]
                    given = 0
        for one in waiting[given:]:
            yield _given(one, slots)


@dataclass(slots=True)
class _Slot:
    """The records of one paper up to now, in the order in which they came."""

    number: int
    records: list[tuple[Paper, str]]


@dataclass(frozen=True, slots=True)
class _Match:
    number: int
    paper_id: str
    why: str


def _given(one: _Slot | Problem, slots: dict[int, _Slot]) -> Paper | Problem:
    if isinstance(one, Problem):
        return one
    del slots[one.number]
    return _merged(one.records)


def _late(paper: Paper, match: _Match) -> Problem:
    origin = paper.origin
    return Problem(
        origin.file if origin else "",
        origin.line if origin else 1,
        f"the same {match.why} as `{match.paper_id}`, which was read before and stands for it; "
        "--keep-versions leaves them apart",
        paper.title or None,
        paper.abstract[:80],
        duplicate_of=match.paper_id,
    )


def _merged(records: list[tuple[Paper, str]]) -> Paper:
    """The record that stands for the paper, with the ids of the others and why it was taken."""
    if len(records) == 1:
        return records[0][0]
    papers = [paper for paper, _ in records]
    best = max(papers, key=lambda paper: (_published(paper), paper.arxiv_version or 0))
    because = _because(best, [paper for paper in papers if paper is not best])
    found: dict[str, Any] = {}
    for name in _IDS:
        if getattr(best, name) is None:
            others = (getattr(paper, name) for paper in papers)
            value = next((one for one in others if one is not None), None)
            if value is not None:
                found[name] = value
    why = {id(paper): reason for paper, reason in records}
    shared = next(reason for _, reason in records[1:])
    merged = [
        {
            "paper_id": paper.paper_id,
            "source": f"{paper.origin.file}:{paper.origin.line}" if paper.origin else None,
            "same": why[id(paper)] or shared,
            **{name: getattr(paper, name) for name in _IDS if getattr(paper, name) is not None},
        }
        for paper in papers
        if paper is not best
    ]
    extra = best.extra | {"merged": merged, "kept_because": because}
    return best.model_copy(update={**found, "extra": extra})


def _published(paper: Paper) -> bool:
    """Whether the record is of the published paper. arXiv's own record may name its DOI too."""
    doi, venue = paper.doi or "", paper.venue or ""
    if venue:
        return not _PREPRINT.search(venue)
    return bool(doi and not doi.lower().startswith("10.48550/") and not paper.arxiv_id)


def _because(best: Paper, others: list[Paper]) -> str:
    if _published(best) and not all(map(_published, others)):
        return "it is the published record"
    if best.arxiv_version and any((p.arxiv_version or 0) < best.arxiv_version for p in others):
        return f"it is the later version, v{best.arxiv_version}"
    return "it was read first"


class _Seen:
    """What was read: hashes of ids and titles, and a sketch of each abstract, on disk."""

    def __init__(self) -> None:
        self.count = 0
        # A database without a name is a temporary file that is gone when it is closed.
        self._database = sqlite3.connect("", isolation_level=None)
        for line in (
            "pragma journal_mode = off",
            "pragma synchronous = off",
            "pragma cache_size = -8000",
            "create table keys (key integer primary key, paper integer)",
            "create table papers (number integer primary key, id text, sketch blob)",
            "begin",
        ):
            self._database.execute(line)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def match(self, paper: Paper) -> _Match | None:
        """The paper that was read before and is the same; else this one is remembered."""
        sketch = _sketch(paper.abstract)
        keys = _keys(paper)
        found: _Match | None = None
        new = []
        for kind, key in keys:
            row = self._database.execute("select paper from keys where key = ?", (key,)).fetchone()
            if row is None:
                new.append(key)
            elif found is None:
                found = self._same(row[0], kind, sketch)
        if found is None:
            self.count += 1
            self._database.execute(
                "insert into papers values (?, ?, ?)",
                (self.count, paper.paper_id, sketch.tobytes()),
            )
        number = self.count if found is None else found.number
        self._database.executemany(
            "insert or ignore into keys values (?, ?)", [(key, number) for key in new]
        )
        return found

    def _same(self, number: int, kind: str, sketch: array[int]) -> _Match | None:
        paper_id, kept = self._database.execute(
            "select id, sketch from papers where number = ?", (number,)
        ).fetchone()
        if kind == "t":
            before, now = set(array("I", kept)), set(sketch)
            if len(before & now) < _NEAR * max(len(before), len(now), 1):
                return None
        return _Match(number, paper_id, _FOUND_BY[kind])


def _keys(paper: Paper) -> list[tuple[str, int]]:
    found = []
    if paper.doi:
        found.append(("d", paper.doi.lower()))
    if paper.arxiv_id:
        found.append(("a", paper.arxiv_id))
    words = _WORDS.findall(paper.title.casefold())
    if len(words) >= 3:  # a title of one or two words names too many papers
        found.append(("t", " ".join(words)))
    return [(kind, _hash(f"{kind}:{text}")) for kind, text in found]


def _hash(text: str) -> int:
    data = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(data, "big", signed=True)


def _sketch(abstract: str) -> array[int]:
    """The least hashes of an abstract's longer words and numbers: near-equal texts share most."""
    words = set(_TOKENS.findall(abstract.casefold()))
    hashes = sorted(zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words)
    return array("I", hashes[:_SKETCH])
