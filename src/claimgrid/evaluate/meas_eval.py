"""Writes claims in the TSV format of MeasEval (SemEval 2021, task 8): numbers and their owners.

One annotation set a claim: its Quantity with unit and modifiers, and a MeasuredEntity (the subject)
or MeasuredProperty (metric, benchmark or workload) where their words have a place in the abstract.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claimgrid.types.claim import Claim, PaperLine, Span

COLUMNS = (
    "docId", "annotSet", "annotType", "startOffset", "endOffset", "annotId", "text", "other",
)  # fmt: skip
_QUANTITY = ("value", "total", "count")
_PROPERTY = ("metric", "benchmark", "workload")
_ENTITY = ("subject", "device", "model")
_MODIFIERS = {"about": "IsApproximate", "range": "IsRange", "average": "IsMean"}


def write(papers: Iterable[PaperLine], claims: Iterable[Claim]) -> str:
    """The annotations of a run as one TSV text; claims without a number are left out."""
    abstracts = {paper.paper_id: paper.abstract for paper in papers}
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE,
                       escapechar=None, quotechar=None)  # fmt: skip
    table.writerow(COLUMNS)
    numbers: dict[str, int] = {}
    for claim in claims:
        rows = list(_rows(claim, abstracts[claim.paper_id]))
        if rows:
            numbers[claim.paper_id] = number = numbers.get(claim.paper_id, 0) + 1
            for row in rows:
                table.writerow((_one_line(claim.paper_id), number, *row))
    return text.getvalue()


def _rows(claim: Claim, abstract: str) -> Iterator[tuple[Any, ...]]:
    quantity = _first(claim, _QUANTITY)
    if quantity is None:
        return
    unit = claim.value.unit if claim.value and claim.value.unit not in ("score", "device") else None
    mods = [_MODIFIERS[claim.qualifier]] if claim.qualifier in _MODIFIERS else []
    if claim.kind in ("hardware", "model_size") and not mods:
        mods = ["IsCount"]
    other: dict[str, Any] = ({"mods": mods} if mods else {}) | ({"unit": unit} if unit else {})
    yield _row("Quantity", quantity, "T1", abstract, other)
    measured = _first(claim, _PROPERTY)
    target = "T1"
    if measured is not None and not _meets(measured, quantity):
        yield _row("MeasuredProperty", measured, "T2", abstract, {"HasQuantity": "T1"})
        target = "T2"
    entity = _first(claim, _ENTITY)
    if entity is not None and not _meets(entity, quantity):
        relation = "HasQuantity" if target == "T1" else "HasProperty"
        yield _row("MeasuredEntity", entity, "T3", abstract, {relation: target})


def _first(claim: Claim, names: tuple[str, ...]) -> Span | None:
    return next((claim.spans[name][0] for name in names if claim.spans.get(name)), None)


def _one_line(words: str) -> str:
    """Words without what would break a row (tabs, ends of lines); offsets still hold."""
    return " ".join(words.split())


def _meets(one: Span, two: Span) -> bool:
    return one.start < two.end and two.start < one.end


def _row(
    what: str, span: Span, name: str, abstract: str, other: Mapping[str, Any]
) -> tuple[Any, ...]:
    words = _one_line(abstract[span.start : span.end])
    told = json.dumps(other, ensure_ascii=False) if other else ""
    return (what, span.start, span.end, name, words, told)
