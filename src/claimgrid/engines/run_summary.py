"""Counts what a run came to, and makes its manifest."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from claimgrid.engines.in_process import CHECK_FIRST
from claimgrid.engines.session import Session
from claimgrid.types.answer import Usage
from claimgrid.types.claim import KINDS
from claimgrid.types.manifest import RunManifest
from claimgrid.types.outcome import Outcome
from claimgrid.types.request import schema_sha256

INTERRUPTED = 130  # what a shell expects after Ctrl-C


@dataclass(frozen=True, slots=True)
class RunAccount:
    """What a run knows beside its outcomes.

    Args:
        read: papers and problems that the source gave; `source_ended` says whether these are all.
        asked: papers that reached the model or its stores, by where the reply came from.
        http: every try over HTTP by what came of it, those that were repeated included.
        adapted: what was asked in another way because the server refused the usual one.
        spent: what live requests took, failed papers and re-asks included.
        seconds: from the beginning of the run to its last result.
        interrupted: whether a person ended it.
    """

    source: str
    read: int
    source_ended: bool
    asked: Mapping[str, int]
    http: Mapping[str, int]
    adapted: Sequence[str]
    spent: Usage
    seconds: float
    interrupted: bool
    stopped_by: str | None


_SHOWN = 10  # kinds of failure or warning that a summary shows


class Tellings:
    """What is told of papers: the first places of each text, and how many there are.

    Memory does not grow with the papers: of a text three places are kept, and the first texts.
    """

    def __init__(self) -> None:
        self.total = 0
        self.first: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return self.total > 0

    def add(self, where: str, text: str) -> None:
        """Count one, and keep it if it is among the first."""
        self.total += 1
        if text not in self.first and len(self.first) >= 4 * _SHOWN:
            return
        self.counts[text] += 1
        places = self.first.setdefault(text, [])
        if len(places) < 3:
            places.append(where)


class RunSummary:
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
        self.failures = Tellings()
        self.warnings = Tellings()
        self.last: Outcome | None = None
        self.check_first = 0

    def add(self, outcome: Outcome) -> None:
        """Count one paper."""
        line = outcome.paper
        self.papers += 1
        self.last = outcome
        self.statuses[line.status] += 1
        self.kinds.update(claim.kind for claim in outcome.claims)
        self.check_first += sum(
            claim.confidence is not None and claim.confidence < CHECK_FIRST
            for claim in outcome.claims
        )
        self.rejected.update(rejected.reason for rejected in outcome.rejected)
        self.unclaimed.update(number.reason or "unknown" for number in line.unclaimed_numbers)
        if outcome.source:
            self.live_claims += len(outcome.claims) if outcome.source == "live" else 0
            self.replies[f"{outcome.source} of {line.model} ({outcome.origin})"] += 1
            self.usage[outcome.source] = self.usage.get(outcome.source, Usage()) + outcome.usage
        if line.status not in ("claims", "no_claims", "duplicate"):
            self.errors[line.status if line.stage == "ask" else str(line.stage)] += 1
            self.source_problems += line.stage == "source"
            self.failures.add(line.source or line.paper_id, line.reason or line.status)
        for text in line.warnings:
            self.warnings.add(line.source or line.paper_id, text)

    @property
    def claims(self) -> int:
        """All claims so far."""
        return sum(self.kinds.values())


def manifest(session: Session, summary: RunSummary, account: RunAccount, paid: Any) -> RunManifest:
    """What run.json says: every input accounted for, and everything that the result rests on.

    Args:
        paid: what all replies in the folder cost, by `run_cost.spent`.
    """
    spent = account.spent
    cost = session.usd(spent)
    live = account.asked.get("live", 0) or 1
    told = {
        "claimgrid": version("claimgrid"),
        "python": platform.python_version(),
        "instructor": version("instructor"),
        "openai": version("openai"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": account.seconds,
        "exit_code": _exit_code(summary, account),
        "stopped_by": account.stopped_by,
        "source": account.source,
        "model": session.name,
        "provider": session.endpoint.provider,
        "mode": session.endpoint.mode,
        "caution": session.caution,
        **_read_here(session, summary),
        "serving": _serving(session),
        "base_url": session.endpoint.base_url,
        "replay": session.given.replay,
        "prompt": f"{session.prompt.name}@{session.prompt.version}",
        "prompt_sha256": session.prompt.sha256,
        "schema_sha256": schema_sha256(),
        "read": account.read,
        "source_ended": account.source_ended,
        "papers": summary.papers,
        "unreached": account.read - summary.papers,
        "source_problems": summary.source_problems,
        "statuses": dict(sorted(summary.statuses.items())),
        "errors": dict(sorted(summary.errors.items())),
        "warnings": summary.warnings.total,
        "asked": dict(sorted(account.asked.items())),
        "http": dict(sorted(account.http.items())),
        "adapted": list(account.adapted),
        "claims": dict(summary.kinds),
        "rejected": dict(sorted(summary.rejected.items())),
        "unclaimed_numbers": dict(sorted(summary.unclaimed.items())),
        "replies": dict(sorted(summary.replies.items())),
        "usage": {source: asdict(usage) for source, usage in sorted(summary.usage.items())},
        "live_usage": asdict(spent),
        "cost_usd": cost,
        "prices": session.price_source,
        "per_live_paper": {
            "input_tokens": round(spent.input_tokens / live, 1),
            "output_tokens": round(spent.output_tokens / live, 1),
            "cost_usd": None if cost is None else cost / live,
        },
        "per_live_claim": _each(spent, cost, summary.live_claims),
        "spent": paid,
    }
    return RunManifest.model_validate(told)


def _read_here(session: Session, summary: RunSummary) -> dict[str, Any]:
    """What a model in this process adds: its measured quality, and how many claims to check."""
    if session.reader is None:
        return {}
    return {
        "reader": {
            "name": session.reader.name,
            "measured": dict(session.reader.measured),
            "check_first": summary.check_first,
            "check_first_below": CHECK_FIRST,
            "min_confidence": session.given.min_confidence,
            "doubt": None if session.alone else session.given.doubt,
        }
    }


def _exit_code(summary: RunSummary, account: RunAccount) -> int:
    if account.interrupted:
        return INTERRUPTED
    return int(bool(summary.failures.total or account.stopped_by))


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
