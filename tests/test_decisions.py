"""Small decisions: what is asked, how an answer is read, and the way through the real CLI."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.decisions import decision_request, grammar
from claimgrid.decisions.candidates import Candidate, candidates_of
from claimgrid.decisions.choices import choices, gbnf, leads
from claimgrid.decisions.grammar import Decision
from claimgrid.decisions.turns import Turns
from claimgrid.extraction import prompt
from claimgrid.io import shipped_files
from claimgrid.text import alignment
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request, Sampling
from server import Say, Server, completion
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


def test_an_abstract_without_candidates_is_asked_one_thing_and_has_no_claims() -> None:
    asked = Turns(candidates_of("we discuss open problems."))
    assert asked.listed.questions == ()
    turn = asked.after(())
    assert turn is not None
    assert turn.grammar.startswith("root ::=")
    body = completion("nothing").body
    assert asked.after([body]) is None
    reply, sure = asked.read([body])
    assert not any(reply.model_dump().values())
    assert sure == ()


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


def test_the_key_covers_the_questions_and_what_may_be_decided() -> None:
    here, other = request(), request(ABSTRACT + " It is open.")
    assert here.key == request().key
    assert here.key != other.key
    assert here.questions is not None
    more = request(ABSTRACT + " It takes 3 GB.")
    assert more.key != here.key
    assert more.schema_sha256 != here.schema_sha256


# Turn by turn, with probabilities ─────────────────────────────────────────────────────────────────


def weighed(*tokens: tuple[str | bytes, float, dict[str, float]], echo: str = "") -> Any:
    """A chat completion as llama.cpp gives it: each token with what the model weighed instead."""

    def told(text: str | bytes, probability: float) -> dict[str, Any]:
        raw = text if isinstance(text, bytes) else text.encode()
        shown = raw.decode("utf-8", "replace")
        return {"token": shown, "bytes": list(raw), "logprob": math.log(probability)}

    said = [
        told(text, p)
        | {"top_logprobs": [told(text, p), *(told(other, q) for other, q in others.items())]}
        for text, p, others in tokens
    ]
    whole = b"".join(t if isinstance(t, bytes) else t.encode() for t, _, _ in tokens)
    say = completion(echo + whole.decode())
    assert isinstance(say.body, dict)
    say.body["choices"][0]["logprobs"] = {"content": said}
    return say


@given(texts, st.data())
def test_every_decision_is_open_to_a_model_and_each_of_its_beginnings(
    text: str, data: st.DataObject
) -> None:
    asked = candidates_of(text)
    for question in asked.questions:
        open_ = choices(question, asked.names)
        written = f" {decided(data.draw, asked.names, question)}\n".encode()
        cut = data.draw(st.integers(0, len(written)))
        assert leads(written[:cut], open_)
        assert not leads(written + b"x", open_)
        assert not leads(b" maybe", open_)


def test_a_grammar_names_each_list_of_words_once() -> None:
    asked = candidates_of(ABSTRACT)
    (number,) = [q for q in asked.questions if "[2.5x]" in q.shown]
    (device,) = [q for q in asked.questions if q.about == "device"]
    told = gbnf(choices(device, asked.names)).splitlines()
    assert told == [
        'root ::= root0 "\\n"',
        'root0 ::= " no" | " run" | " deploy" | " aim"',
    ]
    several = gbnf(choices(number, asked.names))
    assert several.count('" vs Boreas"') == 1
    assert several.count('" on FooBench"') == 1


def only(question: str, *bodies: Any, abstract: str = "Zephyr is 2.5x faster.") -> Any:
    """The probability of the decision on one question; the others are answered by "no"."""
    asked = Turns(candidates_of(abstract))
    given = [
        bodies[0] if question in q.shown else weighed((" no", 0.9, {}), ("\n", 1.0, {})).body
        for q in asked.listed.questions
    ]
    _, sure = asked.read(given)
    return [p for _, _, p in sure]


@pytest.mark.parametrize(
    ("tokens", "sure"),
    [
        # What no decision could have gone on with does not count.
        ([(" up", 0.3, {" no": 0.1, " The": 0.6}), (" speed", 0.8, {" cost": 0.2})], 0.6),
        # What begins to write the same decision in other tokens counts for it.
        ([(" up", 0.3, {" u": 0.3, " no": 0.2, " A": 0.2}), (" speed", 1.0, {})], 0.75),
        # Nothing else was open.
        ([(" up", 0.01, {" The": 0.99}), (" sp", 0.4, {" of": 0.6}), ("eed", 1.0, {})], 1.0),
        # Seven labels that are not listed may have as much each as the last that is.
        ([(" up", 0.2, {" no": 0.1, " The": 0.05}), (" speed", 1.0, {})], 0.3077),
        # The server lists nothing else.
        ([(" up", 0.2, {}), (" speed", 1.0, {})], 0.2),
        # A decision may end or go on.
        ([(" score", 0.5, {" no": 0.5})], 0.5),
    ],
)
def test_a_decision_is_as_likely_as_it_is_among_what_was_open(
    tokens: list[tuple[str, float, dict[str, float]]], sure: float
) -> None:
    body = weighed(*tokens, ("\n", 1.0, {" never": 0.4})).body
    assert only("[2.5x]", body) == [sure]


def test_a_name_that_tokens_cut_inside_a_character_is_read() -> None:
    text = "Zéphyr is 2.5x faster than Börse."
    cut = [(" up", 0.5, {" no": 0.5}), (" speed", 1.0, {}), (" vs B", 1.0, {})]
    body = weighed(
        *cut, ("ö".encode()[:1], 1.0, {}), ("ö".encode()[1:] + b"rse", 1.0, {}), ("\n", 1.0, {})
    ).body
    assert only("[2.5x]", body, abstract=text) == [0.5]


def test_a_server_that_tells_no_probabilities_is_read_all_the_same() -> None:
    asked = Turns(candidates_of("It is 2.5x faster."))
    turn = asked.after(())
    assert turn is not None
    for text in (" up speed\n", f"{turn.written} up speed\n"):  # some give back what they got
        reply, sure = asked.read([completion(text).body])
        assert [item.value for item in reply.speedups] == ["2.5x"]
        assert sure == ()


@pytest.mark.parametrize(
    ("bodies", "detail"),
    [
        ([], "does not answer"),
        ([weighed((" maybe", 1.0, {}), ("\n", 1.0, {})).body], "no decision"),
        ([completion(" up speed\n", finish="length").body], "not complete"),
        ([completion("").body], "not one decision"),
        ([{"choices": [{"logprobs": {"content": [7, {"bytes": [999]}]}}]}], "not one decision"),
    ],
)
def test_replies_that_decide_nothing_are_refused_and_end_the_questions(
    bodies: list[Any], detail: str
) -> None:
    asked = Turns(candidates_of("It is 2.5x faster."))
    with pytest.raises(ValueError, match=detail):
        asked.read(bodies)
    assert bodies == [] or asked.after(bodies) is None


def in_turn(answers: dict[str, tuple[Decision, float]]) -> Any:
    """A script for a server: it decides on the question that a body ends with."""

    def script(_: int, body: Any) -> Any:
        written = body["messages"][-1]["content"]
        question = written.rpartition("\n")[2]
        if "Mistral" in str(body["messages"]):
            return completion("no idea")
        found = [one for words, one in answers.items() if words in question]
        decision, sure = found[0] if found else (Decision(), 0.5)
        other = " no" if decision.label != "no" else " x"
        said = (f" {decision}", sure, {other: 1 - sure})
        return weighed(said, ("\n", 1.0, {}), echo=written)

    return script


def test_a_server_that_takes_grammars_is_asked_in_turn_and_its_replies_replayed(
    tmp_path: Path,
) -> None:
    source = jsonl(
        tmp_path / "papers.jsonl",
        {"id": "a", "title": "Zephyr", "abstract": ABSTRACT},
        {"id": "b", "title": "Bad", "abstract": "Mistral is 3x faster."},
    )
    answers = {
        "Zephyr =": (Decision("system"), 0.9),
        "[2.5x]": (Decision("up", metric="speed", baselines=("Boreas",)), 0.75),
        "[A100": (Decision("run"), 0.55),
        "[61.2": (Decision("score", benchmark="FooBench"), 0.95),
    }
    out, kept = tmp_path / "out", tmp_path / "recordings"
    asked = ("run", str(source), "--out", str(out), "--model", "small", "--mode", "decisions")
    stored = ("--recordings", str(kept))
    with Server(in_turn(answers)) as server:
        first = extract(*asked, "--base-url", server.url, "--replay", "refresh", *stored)
        bodies = [b for b in server.requests if "Zephyr" in str(b["messages"])]
    assert first.returncode == 1, first.stderr  # the other paper's reply is no answer
    questions = candidates_of(ABSTRACT).questions
    assert len(bodies) == len(questions)
    for before, body, question in zip([None, *bodies], bodies, questions, strict=False):
        message = body["messages"][-1]
        assert message["role"] == "assistant"
        assert message["content"].endswith(f"{question.shown} =")
        assert body["logprobs"] is body["cache_prompt"] is True
        if before is not None:  # what the server has read stays as it is
            assert message["content"].startswith(before["messages"][-1]["content"])
    claims = lines(out / "claims.jsonl")
    assert {c["kind"] for c in claims} == {"speedup", "hardware", "benchmark"}
    (speedup,) = [c for c in claims if c["kind"] == "speedup"]
    assert (speedup["ratio"]["low"], speedup["qualifier"]) == (2.5, "up_to")
    assert (speedup["subject"], speedup["baselines"]) == ("Zephyr", ["Boreas"])
    sure = {c["kind"]: (c["confidence"], c["confidence_source"]) for c in claims}
    assert sure == {
        "speedup": (0.75, "model"), "hardware": (0.55, "model"), "benchmark": (0.95, "model")
    }  # fmt: skip
    for claim in claims:
        evidence = claim["evidence"]
        assert ABSTRACT[evidence["start"] : evidence["end"]] == evidence["quote"]
    papers = {p["paper_id"]: p for p in lines(out / "papers.jsonl")}
    assert (papers["a"]["status"], papers["b"]["status"]) == ("claims", "invalid")
    recorded = [json.loads(path.read_text()) for path in kept.rglob("*.json")]
    (mine,) = [one for one in recorded if one["paper_id"] == "a"]
    assert len(mine["attempts"]) == len(questions)
    before_ = (out / "claims.jsonl").read_bytes()
    again = extract(*asked[:3], str(tmp_path / "again"), *asked[4:], "--replay", "only", *stored)
    assert again.returncode == 1, again.stderr
    assert (tmp_path / "again" / "claims.jsonl").read_bytes() == before_
    doubtful = extract(*asked[:3], str(tmp_path / "sure"), *asked[4:], "--replay", "only", *stored,
                       "--min-confidence", "0.6")  # fmt: skip
    assert doubtful.returncode == 1, doubtful.stderr
    kept_kinds = {c["kind"] for c in lines(tmp_path / "sure" / "claims.jsonl")}
    assert kept_kinds == {"speedup", "benchmark"}


def test_a_paper_whose_questions_were_not_all_answered_is_asked_again(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "p.jsonl", {"id": "a", "title": "Z", "abstract": ABSTRACT})
    script = in_turn({"[2.5x]": (Decision("up", metric="speed"), 0.8)})
    count = len(candidates_of(ABSTRACT).questions)

    def breaks(number: int, body: Any) -> Any:
        return Say({"error": {"message": "bad luck"}}, 400) if number == 3 else script(0, body)

    command = ("run", source, "-o", tmp_path / "o", "--model", "m", "--mode", "decisions")
    with Server(breaks) as server:
        first = extract(*command, "--base-url", server.url)
        assert first.returncode == 1
        assert "bad luck" in lines(tmp_path / "o" / "papers.jsonl")[0]["reason"]
        second = extract(*command, "--base-url", server.url)
        assert second.returncode == 0, second.stderr
        assert len(server.requests) == 4 + count
        third = extract(*command, "--base-url", server.url)  # all is stored
        assert third.returncode == 0, third.stderr
        assert len(server.requests) == 4 + count


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
