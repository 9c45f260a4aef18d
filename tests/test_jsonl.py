"""JSON Lines: the keys of a paper, what is left out with a warning, and lines that are no paper."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.sources import Problem, SourceItem
from claimgrid.sources.jsonl import read_jsonl
from claimgrid.sources.lines import LONGEST_LINE, read_lines
from claimgrid.sources.paper_fields import abstract_fault
from claimgrid.types.paper import Paper

RECORD = {"id": "k1", "title": "KiteServe", "abstract": "KiteServe is 2x faster."}


def from_jsonl(*records: Any) -> list[SourceItem]:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    data = "\n".join(lines).encode("utf-8")
    return list(read_jsonl(read_lines("r.jsonl", io.BytesIO(data))))


def paper(item: SourceItem) -> Paper:
    assert isinstance(item, Paper), item
    return item


def problem(item: SourceItem) -> Problem:
    assert isinstance(item, Problem), item
    return item


def test_a_record_becomes_a_paper() -> None:
    record = RECORD | {
        "authors": ["Jane Doe", "Bo Lund"],
        "organizations": ["Zephyr Lab"],
        "categories": "cs.LG cs.AI",
        "date": "2025-04-10T12:00:00Z",
        "venue": {"name": "KiteConf", "year": 2025},
    }
    (item,) = from_jsonl(record)
    assert paper(item).model_dump(exclude={"origin"}, exclude_none=True) == {
        "paper_id": "k1",
        "title": "KiteServe",
        "abstract": "KiteServe is 2x faster.",
        "authors": ("Jane Doe", "Bo Lund"),
        "organizations": ("Zephyr Lab",),
        "categories": ("cs.LG", "cs.AI"),
        "date": "2025-04-10",
        "extra": {"venue": {"name": "KiteConf", "year": 2025}},
        "warnings": (),
    }


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Jane Doe", ["Jane Doe"]),
        ("Jane Doe, Bo Lund", ["Jane Doe", "Bo Lund"]),
        ("Jane Doe and Bo Lund", ["Jane Doe", "Bo Lund"]),
        ("Jane Doe, Bo Lund, and  Mei\n Lin", ["Jane Doe", "Bo Lund", "Mei Lin"]),
        ("Jane Doe, Bo Lund and Mei Lin", ["Jane Doe", "Bo Lund", "Mei Lin"]),
        ("Doe, Jane and Lund, Bo", ["Doe, Jane", "Lund, Bo"]),
        ("Doe, Jane; Lund, Bo;", ["Doe, Jane", "Lund, Bo"]),
        ("Ann Alexander, Wan Anders", ["Ann Alexander", "Wan Anders"]),
        ("", []),
    ],
)
def test_authors_in_one_string(text: str, people: list[str]) -> None:
    (item,) = from_jsonl(RECORD | {"authors": text})
    assert list(paper(item).authors) == people


@pytest.mark.parametrize(
    ("given_date", "date"),
    [
        ("2025-04-10", "2025-04-10"),
        ("2025-04", "2025-04"),
        ("2025", "2025"),
        (2025, "2025"),
        ("2025-04-10 08:00", "2025-04-10"),
        ("--05-09", "--05-09"),
        ("--02-29", "--02-29"),
        ("2025-02-29", None),
        ("2025-13", None),
        ("0000", None),
        ("20250410", None),
        ("April 10, 2025", None),
        (["2025"], None),
        (2025.5, None),
    ],
)
def test_dates(given_date: Any, date: str | None) -> None:
    (item,) = from_jsonl(RECORD | {"date": given_date})
    assert paper(item).date == date
    assert bool(paper(item).warnings) == (date is None)


@pytest.mark.parametrize(
    ("change", "paper_id", "title", "warnings"),
    [
        ({"id": 7}, "7", "KiteServe", 0),
        ({"id": None}, "kiteserve", "KiteServe", 0),
        ({"id": "  "}, "kiteserve", "KiteServe", 0),
        ({"id": 2512.0088}, "kiteserve", "KiteServe", 1),
        ({"id": True}, "kiteserve", "KiteServe", 1),
        ({"title": None}, "k1", "", 1),
        ({"title": ["KiteServe"]}, "k1", "", 2),
        ({"title": None, "id": None}, "kiteserve-is-2x-faster", "", 1),
        ({"title": " Kite\n  Serve "}, "k1", "Kite Serve", 0),
        ({"authors": [{"name": "Jane Doe"}]}, "k1", "KiteServe", 0),
        ({"authors": [{"age": 3}]}, "k1", "KiteServe", 1),
        ({"categories": 3}, "k1", "KiteServe", 1),
        ({"abstract": "A lone \ud83d half, a \0."}, "k1", "KiteServe", 1),
    ],
)
def test_what_is_missing_or_odd(
    change: dict[str, Any], paper_id: str, title: str, warnings: int
) -> None:
    (item,) = from_jsonl(RECORD | change)
    assert (paper(item).paper_id, paper(item).title) == (paper_id, title)
    assert len(paper(item).warnings) == warnings


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"abstract": "cut', "no JSON: Unterminated string"),
        ("[1, 2]", "no JSON object"),
        ("null", "no JSON object"),
        ("{}", "`abstract` is missing"),
        ('{"abstract": null, "title": "KiteServe"}', "`abstract` is missing"),
        ('{"abstract": ["a"]}', "`abstract` is missing"),
        ('{"abstract": " \\n"}', "`abstract` is missing"),
        ("[" * 100_000, "nested too deeply"),
        ('{"abstract": "a", "x": ' + "[" * 99 + "]" * 99 + "}", "nested too deeply"),
        ('{"abstract": "a", "x": ' + "1" * 9_999 + "}", "no JSON"),
        ('{"abstract": "' + "x" * LONGEST_LINE + '"}', "longer than"),
    ],
)
def test_a_bad_line_costs_itself_alone(line: str, says: str) -> None:
    before, bad, after = from_jsonl(RECORD, "", line, RECORD | {"id": "k2"})
    assert (paper(before).paper_id, paper(after).paper_id) == ("k1", "k2")
    assert (problem(bad).file, problem(bad).line) == ("r.jsonl", 3)
    assert says in problem(bad).message
    assert problem(bad).excerpt == line[:80]


def test_extra_holds_only_what_json_can_hold() -> None:
    (item,) = from_jsonl(RECORD | {"x": [float("nan"), float("-inf"), 1.5, "\ud83d", {"\0": 2}]})
    assert paper(item).extra == {"x": [None, None, 1.5, "\ufffd", {"\ufffd": 2}]}


def test_a_problem_is_named_by_its_title() -> None:
    (item,) = from_jsonl({"title": "KiteServe", "abstract": ""})
    assert problem(item).title == "KiteServe"


def test_only_the_end_of_an_abstract_is_stripped() -> None:
    (item,) = from_jsonl(RECORD | {"abstract": "  We present\n  KiteServe. \n"})
    assert paper(item).abstract == "  We present\n  KiteServe."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = ["abstract", "title", "id", "date", "authors", "organizations", "categories", "x"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.text(st.characters(), max_size=9))
def test_any_record_is_read_or_refused(record: dict[str, Any], abstract: str) -> None:
    for item in from_jsonl(record, record | {"abstract": abstract}, RECORD):
        if isinstance(item, Paper):
            assert Paper.model_validate_json(item.model_dump_json()) == item


WORDS = st.sampled_from(["Zephyr", "kite-7B", "Émile Öz", "O'Neil", "a b c", "100%", '"quoted"'])
NAMES = st.lists(WORDS, max_size=3).map(tuple)
PAPERS = st.builds(
    Paper,
    paper_id=st.integers(min_value=0).map(str),
    title=WORDS,
    abstract=st.text(st.characters(exclude_characters="\0\ufffd", codec="utf-8"), min_size=1)
    .map(str.rstrip)
    .filter(lambda text: abstract_fault(text) is None),
    authors=NAMES,
    organizations=NAMES,
    categories=NAMES,
    date=st.none() | st.dates().map(str) | st.sampled_from(["2025", "2025-04", "--05-09"]),
    extra=st.dictionaries(st.sampled_from(["note", "pages"]), WORDS | st.integers()),
)


@pytest.mark.slow
@given(st.lists(PAPERS, max_size=4, unique_by=lambda paper: paper.paper_id))
def test_papers_written_as_json_lines_read_back_equal(papers: list[Paper]) -> None:
    records = []
    for each in papers:
        record = each.model_dump(exclude={"paper_id", "extra", "origin", "warnings"})
        records.append(record | {"id": each.paper_id} | each.extra)
    read_back = [paper(item).model_copy(update={"origin": None}) for item in from_jsonl(*records)]
    assert read_back == papers
