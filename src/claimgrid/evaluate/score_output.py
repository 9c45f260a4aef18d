"""Writes the scores of a run as JSON, as JUnit XML for CI, or as one HTML page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as ET

from claimgrid.evaluate.error_causes import CAUSES, ClaimError
from claimgrid.evaluate.scoring import PaperScore, Score, ScoreReport
from claimgrid.text.counted import counted
from claimgrid.text.readable import readable

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d4d4d8, #3f3f46); --dim: light-dark(#52525b, #a1a1aa);
  --bad: light-dark(#b91c1c, #f87171); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .25rem .75rem .25rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; } td:first-child { white-space: normal; min-width: 6rem; }
.words, th.words { text-align: left; white-space: normal; } th { color: var(--dim); font-weight: 500; }
.error { border-bottom: 1px solid var(--line); padding: .6rem 0; } .dim { color: var(--dim); }
.bad { color: var(--bad); } q { quotes: none; font-weight: 600; } code { font-size: .9em; }
"""  # noqa: E501

_WORDS = ' class="words"'


def as_json(report: ScoreReport) -> dict[str, Any]:
    """The whole report as plain data; ratios have four digits."""
    return {
        "papers": report.papers,
        "absent": report.absent,
        "failed": report.failed,
        "other_text": report.other_text,
        "wrong_offsets": report.wrong_offsets,
        "kinds": {kind: _scored(score) for kind, score in report.kinds.items()},
        "all": _scored(report.total),
        "lenient_names": _scored(report.total_lenient),
        "macro_f1": round(report.macro_f1, 4),
        "whole_claims": _scored(report.whole_claims) | {"lenient": _whole_lenient(report)},
        "grounding": _scored(report.grounding) | {"overlap_f1": round(report.overlap_f1, 4)},
        "intervals": {
            name: [round(end, 4) for end in found] if found else None
            for name, found in report.intervals().items()
        },
        "attributes": {name: tuple(counts) for name, counts in report.attributes.items()},
        "confidence": _confidence(report),
        "causes": report.causes,
        "errors": [asdict(error) for error in report.errors],
        "differences": [asdict(item) for item in report.differences],
        "by_paper": [_paper(paper) for paper in report.by_paper],
    }


def _confidence(report: ScoreReport) -> dict[str, Any] | None:
    """How far confidence can be believed; None where no claim has any."""
    if not report.judged:
        return None
    return {
        "claims": len(report.judged),
        "calibration_error": round(report.calibration_error, 4),
        "reliability": [_rounded(asdict(row)) for row in report.reliability],
        "coverage": [_rounded(asdict(row)) for row in report.coverage],
    }


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in row.items()}


def _whole_lenient(report: ScoreReport) -> float:
    return round(report.whole_claims_lenient.accuracy, 4)


def _scored(score: Score) -> dict[str, float]:
    ratios = ("precision", "recall", "f1", "accuracy")
    return {name: round(getattr(score, name), 4) for name in ratios} | asdict(score)


def _paper(paper: PaperScore) -> dict[str, Any]:
    return {
        "paper_id": paper.paper_id,
        "in_run": paper.in_run,
        "f1": round(paper.score.f1, 4),
        "matched": paper.score.matched,
        "extra": paper.score.extra,
        "missed": paper.score.missed,
        "whole": paper.whole,
    }


def as_junit(report: ScoreReport, *, name: str, fail_under: float | None) -> str:
    """One test case a paper, failed where a claim was missed or invented, and one for the score."""
    missing = {*report.absent, *report.failed}
    errors: dict[str, list[ClaimError]] = {}
    for error in report.errors:
        errors.setdefault(error.paper_id, []).append(error)
    suite = ET.Element("testsuite", name=name)
    failures = 0
    for paper in report.by_paper:
        case = ET.SubElement(suite, "testcase", classname=name, name=paper.paper_id)
        score = paper.score
        absent = paper.paper_id in missing
        if score.missed or score.extra or absent:
            failures += 1
            told = f"{score.missed} missed, {score.extra} extra of {score.matched + score.missed}"
            if absent:
                told = "the run has no claims of this paper: every one counts as missed"
            lines = [_line(error) for error in errors.get(paper.paper_id, [])]
            failure = ET.SubElement(case, "failure", message=told, type="claims")
            failure.text = _xml_text("\n".join(lines))
    if fail_under is not None:
        case = ET.SubElement(suite, "testcase", classname=name, name=f"F1 at least {fail_under:g}")
        if report.total.f1 < fail_under:
            failures += 1
            told = f"F1 is {report.total.f1:.4f}, below {fail_under:g}"
            ET.SubElement(case, "failure", message=told, type="score")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode")


