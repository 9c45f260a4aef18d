"""Corrections hold for the words that a person decided on, are kept, and touch no other words."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.io import columnar, run_folder
from claimgrid.review import checked_run, correction_log, rebuilding, refused_items
from claimgrid.review.check_first import entries, order
from claimgrid.review.corrections import Correction, apply, merge, standing, to_gold
from claimgrid.review.rebuilding import Change
from claimgrid.review.reviewer_agreement import agreement
from claimgrid.tables import views
from claimgrid.types.claim import Claim, PaperLine, Span, SpeedupClaim
from claimgrid.types.grounded import Refusal
from report_run import ABSTRACTS, write_run
from test_cli import extract, lines

ZEPHYR = ABSTRACTS["zephyr"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("review") / "run")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def paper_of(folder: Path, name: str = "zephyr") -> PaperLine:
    return next(line for line in run_folder.read_papers(folder) if line.paper_id == name)


def claims_of(folder: Path, name: str = "zephyr") -> list[Claim]:
    return [claim for claim in run_folder.read_claims(folder) if claim.paper_id == name]


def span(words: str, abstract: str = ZEPHYR) -> Span:
    start = abstract.index(words)
    return Span(start, start + len(words))


def correction(
    paper: PaperLine, action: str, before: Claim | None = None, **more: Any
) -> Correction:
    claim = before if action == "accept" else more.pop("claim", None)
    name = before.claim_id if before else claim.claim_id if claim else None
    given_: dict[str, Any] = {
        "id": f"{action}-{name}", "action": action, "abstract_sha256": paper.abstract_sha256,
        "paper_id": paper.paper_id, "claim_id": name, "before": before, "claim": claim,
        "by": "Ada", "at": "2026-01-02T03:04:05.000Z",
    }  # fmt: skip
    return Correction(**given_ | more)


def test_an_accepted_claim_says_who_checked_it_and_a_rejected_one_is_told(folder: Path) -> None:
    paper, (first, second, *rest) = paper_of(folder), claims_of(folder)
    made = [correction(paper, "accept", first), correction(paper, "reject", second, note="no")]
    applied = apply(paper, [first, second, *rest], made)
    told = {claim.claim_id: claim.checked for claim in applied.claims}
    assert told[first.claim_id] is not None
    assert second.claim_id not in told
    assert applied.rejected[0].reason == "rejected_by_a_person"
    assert applied.rejected[0].detail == "Ada on 2026-01-02: no"
    assert applied.paper.claims["speedup"] == 1
    # The number of the rejected claim is covered by none now.
    assert "2.1x" in {number.text for number in applied.paper.unclaimed_numbers}


def test_another_abstract_is_left_alone(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    made = [correction(paper, "reject", claims[0])]
    changed = paper.model_copy(update={"abstract_sha256": "0" * 64})
    assert apply(changed, claims, made).claims == tuple(claims)


def test_a_rejection_holds_for_the_same_reading_alone(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    rejection = correction(paper, "reject", claims[0])
    found_again = claims[0].model_copy(update={"confidence": 0.4, "confidence_source": "model"})
    assert claims[0].claim_id not in {
        c.claim_id for c in apply(paper, [found_again, *claims[1:]], [rejection]).claims
    }
    read_anew = claims[0].model_copy(update={"subject": "Borealis"})
    applied = apply(paper, [read_anew, *claims[1:]], [rejection])
    assert read_anew in applied.claims
    assert applied.changed == (rejection,)
    found = order(entries(paper, applied.claims, [], {claims[0].claim_id: [rejection]}))
    assert found[0].reasons == ("changed",)


def test_a_later_run_gets_the_decided_claim_once(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    accepted = correction(paper, "accept", claims[0])
    # A later model quotes one word more: another id, the same number.
    longer = claims[0].model_copy(update={"claim_id": "f" * 16})
    applied = apply(paper, [longer, *claims[1:]], [accepted])
    same = [c for c in applied.claims if c.spans.get("value") == claims[0].spans["value"]]
    assert [claim.claim_id for claim in same] == [claims[0].claim_id]


@given(st.lists(st.integers(0, 3), max_size=6), st.data())
def test_taking_everything_back_gives_the_run_again(
    folder: Path, picks: list[int], data: st.DataObject
) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    made: list[Correction] = []
    for place, pick in enumerate(picks):
        action = data.draw(st.sampled_from(["accept", "reject"]))
        made.append(correction(paper, action, claims[pick], id=f"n-{place}"))
    undone = [correction(paper, "undo", undoes=one.id, id=f"u-{one.id}") for one in made]
    assert apply(paper, claims, [*made, *undone]).claims == tuple(claims)
    once = apply(paper, claims, made)
    assert apply(paper, claims, [*made, *made]) == once
    assert standing([*made, *undone]) == []


def test_an_edit_is_computed_from_the_selected_words(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    made = rebuilding.edited(paper, claims[0], Change({"value": [span("2.1x")]}))
    assert isinstance(made, SpeedupClaim)
    assert made.ratio is not None
    assert (made.ratio.low, made.value and made.value.text) == (2.1, "2.1x")
    assert made.evidence.quote in ZEPHYR


def test_an_edit_of_something_else_keeps_the_number_and_its_ratio(folder: Path) -> None:
    paper = paper_of(folder, "mistral-mix")
    claim = next(c for c in claims_of(folder, "mistral-mix") if c.kind == "speedup")
    made = rebuilding.edited(paper, claim, Change({}, {"metric": "throughput"}))
    assert isinstance(made, SpeedupClaim)
    assert (made.metric, made.workload, made.ratio and made.ratio.low) == (
        "throughput",
        "decoding",
        1.25,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change({"value": [Span(0, 9999)]}), "not_in_abstract"),
        (Change({"value": [Span(45, 47)]}), "cuts_word"),
        (Change({"value": [span("serves models")]}), "no_number"),
        (Change({"value": [span("7 rounds")]}), "outside_quote"),
        (Change({"value": []}), "empty"),
        (Change({"device": [span("A100")]}), "unknown_field"),
        (Change({}, {"metric": "beauty"}), "invalid"),
        (Change({}, {"colour": "red"}), "unknown_field"),
    ],
)
def test_what_the_text_does_not_say_is_refused(folder: Path, change: Change, reason: str) -> None:
    made = rebuilding.edited(paper_of(folder), claims_of(folder)[0], change)
    assert isinstance(made, Refusal)
    assert made.reason == reason


def test_a_missed_claim_has_its_sentence_as_evidence(folder: Path) -> None:
    made = rebuilding.added(paper_of(folder), "efficiency", Change({"value": [span("7 rounds")]}))
    assert not isinstance(made, Refusal)
    assert made.evidence.quote == "It reaches 71.25% accuracy on QuuxBench in 7 rounds."
    assert ZEPHYR[made.evidence.start : made.evidence.end] == made.evidence.quote


def test_a_fall_in_percent_is_added_as_one() -> None:
    text = "Quux cuts the memory by 50%."
    paper = PaperLine.model_validate(
        {
            "paper_id": "q",
            "title": "Quux",
            "authors": [],
            "organizations": [],
            "categories": [],
            "date": None,
            "extra": {},
            "source": None,
            "abstract": text,
            "abstract_sha256": "a",
            "status": "no_claims",
            "stage": None,
            "reason": None,
            "model": None,
            "claims": {},
            "rejected": 0,
            "unclaimed_numbers": [],
            "warnings": [],
        }
    )
    made = rebuilding.added(paper, "speedup", Change({"value": [span("50%", text)]}))
    assert isinstance(made, SpeedupClaim)
    assert made.ratio is not None
    assert made.ratio.low == 2


def write(run: Path, *made: Correction) -> None:
    correction_log.append(run / correction_log.NAME, made)


def test_every_reader_sees_the_decisions_and_the_files_stay_as_they_are(run: Path) -> None:
    before = (run / "claims.jsonl").read_bytes()
    paper, claims = paper_of(run), claims_of(run)
    write(run, correction(paper, "accept", claims[0]), correction(paper, "reject", claims[1]))
    read = list(checked_run.read_claims(run))
    assert len(read) == len(list(run_folder.read_claims(run))) - 1
    rows = views.connect([str(run)]).query("select claim_id, checked from claims").rows
    assert [row[0] for row in rows] == [claim.claim_id for claim in read]
    assert [row[1]["by"] for row in rows if row[1]] == ["Ada"]
    assert next(checked_run.read_papers(run)).claims["speedup"] == 1
    assert [item.reason for item in checked_run.read_rejected(run)][-1] == "rejected_by_a_person"
    assert (run / "claims.jsonl").read_bytes() == before


def test_decisions_outlive_a_new_run_in_the_same_folder(run: Path) -> None:
    write(run, correction(paper_of(run), "reject", claims_of(run)[0]))
    count = len(list(checked_run.read_claims(run)))
    write_run(run)
    assert len(list(checked_run.read_claims(run))) == count
    (run / "papers.jsonl").write_text(
        (run / "papers.jsonl").read_text().replace(paper_of(run).abstract_sha256, "0" * 64)
    )
    found = checked_run.changes(run)
    assert [one.action for one in found.stale] == ["reject"]
    assert len(list(checked_run.read_claims(run))) == count + 1


@pytest.mark.parametrize("cut", ['{"id": "x"', "not json", '{"id": 1}\n', "\n\n", "\xff"])
def test_a_broken_line_costs_itself_alone(run: Path, cut: str) -> None:
    path = run / correction_log.NAME
    write(run, correction(paper_of(run), "accept", claims_of(run)[0]))
    with path.open("a", encoding="latin-1") as file:
        file.write(cut)
    write(run, correction(paper_of(run), "accept", claims_of(run)[1]))
    log = correction_log.read(path)
    assert len(log.corrections) == 2
    assert [one.line for one in log.broken] == ([2] if cut.strip() else [])


def test_gold_marks_what_nobody_decided_on_as_optional(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    made = [correction(paper, "accept", claims[0]), correction(paper, "reject", claims[1])]
    papers, every = run_folder.read_papers(folder), run_folder.read_claims(folder)
    (line,) = to_gold(papers, every, made)
    assert line["id"] == "zephyr"
    assert [(c["quote"], c.get("optional")) for c in line["claims"]] == [
        ("up to 3.5x faster than Borealis", None),
        ("faster than Borealis on an A100 GPU", True),
        ("71.25% accuracy on QuuxBench", True),
    ]
    assert line["claims"][0]["value"] == {"text": "3.5x", "low": 3.5, "high": 3.5, "unit": "x"}


def test_a_gold_file_of_corrections_can_be_scored_against(run: Path, tmp_path: Path) -> None:
    made = [correction(paper_of(run), "accept", claim) for claim in claims_of(run)]
    gold = tmp_path / "gold.jsonl"
    papers, every = run_folder.read_papers(run), run_folder.read_claims(run)
    gold.write_text("".join(json.dumps(one) + "\n" for one in to_gold(papers, every, made)))
    done = extract("eval", run, "--gold", gold)
    assert done.returncode == 0, done.stderr
    assert "1.000" in done.stdout
    correction_log.append(run / correction_log.NAME, made)
    drafted = extract("gold", "draft", run)
    assert [json.loads(line) for line in drafted.stdout.splitlines()] == lines(gold)


def test_agreement_is_cohen_s_kappa_and_the_f1_of_the_spans(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    one = [correction(paper, "accept", c, id=f"a{n}") for n, c in enumerate(claims)]
    two = [
        correction(paper, "accept" if n < 2 else "reject", c, id=f"b{n}", by="Bob")
        for n, c in enumerate(claims)
    ]
    found = agreement(one, two)
    assert (found.both, found.same) == (4, 2)
    assert found.kappa == 0  # the first reviewer accepts everything: chance explains it all
    left = sum(len(s) for c in claims[:2] for s in c.spans.values())
    every = sum(len(s) for c in claims for s in c.spans.values())
    assert found.span_f1 == pytest.approx(2 * left / (left + every))
    assert agreement(one, one).kappa is None
    assert agreement(one, one).span_f1 == 1
    mixed = [*one[:2], *(correction(paper, "reject", c, id=f"m{c.claim_id}") for c in claims[2:])]
    assert agreement(mixed, two).kappa == 1


def test_a_merge_loses_nothing_and_the_later_decision_holds(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    early = correction(paper, "accept", claims[0], id="one", at="2026-01-01T00:00:00Z")
    late = correction(paper, "reject", claims[0], id="two", at="2026-01-02T00:00:00Z", by="Bob")
    merged = merge([[late], [early, late]])
    assert merged == [early, late]
    applied = apply(paper, claims, merged)
    assert claims[0].claim_id not in {claim.claim_id for claim in applied.claims}


def test_the_commands_compare_and_merge_files(run: Path, tmp_path: Path) -> None:
    paper, claims = paper_of(run), claims_of(run)
    one, two, both = (tmp_path / f"{name}.jsonl" for name in ("one", "two", "both"))
    correction_log.append(one, [correction(paper, "accept", c, id=c.claim_id) for c in claims])
    correction_log.append(two, [correction(paper, "reject", claims[0], id="b", by="Bob")])
    done = extract("review", "agreement", one, two)
    assert "claims that both decided on   1, the same way 0" in done.stdout
    assert "Ada accept, Bob reject: up to 3.5x faster than Borealis" in done.stdout
    done = extract("review", "merge", one, two, "-o", both)
    assert "5 corrections; reviewers differ on 1 claim\n" in done.stdout
    assert len(lines(both)) == 5
    again = extract("review", "merge", one, two, "-o", both)  # nothing is written twice
    assert "5 corrections (0 new)" in again.stdout
    assert len(lines(both)) == 5


def test_a_review_of_two_runs_or_without_a_folder_for_its_file_is_refused(run: Path) -> None:
    done = extract("review", run, run)
    assert (done.returncode, "a review is of one run" in done.stderr) == (2, True)
    done = extract("review", run, "--corrections", run / "none" / "ada.jsonl")
    assert (done.returncode, "its folder is not there" in done.stderr) == (2, True)


def test_a_second_reviewer_sees_no_other_s_decisions(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the extra [serve] is not installed")
    from claimgrid.serve.review_session import Session

    write(run, correction(paper_of(run), "accept", claims_of(run)[0]))
    assert Session(run, "Ada").overview()["decided"] == 1
    alone = Session(run, "Bob", tmp_path / "bob.jsonl")
    assert alone.overview()["decided"] == 0
    assert alone.overview()["file"] == str(tmp_path / "bob.jsonl")


def test_a_large_run_takes_the_decisions_of_the_folder_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_LEAST", 0)  # its tables are read from a copy that is kept
    run = write_run(tmp_path / "run")
    everything = views.connect([str(run)]).query("select claim_id from claims").rows
    made = correction(paper_of(run), "reject", claims_of(run)[0])
    correction_log.append(tmp_path / correction_log.NAME, [made])
    left = views.connect([str(run)]).query("select claim_id from claims").rows
    assert len(left) == len(everything) - 1


@pytest.mark.parametrize("form", ["label-studio", "web-annotation"])
def test_another_tool_s_marks_come_back_as_decisions(run: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / "marks.json"
    done = extract("review", "export", run, "--to", form, "-o", file)
    assert "count Unicode code points" in done.stdout
    made = json.loads(file.read_text(encoding="utf-8"))
    if form == "label-studio":
        for task in made:
            task["annotations"] = [{"result": task["predictions"][0]["result"]}]
        moved = next(
            r for t in made for r in t["annotations"][0]["result"]
            if r["value"]["labels"] == ["speedup.value"] and r["value"]["text"] == "3.5x"
        )  # fmt: skip
        # In UTF-16 units, as some versions write them: the script letter before it counts two.
        moved["value"] |= {
            "start": span("2.1x").start + 1,
            "end": span("2.1x").end + 1,
            "text": "2.1x",
        }
    else:
        moved = next(a for a in made["items"] if a["target"]["selector"][1]["exact"] == "3.5x")
        moved["target"]["selector"] = [
            {"type": "TextPositionSelector", "start": span("2.1x").start, "end": span("2.1x").end},
            {"type": "TextQuoteSelector", "exact": "2.1x"},
        ]
    file.write_text(json.dumps(made), encoding="utf-8")
    done = extract("review", "import", run, file, "--from", form, "--by", "Eve")
    assert done.returncode == 0, done.stderr
    read = correction_log.read(run / correction_log.NAME).corrections
    assert {one.action for one in read} == {"accept", "edit"}
    assert len(read) == len(list(run_folder.read_claims(run)))
    edit = next(one for one in read if one.action == "edit")
    assert edit.claim is not None
    assert edit.claim.value is not None
    assert edit.claim.value.text == "2.1x"
    again = extract("review", "import", run, file, "--from", form, "--by", "Eve")
    assert again.stdout.startswith(("0 decisions added", "1 decision added"))


def test_marks_that_do_not_fit_the_abstract_are_refused(run: Path, tmp_path: Path) -> None:
    sha = paper_of(run).abstract_sha256
    wrong = {"start": 3, "end": 9, "text": "other words", "labels": ["speedup.value"]}
    task = {
        "data": {"text": ZEPHYR, "abstract_sha256": sha},
        "annotations": [{"result": [{"id": "r", "type": "labels", "value": wrong}]}],
    }
    file = tmp_path / "marks.json"
    file.write_text(json.dumps([task, {"data": {"abstract_sha256": "?"}}]))
    done = extract("review", "import", run, file, "--from", "label-studio")
    assert done.returncode == 1
    assert "do not fit the abstract" in done.stderr
    assert "no abstract of this run has this hash" in done.stderr
    assert "0 decisions added" in done.stdout


def refused_item(run: Path) -> Any:
    return next(item for item in run_folder.read_rejected(run) if item.paper_id == "zephyr")


def number_of(paper: PaperLine, words: str = "7") -> Any:
    return next(one for one in paper.unclaimed_numbers if one.text == words)


def test_a_number_that_is_no_claim_leaves_the_queue(folder: Path) -> None:
    paper, claims = paper_of(folder), claims_of(folder)
    seven = number_of(paper)
    dismissal = correction(paper, "dismiss", number=seven)
    line = apply(paper, claims, [dismissal]).paper
    assert number_of(line).reason == "dismissed_by_a_person"
    assert line.claims["speedup"] == paper.claims["speedup"]
    open_ = [one for one in order(entries(line, claims, [], {})) if "unclaimed" in one.reasons]
    assert seven.text not in {one.number.text for one in open_ if one.number}
    undone = correction(paper, "undo", undoes=dismissal.id)
    assert number_of(apply(paper, claims, [dismissal, undone]).paper).reason is None
    assert list(to_gold([paper], claims, [dismissal])) == []


def test_a_refused_item_is_decided_on_once_and_knows_its_words(run: Path) -> None:
    item = refused_item(run)
    said = item.model_copy(
        update={"item": {"quote": "2.1x faster on average", "value": "2.1x", "change": "up",
                         "better": True, "metric": "speed", "workload": "elsewhere"}}
    )  # fmt: skip
    assert refused_items.spans(ZEPHYR, said) == {"value": [span("2.1x")]}
    assert refused_items.labels(said) == {"change": "up", "better": "yes", "metric": "speed"}
    assert list(refused_items.whole([item, item], claims_of(run))) == [item]
    # Of a claim that was kept, only a field was refused.
    field = item.model_copy(
        update={"field": "workload", "item": {"quote": claims_of(run)[0].evidence.quote}}
    )
    assert list(refused_items.whole([field], claims_of(run))) == []
    found = order(entries(paper_of(run), [], [item], {}, [item]))
    assert [one.reasons for one in found if one.item is not None] == [("refused",)]


def test_decisions_in_the_folder_above_hold_for_every_run_in_it(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name) for name in ("one", "two")]
    paper, claims = paper_of(runs[0]), claims_of(runs[0])
    early = correction(paper, "accept", claims[0], id="early")
    late = correction(paper, "reject", claims[0], id="late", at="2026-02-01T00:00:00.000Z")
    correction_log.append(tmp_path / correction_log.NAME, [late])
    correction_log.append(runs[1] / correction_log.NAME, [early])
    for run in runs:  # by time, whichever file a decision stands in
        assert claims[0].claim_id not in {c.claim_id for c in checked_run.read_claims(run)}
        rows = views.connect([str(run)]).query("select claim_id from claims").rows
        assert (claims[0].claim_id,) not in rows
        assert checked_run.changes(run).stale == ()
    other = correction(paper, "accept", claims[1], id="x", abstract_sha256="0" * 64, paper_id="?")
    correction_log.append(tmp_path / correction_log.NAME, [other])
    assert checked_run.changes(runs[0]).stale == ()  # on a paper of another run
    changed = correction(paper, "accept", claims[1], id="y", abstract_sha256="1" * 64)
    correction_log.append(tmp_path / correction_log.NAME, [changed])
    assert [one.id for one in checked_run.changes(runs[0]).stale] == ["y"]


def test_decisions_on_papers_of_other_runs_leave_the_draft_of_gold_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    before = extract("gold", "draft", run).stdout
    other = correction(paper_of(run), "accept", claims_of(run)[0], abstract_sha256="0" * 64)
    correction_log.append(tmp_path / correction_log.NAME, [other])
    assert extract("gold", "draft", run).stdout == before != ""


def test_a_run_says_how_many_decisions_hold(tmp_path: Path) -> None:
    source = tmp_path / "one.txt"
    source.write_text("Quux\n\nQuux decodes 2x faster than Base. It takes 7 rounds.\n")
    asked = ("run", source, "--model", "rules", "--log-format", "none")
    first, second = tmp_path / "runs" / "first", tmp_path / "runs" / "second"
    done = extract(*asked, "-o", first)
    assert done.returncode == 0, done.stderr
    assert "corrections" not in done.stderr
    (paper,) = run_folder.read_papers(first)
    made = [
        correction(paper, "dismiss", number=number_of(paper), id="a"),
        correction(paper, "accept", next(iter(run_folder.read_claims(first))), id="b",
                   abstract_sha256="0" * 64),
    ]  # fmt: skip
    write(first, *made)
    again = extract(*asked, "-o", first)
    assert "1 decision of people holds for this run" in again.stderr
    assert "1 stale" in again.stderr
    beside = extract(*asked, "-o", second)
    assert f"{first / correction_log.NAME} has 1 decision on these abstracts" in beside.stderr
    merge_to = tmp_path / "runs" / correction_log.NAME
    assert extract("review", "merge", first, "-o", merge_to).returncode == 0
    assert "has 1 decision" not in extract(*asked, "-o", second).stderr
    assert number_of(next(checked_run.read_papers(second))).reason == "dismissed_by_a_person"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for name in ("fastapi", "uvicorn", "altair"):
        pytest.importorskip(name, reason="the extra [serve] is not installed")
    run = write_run(tmp_path_factory.mktemp("served") / "run")
    command = [sys.executable, "-u", "-m", "claimgrid", "review", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split("#")[0]
        process.terminate()


def ask(url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url,
        data,
        {
            "Content-Type": "application/json",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith("{") else text
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def decision(address: str, claim: int = 0, **more: Any) -> dict[str, Any]:
    found = ask(f"{address}api/review/papers/zephyr")[1]
    line = found["claims"][claim]
    return {
        "id": "12345678", "action": "accept", "paper_id": "zephyr", "seen": line["version"],
        "abstract_sha256": found["paper"]["abstract_sha256"], "claim_id": line["claim_id"],
    } | more  # fmt: skip


def test_only_the_page_of_this_session_can_decide(address: str) -> None:
    page = ask(address)[1]
    token = page.partition('name="claimgrid-review" content="')[2].partition('"')[0]
    assert len(token) > 20
    url, origin = f"{address}api/review/decisions", address.rstrip("/")
    asked = decision(address)
    assert ask(url, asked)[0] == 403
    assert ask(url, asked, X_Claimgrid_Token=token)[0] == 403
    assert ask(url, asked, X_Claimgrid_Token=token, Origin="http://evil.example")[0] == 403
    assert ask(url, asked, X_Claimgrid_Token="wrong", Origin=origin)[0] == 403
    cross = ask(url, asked, X_Claimgrid_Token=token, Origin=origin, Sec_Fetch_Site="cross-site")
    assert cross[0] == 403
    assert ask(url, asked, X_Claimgrid_Token=token, Origin=origin, Host="evil.example")[0] == 400
    for _ in range(2):  # sent twice, saved once
        status, answer = ask(url, asked, X_Claimgrid_Token=token, Origin=origin)
        assert status == 200, answer
        assert [one["action"] for one in answer["decisions"]] == ["accept"]
    assert ask(url, decision(address, 1, seen="old", id="23456789"), X_Claimgrid_Token=token,
               Origin=origin)[0] == 409  # fmt: skip


def test_what_is_no_claim_is_dismissed_once_and_can_be_taken_back(address: str) -> None:
    page = ask(address)[1]
    token = page.partition('name="claimgrid-review" content="')[2].partition('"')[0]
    known = {"X_Claimgrid_Token": token, "Origin": address.rstrip("/")}

    def entry(kind: str) -> dict[str, Any]:
        listed = ask(f"{address}api/review")[1]["entries"]
        return next(one for one in listed if one["kind"] == kind and one["paper_id"] == "zephyr")

    def sent(**more: Any) -> tuple[int, Any]:
        asked = decision(address, claim_id=None, seen=None, action="dismiss")
        return ask(f"{address}api/review/decisions", asked | more, **known)

    number, item = entry("number")["number"], entry("refused")["item"]
    seven = [number["start"], number["end"]]
    assert sent(id="dismiss-number", number=[0, 3])[0] == 409
    assert sent(id="dismiss-number", number=seven)[0] == 200
    assert sent(id="dismiss-again", number=seven)[0] == 409
    assert entry("number")["state"] == "dismissed"
    assert sent(id="dismiss-item", item=item["key"])[0] == 200
    assert (entry("refused")["state"], entry("number")["state"]) == ("dismissed",) * 2
    # The one that was decided first can be taken back: the other one is on something else.
    assert sent(id="undo-number", action="undo", undoes="dismiss-number")[0] == 200
    assert sent(id="undo-item", action="undo", undoes="dismiss-item")[0] == 200
    assert (entry("refused")["state"], entry("number")["state"]) == ("open",) * 2
    back = {"action": "add", "kind": "efficiency", "spans": {"value": [list(span("7 rounds"))]}}
    assert sent(id="bring-back", item=item["key"], **back)[0] == 200
    assert entry("refused")["state"] == "added"


def test_a_page_without_a_review_holds_no_token(folder: Path) -> None:
    pytest.importorskip("vl_convert", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import page

    assert 'name="claimgrid-review" content=""' in page(None, title="run")
