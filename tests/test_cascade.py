"""The reader in front of a stronger model, and through every door: command line, Python, async.

A simulated server (a process of its own) is the stronger model; it counts what it is asked.
"""

from __future__ import annotations

import asyncio
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import claimgrid
from claimgrid.engines import in_process
from claimgrid.errors import SetupError
from simulated import Simulated, paper
from test_cli import extract, jsonl, lines

pytestmark = pytest.mark.skipif(
    not in_process.available(), reason="onnxruntime has no wheel for this machine"
)

PAPERS = 10
STRONG = "sim:"


@pytest.fixture(scope="module")
def doubts() -> dict[int, float]:
    """How many claims the reader expects to have wrong or missed, by the paper's number."""
    reader = in_process.load("reader")
    read = {n: paper(n) for n in range(PAPERS)}
    return {n: reader.answer(one.title, one.abstract)[1] for n, one in read.items()}


def between(doubts: dict[int, float], sent: int) -> float:
    """A limit that so many papers exceed."""
    falling = sorted(doubts.values(), reverse=True)
    return (falling[sent - 1] + falling[sent]) / 2


def unsure(doubts: dict[int, float], limit: float) -> set[int]:
    return {number for number, doubt in doubts.items() if doubt > limit}


def source_in(folder: Path) -> Path:
    return jsonl(folder / "papers.jsonl", *(paper(n).record for n in range(PAPERS)))


def cascade(server: Simulated, limit: float, name: str = STRONG) -> tuple[object, ...]:
    return ("--model", f"reader+{name}", "--base-url", server.url, "--doubt", limit)


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def test_only_what_the_reader_doubts_is_sent_and_each_row_names_its_model(
    doubts: dict[int, float], tmp_path: Path
) -> None:
    source, name = source_in(tmp_path), in_process.load("reader").name
    shares = {}
    with Simulated() as server:
        for sent in (7, 3):
            strong, out = f"sim:seed={sent}", tmp_path / f"out-{sent}"
            command = cascade(server, between(doubts, sent), strong)
            wanted = unsure(doubts, between(doubts, sent))
            assert len(wanted) == sent

            plan = extract("plan", source, "--out", out, *command, "--json")
            assert plan.returncode == 0, plan.stderr
            planned = json.loads(plan.stdout)
            assert (planned["papers"], planned["requests"]) == (PAPERS, sent)
            assert planned["answered"] == {name: PAPERS - sent}
            assert server.requests(strong) == {}  # a plan asks nobody

            done = extract("run", source, "--out", out, *command)
            assert done.returncode == 0, done.stderr
            assert server.requests(strong) == dict.fromkeys(wanted, 1)
            answered = {line["paper_id"]: line["model"] for line in lines(out / "papers.jsonl")}
            assert answered == {f"sim-{n}": strong if n in wanted else name for n in range(PAPERS)}
            run = told(out)
            assert run["model"] == f"{name}+{strong}"
            assert run["asked"] == {"live": sent, "in-process": PAPERS - sent}
            assert run["reader"]["doubt"] == between(doubts, sent)
            # The reader says how sure it is of each claim; the other model does not.
            for claim in lines(out / "claims.jsonl"):
                read_here = answered[claim["paper_id"]] == name
                assert ("confidence" in claim) is read_here
            shares[sent] = wanted
    assert shares[3] < shares[7]


def test_a_cascade_goes_on_where_it_stopped_and_sends_nothing_twice(
    doubts: dict[int, float], tmp_path: Path
) -> None:
    source, out = source_in(tmp_path), tmp_path / "out"
    with Simulated() as server:
        command = ("run", source, "--out", out, *cascade(server, between(doubts, 6)))
        first = extract(*command, "--max-requests", 2, "--concurrency", 1)
        assert first.returncode == 1, first.stderr
        assert sum(server.requests(STRONG).values()) == 2
        rest = extract(*command)
        assert rest.returncode == 0, rest.stderr
        wanted = unsure(doubts, between(doubts, 6))
        assert server.requests(STRONG) == dict.fromkeys(wanted, 1)
        before = (out / "claims.jsonl").read_bytes()
        assert extract(*command).returncode == 0
        assert server.requests(STRONG) == dict.fromkeys(wanted, 1)
        assert (out / "claims.jsonl").read_bytes() == before
        # What a lower limit sends beyond that is asked about, and nothing else.
        lower = extract("run", source, "--out", out, *cascade(server, between(doubts, 8)))
        assert lower.returncode == 0, lower.stderr
        assert server.requests(STRONG) == dict.fromkeys(unsure(doubts, between(doubts, 8)), 1)
    assert told(out)["asked"] == {"cache": 6, "live": 2, "in-process": PAPERS - 8}


def test_a_strong_model_that_fails_costs_its_own_papers_alone(
    doubts: dict[int, float], tmp_path: Path
) -> None:
    source, out = source_in(tmp_path), tmp_path / "out"
    limit = between(doubts, 4)
    with Simulated() as server:
        command = cascade(server, limit, "sim:refusal=1")
        done = extract("run", source, "--out", out, *command)
    assert done.returncode == 1
    refused = {row["paper_id"] for row in lines(out / "papers.jsonl") if row["status"] == "refused"}
    assert refused == {f"sim-{n}" for n in unsure(doubts, limit)}


# Python ───────────────────────────────────────────────────────────────────────────────────────────


def words_of(claims: Any) -> list[tuple[str, str, float | None]]:
    return [(claim.kind, claim.evidence.quote, claim.confidence) for claim in claims]


def test_python_reads_one_abstract_or_many_with_the_reader(tmp_path: Path) -> None:
    one, other = paper(1), paper(2)
    found = claimgrid.extract(one.abstract, "reader", title=one.title)
    assert found.status == "claims"
    assert all(claim.confidence_source == "model" for claim in found.claims)

    async def both() -> list[Any]:
        first = claimgrid.aextract(one.abstract, "reader", title=one.title)
        second = claimgrid.aextract(other.abstract, "reader", title=other.title)
        return list(await asyncio.gather(first, second))

    again, second = asyncio.run(both())
    assert words_of(again.claims) == words_of(found.claims)
    run = claimgrid.extract([one.record, other.record], "reader", out=tmp_path / "out")
    assert words_of(run.claims) == words_of([*found.claims, *second.claims])
    sure = claimgrid.extract(one.abstract, "reader", title=one.title, min_confidence=0.999)
    assert len(sure.claims) < len(found.claims)


def test_python_asks_the_stronger_model_where_the_reader_doubts(
    doubts: dict[int, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMGRID_CACHE", str(tmp_path))
    limit = between(doubts, 5)
    with (
        Simulated() as server,
        claimgrid.Extractor(f"reader+{STRONG}", base_url=server.url, doubt=limit) as extractor,
    ):
        for number in range(PAPERS):
            one = paper(number)
            assert extractor.extract(one.abstract, title=one.title).status == "claims"
        assert server.requests(STRONG) == dict.fromkeys(unsure(doubts, limit), 1)


# Other machines ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["reader", "rules"])
def test_a_model_is_loaded_again_where_it_is_sent(name: str) -> None:
    here = in_process.load(name)
    there = pickle.loads(pickle.dumps(here))
    one = paper(1)
    assert there.name == here.name
    assert there.answer(one.title, one.abstract) == here.answer(one.title, one.abstract)


def test_a_machine_with_other_weights_is_told() -> None:
    other = replace(in_process.load("reader"), name="reader@older")
    with pytest.raises(SetupError, match="began with reader@older, and here is reader@"):
        pickle.loads(pickle.dumps(other))
