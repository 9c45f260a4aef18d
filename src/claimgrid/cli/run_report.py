"""Prints the summary of a run for a person."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from claimgrid.engines.in_process import CHECK_FIRST
from claimgrid.engines.joined_runs import DISAGREEMENTS
from claimgrid.engines.run_summary import RunSummary, Tellings
from claimgrid.io import run_folder
from claimgrid.review import checked_run, correction_log
from claimgrid.types.answer import Usage

_SHOWN = 10
# Why a number is in no claim, in words.
_REASONS = {
    "name": "part of a name",
    "list_item": "list numbering",
    "unknown": "unexplained",
    "identifier": "part of an identifier",
}


def print_summary(
    console: Console, folder: Path, summary: RunSummary, told: dict[str, Any]
) -> None:
    """Print what a person wants to know of a run. `told` is its manifest."""

    def row(name: str, number: object, detail: str) -> None:
        console.print(f"  {name:<10}{number!s:>7}   [dim]{escape(detail)}[/]", soft_wrap=True)

    console.print(f"[bold]{escape(told['source'])}[/]", soft_wrap=True)
    row("papers", summary.papers, _parts(summary.statuses))
    row("claims", summary.claims, _parts(summary.kinds))
    row("replies", sum(summary.replies.values()), _parts(summary.replies) or _no_reply(told))
    used = sum(summary.usage.values(), Usage())
    total = used.input_tokens + used.output_tokens
    detail = (
        f"in {used.input_tokens:,} ({used.cached_tokens:,} cached) · out {used.output_tokens:,}"
    )
    row("tokens", f"{total:,}" if total else "–", detail if total else "the replies do not say")
    row("cost", _money(told["cost_usd"]), _cost_detail(told))
    spent = told["spent"]
    if spent["requests"] > told["live_usage"]["requests"]:
        row("in all", _money(spent["cost_usd"]), _spent_detail(spent))
    row("rejected", sum(summary.rejected.values()), _parts(summary.rejected) or "nothing")
    row("unclaimed", sum(summary.unclaimed.values()), _unclaimed(summary.unclaimed))
    if summary.check_first:
        row("check first", summary.check_first, f"claims of a confidence below {CHECK_FIRST}")
    if agreed := told.get("agreement"):
        every = f"claims in all {len(agreed['runs'])} runs"
        listed = f"{agreed['disagreements']} disagreements in {folder / DISAGREEMENTS}"
        row("agreed", agreed["unanimous"], f"{every} · {listed}")
    if told["unreached"]:
        row("unreached", told["unreached"], "read from the source and not asked about")
    if told["adapted"]:
        row("adapted", len(told["adapted"]), "to the server: " + "; ".join(told["adapted"]))
    names = ", ".join((*run_folder.NAMES, run_folder.MANIFEST))
    console.print(f"  written   {escape(str(folder))}/ {{{names}}}", soft_wrap=True)
    if told["caution"]:
        console.print(f"[yellow]caution[/] {escape(told['caution'])}", soft_wrap=True)
    _warnings_and_failures(console, folder, summary)


def tell_decisions(folder: Path) -> None:
    """Say on standard error how many decisions of people hold for the run that was written."""
    changes = checked_run.changes(folder)
    if changes.on or changes.stale:
        hold = len(changes.on) - changes.changed
        verb = "holds" if hold == 1 else "hold"
        told = [f"{_count(hold, 'decision')} of people {verb} for this run"]
        if changes.changed:
            told.append(f"{changes.changed} not, because the claim now says something else")
        if changes.stale:
            told.append(f"{len(changes.stale)} stale: the abstract changed, or is not in this run")
        see = f" (extract review {folder})" if changes.changed or changes.stale else ""
        click.echo(f"corrections: {'; '.join(told)}{see}", err=True)
    for path, count in checked_run.elsewhere(folder).items():
        click.echo(
            f"corrections: {path} has {_count(count, 'decision')} on these abstracts, which hold "
            f"here too after: extract review merge {path} -o {folder.parent / correction_log.NAME}",
            err=True,
        )


def _warnings_and_failures(console: Console, folder: Path, summary: RunSummary) -> None:
    _tell(console, summary.warnings, "[yellow]warning[/]", f"warnings in {folder}/papers.jsonl")
    _tell(console, summary.failures, "[red]failed[/] ", f"failures in {folder}/papers.jsonl")


def _tell(console: Console, told: Tellings, mark: str, more_in: str) -> None:
    shown = 0
    for text, places in list(told.first.items())[:_SHOWN]:
        count = told.counts[text]
        shown += count
        more = f" and {count - len(places)} more" if count > len(places) else ""
        where = escape(", ".join(places))
        console.print(f"{mark} {where}{more}: {escape(text)}", soft_wrap=True)
    if told.total > shown:
        console.print(f"… {told.total - shown} more {more_in}", soft_wrap=True)


def _parts(counts: Counter[str]) -> str:
    named = ((name.replace("_", " "), n) for name, n in counts.most_common() if n)
    return " · ".join(f"{name} {n}" for name, n in named)


def _no_reply(told: dict[str, Any]) -> str:
    if told["replay"] == "only":
        return "no stored reply for this paper, and --replay only forbids asking"
    return f"no reply from {told['model']}"


def _unclaimed(reasons: Counter[str]) -> str:
    if not reasons:
        return "no number is left"
    told = ", ".join(
        f"{_REASONS.get(r, r.replace('_', ' '))} {n}" for r, n in reasons.most_common()
    )
    return f"numbers in no claim: {told} (extract audit)"


def _count(number: int, what: str, many: str | None = None) -> str:
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def _spent_detail(spent: dict[str, Any]) -> str:
    each = spent["per_claim"]["cost_usd"]
    claim = f", {_money(each)} a claim" if each is not None else ""
    batched = sum(one["requests"] for one in spent["of"] if one["origin"].startswith("batch"))
    of_these = f", {batched:,} of them at the batch price" if batched else ""
    replies = _count(spent["requests"], "reply", "replies")
    return f"for {replies} in this folder{of_these}{claim}"


def _money(cost: float | None) -> str:
    return "–" if cost is None else f"${cost:,.4f}"


def _cost_detail(told: dict[str, Any]) -> str:
    asked = told["live_usage"]["requests"]
    if not asked:
        return "nothing was asked live"
    if told["provider"] == "embedded" and told["cost_usd"] is not None:
        return f"{told['prices']}, {_count(asked, 'live reply', 'live replies')}"
    if told["cost_usd"] is None:
        return f"no price is known for {told['model']}"
    return f"for {_count(asked, 'live reply', 'live replies')}, prices: {told['prices']}"
