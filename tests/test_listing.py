"""Listings: headers, glued title lines, and blocks that are whole, cut or out of place."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.sources.byline import split_byline
from claimgrid.sources.lines import LONGEST_LINE, Problem, read_lines
from claimgrid.sources.listing import parse_header, read_listing
from claimgrid.types.paper import Paper

ROOT = Path(__file__).parent.parent
CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "listing.jsonl").read_text("utf-8").splitlines()
]
BLOCK = "CLApr 10, 2025\nPaging without PainJane Doe, Bo Lund\nPain is slow.\n"
OTHER = "DCMay 9\nHashing for LearningMei Lin, Ola Berg et al.\nLearning is slow.\n"


def listed(text: str | bytes) -> list[Paper | Problem]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_listing(read_lines("l.txt", io.BytesIO(data))))


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["about"]) for case in cases]


@pytest.mark.parametrize("case", named([case for case in CASES if "line" in case]))
def test_byline(case: dict[str, Any]) -> None:
    byline = split_byline(case["line"], case["abstract"])
    if case.get("doubt"):
        assert (byline.title, byline.authors, byline.organizations) == (case["line"], (), ())
        assert byline.doubt
        return
    assert byline.doubt is None
    assert byline.title == case["title"]
    assert list(byline.authors) == case["authors"]
    assert list(byline.organizations) == case.get("organizations", [])


@pytest.mark.parametrize("case", named([case for case in CASES if "header" in case]))
def test_header(case: dict[str, Any]) -> None:
    header = parse_header(case["header"])
    if case["category"] is None:
        assert header is None
        return
    assert header is not None
    assert (header.category, header.date, header.code) == (
        case["category"],
        case["date"],
        case["code"],
    )


def test_the_seeds_are_read_as_their_gold_says() -> None:
    gold = [
        json.loads(line)
        for line in (ROOT / "fixtures/gold/seeds.jsonl").read_text("utf-8").splitlines()
    ]
    papers = listed((ROOT / "seeds/listing.txt").read_bytes())
    assert len(papers) == len(gold)
    for paper, right in zip(papers, gold, strict=True):
        assert isinstance(paper, Paper)
        assert paper.title == right["title"]
        assert list(paper.authors) == right["authors"]
        assert list(paper.organizations) == right["organizations"]
        assert paper.abstract_sha256 == right["abstract_sha256"]
        assert paper.warnings == ()


def test_a_whole_block() -> None:
    (paper,) = listed("LGOct 28, 2024Code\nPaging without PainJane Doe · lab\nPain is slow.")
    assert isinstance(paper, Paper)
    assert paper.paper_id == "paging-without-pain"
    assert paper.title == "Paging without Pain"
    assert paper.authors == ("Jane Doe",)
    assert paper.organizations == ("lab",)
    assert paper.categories == ("LG",)
    assert paper.date == "2024-10-28"
    assert paper.extra == {"code": True}
    assert paper.abstract == "Pain is slow."
    assert paper.origin is not None
    assert (paper.origin.file, paper.origin.line) == ("l.txt", 1)
    assert paper.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BLOCK + OTHER, id="as is"),
        pytest.param((BLOCK + OTHER).replace("\n", "\r\n"), id="windows line ends"),
        pytest.param("\n \n" + (BLOCK + OTHER).replace("\n", "\n\n \n"), id="blank lines"),
        pytest.param("\ufeff" + BLOCK + OTHER, id="byte order mark"),
        pytest.param((BLOCK + OTHER).rstrip("\n"), id="no last line end"),
        pytest.param((BLOCK + OTHER).replace("slow.", "slow. \t "), id="trailing spaces"),
    ],
)
def test_white_space_changes_no_paper(text: str) -> None:
    papers = listed(text)
    assert [paper.title for paper in papers] == ["Paging without Pain", "Hashing for Learning"]
    assert [paper.abstract for paper in papers if isinstance(paper, Paper)] == [
        "Pain is slow.",
        "Learning is slow.",
    ]
    assert not any(paper.warnings for paper in papers if isinstance(paper, Paper))


def test_inner_text_of_an_abstract_is_untouched() -> None:
    (paper,) = listed("CLApr 10\nA PaintJane Doe\n  $6\\times$\u00a0 \u2028more  -- \tand so\n")
    assert isinstance(paper, Paper)
    assert paper.abstract == "  $6\\times$\u00a0 \u2028more  -- \tand so"


@pytest.mark.parametrize(
    ("cut", "line", "says"),
    [
        pytest.param("CLApr 10, 2025\n", 1, "no title and no abstract", id="header only"),
        pytest.param("CLApr 10, 2025\nPaging without PainJane Doe\n", 2, "lacks", id="no abstract"),
        pytest.param("CLApr 10, 2025\nPain is slow.\n", 2, "lacks", id="no title"),
        pytest.param(
            "Paging without PainJane Doe\nPain is slow.\n", 1, "lines 1 to 2", id="no header"
        ),
        pytest.param("Page 7\n", 1, "before the line", id="stray line"),
    ],
)
def test_a_cut_block_costs_itself_alone(cut: str, line: int, says: str) -> None:
    first, *rest = listed(cut + BLOCK)
    assert isinstance(first, Problem)
    assert (first.file, first.line) == ("l.txt", line)
    assert says in first.message
    assert [paper.title for paper in rest] == ["Paging without Pain"]

    before, last = listed(OTHER + cut)
    assert before.title == "Hashing for Learning"
    assert isinstance(last, Problem)
    assert last.line == line + 3


def test_a_cut_block_is_named_by_its_title() -> None:
    (problem,) = listed("CLApr 10, 2025\nPaging without PainJane Doe, Bo Lund\n")
    assert problem.title == "Paging without Pain"
    (problem,) = listed("CLApr 10, 2025\nWe page without pain and without end.\n")
    assert problem.title is None
    assert isinstance(problem, Problem)
    assert problem.excerpt == "We page without pain and without end."


def test_what_is_unsure_is_a_warning() -> None:
    (paper,) = listed(b"CLFeb 30, 2025\nPaging without pain\nPain is\0 na\xefve \xc3\xa9.\n")
    assert isinstance(paper, Paper)
    assert paper.title == "Paging without pain"
    assert paper.date is None
    assert paper.abstract == "Pain is\ufffd naïve é."
    assert [warning.split(":")[0] for warning in paper.warnings] == [
        "line 3",
        "line 3",
        "line 2",
        "line 1",
    ]


def test_an_endless_line_costs_its_block_alone() -> None:
    endless = "CLApr 10\nA PainJane Doe\n" + "x" * (LONGEST_LINE + 9) + "\n"
    problem, paper = listed(endless + BLOCK)
    assert isinstance(problem, Problem)
    assert "longer than" in problem.message
    assert paper.title == "Paging without Pain"


NAMES = st.from_regex(
    r"[A-Z][a-z]{2,8} ([A-Z]\. )?[A-Z][a-z]{2,8}(-[A-Z][a-z]{2,8})?", fullmatch=True
)
TITLES = st.lists(st.from_regex(r"[a-z]{2,9}", fullmatch=True), min_size=2, max_size=8)


@given(TITLES, st.lists(NAMES, min_size=1, max_size=3), st.booleans())
def test_any_title_of_plain_words_is_split(words: list[str], names: list[str], more: bool) -> None:
    title = " ".join(words)
    line = title + ", ".join(names) + (" et al." if more else "")
    byline = split_byline(line, f"{words[-1]}.")
    assert (byline.title, list(byline.authors)) == (title, names)


@given(st.text(max_size=300), st.text(max_size=100))
def test_a_split_loses_no_letter(line: str, abstract: str) -> None:
    byline = split_byline(line, abstract)
    if byline.doubt:
        assert byline.title == line
    else:
        assert line.startswith(byline.title + ", ".join(byline.authors))


JUNK = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=40)
BLOCKS = st.builds(
    lambda header, title, abstract: f"{header}\n{title}Jane Doe, Bo Lund\n{abstract}\n",
    st.sampled_from(["CLApr 10, 2025", "DCMay 9", "LGOct 28, 2024Code"]),
    st.from_regex(r"[A-Z][a-z]{3,9} [a-z]{3,9}", fullmatch=True),
    st.from_regex(r"[A-Z][a-z ]{3,30}[0-9]{1,3}x\.", fullmatch=True),
)


@pytest.mark.slow
@given(st.lists(st.tuples(BLOCKS, st.lists(JUNK, max_size=3)), max_size=6))
def test_junk_between_blocks_costs_no_block(parts: list[tuple[str, list[str]]]) -> None:
    text = "".join(block + "".join(f"{line}\n" for line in junk) for block, junk in parts)
    papers = [item for item in listed(text) if isinstance(item, Paper)]
    assert [paper.abstract for paper in papers] == [block.split("\n")[2] for block, _ in parts]
