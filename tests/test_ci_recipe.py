"""The recipe of docs/ci-recipe.md, on a corpus of two papers: it passes, and it fails on a drop."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from server import Server
from test_cli import PAPERS, ROOT, extract, jsonl, lines, reply

pytestmark = pytest.mark.slow

RECIPE = (ROOT / "docs" / "ci-recipe.md").read_text(encoding="utf-8")


def commands(heading: str) -> list[list[str]]:
    """The commands of the block after a heading, without their comments."""
    block = re.search(re.escape(heading) + r"\n```\n(.*?)```", RECIPE, re.DOTALL)
    assert block is not None
    found = [line.split("#")[0].split() for line in block[1].splitlines()]
    return [words[1:] for words in found if words]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    jsonl(tmp_path / "papers.jsonl", *PAPERS[:2])
    with Server(reply) as server:
        for words in commands("Once, with a model at hand:"):
            told = [word.replace("openai/NAME", "m") for word in words]
            more = ["--base-url", server.url] if words[0] == "run" else []
            done = extract(*told, *more, cwd=tmp_path)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
    return tmp_path


def codes(corpus: Path) -> list[int]:
    return [
        extract(*(word.replace("NAME", "m") for word in words), cwd=corpus).returncode
        for words in commands("In CI, on every change:")
    ]


def test_an_unchanged_corpus_passes(corpus: Path) -> None:
    assert codes(corpus) == [0, 0, 0, 0]


def test_a_reply_that_claims_less_fails_the_score(corpus: Path) -> None:
    for path in (corpus / "recordings").rglob("*.json"):
        recording: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        recording["attempts"][-1]["body"]["choices"][0]["message"]["content"] = "{}"
        path.write_text(json.dumps(recording), encoding="utf-8")
        break
    assert codes(corpus) == [0, 0, 0, 1]


def test_a_changed_title_fails_as_stale(corpus: Path) -> None:
    papers = lines(corpus / "papers.jsonl")
    papers[0]["title"] = "Another"
    jsonl(corpus / "papers.jsonl", *papers)
    found = codes(corpus)
    assert found[0] == 1
    assert found[2] == 1
