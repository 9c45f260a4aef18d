"""Small decisions: what is asked, how an answer is read, and the way through the real CLI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.decisions import decision_request, grammar
from claimgrid.decisions.candidates import Candidate, candidates_of
from claimgrid.decisions.grammar import Decision
from claimgrid.extraction import prompt
from claimgrid.io import shipped_files
from claimgrid.text import alignment
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request, Sampling
from server import Server, completion
from test_cli import extract, jsonl, lines

ABSTRACT = (
    "Serving is bound by memory. We present Zephyr, a cache that is up to 2.5x faster than Boreas "
    "on 8 A100 GPUs and takes 90 ms. Heron-7B reaches 61.2\\% on FooBench. We release GustQA, and "
    "raise accuracy from 61.0 to 64.5 on FooBench. We also try enwik9."
)


def said(answers: dict[str, Decision], abstract: str = ABSTRACT) -> str:
    """A reply that decides for the questions that hold these words, and "no" for the others."""
    asked = candidates_of(abstract)
    given = [
        next((d for words, d in answers.items() if words in q.shown), Decision())
        for q in asked.questions
    ]
    return grammar.lines(asked, given)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("number", "2.5x"),
        ("number", "90 ms"),
        ("number", "61.2\\%"),
        ("number", "61.0 to 64.5"),
        ("device", "A100 GPUs"),
        ("size", "7B"),
        ("name", "Zephyr"),
        ("name", "FooBench"),
        ("name", "GustQA"),
        ("name", "enwik9"),
    ],
)
def test_everything_that_may_be_a_claim_is_asked_about(about: str, words: str) -> None:
    found = [
        ABSTRACT[q.start : q.end] for q in candidates_of(ABSTRACT).questions if q.about == about
    ]
    assert words in found


def test_a_question_shows_words_of_its_sentence_alone() -> None:
    shown = {q.shown for q in candidates_of(ABSTRACT).questions if q.about == "number"}
    assert "is up to [2.5x] faster than Boreas" in shown
    assert "GPUs and takes [90 ms]." in shown


def test_a_name_is_asked_about_once() -> None:
    names = candidates_of(ABSTRACT).names
    assert len(names) == len(set(names))
    assert "Serving" not in names


@pytest.mark.parametrize(
    ("words", "decision", "item"),
    [
        (
            "[2.5x]",
            Decision("up", metric="speed", baselines=("Boreas",)),
            ("speedups", {"value": "2.5x", "change": "up", "baselines": ["Boreas"]}),
        ),
        (
            "[2.5x]",
            Decision("down", loss=True, metric="energy"),
            ("speedups", {"value": "2.5x", "change": "down", "better": False, "metric": "energy"}),
        ),
        ("[90 ms]", Decision("amount", metric="latency"), ("efficiencies", {"value": "90 ms"})),
        (
            "[61.2",
            Decision("score", benchmark="FooBench"),
            ("benchmarks", {"value": "61.2\\%", "benchmark": "FooBench", "relation": "absolute"}),
        ),
        # Of a score that changes, the later number is the result.
        ("61.0 to", Decision("score"), ("benchmarks", {"value": "64.5"})),
        ("[A100", Decision("run"), ("hardware", {"device": "A100 GPUs", "role": "evaluation"})),
        ("[7B]", Decision("size"), ("model_sizes", {"total": "7B", "model": "Heron-7B"})),
        ("GustQA", Decision("new"), ("benchmarks", {"role": "introduced", "benchmark": "GustQA"})),
        ("enwik9", Decision("used"), ("benchmarks", {"role": "evaluated_on"})),
    ],
)
def test_a_decision_becomes_an_item(
    words: str, decision: Decision, item: tuple[str, dict[str, Any]]
) -> None:
    reply = grammar.read(candidates_of(ABSTRACT), said({words: decision})).model_dump()
    (made,) = reply[item[0]]
    assert {name: made[name] for name in item[1]} == item[1]
    assert sum(len(made) for made in reply.values()) == 1
    assert alignment.locate(alignment.read(ABSTRACT), made["quote"]) is not None


def test_the_system_is_the_subject_of_every_number() -> None:
    answers = {"Zephyr": Decision("system"), "[2.5x]": Decision("up", metric="speed")}
    (made,) = grammar.read(candidates_of(ABSTRACT), said(answers)).speedups
    assert made.subject == "Zephyr"


def test_active_parameters_join_the_size_before_them() -> None:
    text = "Orrery has 30B parameters, of which 3B parameters are active for each token."
    answers = {"[30B": Decision("size"), "[3B": Decision("active")}
    (made,) = grammar.read(candidates_of(text), said(answers, text)).model_sizes
    assert (made.total, made.active) == ("30B", "3B")
    assert made.quote in text


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda text: text.rsplit("\n", 2)[0] + "\n", "lines answer"),
        (lambda text: text.replace("[2.5x]", "[3.5x]"), "does not answer"),
        (lambda text: text.replace(" = no", " = maybe", 1), "no decision"),
        (lambda text: text.replace(" = no", " = up speed\x20", 1), "no decision"),
        (lambda text: re.sub("enwik9 = no", "enwik9 = up speed", text), "no decision"),
        (lambda text: "", "lines answer"),
    ],
)
def test_what_answers_something_else_is_refused(change: Any, detail: str) -> None:
    with pytest.raises(ValueError, match=detail):
        grammar.read(candidates_of(ABSTRACT), change(said({})))


def test_an_abstract_without_candidates_has_a_grammar_and_no_claims() -> None:
    asked = candidates_of("we discuss open problems.")
    assert asked.questions == ()
    assert grammar.grammar(asked).startswith("root ::=")
    assert not any(grammar.read(asked, "nothing").model_dump().values())


words_ = st.text(
    st.sampled_from("abzAZ019 .,;:()[]{}$%\\\"'=\n-–×xBMk→<>/|&"), min_size=0, max_size=120
)
facts = st.sampled_from(
    [
        "2.5x faster",
        "on 8 A100 GPUs",
        "a 7B model",
        "61.2% on Foo",
        "from 3 to 5 ms",
        "$1.2\\times$",
    ]
)
texts = st.lists(st.one_of(words_, facts), max_size=8).map(" ".join)


def decided(draw: st.DrawFn, names: tuple[str, ...], question: Candidate) -> Decision:
    label = draw(st.sampled_from(grammar.labels(question)))
    name = st.sampled_from(names) if names else st.nothing()
    against = tuple(draw(st.lists(name, max_size=2, unique=True))) if names else ()
    on = draw(st.one_of(st.none(), name)) if names else None
    if label in grammar.CHANGES:
        metric = draw(st.sampled_from(grammar.RELATIVE))
        return Decision(label, draw(st.booleans()), metric, baselines=against)
    if label in grammar.RELATIONS:
        return Decision(label, benchmark=on, baselines=() if label == "score" else against)
    if label == "amount":
        return Decision(label, metric=draw(st.sampled_from(grammar.ABSOLUTE)))
    return Decision(label)


@given(texts, st.data())
def test_any_decisions_on_any_text_are_read_as_they_were_written(
    text: str, data: st.DataObject
) -> None:
    asked = candidates_of(text)
    for question in asked.questions:
        assert 0 <= question.start < question.end <= len(text)
        assert "\n" not in question.shown
    draw = data.draw
    given_ = [decided(draw, asked.names, question) for question in asked.questions]
    written = grammar.lines(asked, given_)
    assert grammar.read(asked, written) == grammar.reply(
        asked, list(zip(asked.questions, given_, strict=True))
    )


def request(abstract: str = ABSTRACT) -> Request:
    paper = Paper(paper_id="a", title="Zephyr", abstract=abstract)
    shipped = prompt.load(shipped_files.path("prompts/decisions.md"))
    return decision_request.build(
        paper, shipped, model="m", mode="decisions", sampling=Sampling(0.0, 100)
    )


def test_the_key_covers_the_grammar() -> None:
    here, other = request(), request(ABSTRACT + " It is open.")
    assert here.key == request().key
    assert here.key != other.key
    assert here.grammar is not None
    more = request(ABSTRACT + " It takes 3 GB.")
    assert more.key != here.key
    assert more.schema_sha256 != here.schema_sha256


def test_a_server_that_takes_grammars_is_asked_and_its_reply_replayed(tmp_path: Path) -> None:
    source = jsonl(
        tmp_path / "papers.jsonl",
        {"id": "a", "title": "Zephyr", "abstract": ABSTRACT},
        {"id": "b", "title": "Bad", "abstract": "Mistral is 3x faster."},
    )
    answers = {
        "Zephyr": Decision("system"),
        "[2.5x]": Decision("up", metric="speed", baselines=("Boreas",)),
        "[A100": Decision("run"),
        "[61.2": Decision("score", benchmark="FooBench"),
    }

    def script(_: int, body: Any) -> Any:
        return completion(said(answers) if "Zephyr" in str(body["messages"]) else "no idea")

    out, kept = tmp_path / "out", tmp_path / "recordings"
    with Server(script) as server:
        asked = ("run", str(source), "--out", str(out), "--model", "small", "--mode", "decisions")
        stored = ("--recordings", str(kept))
        first = extract(*asked, "--base-url", server.url, "--replay", "refresh", *stored)
        (body,) = [b for b in server.requests if "Zephyr" in str(b["messages"])]
    assert first.returncode == 1, first.stderr  # the other paper's reply is no answer
    assert body["grammar"] == request().grammar
    claims = lines(out / "claims.jsonl")
    assert {c["kind"] for c in claims} == {"speedup", "hardware", "benchmark"}
    (speedup,) = [c for c in claims if c["kind"] == "speedup"]
    assert (speedup["ratio"]["low"], speedup["qualifier"]) == (2.5, "up_to")
    assert (speedup["subject"], speedup["baselines"]) == ("Zephyr", ["Boreas"])
    for claim in claims:
        evidence = claim["evidence"]
        assert ABSTRACT[evidence["start"] : evidence["end"]] == evidence["quote"]
    papers = {p["paper_id"]: p for p in lines(out / "papers.jsonl")}
    assert (papers["a"]["status"], papers["b"]["status"]) == ("claims", "invalid")
    before = (out / "claims.jsonl").read_bytes()
    again = extract(*asked[:3], str(tmp_path / "again"), *asked[4:], "--replay", "only", *stored)
    assert again.returncode == 1, again.stderr
    assert (tmp_path / "again" / "claims.jsonl").read_bytes() == before


def test_a_provider_that_takes_no_grammar_is_told_so(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "p.jsonl", {"id": "a", "title": "Z", "abstract": ABSTRACT})
    asked = extract(
        "run", str(source), "-o", str(tmp_path / "o"), "--model", "gpt-x", "--mode", "decisions",
        OPENAI_API_KEY="sk-none",
    )  # fmt: skip
    assert asked.returncode == 2
    assert "llama.cpp" in asked.stderr
    assert "sk-none" not in asked.stderr


def test_what_has_no_recording_is_told_so_and_costs_itself(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "p.jsonl", {"id": "a", "title": "Z", "abstract": ABSTRACT})
    out = tmp_path / "o"
    done = extract(
        "run", source, "-o", out, "--model", "m", "--mode", "decisions", "--replay", "only"
    )
    assert done.returncode == 1, done.stderr
    (paper,) = lines(out / "papers.jsonl")
    assert "no recording" in paper["reason"]


def test_a_batch_file_cannot_hold_a_grammar(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "p.jsonl", {"id": "a", "title": "Z", "abstract": ABSTRACT})
    done = extract(
        "batch", "export", source, "-o", tmp_path / "r.jsonl", "--model", "m", "--mode",
        "decisions", "--recordings", tmp_path / "none",
    )  # fmt: skip
    assert done.returncode == 2
    assert "grammar" in done.stderr
