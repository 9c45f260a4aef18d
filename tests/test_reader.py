"""The local reader: what it sees, what it finds, how sure it is, and how a run uses it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.decisions import candidates
from claimgrid.engines import in_process
from claimgrid.engines.in_process import InProcess, ReadingClient
from claimgrid.errors import SetupError
from claimgrid.extraction.confidence_limit import without_doubtful
from claimgrid.extraction.pipeline import read_answer
from claimgrid.extraction.prompt import build
from claimgrid.extraction.prompt import load as load_prompt
from claimgrid.io import run_folder, shipped_files
from claimgrid.reader import calibration, cue_words, reading
from claimgrid.reader.findings import Finding, reply
from claimgrid.reader.reading import Reading
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply
from claimgrid.types.request import Request
from test_cli import ROOT, extract, jsonl

TITLE = "Zephyr: invented inference for tests"
ABSTRACT = (
    "We present Zephyr, an invented serving system. Zephyr is up to 2.5x faster than Boreas for "
    "decoding on a single NVIDIA A100 GPU. On MMLU, Zephyr reaches 71.9% accuracy, 3.2 points "
    "better than Boreas, with a 7B model."
)
PAPER = Paper(paper_id="zephyr", title=TITLE, abstract=ABSTRACT)

needs_reader = pytest.mark.skipif(
    not in_process.available(), reason="onnxruntime has no wheel for this machine"
)


def found(words: str, label: str, **more: object) -> Finding:
    asked = candidates.candidates_of(ABSTRACT).questions
    question = next(q for q in asked if ABSTRACT[q.start : q.end] == words)
    return Finding(question, label, **more)  # type: ignore[arg-type]


def claims_of(answer: Answer) -> dict[str, object]:
    made = read_answer(PAPER, answer)
    return {f"{c.kind} {c.evidence.quote}": c for c in made.claims}


# Findings become claims like any reply ────────────────────────────────────────────────────────────


def test_findings_make_whole_rows() -> None:
    findings = (
        found(
            "2.5x", "up", measure="speed", bound="up_to", subject="Zephyr", baselines=("Boreas",),
            workload="decoding", hardware=("NVIDIA A100 GPU",), confidence=0.9,
        ),
        found("71.9%", "score", metric="accuracy", benchmark="MMLU", subject="Zephyr"),
        found("7B", "size", confidence=0.4),
        found("NVIDIA A100 GPU", "run"),
    )  # fmt: skip
    made = read_answer(PAPER, reading.answer(ABSTRACT, Reading(findings), model="reader"))
    assert not made.rejected
    by_kind = {claim.kind: claim for claim in made.claims}
    speedup = by_kind["speedup"]
    assert (speedup.subject, speedup.qualifier, speedup.workload) == ("Zephyr", "up_to", "decoding")
    assert (speedup.baselines, speedup.hardware) == (["Boreas"], ["nvidia-a100"])
    assert (speedup.confidence, speedup.confidence_source) == (0.9, "model")
    assert by_kind["benchmark"].benchmark == "MMLU"
    assert by_kind["benchmark"].confidence is None
    assert by_kind["model_size"].confidence == 0.4
    assert by_kind["hardware"].count == 1


def test_background_stays_background() -> None:
    made = reply(ABSTRACT, [found("2.5x", "up", measure="speed", background=True)])
    assert [item.stance for item in made.speedups] == ["background"]


def test_claims_below_the_least_confidence_are_rejected_lines() -> None:
    findings = (
        found("2.5x", "up", measure="speed", confidence=0.9),
        found("7B", "size", confidence=0.4),
    )
    answer = reading.answer(ABSTRACT, Reading(findings), model="reader")
    made = read_answer(PAPER, answer)
    assert without_doubtful(made, 0.3) == made
    kept = without_doubtful(made, 0.5)
    assert [claim.kind for claim in kept.claims] == ["speedup"]
    assert [line.reason for line in kept.rejected] == ["low_confidence"]
    assert (kept.paper.rejected, kept.paper.claims["model_size"]) == (1, 0)
    open_numbers = [number.text for number in kept.paper.unclaimed_numbers]
    assert "7B" in open_numbers
    assert "7B" not in [number.text for number in made.paper.unclaimed_numbers]


# Cue words ────────────────────────────────────────────────────────────────────────────────────────


def test_cue_words_find_what_stands_beside_them() -> None:
    labels = {ABSTRACT[f.question.start : f.question.end]: f for f in cue_words.read(ABSTRACT)}
    assert labels["2.5x"].label == "up"
    assert labels["2.5x"].baselines == ("Boreas",)
    assert labels["71.9%"].label == "score"
    assert labels["7B"].label == "size"
    assert labels["MMLU"].label == "used"
    assert labels["NVIDIA A100 GPU"].label == "run"


@given(st.text(max_size=300))
def test_cue_words_take_any_text(text: str) -> None:
    paper = Paper(paper_id="any", title="", abstract=text)
    answer = reading.answer(text, Reading(tuple(cue_words.read(text))), model="rules")
    for claim in read_answer(paper, answer).claims:
        assert text[claim.evidence.start : claim.evidence.end] == claim.evidence.quote


# Calibration ──────────────────────────────────────────────────────────────────────────────────────

OUTCOMES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(OUTCOMES)
def test_a_calibrated_probability_never_falls(outcomes: list[tuple[float, bool]]) -> None:
    points = calibration.fit(outcomes)
    made = [calibration.apply(points, step / 20) for step in range(21)]
    assert made == sorted(made)
    assert all(0 <= p <= 1 for p in made)


@given(OUTCOMES, st.floats(0, 1))
def test_a_calibrated_probability_lies_between_points(
    outcomes: list[tuple[float, bool]], raw: float
) -> None:
    points = calibration.fit(outcomes)
    values = [y for _, y in points]
    assert min(values) <= calibration.apply(points, raw) <= max(values)


def test_the_calibration_error_is_the_gap_between_sure_and_right() -> None:
    assert calibration.error([(1.0, True), (0.0, False)]) == 0
    assert calibration.error([(0.95, True), (0.95, False)]) == pytest.approx(0.45)
    assert calibration.coverage([(0.9, True), (0.1, False)]) == {
        0.25: 1.0, 0.5: 1.0, 0.75: 0.5, 1.0: 0.5,
    }  # fmt: skip


# In front of another model ────────────────────────────────────────────────────────────────────────


class Fixed:
    """A model that always reads the same, with the doubt that it is given."""

    def __init__(self, doubt: float) -> None:
        self.doubt = doubt

    def read(self, title: str, abstract: str) -> Reading:  # noqa: ARG002
        return Reading((found("7B", "size", confidence=0.8),), self.doubt)


class Other:
    """A client that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = {"live": 0}
        self.answers: dict[str, int] = {}

    async def __aenter__(self) -> Other:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def ask(self, request: Request) -> Answer:  # noqa: ARG002
        self.asked["live"] += 1
        return Answer(Reply(), (), Usage(requests=1), "live", "api", "other")


