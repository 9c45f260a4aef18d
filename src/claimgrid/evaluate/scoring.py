"""A run + gold claims ─► precision, recall, F1 per kind, attribute accuracy, and every miss.

The rules are the contract's: claims of one abstract are matched one to one by kind and key, over
`stance: own`; gold that is optional or background costs nothing missed and nothing found. Knows
nothing of how claims are made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonlines

from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.entities.metrics import metric
from claimgrid.entities.spelling import plain
from claimgrid.errors import SourceError
from claimgrid.quantities.lexer import unit_of
from claimgrid.types.claim import KINDS, Claim, Kind, PaperLine

Gold = Mapping[str, Any]
ATTRIBUTES = ("subject", "metric", "qualifier", "baselines", "workload", "hardware")
JOINS = ("id", "abstract_sha256", "title")
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "benchmark": ("role", "value"),
    "speedup": ("ratio",),
    "efficiency": ("value",),
    "hardware": ("device",),
    "model_size": ("params",),
}
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Score:
    """Counts of one kind: matched required gold, extra claims, missed gold, free matches."""

    matched: int = 0
    extra: int = 0
    missed: int = 0
    optional: int = 0

    @property
    def precision(self) -> float:
        """Share of the extracted claims that gold has; 1 where nothing was extracted."""
        found = self.matched + self.extra
        return self.matched / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of the gold claims that were extracted; 1 where gold is empty."""
        due = self.matched + self.missed
        return self.matched / due if due else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A gold claim that was missed, or a claim that gold does not have."""

    paper_id: str
    what: str
    kind: str
    words: str
    key: str


@dataclass(slots=True)
class ScoreReport:
    """Scores by kind, attributes as (right, of), and what differs, in the order of the papers."""

    kinds: dict[Kind, Score] = field(default_factory=lambda: {kind: Score() for kind in KINDS})
    attributes: dict[str, list[int]] = field(
        default_factory=lambda: {name: [0, 0] for name in ATTRIBUTES}
    )
    differences: list[Difference] = field(default_factory=list)
    papers: int = 0
    absent: list[str] = field(default_factory=list)
    wrong_offsets: int = 0

    @property
    def total(self) -> Score:
        """All kinds together."""
        return Score(
            *(
                sum(getattr(score, name) for score in self.kinds.values())
                for name in ("matched", "extra", "missed", "optional")
            )
        )


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Lines of gold: an `id`, an `abstract_sha256` or a `title` to join on, and `claims`.

    Raises:
        SourceError: the file is missing or a line is no gold, with file and line.
    """
    lines = []
    try:
        with jsonlines.open(path) as reader:
            for number, line in enumerate(reader.iter(type=dict), 1):
                problem = _gold_problem(line)
                if problem:
                    raise SourceError(problem, path=str(path), line=number)
                lines.append(line)
    except (OSError, UnicodeDecodeError, jsonlines.InvalidLineError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"not a gold file: {why}", path=str(path)) from error
    return lines


def _gold_problem(line: Gold) -> str | None:
    """Why a line is no gold; None if it is."""
    if not any(isinstance(line.get(key), str) for key in JOINS):
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


def evaluate(
    gold: Sequence[Mapping[str, Any]], papers: Iterable[PaperLine], claims: Iterable[Claim]
) -> ScoreReport:
    """Score a run's claims against gold; a gold paper that the run lacks counts as all missed."""
    by_key: dict[str, PaperLine] = {}
    for paper in papers:
        for key in (paper.title, paper.abstract_sha256, paper.paper_id):
            by_key[key] = paper
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.paper_id, []).append(claim)
    report = ScoreReport()
    for line in gold:
        keys = tuple(line.get(key) for key in JOINS)
        line_paper = next((by_key[k] for k in keys if isinstance(k, str) and k in by_key), None)
        report.papers += 1
        name = str(line.get("id") or line.get("title") or line.get("abstract_sha256"))
        if line_paper is None:
            report.absent.append(name)
        mine = found.get(line_paper.paper_id, []) if line_paper else []
        if line_paper:
            report.wrong_offsets += sum(_wrong_offset(c, line_paper.abstract) for c in mine)
        _score(report, line_paper.paper_id if line_paper else name, line["claims"], mine)
    return report


def _wrong_offset(claim: Claim, abstract: str) -> bool:
    evidence = claim.evidence
    return abstract[evidence.start : evidence.end] != evidence.quote


