"""Files of every format, good and broken records in each, repeats, choices and archives."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import SourceError, UsageError
from claimgrid.sources import Problem, Recognised, SourceItem, read
from claimgrid.types.paper import Paper
from test_cli import extract, lines

DATA = Path(__file__).parent / "data" / "sources"
FORMATS = {
    "library.bib": ("BibTeX", ["KiteServe: Paging without Pain", "Another Paper under One Key"], 2),
    "export.ris": ("RIS", ["Kites in the Wind of Serving", "A Record That Is Cut Off"], 1),
    "items.csl.json": ("CSL-JSON", ["Kites, Cited by CSL"], 1),
    "zotero.csv": ("CSV", ["Kites from Zotero", "Kites after the Bad Row"], 2),
    "table.tsv": ("CSV", ["Kites in Tabs"], 0),
    "arxiv-metadata-oai-snapshot.json": (
        "arXiv snapshot (JSON Lines)", ["KiteServe: Paging without Pain"], 2,
    ),
    "openalex.json": ("OpenAlex", ["Kites in OpenAlex"], 1),
    "s2.jsonl": (
        "Semantic Scholar (JSON Lines)", ["Kites by Semantic Scholar", "Kites in a Bulk Dump"], 0,
    ),
    "crossref.json": ("Crossref", ["Kites & Crossref"], 0),
    "daily_papers.json": ("Hugging Face papers", ["Kites of the Day"], 0),
    "pubmed.xml": ("PubMed XML", ["Kites in PubMed."], 1),
    "article.xml": ("JATS XML", ["Kites in JATS"], 0),
}  # fmt: skip
LONG = " ".join(f"word{n}ing" for n in range(40))


def papers(items: Any) -> list[Paper]:
    return [item for item in items if isinstance(item, Paper)]


def problems(items: Any) -> list[Problem]:
    return [item for item in items if isinstance(item, Problem)]


def written(path: Path, *records: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_recognised_and_read(name: str) -> None:
    seen: list[Recognised] = []
    items = list(read(DATA / name, note=seen.append))
    kind, titles, bad = FORMATS[name]
    assert [one.format for one in seen] == [kind]
    assert [one.title for one in papers(items)] == titles
    assert len(problems(items)) == bad
    assert all(one.date for one in papers(items)[:1])


@pytest.mark.parametrize("name", FORMATS)
def test_the_name_of_a_file_does_not_matter(name: str, tmp_path: Path) -> None:
    path = tmp_path / "downloaded"
    path.write_bytes(gzip.compress((DATA / name).read_bytes()))
    assert [one.title for one in papers(read(path))] == FORMATS[name][1]


def test_all_formats_run_through_the_command_line(tmp_path: Path) -> None:
    files = [DATA / name for name in FORMATS]
    done = extract("run", *files, "--replay", "only", "--out", tmp_path)
    assert done.returncode == 1, done.stderr
    told = {line["title"]: line for line in lines(tmp_path / "papers.jsonl")}
    kite = told["KiteServe: Paging without Pain"]
    assert kite["citation_key"] == "doe2024kite"
    assert (kite["doi"], kite["arxiv_id"], kite["arxiv_version"]) == (
        "10.1145/3900001.3900002", "2405.01234", 2,
    )  # fmt: skip
    assert kite["authors"] == ["Doe, Jane", "Müller, József"]
    assert kite["extra"]["kept_because"] == "it is the published record"
    assert {one["source"].rpartition("/")[2] for one in kite["extra"]["merged"]} == {
        "library.bib:15", "arxiv-metadata-oai-snapshot.json:1",
    }  # fmt: skip
    assert told["Kites & Crossref"]["abstract"] == (
        "Methods: KiteCross uses CO2 & wind.\nResults: It is 2× faster."
    )
    assert told["Kites in PubMed."]["abstract"].splitlines() == [
        "BACKGROUND: Scans are slow.", "RESULTS: KiteMed is 2x faster & small.",
    ]  # fmt: skip
    reasons = {line["source"]: line["reason"] for line in lines(tmp_path / "papers.jsonl")}
    assert "braces or quotes do not balance" in reasons[f"{DATA}/library.bib:32"]
    assert "read the paper as arxiv:2311.04321" in reasons[f"{DATA}/library.bib:25"]


def test_looking_before_paying() -> None:
    done = extract("sources", DATA / "library.bib", DATA / "table.tsv")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "BibTeX" in told
    assert "abstract ← Summary" in told
    assert "papers 3" in told
    assert "no abstract 1" in told
    assert "repeated 1" in told
    assert "unreadable 1" in told


def test_versions_may_be_left_apart() -> None:
    keys = [one.paper_id for one in papers(read(DATA / "library.bib", keep_versions=True))]
    assert keys == ["doe2024kite", "doe2024kitepreprint", "doe2024kite-2"]


def test_the_same_title_with_a_near_equal_abstract_is_one_paper(tmp_path: Path) -> None:
    one = {"id": "a", "title": "Kites Are Fast Now", "abstract": f"It is 2x faster. {LONG}"}
    near = one | {"id": "b", "title": "Kites are fast, now!", "abstract": f"It is fast. {LONG}"}
    other = one | {"id": "c", "abstract": "Quite another text about something else, 9% cheaper."}
    found = papers(read(written(tmp_path / "a.jsonl", one, near, other)))
    assert [paper.paper_id for paper in found] == ["a", "c"]
    assert found[0].extra["merged"][0]["same"] == "title and a near-equal abstract"


def test_a_repeat_in_a_stream_is_told_of_and_costs_nothing(tmp_path: Path) -> None:
    record = {"id": "a", "title": "Kites", "abstract": "It is 2x faster.", "doi": "10.1000/1"}
    text = "".join(json.dumps(record | {"id": one}) + "\n" for one in "ab").encode()
    first, second = read("-", stdin=io.BytesIO(text))
    assert isinstance(first, Paper)
    assert isinstance(second, Problem)
    assert second.duplicate_of == "a"
    done = extract("run", "-", "--replay", "only", "--out", tmp_path, stdin=text.decode())
    assert [line["status"] for line in lines(tmp_path / "papers.jsonl")] == ["error", "duplicate"]
    assert "same DOI as `a`" in lines(tmp_path / "papers.jsonl")[1]["reason"]
    assert done.returncode == 1


def numbered(tmp_path: Path, count: int = 20) -> str:
    records = (
        {"id": f"k{n}", "title": "Kites", "abstract": f"It is {n}x.", "year": 2015 + n,
         "categories": ["cs.DC" if n % 2 else "cs.LG"], "doi": f"10.1000/k{n}"}
        for n in range(count)
    )  # fmt: skip
    return written(tmp_path / "n.jsonl", *records)


def ids(items: Any) -> list[str]:
    return [one.paper_id for one in papers(items)]


def test_choices(tmp_path: Path) -> None:
    path = numbered(tmp_path)
    assert ids(read(path, limit=3)) == ["k0", "k1", "k2"]
    assert ids(read(path, where="year >= 2030 and 'cs.DC' in categories")) == ["k15", "k17", "k19"]
    sampled = ids(read(path, sample=5, seed=7))
    assert len(sampled) == 5
    assert sampled == ids(read(path, sample=5, seed=7)) != ids(read(path, sample=5, seed=8))
    wanted = tmp_path / "ids.txt"
    wanted.write_text("k3\nhttps://doi.org/10.1000/K5\n# no\nk99\n")
    *found, missing = read(path, select=wanted)
    assert ids(found) == ["k3", "k5"]
    assert isinstance(missing, Problem)
    assert (missing.line, "k99" in missing.message) == (4, True)


@pytest.mark.parametrize("wrong", ["yeer > 3", "year >", "true; select 1"])
def test_a_wrong_condition_is_told(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        list(read(numbered(tmp_path, 2), where=wrong))


def test_plan_takes_the_choices(tmp_path: Path) -> None:
    done = extract("plan", numbered(tmp_path), "--where", "year < 2020", "--limit", 4, "--json")
    assert json.loads(done.stdout)["papers"] == 4


def test_parquet_arrow_and_spreadsheets(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    row = {"Abstract": "It is 2x faster.", "Year": 2024}
    rows = [row | {"Title": f"Kites {n}"} for n in (1, 2)]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "a.parquet")
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as file:
        file.write_table(table)
    for name in ("a.parquet", "a.arrow"):
        found = [(one.title, one.date) for one in papers(read(tmp_path / name))]
        assert found == [("Kites 1", "2024"), ("Kites 2", "2024")]
    (tmp_path / "bad.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:100])
    with pytest.raises(SourceError, match="damaged Parquet"):
        list(read(tmp_path / "bad.parquet"))


def test_a_spreadsheet_with_merged_titles_above(tmp_path: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:C1", "Papers of the group")
        for number, row in enumerate(
            [["Title", "Abstract", "Year"], ["Kites", "It is 2x faster.", 2024], ["Bare", "", 2023]]
        ):
            sheet.write_row(number + 2, 0, row)
    good, bad = read(tmp_path / "a.xlsx")
    assert isinstance(good, Paper)
    assert (good.title, good.date, good.origin and good.origin.line) == ("Kites", "2024", 4)
    assert isinstance(bad, Problem)
    assert "row 5" in bad.message


@pytest.mark.slow
def test_zstandard_whole_and_cut(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    text = "".join(json.dumps({"id": n, "title": "K", "abstract": f"It is {n * n}x."}) + "\n"
                   for n in range(9000)).encode()  # fmt: skip
    whole = zstandard.compress(text)
    (tmp_path / "a.jsonl.zst").write_bytes(whole)
    assert len(papers(read(tmp_path / "a.jsonl.zst"))) == 9000
    (tmp_path / "a.jsonl.zst").write_bytes(whole[:-200])
    *_, last = read(tmp_path / "a.jsonl.zst")
    assert isinstance(last, Problem)
    assert "cut short" in last.message


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(DATA / "library.bib", "refs/library.bib")
        archive.writestr("../outside.bib", "@misc{a}")
        archive.writestr("bomb.txt", b"0" * (80 << 20))
        archive.writestr("within.zip", b"PK")
    items: list[SourceItem] = list(read(path))
    assert [one.paper_id for one in papers(items)] == ["doe2024kite", "doe2024kite-2"]
    told = {one.file.removeprefix(f"{path}/"): one.message for one in problems(items)}
    assert "refused" in told["../outside.bib"]
    assert "zip bomb" in told["bomb.txt"]
    assert "within an archive" in told["within.zip"]


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"0" * (80 << 20)))
    with pytest.raises(SourceError, match="zip bomb"):
        list(read(tmp_path / "a.jsonl.gz"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7\n", "is a PDF: give its arXiv id"),
        (b"<!DOCTYPE html><html><body>x", "is a web page"),
        (b"SQLite format 3\0", "is a database"),
        (b"Title,Words\nA,B\n", "name them with --abstract-col"),
    ],
)
def test_what_is_no_source_gets_one_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=says):
        list(read(path))


@pytest.mark.parametrize("abstract", ["N/A", "n/a.", "Withdrawn", "[withdrawn]", "None", " nan "])
def test_a_placeholder_is_no_abstract(tmp_path: Path, abstract: str) -> None:
    (item,) = read(written(tmp_path / "a.jsonl", {"title": "Kites", "abstract": abstract}))
    assert isinstance(item, Problem)
    assert "only" in item.message


def test_a_damaged_array_costs_its_records_alone(tmp_path: Path) -> None:
    good = '{"title": "Kites", "abstract": "It is %dx.", "x": NaN}'
    path = tmp_path / "a.json"
    path.write_text(f'[{good % 1},\n{{"title": bad}},\n{good % 2},\n{{"title": "Cut')
    first, bad, second, cut = read(path)
    assert [one.abstract for one in papers([first, second])] == ["It is 1x.", "It is 2x."]
    assert [one.line for one in problems([bad, cut])] == [2, 4]


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(st.lists(st.fixed_dictionaries({"title": VALUES, "abstract": VALUES}), max_size=5))
def test_an_array_reads_as_its_lines_do(records: list[dict[str, str]]) -> None:
    array = json.dumps(records, indent=1, ensure_ascii=False)
    by_line = "\n".join(json.dumps(record) for record in records)
    if not records:
        return

    def told(text: str) -> list[Any]:
        items = read("-", stdin=io.BytesIO(text.encode()), keep_versions=True)
        return [(one.title, one.abstract) if isinstance(one, Paper) else None for one in items]

    assert told(array) == told(by_line)


PIECES = st.sampled_from(
    ["@article{k,", "title={", "}", "{", "abstract = {It is 2x},", "\n", '"', "TY  - JOUR\n",
     "AB  - It is 2x\n", "ER  - \n", "title,abstract\n", "a,", '"b', "[", '{"abstract": "x',
     "<feed>"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25))
def test_any_pieces_of_formats_are_read_or_refused(pieces: list[str]) -> None:
    refusal = ""
    items: list[SourceItem] = []
    try:
        items += read("-", stdin=io.BytesIO("".join(pieces).encode()))
    except SourceError as error:
        refusal = error.message
    assert items or refusal
    for item in items:
        assert item.abstract.strip() if isinstance(item, Paper) else item.message
