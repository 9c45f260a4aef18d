"""`extract run`: sources ─► a run's folder and a summary."""

from __future__ import annotations

import asyncio
import datetime
import platform
import time
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from claimgrid import settings, sources, store
from claimgrid.claims import KINDS
from claimgrid.commands.session import Session, open_session
from claimgrid.engines import local
from claimgrid.errors import PaperError
from claimgrid.llm import prices
from claimgrid.llm.answer import Usage
from claimgrid.llm.client import Client
from claimgrid.llm.recordings import Cache
from claimgrid.outcome import Outcome
from claimgrid.papers import Origin, Paper, slug
from claimgrid.pipeline import extract, failed


class _SourceError(PaperError):
    stage = "source"


class Tally:
    """Counts of a run as its outcomes pass by; the claims of the last paper, for a short answer."""

    def __init__(self) -> None:
        self.papers = 0
        self.statuses: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.replies: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.unclaimed: Counter[str] = Counter()
        self.usage: dict[str, Usage] = {}
        self.failures: list[tuple[str, str]] = []
        self.warnings: list[tuple[str, str]] = []
        self.last: Outcome | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one paper."""
        line = outcome.paper
        self.papers += 1
        self.last = outcome
        self.statuses[line.status] += 1
        self.kinds.update(claim.kind for claim in outcome.claims)
        self.rejected.update(rejected.reason for rejected in outcome.rejected)
        self.unclaimed.update(number.reason or "unknown" for number in line.unclaimed_numbers)
        if outcome.source:
            where = f"{outcome.source} of {line.model} ({outcome.origin})"
            self.replies[where] += 1
            self.usage[outcome.source] = self.usage.get(outcome.source, Usage()) + outcome.usage
        if line.status not in ("claims", "no_claims"):
            self.failures.append((line.source or line.paper_id, line.reason or line.status))
        self.warnings += [(line.source or line.paper_id, text) for text in line.warnings]


def run(source: str, out: Path | None, given: settings.Settings) -> int:
    """Extract the claims of a source into `out`.

    Returns:
        The exit code: 0 if every paper came out, 1 if some failed, 130 after Ctrl-C.

    Raises:
        ClaimgridError: the run cannot begin, or its folder cannot be written.
    """
    console = Console(highlight=False)
    folder = out or Path("outputs") / _name(source)
    session = open_session(given)
    items = sources.read(source)
    tally = Tally()
    began = time.monotonic()
    interrupted = False
    with store.Writer(folder) as writer:
        try:
            asyncio.run(_extract_all(items, session, writer, tally, folder))
        except KeyboardInterrupt:
            interrupted = True
    code = 130 if interrupted else int(bool(tally.failures))
    manifest = _manifest(source, session, tally, seconds=time.monotonic() - began, code=code)
    store.write_manifest(folder, manifest)
    if source == "-" and tally.papers == 1 and tally.last and not tally.failures:
        from claimgrid.commands.show import print_paper

        print_paper(console, tally.last.paper, tally.last.claims)
    _summary(console, source, folder, tally, manifest)
    for name in sources.skipped(source):
        console.print(f"[yellow]skipped[/] {name}: not a source file")
    if interrupted:
        console.print("[yellow]interrupted[/]; the same command goes on from here")
    return code


def _name(source: str) -> str:
    if source == "-":
        return "stdin"
    path = Path(source).resolve()
    name = path.name.removesuffix(".gz")
    return Path(name).stem if path.is_file() else name


async def _extract_all(
    items: Any, session: Session, writer: store.Writer, tally: Tally, folder: Path
) -> None:
    cache = Cache(folder / store.REPLIES)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task("reading papers", total=None)
    read = 0

    def counted() -> Any:
        nonlocal read
        for item in items:
            read += 1
            yield item
        progress.update(task, total=read)

    try:
        async with Client(session.endpoint, session.stores(cache), session.policy) as client:

            async def one(item: sources.Item) -> Outcome:
                if isinstance(item, Paper):
                    outcome = await extract(item, session.request, client.ask)
                else:
                    outcome = _unreadable(item)
                progress.advance(task)
                return outcome

            with progress:
                results = local.run(counted(), one, concurrency=session.given.concurrency)
                async for outcome in results:
                    writer.add(outcome)
                    tally.add(outcome)
    finally:
        cache.close()


def _unreadable(problem: sources.Problem) -> Outcome:
    """The row of a paper that its source could not give."""
    name = problem.title or f"{problem.file} line {problem.line}"
    paper = Paper(
        paper_id=slug(name),
        title=problem.title or "",
        abstract="",
        origin=Origin(file=problem.file, line=problem.line),
    )
    return failed(paper, _SourceError(problem.message), model=None)


def _manifest(
    source: str, session: Session, tally: Tally, *, seconds: float, code: int
) -> dict[str, Any]:
    live = tally.usage.get("live", Usage())
    return {
        "claimgrid": version("claimgrid"),
        "python": platform.python_version(),
        "instructor": version("instructor"),
        "openai": version("openai"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "exit_code": code,
        "source": source,
        "model": session.endpoint.model,
        "provider": session.endpoint.provider,
        "mode": session.endpoint.mode,
        "base_url": session.endpoint.base_url,
        "replay": session.given.replay,
        "prompt": f"{session.prompt.name}@{session.prompt.version}",
        "prompt_sha256": session.prompt.sha256,
        "papers": tally.papers,
        "statuses": dict(sorted(tally.statuses.items())),
        "claims": dict(tally.kinds),
        "rejected": dict(sorted(tally.rejected.items())),
        "unclaimed_numbers": dict(sorted(tally.unclaimed.items())),
        "replies": dict(sorted(tally.replies.items())),
        "usage": {source: asdict(usage) for source, usage in sorted(tally.usage.items())},
        "cost_usd": prices.usd(session.endpoint, live),
    }


def _summary(
    console: Console, source: str, folder: Path, tally: Tally, manifest: dict[str, Any]
) -> None:
    def row(name: str, number: object, detail: str) -> None:
        console.print(f"  {name:<10}{number!s:>7}   [dim]{detail}[/]", soft_wrap=True)

    def parts(counts: Counter[str]) -> str:
        named = ((name.replace("_", " "), n) for name, n in counts.most_common() if n)
        return " · ".join(f"{name} {n}" for name, n in named)

    console.print(f"[bold]{source}[/]", soft_wrap=True)
    row("papers", tally.papers, parts(tally.statuses))
    row("claims", sum(tally.kinds.values()), parts(tally.kinds))
    row("replies", sum(tally.replies.values()), parts(tally.replies) or "none")
    used = sum(tally.usage.values(), Usage())
    reported = (
        f"in {used.input_tokens:,} ({used.cached_tokens:,} cached) · out {used.output_tokens:,}"
    )
    known = used.input_tokens or used.output_tokens
    row(
        "tokens",
        f"{used.input_tokens + used.output_tokens:,}" if known else "–",
        reported if known else "the replies do not say",
    )
    row("cost", _money(manifest["cost_usd"]), _cost_detail(tally, manifest))
    row("rejected", sum(tally.rejected.values()), parts(tally.rejected) or "nothing")
    row("unclaimed", sum(tally.unclaimed.values()), parts(tally.unclaimed) or "no number is left")
    console.print(
        f"  written   {folder}/ {{{', '.join(store.NAMES)}, {store.MANIFEST}}}", soft_wrap=True
    )
    for where, text in tally.warnings[:10]:
        console.print(f"[yellow]warning[/] {where}: {text}", soft_wrap=True)
    if len(tally.warnings) > 10:
        console.print(f"… {len(tally.warnings) - 10} more warnings in {folder}/papers.jsonl")
    by_reason: dict[str, list[str]] = {}
    for where, text in tally.failures:
        by_reason.setdefault(text, []).append(where)
    for text, places in list(by_reason.items())[:10]:
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        console.print(f"[red]failed[/]  {', '.join(places[:3])}{more}: {text}", soft_wrap=True)
    if len(by_reason) > 10:
        console.print(f"… {len(by_reason) - 10} more kinds of failure in {folder}/papers.jsonl")


def _money(cost: float | None) -> str:
    return "–" if cost is None else f"${cost:,.4f}"


def _cost_detail(tally: Tally, manifest: dict[str, Any]) -> str:
    if "live" not in tally.usage:
        return "nothing was asked live"
    if manifest["cost_usd"] is None:
        return f"no price is known for {manifest['model']}"
    return "of the live replies, by list prices (genai-prices)"