@pytest.mark.parametrize(("doubt", "model"), [(0.4, "reader@x"), (0.6, "other")])
def test_a_cascade_asks_where_the_reader_doubts(doubt: float, model: str) -> None:
    async def asked() -> tuple[Answer, dict[str, int]]:
        reader = InProcess("reader@x", Fixed(doubt), {})
        prompt = load_prompt(shipped_files.path("prompts/claims.md"))
        request = build(PAPER, prompt, model="other", mode="json_schema")
        async with ReadingClient(reader, Other(), 0.5) as client:  # type: ignore[arg-type]
            return await client.ask(request), dict(client.asked)

    answer, counts = asyncio.run(asked())
    assert answer.model == model
    assert counts == {"live": int(model == "other"), "in-process": int(model != "other")}


# The shipped model ────────────────────────────────────────────────────────────────────────────────


@needs_reader
def test_the_shipped_reader_reads_the_same_again_and_says_how_sure_it_is() -> None:
    reader = in_process.load("reader")
    answer, doubt = reader.answer(TITLE, ABSTRACT)
    assert (answer, doubt) == reader.answer(TITLE, ABSTRACT)
    made = read_answer(PAPER, answer)
    assert {"speedup", "hardware", "model_size"} <= {claim.kind for claim in made.claims}
    assert all(claim.confidence_source == "model" for claim in made.claims)
    for claim in made.claims:
        assert ABSTRACT[claim.evidence.start : claim.evidence.end] == claim.evidence.quote
    speedup = next(claim for claim in made.claims if claim.kind == "speedup")
    assert speedup.ratio is not None
    assert speedup.ratio.low == 2.5
    assert speedup.baselines == ["Boreas"]


