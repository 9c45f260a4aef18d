"""What every engine does before and after the asking: settings made concrete, run.json written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from claimgrid import settings, sources
from claimgrid.engines import model_choice
from claimgrid.engines.run_cost import spent
from claimgrid.engines.run_summary import RunAccount, RunSummary, manifest
from claimgrid.engines.session import Session, open_session
from claimgrid.engines.shards import Slice, parse
from claimgrid.errors import PaperError, UsageError
from claimgrid.extraction.pipeline import failed
from claimgrid.io import run_folder
from claimgrid.llm.budget import SpendLimits
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.answer import Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Origin, Paper, slug


class Watcher(Protocol):
    """What is told of a run while it goes. Use as a context manager."""

    def __enter__(self) -> Watcher: ...
    def __exit__(self, *_: object) -> None: ...

    def moved(self) -> None:
        """Something changed: a paper was read or came out."""


class Unwatched:
    """A watcher of a run that nobody watches."""

    def __init__(self, facts: object) -> None:
        self.facts = facts

    def __enter__(self) -> Unwatched:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def moved(self) -> None:
        """Nobody watches."""


MakeWatcher = Callable[[Callable[[], dict[str, Any]]], Watcher]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a run came to.

    Args:
        manifest: what `run.json` says.
        kept_earlier: no paper came out, so the folder keeps the results of an earlier run.
    """

    folder: Path
    summary: RunSummary
    manifest: dict[str, Any]
    kept_earlier: bool

    @property
    def exit_code(self) -> int:
        """0 if every paper came out, 1 if some failed or a limit was reached, 130 after Ctrl-C."""
        return int(self.manifest["exit_code"])


class _SourceError(PaperError):
    stage = "source"


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What a run begins with.

    Args:
        items: the papers of the source, or of the shard that this run takes.
        part: what the shard sees of the source; None where the run takes all of it.
    """

    source: str
    folder: Path
    session: Session
    items: Iterator[sources.SourceItem]
    limits: SpendLimits
    part: Slice | None


def prepare(
    source: str,
    out: Path | None,
    given: settings.Settings,
    items: Iterator[sources.SourceItem] | None,
    limits: SpendLimits,
    tell: Callable[[str], None],
) -> RunSetup:
    """Make settings concrete and open the source; see `local_engine.run_source`.

    Raises:
        ClaimgridError: the run cannot begin.
    """
    part = Slice(parse(given.shard), given.pack) if given.shard else None
    folder = out or default_folder(source, part)
    if out is None:
        _refuse_other_source(source, folder)
    items = sources.read(source) if items is None else items
    if part is not None:
        given, limits = part.shard.settings(given), part.shard.limits(limits)
        items = part.take(items)
    session = open_session(given)
    session, items = model_choice.choose(session, items, folder / run_folder.REPLIES, tell)
    if limits.cost is not None and session.live and session.usd(Usage(requests=1)) is None:
        raise UsageError(
            f"--max-cost: no price is known for {session.endpoint.model}; set "
            "CLAIMGRID_PRICE_INPUT and CLAIMGRID_PRICE_OUTPUT (US dollars per million tokens; or "
            f"price_input and price_output in {settings.CONFIG_FILE}), or use --max-requests"
        )
    session.require_replies(folder / run_folder.REPLIES)
    return RunSetup(source, folder, session, items, limits, part)


def finish(
    setup: RunSetup, summary: RunSummary, account: RunAccount, *, kept_earlier: bool
) -> FinishedRun:
    """Write run.json beside the results, unless the folder keeps those of an earlier run."""
    with closing(ReplyCache(setup.folder / run_folder.REPLIES)) as cache:
        paid = cache.paid()
    cost = spent(setup.session, paid, papers=summary.papers, claims=summary.claims)
    told = manifest(setup.session, summary, account, cost)
    if setup.part is not None:
        told = told.model_copy(update={"shard": setup.part.facts()})
    if not kept_earlier:
        run_folder.write_manifest(setup.folder, told)
    return FinishedRun(setup.folder, summary, told.model_dump(mode="json"), kept_earlier)


def nothing_came(summary: RunSummary) -> bool:
    """Whether no paper came out; such a run must not cost an earlier one its results."""
    return not any(summary.statuses[status] for status in ("claims", "no_claims"))


def has_claims(folder: Path) -> bool:
    """Whether the folder holds results with claims in them."""
    path = folder / "claims.jsonl"
    return path.exists() and path.stat().st_size > 0


def _refuse_other_source(source: str, folder: Path) -> None:
    """Two sources of one name would overwrite each other's default folder."""
    if source == "-" or not (folder / run_folder.MANIFEST).exists():
        return
    earlier = str(run_folder.read_manifest(folder).get("source", ""))
    if os.path.normpath(earlier) != os.path.normpath(source):
        raise UsageError(
            f"{folder} holds a run of {earlier}, not of {source}; pass --out FOLDER for this one"
        )


def default_folder(source: str, part: Slice | None = None) -> Path:
    """Where a run of this source goes if nobody says: `outputs/` and the source's name, with the
    shard's number."""
    which = f".shard-{part.shard.number}-of-{part.shard.of}" if part else ""
    if source == "-":
        return Path(f"outputs/stdin{which}")
    if not os.path.lexists(source):  # a name of a paper, a URL, or several sources
        return Path("outputs") / f"{slug(source)}{which}"
    path = Path(source).resolve()
    name = path.name.removesuffix(".gz")
    return Path("outputs") / f"{Path(name).stem if path.is_file() else name}{which}"


def unreadable(problem: sources.Problem) -> Outcome:
    """The row of a paper that its source could not give."""
    name = problem.title or f"{problem.file} line {problem.line}"
    paper = Paper(
        paper_id=slug(name),
        title=problem.title or "",
        abstract="",
        origin=Origin(file=problem.file, line=problem.line),
    )
    outcome = failed(paper, _SourceError(problem.message), model=None)
    if problem.duplicate_of is None:
        return outcome
    line = outcome.paper.model_copy(update={"status": "duplicate"})
    return Outcome(paper=line, rejected=outcome.rejected)
