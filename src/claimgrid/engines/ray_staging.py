"""Puts the papers of a source where a Ray cluster reads them, and its outcomes in their order."""

from __future__ import annotations

import hashlib
import heapq
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimgrid.engines.run_setup import RunSetup, unreadable
from claimgrid.errors import StoreError
from claimgrid.extraction.pipeline import without_abstract
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

FOLDER = "ray"
_LEAST_ROWS, _MOST_ROWS = 25, 500  # papers of one task, which a crash undoes as a whole
_TASKS = 16  # least tasks that a source is cut into, if it is not short


@dataclass(slots=True)
class StagedSource:
    """The source, read: its papers on disk, and the rows of what nobody is asked about."""

    folder: Path
    papers: int = 0
    problems: list[tuple[int, Outcome]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Items of the source."""
        return self.papers + len(self.problems)

    def write(self, lines: list[str], digest: Any) -> None:
        """Write the lines as one more file, and empty their list."""
        content = "".join(lines).encode()
        digest.update(content)
        (self.folder / f"{self.papers:010}.jsonl").write_bytes(content)
        self.papers += len(lines)
        lines.clear()


def stage(setup: RunSetup) -> StagedSource:
    """Read the source into files below the run's folder, named by all that they hold.

    The name is the same for the same papers, model and prompt: then an interrupted run continues.
    What another run left is removed.
    """
    root = setup.folder / FOLDER
    fresh = root / "reading"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    digest = hashlib.sha256(_identity(setup))
    staged = StagedSource(fresh)
    lines: list[str] = []
    try:
        for place, item in enumerate(setup.items):
            if not isinstance(item, Paper):
                staged.problems.append((place, unreadable(item)))
                continue
            if unasked := without_abstract(item):
                staged.problems.append((place, unasked))
                continue
            row = {"checkpoint": item.paper_id, "place": place, "paper": item.model_dump_json()}
            lines.append(json.dumps(row) + "\n")
            # One file is one task: small at first, so that a short source has enough of them.
            if len(lines) >= max(_LEAST_ROWS, min(_MOST_ROWS, staged.papers // _TASKS)):
                staged.write(lines, digest)
        if lines:
            staged.write(lines, digest)
        staged.folder = root / digest.hexdigest()[:16]
        for other in root.iterdir():
            if other not in (fresh, staged.folder):
                shutil.rmtree(other, ignore_errors=True)
        shutil.rmtree(staged.folder / "papers", ignore_errors=True)
        staged.folder.mkdir(exist_ok=True)
        fresh.rename(staged.folder / "papers")
    except OSError as error:
        raise StoreError(f"{root}: cannot be written: {error}; pass another --out") from error
    return staged


def _identity(setup: RunSetup) -> bytes:
    """What, beside the papers, an outcome depends on."""
    session = setup.session
    given = session.given.model_dump(mode="json", include={"temperature", "max_tokens", "replay"})
    at = session.endpoint
    return json.dumps([at.model, at.mode, session.prompt.sha256, given]).encode()


def in_order(staged: StagedSource) -> Iterator[Outcome]:
    """The outcomes in the order of the source, each paper once: the one that came out, if any."""
    from claimgrid.engines.ray_worker import OUTCOME

    last = -1
    for place, _, made in heapq.merge(
        _rows(staged.folder / "outcomes"), ((place, 0, one) for place, one in staged.problems)
    ):
        if place > last:
            last = place
            yield made if isinstance(made, Outcome) else OUTCOME.validate_json(made)


def _rows(folder: Path) -> Iterator[tuple[int, int, Any]]:
    """Place, whether it failed, and text of each outcome, in order. A file holds few neighbouring
    places, so that few files are held at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    files = []
    for path in folder.glob("*.parquet"):
        places = pq.read_table(path, columns=["place"]).column("place")
        if len(places):
            files.append((pc.min(places).as_py(), path))
    waiting: list[tuple[int, int, Any]] = []
    for first, path in sorted(files):
        while waiting and waiting[0][0] < first:
            yield heapq.heappop(waiting)
        columns = pq.read_table(path).to_pydict()
        for name, place, text in zip(*columns.values(), strict=True):
            heapq.heappush(waiting, (place, int(name == f"failed {place}"), text))
    while waiting:
        yield heapq.heappop(waiting)
