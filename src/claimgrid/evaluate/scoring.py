"""Scores a run against gold: by kind, by paper, by field, whole rows, evidence, causes of errors.

Claims of one abstract are matched one to one by kind and key (`matching`), over `stance: own`; gold
that is optional or background costs nothing when missed and nothing when found. Papers and claims
are read as a stream: memory grows with the gold, not with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from claimgrid.evaluate.bootstrap import Interval, interval
from claimgrid.evaluate.error_causes import CAUSES, ClaimError, causes_of
from claimgrid.evaluate.evidence_overlap import WordsOf
from claimgrid.evaluate.gold_files import JOINS, Gold, joins, paper_name, read_gold
from claimgrid.evaluate.matching import is_free, match, same
from claimgrid.evaluate.reliability import (
    CoverageRow,
    Judged,
    ReliabilityRow,
    calibration_error,
    coverage,
    reliability,
)
from claimgrid.evaluate.row_fields import FIELDS, compare
from claimgrid.evaluate.row_text import claim_key, gold_key
from claimgrid.evaluate.score_counts import Score, summed
from claimgrid.types.claim import KINDS, Claim, Kind, PaperLine

__all__ = [
    "FIELDS", "JOINS", "Difference", "PaperScore", "Score", "ScoreReport", "evaluate", "read_gold",
    "same",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A gold claim that was missed, or a claim that gold does not have."""

    paper_id: str
    what: str
    kind: str
    words: str
    key: str


@dataclass(slots=True)
class PaperScore:
    """The counts of one paper of the gold, over all kinds.

    `whole` and `whole_lenient` count matched claims whose every field is right; `grounded` those
    that are matched and cite the same words as gold.
    """

    paper_id: str
    in_run: bool = True
    score: Score = field(default_factory=Score)
    lenient: Score = field(default_factory=Score)
    whole: int = 0
    whole_lenient: int = 0
    grounded: int = 0


@dataclass(slots=True)
class ScoreReport:
    """Scores of a run: by kind, by paper, by field as (right, of), and what differs.

    `absent` lists the gold's papers that the run lacks, `failed` those on which it failed: all of
    their claims count as missed.
    """

    kinds: dict[Kind, Score] = field(default_factory=lambda: {kind: Score() for kind in KINDS})
    lenient: dict[Kind, Score] = field(default_factory=lambda: {kind: Score() for kind in KINDS})
    attributes: dict[str, list[int]] = field(
        default_factory=lambda: {name: [0, 0] for name in FIELDS}
    )
    differences: list[Difference] = field(default_factory=list)
    errors: list[ClaimError] = field(default_factory=list)
    by_paper: list[PaperScore] = field(default_factory=list)
    whole: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    overlaps: list[float] = field(default_factory=list)  # word F1 of the evidence of matched claims
    judged: list[Judged] = field(default_factory=list)  # claims with a confidence
    papers: int = 0
    absent: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    other_text: list[str] = field(default_factory=list)
    wrong_offsets: int = 0

    @property
    def total(self) -> Score:
        """All kinds together."""
        return summed(self.kinds.values())

    @property
    def total_lenient(self) -> Score:
        """All kinds together, with names that need only be alike."""
        return summed(self.lenient.values())

    @property
    def macro_f1(self) -> float:
        """The mean of the papers' F1."""
        return macro_f1(self.by_paper)

    @property
    def whole_claims(self) -> Score:
        """The score if a claim only counts with every field right."""
        return whole_score(self.by_paper)

    @property
    def whole_claims_lenient(self) -> Score:
        """The same with names that need only be alike."""
        right = sum(paper.whole_lenient for paper in self.by_paper)
        return self.total_lenient.only(right)

    @property
    def grounding(self) -> Score:
        """The score if a claim only counts when it cites gold's words (ExtractBench's rule)."""
        return grounded_score(self.by_paper)

    @property
    def overlap_f1(self) -> float:
        """Mean word overlap of a matched claim's evidence with gold's."""
        return sum(self.overlaps) / len(self.overlaps) if self.overlaps else 1.0

    @property
    def causes(self) -> dict[str, int]:
        """How many errors each cause has."""
        counted = Counter(error.cause for error in self.errors)
        return {cause: counted[cause] for cause in CAUSES}

    @property
    def reliability(self) -> list[ReliabilityRow]:
        """How often claims of each confidence are right; empty where no claim has any."""
        return reliability(self.judged)

    @property
    def coverage(self) -> list[CoverageRow]:
        """What stays, and how wrong it is, at each least confidence."""
        return coverage(self.judged, self.total.matched + self.total.missed)

    @property
    def calibration_error(self) -> float:
        """How far confidence and the share of right claims are apart."""
        return calibration_error([(claim.confidence, claim.right) for claim in self.judged])

    def intervals(self) -> dict[str, Interval | None]:
        """95% bootstrap intervals over papers of the main scores."""
        papers = self.by_paper
        return {
            "f1": interval(papers, lambda some: summed(p.score for p in some).f1),
            "macro_f1": interval(papers, macro_f1),
            "whole_claim_accuracy": interval(papers, lambda some: whole_score(some).accuracy),
            "grounding_f1": interval(papers, lambda some: grounded_score(some).f1),
        }


def macro_f1(papers: Sequence[PaperScore]) -> float:
    """The mean F1 of papers; 1 for a paper where nothing was due and nothing was found."""
    return sum(paper.score.f1 for paper in papers) / len(papers) if papers else 1.0


def whole_score(papers: Sequence[PaperScore]) -> Score:
    """The score of papers if a claim only counts with every field right."""
    return summed(p.score for p in papers).only(sum(p.whole for p in papers))


def grounded_score(papers: Sequence[PaperScore]) -> Score:
    """The score of papers if a claim only counts when it cites gold's words."""
    return summed(p.score for p in papers).only(sum(p.grounded for p in papers))