def _score(
    report: ScoreReport, paper_id: str, gold: Sequence[Gold], claims: Sequence[Claim]
) -> None:
    for kind in KINDS:
        wanted = [g for g in gold if g["kind"] == kind]
        wanted.sort(key=_free)
        mine = [c for c in claims if c.kind == kind and c.stance == "own"]
        pairs = _match(wanted, mine)
        score = report.kinds[kind]
        for index, line in enumerate(wanted):
            if index in pairs:
                score.matched += not _free(line)
                score.optional += _free(line)
                _attributes(report, line, mine[pairs[index]])
            elif not _free(line):
                score.missed += 1
                report.differences.append(
                    Difference(paper_id, "missed", kind, line["quote"], _gold_key(line))
                )
        for index, claim in enumerate(mine):
            if index not in pairs.values():
                score.extra += 1
                report.differences.append(
                    Difference(paper_id, "extra", kind, claim.evidence.quote, _claim_key(claim))
                )


def same(gold: Gold, claim: Claim) -> bool:
    """Whether a claim is a gold claim of its kind: the same key by the contract's rules."""
    return bool(gold["kind"] == claim.kind and _SAME[claim.kind](gold, claim))


def _free(line: Gold) -> bool:
    return bool(line.get("optional")) or line.get("stance") == "background"


def _match(gold: Sequence[Gold], claims: Sequence[Claim]) -> dict[int, int]:
    """Gold index → claim index: a maximum matching by augmenting paths, required gold first.

    Among several claims with the same key the one whose evidence lies nearest is tried first.
    """
    options = [
        sorted(
            (i for i, claim in enumerate(claims) if _SAME[claim.kind](line, claim)),
            key=lambda i: abs(claims[i].evidence.start - int(line.get("start", 0))),
        )
        for line in gold
    ]
    owner: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for option in options[index]:
            if option in tried:
                continue
            tried.add(option)
            if option not in owner or place(owner[option], tried):
                owner[option] = index
                return True
        return False

    for index in range(len(gold)):
        place(index, set())
    return {index: option for option, index in owner.items()}


def _numbers(gold: Gold, claim: Claim) -> bool:
    line, value = gold.get("value"), claim.value
    if line is None or value is None:
        return line is None and value is None
    if line["low"] is None or value.low is None:
        return line["low"] is None and value.low is None
    return _close(line["low"], value.low) and _close(line["high"], value.high or 0.0)


def _close(a: float, b: float, tolerance: float = 1e-9) -> bool:
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _same_benchmark(gold: Gold, claim: Any) -> bool:
    if gold["role"] != claim.role:
        return False
    if gold.get("benchmark") and not (
        claim.benchmark and same_benchmark(gold["benchmark"], claim.benchmark)
    ):
        return False
    if claim.role != "result":
        return True
    return gold.get("relation") == claim.relation and _numbers(gold, claim)


def _same_speedup(gold: Gold, claim: Any) -> bool:
    ratio = gold["ratio"]
    return _close(ratio["low"], claim.ratio.low, 0.01) and _close(
        ratio["high"], claim.ratio.high, 0.01
    )


def _same_efficiency(gold: Gold, claim: Any) -> bool:
    unit = unit_of(str(gold["value"]["unit"] or "score"))
    return _numbers(gold, claim) and unit == unit_of(claim.value.unit)


def _same_hardware(gold: Gold, claim: Any) -> bool:
    return bool(gold["device"] == claim.device and gold.get("count") == claim.count)


def _same_model_size(gold: Gold, claim: Any) -> bool:
    active = gold.get("active_params") or None
    return bool(gold["params"] == claim.params and active == claim.active_params)


_SAME: dict[Kind, Callable[[Gold, Any], bool]] = {
    "benchmark": _same_benchmark,
    "speedup": _same_speedup,
    "efficiency": _same_efficiency,
    "hardware": _same_hardware,
    "model_size": _same_model_size,
}


def _attributes(report: ScoreReport, gold: Gold, claim: Claim) -> None:
    for name in ATTRIBUTES:
        if name not in gold or not hasattr(claim, name):
            continue
        right = report.attributes[name]
        right[1] += 1
        right[0] += _same_attribute(name, gold[name], getattr(claim, name))


def _same_attribute(name: str, gold: Any, mine: Any) -> bool:
    if name == "metric" and isinstance(gold, str) and isinstance(mine, str):
        gold, mine = metric(gold), metric(mine)
    return bool(_fold(gold) == _fold(mine))


def _fold(value: Any) -> Any:
    if isinstance(value, list):
        return {_fold(item) for item in value}
    return _NOT_WORD.sub(" ", plain(value).lower()).strip() if isinstance(value, str) else value


def _gold_key(line: Gold) -> str:
    names = ("role", "relation", "benchmark", "ratio", "device", "count", "params", "active_params")
    value = line.get("value") or {}
    shown = {"value": value.get("text"), "unit": value.get("unit")}
    return _shown(shown | {name: line.get(name) for name in names})


def _claim_key(claim: Claim) -> str:
    return _gold_key(claim.model_dump(mode="json"))


def _shown(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
