"""The Python interface: the names of `claimgrid.__all__`, as a program or a notebook uses them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import claimgrid
from claimgrid.errors import UsageError
from server import Server, completion
from test_cli import GOLDEN, ROOT, lines

ABSTRACT = "Zephyr is 2.5x faster than FooServe on 8 A100 GPUs."
REPLY = {
    "speedups": [
        {
            "quote": "2.5x faster than FooServe",
            "value": "2.5x",
            "change": "up",
            "subject": "Zephyr",
            "baselines": ["FooServe"],
        }
    ],
    "hardware": [{"quote": "8 A100 GPUs", "device": "A100 GPUs", "count": "8"}],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.setenv("CLAIMGRID_CACHE", str(tmp_path / "cache"))
    with Server(lambda _number, _body: completion(json.dumps(REPLY))) as running:
        yield running


def seeds() -> list[claimgrid.Paper]:
    return [p for p in claimgrid.read(str(ROOT / "seeds")) if isinstance(p, claimgrid.Paper)]


def test_every_public_name_exists_and_is_documented() -> None:
    for name in claimgrid.__all__:
        found = getattr(claimgrid, name)
        if callable(found) and name != "Claim":
            assert found.__doc__, name
    assert dir(claimgrid) == claimgrid.__all__


def test_names_show_in_tab_completion_before_anything_is_imported() -> None:
    code = "import sys, claimgrid; print('extract' in dir(claimgrid), 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_one_abstract_is_extracted_and_asked_once(server: Server) -> None:
    found = claimgrid.extract(ABSTRACT, "m", base_url=server.url)
    assert [claim.kind for claim in found.claims] == ["speedup", "hardware"]
    assert (found.status, found.source, found.model) == ("claims", "live", "m")
    again = claimgrid.extract(ABSTRACT, "m", base_url=server.url)
    assert again.source == "cache"
    assert again.claims == found.claims
    assert len(server.requests) == 1
    assert found.raise_for_status() is found


def test_the_repr_is_short_and_says_what_came_out(server: Server) -> None:
    found = claimgrid.extract(ABSTRACT, "m", base_url=server.url)
    assert "2 claims, 0 rejected" in repr(found)
    assert repr(found.claims) == "<ClaimList of 2 claims: speedup 2.5x; hardware 8 A100 GPUs>"
    assert "<mark" in found._repr_html_()
    assert len(repr(claimgrid.load(GOLDEN))) < 200


def test_what_is_shown_is_escaped(server: Server) -> None:
    hostile = ABSTRACT + " <script>alert(1)</script>"
    shown = claimgrid.extract(hostile, "m", base_url=server.url, title="<b>x</b>")._repr_html_()
    assert "<script" not in shown
    assert "<b>x</b>" not in shown


def test_the_recordings_answer_as_on_the_command_line() -> None:
    run = claimgrid.extract(seeds())
    assert [c.model_dump(mode="json") for c in run.claims] == lines(GOLDEN / "claims.jsonl")
    assert [e.paper.paper_id for e in run] == [
        line["paper_id"] for line in lines(GOLDEN / "papers.jsonl")
    ]


def test_it_works_inside_a_running_event_loop() -> None:
    papers = seeds()

    async def main() -> None:
        one = claimgrid.extract(papers[0])
        two = await claimgrid.aextract(papers[0])
        assert one.claims == two.claims
        assert len(claimgrid.extract(papers[:2]).papers) == 2
        async with claimgrid.Extractor() as extractor:
            many = await asyncio.gather(*map(extractor.aextract, papers))
        assert sum(len(found.claims) for found in many) == len(lines(GOLDEN / "claims.jsonl"))

    asyncio.run(main())


def test_threads_share_one_extractor(server: Server) -> None:
    with claimgrid.Extractor("m", base_url=server.url) as extractor, ThreadPoolExecutor(8) as pool:
        texts = [f"{ABSTRACT} Run {number}." for number in range(24)]
        found = list(pool.map(extractor.extract, texts))
    assert {len(one.claims) for one in found} == {2}
    assert len(server.requests) == 24


def test_texts_mappings_papers_and_problems_may_be_mixed(server: Server, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"title": "no abstract"}\n{"id": "q", "abstract": "Nothing."}\n')
    given = [ABSTRACT, {"id": "x", "title": "T", "abstract": ABSTRACT}, *claimgrid.read(str(bad))]
    run = claimgrid.extract(given, "m", base_url=server.url, out=tmp_path / "out")
    assert [line.status for line in run.papers] == ["claims", "claims", "error", "no_claims"]
    assert run.papers[1].paper_id == "x"
    assert claimgrid.load(tmp_path / "out").claims == run.claims


def test_a_failed_extraction_says_so_and_raises_only_if_asked() -> None:
    found = claimgrid.extract(ABSTRACT, "nobody-recorded-this", replay="only")
    assert found.status == "error"
    assert "error" in repr(found)
    with pytest.raises(claimgrid.ExtractionError):
        found.raise_for_status()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: claimgrid.extract(str(ROOT / "seeds")), "claimgrid.read"),
        (lambda: claimgrid.extract("  "), "empty"),
        (lambda: claimgrid.extract([ABSTRACT], title="T"), "title"),
        (lambda: claimgrid.extract(ABSTRACT, modle="m"), "^there is no setting 'modle'"),
        (lambda: claimgrid.Extractor("m").extract(ABSTRACT), "context manager"),
        (lambda: claimgrid.load(), "no run"),
        (lambda: claimgrid.load(str(ROOT / "nothing-here" / "*")), "matches no run"),
    ],
)
def test_wrong_use_is_told(call: object, says: str) -> None:
    with pytest.raises(claimgrid.UsageError, match=says):
        call()  # type: ignore[operator]


def test_runs_are_loaded_by_folders_and_globs(tmp_path: Path) -> None:
    papers = seeds()
    for name in ("a", "b"):
        claimgrid.extract(papers[:3], out=tmp_path / name)
    (tmp_path / "c").mkdir()
    both = claimgrid.load(str(tmp_path / "*"))
    assert [folder.name for folder in both.folders] == ["a", "b"]
    assert len(both.papers) == 6
    assert len(both.manifests) == 2
    assert claimgrid.load(tmp_path / "a", tmp_path / "a").folders == (tmp_path / "a",)


def test_two_runs_are_compared(tmp_path: Path) -> None:
    papers = seeds()
    one = claimgrid.extract(papers[:3], out=tmp_path / "a")
    two = claimgrid.extract(papers[:2], out=tmp_path / "b")
    assert not claimgrid.diff(one, one)
    found = claimgrid.diff(one, two)
    assert found
    assert found.same == len(two.claims)


def test_several_sources_are_read_as_one(tmp_path: Path) -> None:
    library = tmp_path / "library.bib"
    library.write_text(
        "@article{zephyr24, title={Zephyr}, year={2024}, abstract={Zephyr is 2.5x faster.}}\n"
    )
    table = tmp_path / "more.csv"
    table.write_text("title,abstract\nBoreas,Boreas is 3x faster.\n")
    found = list(claimgrid.read(library, table))
    assert [p.title for p in found if isinstance(p, claimgrid.Paper)] == ["Zephyr", "Boreas"]
    assert isinstance(found[0], claimgrid.Paper)
    assert found[0].citation_key == "zephyr24"


def test_several_models_give_support_and_least_confidence_holds_everywhere() -> None:
    text = "Zephyr is 2.5x faster than Boreas on an A100 GPU and has 7B parameters."
    both = claimgrid.extract(text, ["rules", "reader"])
    assert both.claims
    assert {claim.confidence_source for claim in both.claims} == {"support"}
    assert {claim.support for claim in both.claims} <= {0.5, 1.0}
    agreed = claimgrid.extract([text], ["rules", "reader"], min_confidence=1)
    assert {claim.support for claim in agreed.claims} <= {1.0}
    assert len(agreed.claims) + len(agreed.rejected) >= len(both.claims)
    with claimgrid.Extractor("reader", min_confidence=1) as extractor:
        one = extractor.extract(text)
    assert {claim.confidence for claim in one.claims} <= {1.0}
    assert "low_confidence" in {line.reason for line in one.rejected}
    with pytest.raises(UsageError, match="gives the same answer each time"):
        claimgrid.extract(text, "reader", samples=2)
