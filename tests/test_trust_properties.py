"""What holds for any claims: of diffs, joins, gold files, MeasEval tables and Every Eval Ever."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from claimgrid.errors import SourceError
from claimgrid.evaluate import every_eval_ever, gold_files, meas_eval
from claimgrid.evaluate.agreement import agree
from claimgrid.evaluate.run_diff import RunDiff, RunSide, diff, join
from claimgrid.evaluate.scoring import evaluate
from claimgrid.types.claim import Claim, PaperLine
from test_adapters import SCHEMA
from test_evaluate import LISTS, run

PAPERS, CLAIMS = run(LISTS)
ABSTRACT = PAPERS[0].abstract
VALIDATOR = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
WORDS = st.text(max_size=12)
FEW = settings(max_examples=30)


@st.composite
def changed(draw: st.DrawFn) -> list[Claim]:
    """Some of the claims, some of them with another subject or a longer quote."""
    claims = draw(st.lists(st.sampled_from(CLAIMS), unique_by=lambda c: c.claim_id, max_size=5))
    made = []
    for claim in claims:
        told: dict[str, Any] = {}
        if draw(st.booleans()):
            told["subject"] = draw(st.none() | WORDS)
        if draw(st.booleans()):
            evidence = claim.evidence
            end = min(len(ABSTRACT), evidence.end + draw(st.integers(0, 5)))
            quote = ABSTRACT[evidence.start : end]
            told["evidence"] = evidence.model_copy(update={"quote": quote, "end": end})
        made.append(claim.model_copy(update=told))
    return made


def compared(one: list[Claim], two: list[Claim]) -> RunDiff:
    return diff(RunSide(PAPERS, one), RunSide(PAPERS, two))


def totals(found: RunDiff) -> tuple[int, int, int]:
    counts = list(found.counts().values())
    added, removed, changed = (
        sum(count[what] for count in counts) for what in ("added", "removed", "changed")
    )
    return added, removed, changed


@FEW
@given(changed(), changed())
def test_a_diff_accounts_for_every_claim_and_is_the_same_backwards(
    one: list[Claim], two: list[Claim]
) -> None:
    found, back = compared(one, two), compared(two, one)
    added, removed, changes = totals(found)
    assert found.same + changes + removed == len(one)
    assert found.same + changes + added == len(two)
    assert totals(back) == (removed, added, changes)
    assert not compared(one, one)
    assert 0 <= found.change_rate <= 1
    assert found.quoted_otherwise <= changes


@FEW
@given(changed(), changed())
def test_a_join_takes_each_claim_once(one: list[Claim], two: list[Claim]) -> None:
    pairs = join(ABSTRACT, one, two)
    assert len(set(pairs.values())) == len(pairs)
    for mine, theirs in pairs.items():
        assert one[mine].claim_id == two[theirs].claim_id  # these claims are apart from each other


@FEW
@given(st.lists(st.none() | changed(), min_size=1, max_size=4))
def test_support_is_the_share_of_the_runs_that_make_the_row(
    runs: list[list[Claim] | None],
) -> None:
    kept, found = agree(ABSTRACT, runs)
    read = [claims for claims in runs if claims is not None]
    ids = {claim.claim_id for claims in read for claim in claims}
    assert {claim.claim_id for claim in kept} == ids
    if len(read) < 2:
        assert found == []
        assert all(claim.support is None for claim in kept)
        return
    rows = [
        {c.claim_id: c.model_dump(exclude={"evidence"}) for c in claims} for claims in read
    ]  # fmt: skip
    silent = {"evidence", "support", "confidence", "confidence_source"}
    for claim in kept:
        row = claim.model_dump(exclude=silent)
        same = sum(
            claim.claim_id in mine and {name: mine[claim.claim_id][name] for name in row} == row
            for mine in rows
        )
        assert claim.support == same / len(read) == claim.confidence
        assert (claim.support == 1) == (claim.claim_id not in {item.claim_id for item in found})


def written(text: str) -> list[dict[str, Any]] | None:
    """What a gold file with this text holds; None where it is refused."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "gold.jsonl")
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        try:
            return gold_files.read_gold(path)
        except SourceError as error:
            told = str(error)
    assert str(path) in told
    return None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "claims", "kind", "quote", "ratio"]), inner)
    ),
    max_leaves=10,
)


@FEW
@given(st.text(max_size=80) | st.lists(ANY_JSON.map(json.dumps), max_size=3).map("\n".join))
def test_a_gold_file_is_read_or_refused_with_its_name(text: str) -> None:
    for line in written(text) or ():
        assert isinstance(line["claims"], list)
        assert gold_files.joins(line)


@FEW
@given(changed())
def test_drafted_gold_is_read_again_and_scores_as_perfect(claims: list[Claim]) -> None:
    drafted = list(gold_files.draft(PAPERS, claims))
    read = written("".join(json.dumps(line) + "\n" for line in drafted))
    assert read == json.loads(json.dumps(drafted))
    report = evaluate(read, PAPERS, claims)
    assert report.total.f1 == report.whole_claims.accuracy == report.grounding.f1 == 1


@FEW
@given(st.text(max_size=6), st.sampled_from([" ", "\t", "\n", "\r\n", '"', "\u2028"]))
def test_a_meas_eval_row_never_breaks(before: str, between: str) -> None:
    text = f"{before}Zephyr is{between}2.5x{between}faster and has 7B parameters."
    lists = {
        "speedups": [{"quote": text[len(before) :], "value": "2.5x", "change": "up",
                      "subject": "Zephyr"}],
        "model_sizes": [{"quote": "7B parameters", "total": "7B"}],
    }  # fmt: skip
    papers, claims = run(lists, text)
    table = meas_eval.write(papers, claims)
    rows = list(csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {len(row) for row in rows} == {len(meas_eval.COLUMNS)}
    for row in rows[1:]:
        found = papers[0].abstract[int(row[3]) : int(row[4])]
        assert row[6] == " ".join(found.split())
    assert sum(row[2] == "Quantity" for row in rows) == len(claims)


def named(line: PaperLine, title: str) -> PaperLine:
    return line.model_copy(update={"title": title})


@FEW
@given(changed(), WORDS)
def test_every_record_is_valid(claims: list[Claim], title: str) -> None:
    papers = [named(line, title) for line in PAPERS]
    made = every_eval_ever.records(papers, claims, retrieved=1)
    assert [error.message for one in made for error in VALIDATOR.iter_errors(one)] == []
    results = sum(len(one["evaluation_results"]) for one in made)
    assert results == sum(claim.kind == "benchmark" for claim in claims)
