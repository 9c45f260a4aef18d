"""Adds up what the replies in a run's folder cost, over all runs that filled it.

`run.json` tells it per paper and per claim of the result. A reply is counted for each time that it
was paid for: failed attempts, re-asks, packs, batches, and replies that a later run replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from claimgrid.engines.session import Session
from claimgrid.llm.response_store import OriginName, Paid
from claimgrid.types.answer import Usage

_BATCHED: tuple[OriginName, ...] = ("batch-api", "batch-file")


def spent(session: Session, paid: Mapping[Paid, Usage], *, papers: int, claims: int) -> Any:
    """What run.json says of it. Costs are null where some of the replies have no known price.

    Replies in batches, and those that were brought in as files of such, count at the batch price.

    Args:
        paid: tokens of the folder's replies, by model and origin.
        papers: papers in the result.
        claims: accepted claims in the result.
    """
    rows = [(one, used, _usd(session, one, used)) for one, used in sorted(paid.items())]
    whole = sum((used for _, used, _ in rows), Usage())
    known = [cost for *_, cost in rows if cost is not None]
    cost = sum(known, 0.0) if len(known) == len(rows) else None
    tokens = whole.input_tokens + whole.output_tokens
    return {
        **asdict(whole),
        "cost_usd": cost,
        "per_paper": _each(tokens, cost, papers),
        "per_claim": _each(tokens, cost, claims),
        "of": [
            {"model": one.model, "origin": one.origin, **asdict(used), "cost_usd": usd}
            for one, used, usd in rows
        ],
    }


def _usd(session: Session, one: Paid, used: Usage) -> float | None:
    if not used.input_tokens + used.output_tokens:
        return None  # the replies do not say
    return session.usd(
        used, batch=one.origin in _BATCHED, model=one.model, local=one.origin == "local-server"
    )


def _each(tokens: int, cost: float | None, count: int) -> dict[str, float | None]:
    if not count:
        return {"tokens": None, "cost_usd": None}
    return {
        "tokens": round(tokens / count, 1),
        "cost_usd": None if cost is None else cost / count,
    }
