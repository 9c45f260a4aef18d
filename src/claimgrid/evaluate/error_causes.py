"""Groups what a run got wrong by its cause.

A missed gold claim and an extra claim of the same words are one error with one cause: another
number, kind, role, stance or name. What has no partner is missed or invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from claimgrid.evaluate.gold_files import Gold
from claimgrid.evaluate.matching import close, same_numbers
from claimgrid.evaluate.row_fields import BINDING
from claimgrid.evaluate.row_text import claim_key, gold_key
from claimgrid.types.claim import Claim

# Cause: what it means, for people.
CAUSES: dict[str, str] = {
    "missed": "gold has it, and nothing like it came out",
    "invented": "it came out, and gold has nothing like it there",
    "wrong value": "the right words, another number",
    "kind": "the right number, as another kind of claim",
    "role or stance": "the right number, with another role, relation or stance",
    "binding": "the right number, for another benchmark, device, subject, baseline or workload",
    "label": "the right number and names; a metric, unit or qualifier differs",
}


@dataclass(frozen=True, slots=True)
class ClaimError:
    """One error; `gold` or `found` is null where only the other side has a claim."""

    paper_id: str
    cause: str
    kind: str
    gold: str | None
    found: str | None
    detail: str

    @classmethod
    def fields(cls, paper_id: str, line: Gold, claim: Claim, wrong: Sequence[str]) -> ClaimError:
        """The error of a matched claim with wrong fields."""
        binds = any(name in BINDING for name in wrong)
        cause = "binding" if binds else "role or stance" if "role" in wrong else "label"
        detail = "; ".join(
            f"{name}: {_shown(getattr(claim, name, None))}, gold {_shown(line.get(name))}"
            if name != "unit"
            else f"unit: {claim.value.unit if claim.value else '–'}, gold {line['value']['unit']}"
            for name in wrong
        )
        return cls(paper_id, cause, claim.kind, line["quote"], claim.evidence.quote, detail)


def causes_of(
    paper_id: str,
    missed: Sequence[Gold],
    extra: Sequence[Claim],
    background: Sequence[Claim],
) -> Iterator[ClaimError]:
    """The errors of one paper: missed gold and extra claims, joined where they share words."""
    pairs = _pairs(missed, [*extra, *background])
    taken = set(pairs.values())
    for index, line in enumerate(missed):
        if index not in pairs:
            yield ClaimError(paper_id, "missed", line["kind"], line["quote"], None, gold_key(line))
            continue
        claim = (*extra, *background)[pairs[index]]
        cause, detail = _cause(line, claim)
        yield ClaimError(paper_id, cause, line["kind"], line["quote"], claim.evidence.quote, detail)
    for index, claim in enumerate(extra):
        if index not in taken:
            quote = claim.evidence.quote
            yield ClaimError(paper_id, "invented", claim.kind, None, quote, claim_key(claim))


def _pairs(missed: Sequence[Gold], claims: Sequence[Claim]) -> dict[int, int]:
    """Missed gold to the claim of the same words that is most like it, each claim once."""
    ranked = sorted(
        (
            (_distance(line, claim), index, other)
            for index, line in enumerate(missed)
            for other, claim in enumerate(claims)
            if _meets(line, claim)
        ),
        key=lambda entry: entry[0],
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, index, other in ranked:
        if index not in pairs and other not in used:
            pairs[index] = other
            used.add(other)
    return pairs


def _meets(line: Gold, claim: Claim) -> bool:
    start = line.get("start")
    evidence = claim.evidence
    if start is None:
        meets = line["quote"] in evidence.quote or evidence.quote in line["quote"]
    else:
        end = line.get("end", start + len(line["quote"]))
        meets = start < evidence.end and evidence.start < end
    # Words that say several things are one error only where number or kind is the same.
    return meets and (line["kind"] == claim.kind or _numbers(line, claim))


def _distance(line: Gold, claim: Claim) -> tuple[bool, bool, bool, int]:
    kind = line["kind"] != claim.kind
    return (
        not _numbers(line, claim),
        kind,
        claim.stance != line.get("stance", "own"),
        abs(int(line.get("start", 0)) - claim.evidence.start),
    )


def _numbers(line: Gold, claim: Any) -> bool:
    """Whether both state the same number, whatever they make of it."""
    if line["kind"] == "hardware" and claim.kind == "hardware":
        return bool(line.get("count") == claim.count)
    if line["kind"] == "model_size" and claim.kind == "model_size":
        return bool(line["params"] == claim.params)
    if line.get("value") is None or claim.value is None:
        return bool(line["kind"] == claim.kind == "benchmark" and line.get("value") == claim.value)
    return same_numbers(line, claim)


def _cause(line: Gold, claim: Any) -> tuple[str, str]:
    detail = f"{claim_key(claim)}; gold {gold_key(line)}"
    if line["kind"] != claim.kind:
        return "kind", f"{claim.kind} instead of {line['kind']}; {detail}"
    if claim.stance != line.get("stance", "own"):
        return "role or stance", f"{claim.stance} instead of {line.get('stance', 'own')}"
    if not _numbers(line, claim):
        return "wrong value", detail
    if line["kind"] == "benchmark" and (
        line["role"] != claim.role or line.get("relation") != claim.relation
    ):
        return "role or stance", detail
    factors = line["kind"] == "speedup" and line["ratio"] and claim.ratio
    if factors and not close(line["ratio"]["low"], claim.ratio.low, 0.01):
        return "role or stance", detail  # the number was read as another kind of change
    if line["kind"] == "model_size":
        return "wrong value", detail  # total and active are one claim
    return ("label" if line["kind"] == "efficiency" else "binding"), detail


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
