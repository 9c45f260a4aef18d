"""Outcomes ─► counts, the run's manifest and the summary that a person reads."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from claimgrid import prompt as prompts
from claimgrid import store
from claimgrid.claims import KINDS
from claimgrid.commands.session import Session
from claimgrid.llm.answer import Usage
from claimgrid.outcome import Outcome

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Account:
    """What a run knows beside its outcomes.

    Args:
        read: papers and problems that the source gave; `source_ended` says whether these are all.
        asked: papers that reached the model or its stores, by where the reply came from.
        http: every try over HTTP by what came of it, those that were repeated included.
        spent: what live requests took, failed papers and re-asks included.
        seconds: from the beginning of the run to its last result.
    """

    source: str
    read: int
    source_ended: bool
    asked: Mapping[str, int]
    http: Mapping[str, int]
    spent: Usage
    seconds: float
    exit_code: int
    stopped_by: str | None


class Tally:
    """Counts of a run as its outcomes pass by; the last outcome, for a short answer."""

    def __init__(self) -> None:
        self.papers = 0
        self.live_claims = 0
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.source_problems = 0
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
            self.live_claims += len(outcome.claims) if outcome.source == "live" else 0
            self.replies[f"{outcome.source} of {line.model} ({outcome.origin})"] += 1
            self.usage[outcome.source] = self.usage.get(outcome.source, Usage()) + outcome.usage
        if line.status not in ("claims", "no_claims"):
            self.errors[line.status if line.stage == "ask" else str(line.stage)] += 1
            self.source_problems += line.stage == "source"
            self.failures.append((line.source or line.paper_id, line.reason or line.status))
        self.warnings += [(line.source or line.paper_id, text) for text in line.warnings]

    @property
    def claims(self) -> int:
        """All claims so far."""
        return sum(self.kinds.values())


def manifest(session: Session, tally: Tally, account: Account) -> dict[str, Any]:
    """What run.json says: every input accounted for, and everything that the result rests on.

    `read` is `papers` and `unreached`; `papers` is the sum of `statuses`, and the sum of `asked`
    and `source_problems`.
    """
    spent = account.spent
    cost = session.usd(spent)
    live = account.asked.get("live", 0) or 1
    return {
        "claimgrid": version("claimgrid"),
        "python": platform.python_version(),
        "instructor": version("instructor"),
        "openai": version("openai"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": account.seconds,
        "exit_code": account.exit_code,
        "stopped_by": account.stopped_by,
        "source": account.source,
        "model": session.endpoint.model,
        "provider": session.endpoint.provider,
        "mode": session.endpoint.mode,
        "caution": session.caution,
        "serving": _serving(session),
        "base_url": session.endpoint.base_url,
        "replay": session.given.replay,
        "prompt": f"{session.prompt.name}@{session.prompt.version}",
        "prompt_sha256": session.prompt.sha256,
        "schema_sha256": prompts.schema_sha256(),
        "read": account.read,
        "source_ended": account.source_ended,
        "papers": tally.papers,
        "unreached": account.read - tally.papers,
        "source_problems": tally.source_problems,
        "statuses": dict(sorted(tally.statuses.items())),
        "errors": dict(sorted(tally.errors.items())),
        "warnings": len(tally.warnings),
        "asked": dict(sorted(account.asked.items())),
        "http": dict(sorted(account.http.items())),
        "claims": dict(tally.kinds),
        "rejected": dict(sorted(tally.rejected.items())),
        "unclaimed_numbers": dict(sorted(tally.unclaimed.items())),
        "replies": dict(sorted(tally.replies.items())),
        "usage": {source: asdict(usage) for source, usage in sorted(tally.usage.items())},
        "live_usage": asdict(spent),
        "cost_usd": cost,
        "prices": session.price_source,
        "per_live_paper": {
            "input_tokens": round(spent.input_tokens / live, 1),
            "output_tokens": round(spent.output_tokens / live, 1),
            "cost_usd": None if cost is None else cost / live,
        },
        "per_live_claim": _each(spent, cost, tally.live_claims),
    }


def _serving(session: Session) -> dict[str, Any] | None:
    """How an embedded model was, or would have been, served: a reply may depend on it."""
    if session.serving is None or not session.live:
        return None
    with suppress(PackageNotFoundError):
        return {"xllamacpp": version("xllamacpp"), **asdict(session.serving)}
    return None


def _each(spent: Usage, cost: float | None, claims: int) -> dict[str, float | None]:
    if not claims:
        return {"tokens": None, "cost_usd": None}
    tokens = spent.input_tokens + spent.output_tokens
    return {
        "tokens": round(tokens / claims, 1),
        "cost_usd": None if cost is None else cost / claims,
    }


def summary(console: Console, folder: Path, tally: Tally, told: dict[str, Any]) -> None:
    """Print what a person wants to know of a run. `told` is its manifest."""

    def row(name: str, number: object, detail: str) -> None:
        console.print(f"  {name:<10}{number!s:>7}   [dim]{escape(detail)}[/]", soft_wrap=True)

    console.print(f"[bold]{escape(told['source'])}[/]", soft_wrap=True)
    row("papers", tally.papers, _parts(tally.statuses))
    row("claims", tally.claims, _parts(tally.kinds))
    none = f"none of {told['model']}"
    row("replies", sum(tally.replies.values()), _parts(tally.replies) or none)
    used = sum(tally.usage.values(), Usage())
    total = used.input_tokens + used.output_tokens
    detail = (
        f"in {used.input_tokens:,} ({used.cached_tokens:,} cached) · out {used.output_tokens:,}"
    )
    row("tokens", f"{total:,}" if total else "–", detail if total else "the replies do not say")
    row("cost", _money(told["cost_usd"]), _cost_detail(told))
    spent = told["spent"]
    if spent["requests"] > told["live_usage"]["requests"]:
        row("in all", _money(spent["cost_usd"]), _spent_detail(spent))
    row("rejected", sum(tally.rejected.values()), _parts(tally.rejected) or "nothing")
    unclaimed = sum(tally.unclaimed.values())
    row("unclaimed", unclaimed, _parts(tally.unclaimed) or "no number is left")
    if told["unreached"]:
        row("unreached", told["unreached"], "read from the source and not asked")
    names = ", ".join((*store.NAMES, store.MANIFEST))
    console.print(f"  written   {escape(str(folder))}/ {{{names}}}", soft_wrap=True)
    if told["caution"]:
        console.print(f"[yellow]caution[/] {escape(told['caution'])}", soft_wrap=True)
    _warnings_and_failures(console, folder, tally)


def _warnings_and_failures(console: Console, folder: Path, tally: Tally) -> None:
    for where, text in tally.warnings[:_SHOWN]:
        console.print(f"[yellow]warning[/] {escape(where)}: {escape(text)}", soft_wrap=True)
    if len(tally.warnings) > _SHOWN:
        console.print(f"… {len(tally.warnings) - _SHOWN} more warnings in {folder}/papers.jsonl")
    by_reason: dict[str, list[str]] = {}
    for where, text in tally.failures:
        by_reason.setdefault(text, []).append(where)
    for text, places in list(by_reason.items())[:_SHOWN]:
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        where = escape(", ".join(places[:3]))
        console.print(f"[red]failed[/]  {where}{more}: {escape(text)}", soft_wrap=True)
    if len(by_reason) > _SHOWN:
        console.print(f"… {len(by_reason) - _SHOWN} more kinds of failure in {folder}/papers.jsonl")


def _parts(counts: Counter[str]) -> str:
    named = ((name.replace("_", " "), n) for name, n in counts.most_common() if n)
    return " · ".join(f"{name} {n}" for name, n in named)


def _spent_detail(spent: dict[str, Any]) -> str:
    each = spent["per_claim"]["cost_usd"]
    claim = f", {_money(each)} a claim" if each is not None else ""
    batched = sum(one["requests"] for one in spent["of"] if one["origin"].startswith("batch"))
    of_these = f", {batched:,} of them at the batch price" if batched else ""
    return f"for the {spent['requests']:,} replies in this folder{of_these}{claim}"


def _money(cost: float | None) -> str:
    return "–" if cost is None else f"${cost:,.4f}"


def _cost_detail(told: dict[str, Any]) -> str:
    if not told["live_usage"]["requests"]:
        return "nothing was asked live"
    if told["cost_usd"] is None:
        return f"no price is known for {told['model']}"
    return f"of the live replies, by {told['prices']}"
