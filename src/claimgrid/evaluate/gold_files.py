"""Gold files: reads labelled claims, joins them to papers, and drafts them from a run.

A gold file is JSON Lines with one paper a line: `id`, `abstract_sha256` or `title` to join on, and
`claims`. A claim has the fields of a claim line, with `quote`, `start` and `end` at its top level
instead of `evidence`; `"optional": true` marks one that costs nothing when it is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonlines

from claimgrid.errors import SourceError
from claimgrid.types.claim import KINDS, Claim, Kind, PaperLine

Gold = Mapping[str, Any]
JOINS = ("id", "abstract_sha256", "title")
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "benchmark": ("role", "value"),
    "speedup": ("ratio",),
    "efficiency": ("value",),
    "hardware": ("device",),
    "model_size": ("params",),
}
# What a gold claim keeps of a claim line, beside its evidence.
_DRAFTED = (
    "role", "benchmark", "device", "count", "nodes", "per_node", "model", "params", "active_params",
    "context_tokens", "value", "ratio", "ambiguous", "relation", "qualifier", "metric", "subject",
    "baselines", "workload", "hardware", "stance",
)  # fmt: skip


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Read one gold file.

    Raises:
        SourceError: the file is missing or a line is no gold, with file and line.
    """
    lines = []
    try:
        with jsonlines.open(path) as reader:
            for number, line in enumerate(reader.iter(type=dict), 1):
                problem = _problem(line)
                if problem:
                    raise SourceError(problem, path=str(path), line=number)
                lines.append(line)
    except (OSError, UnicodeDecodeError, jsonlines.InvalidLineError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"not a gold file: {why}", path=str(path)) from error
    return lines


def read_all_gold(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Read several gold files as one.

    Raises:
        SourceError: a file is no gold, or two files label one abstract.
    """
    lines: list[dict[str, Any]] = []
    seen: dict[str, Path] = {}
    for path in paths:
        for line in read_gold(path):
            key = str(line.get("abstract_sha256") or line.get("id") or line.get("title"))
            if key in seen:
                raise SourceError(
                    f"{paper_name(line)} is labelled in {seen[key]} too; leave one of the two out",
                    path=str(path),
                )
            seen[key] = path
            lines.append(line)
    return lines


def paper_name(line: Gold) -> str:
    """How messages name the paper of a gold line."""
    return str(line.get("id") or line.get("title") or line.get("abstract_sha256"))


def joins(line: Gold) -> tuple[str, ...]:
    """The keys that a gold line may be found by, the surest first."""
    return tuple(line[key] for key in JOINS if isinstance(line.get(key), str))


def may_join(gold: Iterable[Gold]) -> Callable[[Mapping[str, Any]], bool]:
    """Tells the lines of papers.jsonl that some line of the gold may be about."""
    wanted = {key for line in gold for key in joins(line)}
    names = ("paper_id", "abstract_sha256", "title")
    return lambda paper: any(paper.get(name) in wanted for name in names)


def _problem(line: Gold) -> str | None:
    """Why a line is no gold; None if it is."""
    if not joins(line):
        return f"none of {', '.join(JOINS)} is there to join on"
    if not isinstance(line.get("claims"), list):
        return "no list `claims` in this line"
    for number, claim in enumerate(line["claims"], 1):
        kind = claim.get("kind") if isinstance(claim, dict) else None
        if kind not in KINDS:
            return f"claim {number} has no known kind"
        lacking = [field for field in ("quote", *_NEEDED[kind]) if field not in claim]
        if lacking:
            return f"claim {number} ({kind}) lacks {', '.join(lacking)}"
    return None


def gold_claim(claim: Claim) -> dict[str, Any]:
    """A claim of a run as a gold claim."""
    line: dict[str, Any] = claim.model_dump(mode="json")
    evidence = claim.evidence
    kept = {name: line[name] for name in _DRAFTED if name in line}
    return {
        "kind": claim.kind,
        "quote": evidence.quote,
        **kept,
        "start": evidence.start,
        "end": evidence.end,
    }


def draft(papers: Iterable[PaperLine], claims: Iterable[Claim]) -> Iterator[dict[str, Any]]:
    """Gold lines of a run, for a person to correct: one a paper, in the order of the run."""
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.paper_id, []).append(claim)
    for paper in papers:
        yield gold_line(paper, found.get(paper.paper_id, ()))


def gold_line(paper: PaperLine, claims: Sequence[Claim]) -> dict[str, Any]:
    """The gold line of one paper."""
    return {
        "id": paper.paper_id,
        "title": paper.title,
        "abstract_sha256": paper.abstract_sha256,
        "claims": [gold_claim(claim) for claim in claims],
    }
