"""`extract plan`: estimates what a run of sources would take, before anything is asked."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from claimgrid import settings, sources
from claimgrid.cli.options import PATH, model_options, source_options, taken_source_options
from claimgrid.cli.progress import clock
from claimgrid.engines.run_setup import default_folder
from claimgrid.engines.session import Session, open_session
from claimgrid.io import run_folder
from claimgrid.llm import planning as plans
from claimgrid.llm.response_store import Recording, ReplyCache
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request

# Anthropic caches only what a request marks, and ours mark nothing.
_CACHE_BY_THEMSELVES = ("openai", "google")


def plan(
    names: Sequence[str],
    out: Path | None,
    given: settings.Settings,
    *,
    latency: float,
    as_json: bool,
    choice: dict[str, Any],
) -> int:
    """Print what a run of the sources into `out` would take.

    Args:
        choice: which papers of the sources, as keyword arguments of `sources.read`.
        latency: assumed seconds of one request.

    Returns:
        1 if some paper cannot be read, else 0.
    """
    source = " ".join(names)
    session = open_session(given.model_copy(update={"replay": "only"}))
    path = (out or default_folder(source)) / run_folder.REPLIES
    # A plan writes nothing, and opening a cache makes one.
    with closing(ReplyCache(path)) if path.exists() else nullcontext() as cache:

        def look(request: Request) -> tuple[str, Recording] | None:
            for name, kept in (("cache", cache), ("recording", session.recordings)):
                found = kept.get(request.model, request.key) if kept else None
                if found is not None:
                    return name, found
            return None

        packs = plans.Packs(given.pack, session.pack) if given.pack > 1 else None
        left = _LeftToAsk(session)
        done = plans.survey(left.of(sources.read(*names, **choice)), session.request, look, packs)
    if left.read_here:
        answered = done.answered + Counter({session.reader_name: left.read_here})
        done = replace(done, papers=done.papers + left.read_here, answered=answered)
    pace = plans.Pace(session.concurrency, latency, given.rpm, given.tpm)
    told = {"source": source, **_model(session), **plans.told(done, _priced(session), pace)}
    if as_json:
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _print(told)
    return int(bool(done.problems))


class _LeftToAsk:
    """The papers that a model in this process leaves to another one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.read_here = 0

    def of(self, items: Iterable[sources.SourceItem]) -> Iterator[sources.SourceItem]:
        """The items of a source without the papers that are read here."""
        session = self._session
        for item in items:
            if session.reader is not None and isinstance(item, Paper):
                _, doubt = session.reader.answer(item.title, item.abstract)
                if session.alone or doubt <= session.given.doubt:
                    self.read_here += 1
                    continue
            yield item


def _model(session: Session) -> dict[str, str]:
    return {
        "model": session.endpoint.model,
        "provider": session.endpoint.provider,
        "prompt": f"{session.prompt.name}@{session.prompt.version}",
    }


def _priced(session: Session) -> plans.Priced:
    at = session.endpoint
    listed = at.base_url is None and session.given.price_input is None
    caches = listed and at.provider in _CACHE_BY_THEMSELVES
    return plans.Priced(session.usd, session.price_source, caches)


def _print(told: dict[str, Any]) -> None:
    console = Console(highlight=False)

    def row(name: str, figure: str, detail: str) -> None:
        console.print(f"  {name:<14}{figure:>12}   [dim]{escape(detail)}[/]", soft_wrap=True)

    console.print(f"[bold]{escape(told['source'])}[/]", soft_wrap=True)
    answered = [f"{name} answers {n}" for name, n in told["answered"].items()]
    problems = told["source_problems"]
    unread = [f"{problems} more cannot be read"] if problems else []
    row("papers", f"{told['papers']:,}", " · ".join([*answered, *unread]))
    about = told["papers_to_ask"]
    packed = f", about {about:,} papers" if about != told["requests"] else ""
    row("to ask", f"{told['requests']:,}", f"{told['model']} ({told['provider']}){packed}")
    if not told["requests"]:
        return
    tokens, basis = told["tokens"], told["tokens"]["basis"]
    static = f"{tokens['static_share']:.0%} of it is the same in every request"
    each = f"{basis['characters_a_token']} characters a token, {_on(basis, 'input')}"
    row("tokens in", f"{tokens['input']:,}", f"{static}; {each}")
    each = f"{basis['output_tokens_a_paper']:,.0f} a paper, {_on(basis, 'output')}"
    row("tokens out", f"{tokens['output']:,}", each)
    _print_cost(row, told)
    time = told["time"]
    limits = [f"{time[name]:,.0f} {name}" for name in ("rpm", "tpm") if time[name]]
    assumed = f"{time['concurrency']} at once, {time['latency_s']:g} s each assumed"
    detail = ", ".join([assumed, *limits])
    disk = told["disk_bytes"]
    parts = ", ".join(f"{name.replace('_', ' ')} {_size(size)}" for name, size in disk.items())
    row("disk", _size(sum(disk.values())), parts)
    row("time", clock(time["seconds"]), f"{detail}; bound by {time['bound_by']}")


def _on(basis: dict[str, Any], what: str) -> str:
    return f"by {basis['replies']} stored replies" if basis[what] == "counted" else basis[what]


def _print_cost(row: Any, told: dict[str, Any]) -> None:
    cost, cached = told["cost_usd"], told["tokens"]["cached_by_provider"]
    if cost["online"] is None:
        row("cost", "–", f"no price is known for {told['model']} in {told['prices']}")
        return
    row("cost", _money(cost["online"]), f"at the prices of {told['prices']}")
    if cost["online_with_prompt_cache"] is not None:
        detail = f"{cached:,} tokens in from the provider's prompt cache, at best"
        row("  or", _money(cost["online_with_prompt_cache"]), detail)
    if cost["batch"] is not None:
        row("  or", _money(cost["batch"]), "by the batch API (extract batch), within a day")


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _money(cost: float) -> str:
    return f"${cost:,.4f}" if cost < 1 else f"${cost:,.2f}"


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, help="Folder whose replies count as answered already.")
@source_options
@model_options
@click.option("--concurrency", type=int, metavar="N", help="As for run. Default: 32.")
@click.option("--pack", type=int, metavar="N", help="Papers in one request, as for run.")
@click.option("--doubt", type=float, metavar="N", help="Of --model reader+NAME, as for run.")
@click.option("--rpm", type=float, metavar="N", help="Requests per minute, as for run.")
@click.option("--tpm", type=float, metavar="N", help="Tokens per minute, as for run.")
@click.option(
    "--latency",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="S",
    help="Assumed seconds of one request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    source: tuple[str, ...], out: Path | None, latency: float, as_json: bool, **flags: Any
) -> None:
    """Estimate what a run of SOURCE… would take: requests, tokens, cost and time.

    Asks nothing and needs no key. Replies that the run's folder or the recordings hold cost
    nothing; their token counts, where they have any, calibrate the estimate.
    """
    choice = taken_source_options(flags)
    given = settings.load(**flags)
    sys.exit(plan(source, out, given, latency=latency, as_json=as_json, choice=choice))