@needs_reader
def test_an_abstract_longer_than_one_pass_is_read_to_its_end() -> None:
    filler = "We describe how the parts of this invented system work together in some detail. " * 60
    text = f"{ABSTRACT} {filler}{ABSTRACT.replace('2.5x', '4.5x')}"
    reader = in_process.load("reader")
    answer, _ = reader.answer(TITLE, text)
    made = read_answer(PAPER.model_copy(update={"abstract": text}), answer)
    ratios = {claim.ratio.low for claim in made.claims if claim.kind == "speedup" and claim.ratio}
    assert {2.5, 4.5} <= ratios


@needs_reader
@pytest.mark.parametrize("text", ["", "No claim is made here.", "7", "∎ \u200b \ud835\udfd9x"])
def test_the_shipped_reader_takes_any_abstract(text: str) -> None:
    answer, doubt = in_process.load("reader").answer("", text)
    assert isinstance(answer.reply, Reply)
    assert doubt >= 0


@needs_reader
def test_the_shipped_reader_fits_the_wheel_and_says_what_was_measured() -> None:
    folder = in_process.shipped()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 26_000_000
    measured = in_process.load("reader").measured
    assert 0.3 < measured["whole"] < measured["f1"] < 1
    assert measured["ece"] <= 0.1


@needs_reader
def test_a_run_without_key_and_recordings_is_read_on_this_machine(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", {"id": "z", "title": TITLE, "abstract": ABSTRACT})
    done = extract("run", str(source), "-o", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "reader" in done.stderr
    assert "F1" in done.stdout
    told = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert told["provider"] == "in-process"
    assert told["asked"] == {"in-process": 1}
    assert told["reader"]["measured"]["f1"] > 0
    claims = list(run_folder.read_claims(tmp_path / "out"))
    assert claims
    assert all(claim.confidence is not None for claim in claims)
    again = extract("run", str(source), "-o", str(tmp_path / "again"), cwd=tmp_path)
    assert again.returncode == 0
    first, second = ((tmp_path / name / "claims.jsonl").read_bytes() for name in ("out", "again"))
    assert first == second


def test_rules_need_no_model(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", {"id": "z", "title": TITLE, "abstract": ABSTRACT})
    done = extract("run", str(source), "--model", "rules", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert len(list(run_folder.read_claims(tmp_path / "out"))) >= 4


def test_a_folder_without_a_reader_is_named(tmp_path: Path) -> None:
    if not in_process.available():
        pytest.skip("onnxruntime has no wheel for this machine")
    with pytest.raises(SetupError, match=r"model\.onnx"):
        in_process.load(f"reader:{tmp_path}")


def test_the_libraries_are_loaded_when_an_abstract_is_read() -> None:
    code = (
        "import sys, claimgrid.engines.local_engine\n"
        "print([m for m in ('onnxruntime', 'tokenizers', 'numpy') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"


def test_a_reading_is_a_value() -> None:
    read = Reading((found("7B", "size", confidence=0.5),), 0.5)
    assert replace(read, doubt=0.1).findings == read.findings