def evaluate(
    gold: Sequence[Gold], papers: Iterable[PaperLine], claims: Iterable[Claim]
) -> ScoreReport:
    """Score a run's claims against gold; a gold paper that the run lacks counts as all missed."""
    wanted = {key for line in gold for key in joins(line)}
    by_key: dict[str, PaperLine] = {}
    for paper in papers:
        for key in (paper.title, paper.abstract_sha256, paper.paper_id):
            if key in wanted:
                by_key[key] = paper
    names = {paper.paper_id for paper in by_key.values()}
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.paper_id in names:
            found.setdefault(claim.paper_id, []).append(claim)
    report = ScoreReport()
    for line in gold:
        line_paper = next((by_key[key] for key in joins(line) if key in by_key), None)
        report.papers += 1
        if line_paper is None:
            report.absent.append(paper_name(line))
            _Paper(report, paper_name(line), None).add(line["claims"], ())
            continue
        if line.get("abstract_sha256", line_paper.abstract_sha256) != line_paper.abstract_sha256:
            report.other_text.append(paper_name(line))
        if line_paper.status not in ("claims", "no_claims"):
            report.failed.append(line_paper.paper_id)
        mine = found.get(line_paper.paper_id, [])
        report.wrong_offsets += sum(_wrong_offset(c, line_paper.abstract) for c in mine)
        _Paper(report, line_paper.paper_id, line_paper.abstract).add(line["claims"], mine)
    return report


def _wrong_offset(claim: Claim, abstract: str) -> bool:
    evidence = claim.evidence
    return abstract[evidence.start : evidence.end] != evidence.quote


class _Paper:
    """Adds one paper's claims to a report."""

    def __init__(self, report: ScoreReport, paper_id: str, abstract: str | None) -> None:
        self._report = report
        self._paper = PaperScore(paper_id, in_run=abstract is not None)
        self._abstract = abstract or ""
        self._words = WordsOf(self._abstract)
        report.by_paper.append(self._paper)

    def add(self, gold: Sequence[Gold], claims: Sequence[Claim]) -> None:
        missed: list[Gold] = []
        extra: list[Claim] = []
        for kind in KINDS:
            wanted = sorted((g for g in gold if g["kind"] == kind), key=is_free)
            mine = [c for c in claims if c.kind == kind and c.stance == "own"]
            pairs = match(wanted, mine)
            self._count(kind, wanted, mine, pairs)
            missed += [g for i, g in enumerate(wanted) if i not in pairs and not is_free(g)]
            taken = set(pairs.values())
            extra += [c for i, c in enumerate(mine) if i not in taken]
            self._lenient(kind, wanted, mine)
        background = [c for c in claims if c.stance != "own"]
        self._report.errors += causes_of(self._paper.paper_id, missed, extra, background)

    def _count(
        self, kind: Kind, wanted: Sequence[Gold], mine: Sequence[Claim], pairs: dict[int, int]
    ) -> None:
        score = Score()
        for index, line in enumerate(wanted):
            if index in pairs:
                score.matched += not is_free(line)
                score.optional += is_free(line)
                whole = self._row(line, mine[pairs[index]])
                if not is_free(line):
                    self._judge(mine[pairs[index]], right=True, whole=whole)
            elif not is_free(line):
                score.missed += 1
                self._differs("missed", kind, line["quote"], gold_key(line))
        taken = set(pairs.values())
        for index, claim in enumerate(mine):
            if index not in taken:
                score.extra += 1
                self._judge(claim, right=False, whole=False)
                self._differs("extra", kind, claim.evidence.quote, claim_key(claim))
        self._report.kinds[kind] = summed((self._report.kinds[kind], score))
        self._paper.score = summed((self._paper.score, score))

    def _judge(self, claim: Claim, *, right: bool, whole: bool) -> None:
        if claim.confidence is not None:
            self._report.judged.append(Judged(claim.confidence, right, whole))

    def _row(self, line: Gold, claim: Claim) -> bool:
        """Compare the fields of a matched claim; whether all are right."""
        right = compare(line, claim)
        for name, is_right in right.items():
            counts = self._report.attributes[name]
            counts[0] += is_right
            counts[1] += 1
        start = line.get("start", self._abstract.find(line["quote"]))
        span = (start, line.get("end", start + len(line["quote"])))
        overlap = self._words.overlap(span, (claim.evidence.start, claim.evidence.end))
        self._report.overlaps.append(overlap.f1)
        whole = all(right.values())
        if is_free(line):
            return whole
        self._paper.whole += whole
        self._report.whole[claim.kind] += whole
        self._paper.grounded += overlap.accepted
        wrong = [name for name, is_right in right.items() if not is_right]
        if wrong:
            self._report.errors.append(ClaimError.fields(self._paper.paper_id, line, claim, wrong))
        return whole

    def _lenient(self, kind: Kind, wanted: Sequence[Gold], mine: Sequence[Claim]) -> None:
        pairs = match(wanted, mine, lenient=True)
        free = sum(is_free(wanted[index]) for index in pairs)
        due = sum(not is_free(line) for line in wanted)
        matched = len(pairs) - free
        score = Score(matched, len(mine) - len(pairs), due - matched, free)
        self._report.lenient[kind] = summed((self._report.lenient[kind], score))
        self._paper.lenient = summed((self._paper.lenient, score))
        self._paper.whole_lenient += sum(
            all(compare(wanted[i], mine[o], lenient=True).values())
            for i, o in pairs.items()
            if not is_free(wanted[i])
        )

    def _differs(self, what: str, kind: Kind, words: str, key: str) -> None:
        self._report.differences.append(Difference(self._paper.paper_id, what, kind, words, key))