def _xml_text(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n" or ord(char) >= 0x20)


def _line(error: ClaimError) -> str:
    return f"{error.cause}: {error.kind}: {error.gold or error.found} [{error.detail}]"


def as_html(report: ScoreReport, *, name: str) -> str:
    """One page with every table and every error, which needs no network."""
    parts = [
        f"<h1>{_escape(name)}: scored against {report.papers} labelled papers</h1>",
        *_warnings(report),
        "<h2>Scores</h2>",
        _table(("score", "value", "95% interval"), summary_rows(report)),
        "<h2>By kind</h2>",
        _table(
            ("kind", "precision", "recall", "F1", "whole claims", "matched", "extra", "missed"),
            kind_rows(report),
        ),
        "<h2>By field, of matched claims</h2>",
        _table(("field", "right", "of", "accuracy"), field_rows(report)),
        *_sure(report),
        "<h2>Errors by cause</h2>",
        _table(
            ("cause", "errors", "meaning"),
            [(cause, str(count), CAUSES[cause]) for cause, count in report.causes.items()],
        ),
        "<h2>Every error</h2>",
        *(_error(error) for error in report.errors),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{_escape(name)}: scores</title>\n<style>{_STYLE}</style>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def summary_rows(report: ScoreReport) -> list[tuple[str, str, str]]:
    """The main scores as rows of name, value and interval."""
    intervals = report.intervals()

    def row(name: str, value: float, key: str | None = None) -> tuple[str, str, str]:
        found = intervals.get(key) if key else None
        return name, f"{value:.3f}", f"{found.low:.3f}–{found.high:.3f}" if found else ""

    return [
        row("F1, all claims (micro)", report.total.f1, "f1"),
        row("F1, mean of papers (macro)", report.macro_f1, "macro_f1"),
        row("F1 with lenient names", report.total_lenient.f1),
        row("whole-claim accuracy", report.whole_claims.accuracy, "whole_claim_accuracy"),
        row("whole-claim accuracy with lenient names", report.whole_claims_lenient.accuracy),
        row("grounding F1", report.grounding.f1, "grounding_f1"),
        row("evidence word overlap", report.overlap_f1),
    ]


def kind_rows(report: ScoreReport) -> list[tuple[str, ...]]:
    """The scores by kind, and of all kinds."""
    rows = []
    scores = [*report.kinds.items(), ("all", report.total)]
    for kind, score in scores:
        right = report.whole_claims if kind == "all" else score.only(report.whole[kind])  # type: ignore[index]
        ratios = [f"{x:.3f}" for x in (score.precision, score.recall, score.f1, right.accuracy)]
        counts = (score.matched, score.extra, score.missed)
        rows.append((str(kind), *ratios, *map(str, counts)))
    return rows


def field_rows(report: ScoreReport) -> list[tuple[str, ...]]:
    """How often each field of a matched claim is right."""
    return [
        (name, str(right), str(of), f"{right / of:.3f}" if of else "–")
        for name, (right, of) in report.attributes.items()
        if of
    ]


RELIABILITY = ("confidence", "claims", "mean", "right", "whole row right")
COVERAGE = ("--min-confidence", "claims kept", "share kept", "wrong", "row wrong", "gold found")


def reliability_rows(report: ScoreReport) -> list[tuple[str, ...]]:
    """The claims by confidence, and the share that is right; empty where no claim has any."""
    return [
        (
            f"{row.low:.2f}" if row.low == row.high else f"{row.low:.1f}–{row.high:.1f}",
            str(row.claims),
            *(f"{share:.3f}" for share in (row.confidence, row.right, row.whole)),
        )
        for row in report.reliability
    ]


def coverage_rows(report: ScoreReport) -> list[tuple[str, ...]]:
    """What stays, and how wrong it is, where claims below a confidence are dropped."""
    return [
        (
            f"{row.least:.2f}",
            str(row.claims),
            *(f"{share:.3f}" for share in (row.coverage, row.risk, row.whole_risk, row.recall)),
        )
        for row in report.coverage
    ]


def _sure(report: ScoreReport) -> list[str]:
    if not report.judged:
        return []
    return [
        f"<h2>Confidence of claims: calibration error {report.calibration_error:.3f}</h2>",
        _table(RELIABILITY, reliability_rows(report)),
        "<h2>What stays at a least confidence</h2>",
        _table(COVERAGE, coverage_rows(report)),
    ]


def _warnings(report: ScoreReport) -> Iterable[str]:
    for told in warnings(report):
        yield f'<p class="bad">{_escape(told)}</p>'


def warnings(report: ScoreReport) -> list[str]:
    """What a reader must know before the scores: papers that the run lacks, and the like."""
    told = []
    for verb, lost in (("lacks", report.absent), ("failed on", report.failed)):
        if lost:
            papers = counted(len(lost), "paper")
            listed = ", ".join(lost[:10]) + (" …" if len(lost) > 10 else "")
            told.append(
                f"The run {verb} {papers} of the gold; all claims there are missed: {listed}"
            )
    if report.other_text:
        names = ", ".join(report.other_text[:10])
        told.append(f"The run read another text than the gold was made for: {names}")
    if report.wrong_offsets:
        told.append(f"Evidence offsets that are wrong: {report.wrong_offsets}")
    return told


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = list(rows)
    words = [any(_is_sentence(row[at]) for row in lines) for at in range(len(head))]
    first = "".join(
        f"<th{_WORDS * is_}>{_escape(n)}</th>" for n, is_ in zip(head, words, strict=True)
    )
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in lines)
    table = f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _is_sentence(text: str) -> bool:
    return text.count(" ") > 2


def _cell(text: str) -> str:
    return f"<td{_WORDS * _is_sentence(text)}>{_escape(text.replace('_', ' '))}</td>"


def _error(error: ClaimError) -> str:
    words = [
        f"{label} <q>{_escape(readable(quote))}</q>"
        for label, quote in (("gold", error.gold), ("run", error.found))
        if quote is not None
    ]
    return (
        f'<div class="error"><b>{_escape(error.cause)}</b> {error.kind.replace("_", " ")} '
        f'<span class="dim">{_escape(error.paper_id)}</span><br>{"<br>".join(words)}<br>'
        f'<code class="dim">{_escape(readable(error.detail))}</code></div>'
    )


def _escape(text: str) -> str:
    return html.escape(text)
