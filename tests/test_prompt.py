"""Requests: what goes into the key, what the paper cannot break out of, and the shipped prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import SetupError
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.pipeline import read_answer
from claimgrid.extraction.prompt import Prompt, build
from claimgrid.io import shipped_files
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply
from claimgrid.types.request import Sampling

SHIPPED = prompts.load(shipped_files.path("prompts/claims.md"))
PAPER = Paper(paper_id="p", title="A {abstract} title", abstract="Words with {title} in them.")
FILE = "+++\nname = 'x'\nversion = 2\n+++\n=== system\nS\n=== user\n<{fence}>{title}|{abstract}\n"


def make(text: str, tmp_path: Path) -> Prompt:
    path = tmp_path / "prompt.md"
    path.write_text(text, encoding="utf-8")
    return prompts.load(path)


def test_the_key_covers_everything_that_is_asked(tmp_path: Path) -> None:
    prompt = make(FILE, tmp_path)
    base = build(PAPER, prompt, model="m", mode="json_schema")
    others = [
        build(PAPER, prompt, model="n", mode="json_schema"),
        build(PAPER, prompt, model="m", mode="tools"),
        build(PAPER, prompt, model="m", mode="json_schema", sampling=Sampling(0.5, None)),
        build(PAPER, prompt, model="m", mode="json_schema", sampling=Sampling(None, 5)),
        build(PAPER.model_copy(update={"title": "B"}), prompt, model="m", mode="json_schema"),
        build(PAPER.model_copy(update={"abstract": "B"}), prompt, model="m", mode="json_schema"),
        build(PAPER, make(FILE.replace("S\n", "T\n"), tmp_path), model="m", mode="json_schema"),
    ]
    keys = {base.key, *(other.key for other in others)}
    assert len(keys) == 1 + len(others)
    assert build(PAPER, prompt, model="m", mode="json_schema").key == base.key
    # What is not sent is not in the key: a paper may be renamed without a new call.
    renamed = PAPER.model_copy(update={"paper_id": "q", "authors": ("A",)})
    assert build(renamed, prompt, model="m", mode="json_schema").key == base.key


def test_braces_of_a_paper_stay_as_they_are(tmp_path: Path) -> None:
    request = build(PAPER, make(FILE, tmp_path), model="m", mode="json_schema")
    assert request.messages[-1]["content"].endswith(
        ">A {abstract} title|Words with {title} in them."
    )


@given(st.text())
def test_no_abstract_can_close_its_own_fence(abstract: str) -> None:
    paper = PAPER.model_copy(update={"abstract": abstract})
    content = build(paper, SHIPPED, model="m", mode="json_schema").messages[-1]["content"]
    closing = content.rsplit("\n", 1)[1]
    assert closing.startswith("</abstract-")
    assert closing not in abstract


def test_the_static_part_comes_first_and_is_the_same_for_every_paper() -> None:
    one = build(PAPER, SHIPPED, model="m", mode="json_schema").messages
    other = build(
        Paper(paper_id="q", title="T", abstract="Other."), SHIPPED, model="m", mode="json_schema"
    ).messages
    assert one[:-1] == other[:-1]
    assert [message["role"] for message in one[:2]] == ["system", "user"]


@pytest.mark.parametrize("example", SHIPPED.examples, ids=lambda example: example.title[:20])
def test_the_shipped_examples_are_what_the_code_takes(example: prompts.Example) -> None:
    """Each few-shot reply is grounded and normalized by the real functions without a loss."""
    reply = Reply.model_validate_json(example.reply)
    paper = Paper(paper_id="x", title=example.title, abstract=example.abstract)
    outcome = read_answer(paper, Answer(reply, (), Usage(), "live", "api", "m"))
    assert outcome.rejected == ()
    assert len(outcome.claims) == sum(len(items) for items in reply.model_dump().values())


def test_the_shipped_examples_cover_the_hard_rules() -> None:
    claims = [
        claim
        for example in SHIPPED.examples
        for claim in read_answer(
            Paper(paper_id="x", title=example.title, abstract=example.abstract),
            Answer(Reply.model_validate_json(example.reply), (), Usage(), "live", "api", "m"),
        ).claims
    ]
    kinds = {claim.kind for claim in claims}
    assert kinds == {"benchmark", "speedup", "efficiency", "hardware", "model_size"}
    assert {c.role for c in claims if c.kind == "benchmark"} == {
        "result",
        "evaluated_on",
        "introduced",
    }
    assert {c.relation for c in claims if c.kind == "benchmark" and c.relation} == {
        "absolute",
        "delta",
        "ratio",
    }
    assert {c.qualifier for c in claims} == {
        "exact",
        "up_to",
        "at_least",
        "about",
        "average",
        "range",
    }
    sizes = [c for c in claims if c.kind == "model_size"]
    assert any(c.active_params for c in sizes)
    assert any(c.context_tokens for c in sizes)
    devices = {c.device for c in claims if c.kind == "hardware"}
    assert {"intel-gpu", "amd-gpu", "fpga"} <= devices
    assert any(c.stance == "background" for c in claims)
    assert any(example.reply == "{}" for example in SHIPPED.examples)


@pytest.mark.parametrize(
    "text",
    [
        "no front matter",
        FILE.replace("version = 2\n", ""),
        FILE.replace("=== user\n", ""),
        FILE + "=== example\ntitle: T\nabstract: A\n",
        FILE + "=== example\nno fields\n=== reply\n{}\n",
        FILE + "=== reply\n{}\n=== example\ntitle: T\nabstract: A\n",
    ],
)
def test_a_broken_prompt_file_says_what_is_missing(text: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"prompt\.md"):
        make(text, tmp_path)


def test_a_missing_prompt_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.md"):
        prompts.load(tmp_path / "nowhere.md")
