"""Every quirk of `quirks.py` and every field case gives what it should, over real HTTP."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from claimgrid.extraction.abstract_check import why_no_abstract
from odd_server import GOOD, Came, always, run
from quirks import Quirk, error, quirks
from server import Say
from test_cli import ROOT

QUIRKS = quirks()
FIELD = [
    json.loads(line)
    for line in (ROOT / "tests/data/servers.jsonl").read_text(encoding="utf-8").splitlines()
]
# What cannot give claims says why, and what to do: words of the reason, and the most requests.
# The server always says the same, so three requests are one and two more tries.
SAYS = {
    "400-once": ("raise --max-tokens", 1),
    "maxtok": ("max_completion_tokens instead of max_tokens", 3),
    "redirect301": ("moved to http://127.0.0.1:18777/v1/chat/completions; pass the new", 1),
    "rf-500": ("grammar compile failed (also with", 3),
    "azure-filter": ("content management policy", 1),
    "no-choices": ("without choices; run the same command again", 3),
    "base-resp": ("rate limit; lower --concurrency", 3),
    "choices-null": ("without choices; run the same command again", 3),
    "finish-insufficient": ("insufficient_system_resource; run the same command again", 3),
    "detail200": ("Not authenticated; check the API key", 1),
    "empty-content": ("the model wrote no text", 3),
    "e429-quota": ("no credit left", 1),
    "err-after-id": ("Upstream idle timeout; run the same command again", 3),
    "err200-400": ("longer than the model takes", 1),
    "think-nonstream": ("ask a model that answers without streaming", 4),
    "strict": ("try --mode json or --mode md_json", 4),
    "role-order": ("chat template refuses these messages", 3),
    "meta-raw": ("Fireworks: json_schema is not supported by this model (also", 3),
}
ONE_CLAIM = ("number-speed", "latex-bad")  # replies that hold no other


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda q: f"{q.rule}: {q.name} ({q.who})")
def test_a_quirk_gives_what_it_should(quirk: Quirk, tmp_path: Path) -> None:
    came = run(quirk.script, tmp_path, abstract=quirk.abstract, mode=quirk.mode)
    assert came.status == quirk.status, came.reason
    assert len(came.claims) == quirk.claims, came.rejected
    assert came.requests == quirk.requests
    assert quirk.says in came.reason
    assert len(came.rejected) == quirk.rejected, came.rejected
    adapted = came.done.manifest["adapted"]
    assert quirk.adapted in " ".join(adapted)
    assert bool(adapted) == bool(quirk.adapted)
    assert bool(came.done.manifest["stopped_by"]) == quirk.stops
    assert came.done.exit_code == int(quirk.status not in ("claims", "no_claims"))


@pytest.mark.parametrize("case", FIELD, ids=lambda case: case["quirk"])
def test_a_field_case_gives_its_claims_or_says_why_not(case: Any, tmp_path: Path) -> None:
    answer = case["response"]
    say = Say(answer["body"].encode(), answer["status"], answer["headers"])
    then = [GOOD] if case["quirk"] == "e429-ms" else []
    came = run(always(say, *then), tmp_path, abstract=case["abstract"])
    told, most = SAYS.get(case["quirk"], ("", 1 + len(then)))
    assert told in came.reason
    assert came.requests <= most
    claims = 0 if told else 1 if case["quirk"] in ONE_CLAIM else 2
    assert len(came.claims) == claims, came.reason


@pytest.mark.parametrize(
    "quirk",
    [q for q in QUIRKS if q.rule == "stop at what is the same for all"],
    ids=lambda q: f"{q.name} ({q.who})",
)
def test_what_is_the_same_for_all_costs_few_requests(quirk: Quirk, tmp_path: Path) -> None:
    came = run(quirk.script, tmp_path, papers=60)
    told = came.done.manifest
    assert came.requests <= 10  # those that were under way already
    assert told["papers"] + told["unreached"] == told["read"]
    assert told["papers"] == came.requests
    assert told["stopped_by"]
    assert came.done.exit_code == 1


def test_a_403_after_good_replies_costs_its_own_paper(tmp_path: Path) -> None:
    def script(number: int, body: Any) -> Say:
        flagged = "Zephyr 5" in body["messages"][-1]["content"]
        return error(403, "Forbidden by a rule") if flagged else GOOD

    came = run(script, tmp_path, papers=12, concurrency=1)
    assert [p["status"] for p in came.papers].count("claims") == 11
    assert came.done.manifest["stopped_by"] is None


def test_a_change_is_learned_once_and_the_recording_is_that_of_our_request(tmp_path: Path) -> None:
    def script(_: int, body: Any) -> Say:
        return error(400, "temperature is not supported") if "temperature" in body else GOOD

    came = run(script, tmp_path, papers=30, concurrency=1)
    assert came.requests <= 32  # one more may be under way
    assert came.done.manifest["adapted"] == ["no temperature"]
    again = run(always(Say(b"", 500)), tmp_path, papers=30, replay="auto")
    assert again.requests == 0
    assert len(again.claims) == 60


def test_a_change_that_helps_nobody_is_not_told_and_not_tried_again(tmp_path: Path) -> None:
    refusal = error(400, "temperature is not supported")

    def script(number: int, _: Any) -> Say:
        return GOOD if number == 0 else refusal

    came = run(script, tmp_path, papers=5, concurrency=1)
    assert came.done.manifest["adapted"] == []
    assert came.requests <= 1 + 2 + 2 + 3


@pytest.mark.parametrize("name", ["lone-surrogate", "surr-dropped"])
def test_a_stored_reply_with_half_a_character_is_read_again(name: str, tmp_path: Path) -> None:
    answer = next(case for case in FIELD if case["quirk"] == name)["response"]
    whole = json.loads(answer["body"])
    # Once inside the model's JSON, and once as a character of the server's.
    whole["choices"][0]["message"]["note"] = "\ud83d"
    for body in (answer["body"].encode(), json.dumps(whole).encode()):
        folder = tmp_path / str(len(body))
        first = run(always(Say(body)), folder)
        again = run(always(Say(b"", 500)), folder, replay="auto")
        assert (len(first.claims), len(again.claims)) == (2, 2)
        assert again.requests == 0


NO_ABSTRACTS = (
    "N/A", "n/a", "NA", "None", "null", "nan", "-", "—", "…", "", " \n ", "???", "Abstract",
    "No abstract", "No abstract available.", "[No abstract available]", "no abstract provided",
    "Abstract not available.", "ABSTRACT UNAVAILABLE", "There is no abstract.",
    "This article has no abstract.", "No abstract is available for this article.",
    "Abstract not provided by the publisher", "Not available", "TBD", "Kein Abstract verfügbar",
    "Pas de résumé disponible", "暂无摘要", "@article{zephyr2020,\n  title = {Zephyr}\n}",
    "% exported\n@inproceedings{zephyr, title={Zephyr}}", "@misc{, title={A}}",
    "TY  - JOUR\nAU  - Boreas, A.\nTI  - Zephyr\nER  -", "PMID- 12345\nTI  - Zephyr",
    "%0 Journal Article\n%T Zephyr", "%PDF-1.7 …", "<!DOCTYPE html><html>", "<?xml version='1.0'?>",
    "https://example.org/zephyr.pdf", "doi: 10.1000/zephyr", r"\documentclass{article}",
)  # fmt: skip
ABSTRACTS = (
    "No abstract reasoning benchmark is harder than ARC.", "None of the models reaches 50%.",
    "NA-MPI is 2x faster than MPI.", "Abstract interpretation is 3x faster.",
    "Zephyr.", "We parse @article{foo, entries 4x faster.", "Unknown unknowns cost 30% of time.",
    "See https://example.org. Zephyr is 2x faster.", "摘要：本文提出一种方法，快2倍。",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_ABSTRACTS)
def test_nobody_is_paid_for_what_is_no_abstract(text: str, tmp_path: Path) -> None:
    came: Came = run(always(GOOD), tmp_path, abstract=text)
    assert came.requests == 0
    line = came.papers[0]
    assert (line["status"], line["stage"]) == ("error", "source")
    assert line["reason"].startswith("not asked: the source has a")
    assert came.done.exit_code == 1


@pytest.mark.parametrize("text", ABSTRACTS)
def test_an_abstract_is_one(text: str) -> None:
    assert why_no_abstract(text) is None


def test_a_pack_does_not_wait_for_a_paper_without_an_abstract(tmp_path: Path) -> None:
    came = run(always(GOOD), tmp_path, abstract="N/A", papers=5, pack=3)
    assert [line["stage"] for line in came.papers] == ["source"] * 5


def test_the_page_of_quirks_is_what_the_quirks_are() -> None:
    import runpy

    make = runpy.run_path(os.fspath(ROOT / "docs" / "make_quirks.py"))
    written = (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8")
    # What came of each is held by the test above; here it is that the page tells of these.
    assert make["page"](QUIRKS) == written, "run `python docs/make_quirks.py` and read the diff"
