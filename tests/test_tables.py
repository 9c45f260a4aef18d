"""`extract table` and `extract sql` over invented runs and over the golden seed run."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import SetupError, StoreError, UsageError
from claimgrid.tables import latex_output, markup, run_files, terminal, view_building, views
from claimgrid.tables.grid import Grid, Section, short_title
from claimgrid.tables.table_specs import KINDS
from claimgrid.text import readable
from claimgrid.types.claim import KINDS as CLAIM_KINDS
from test_cli import GOLDEN, ROOT, extract, jsonl, lines

TABLES = ROOT / "fixtures" / "golden" / "tables"
EXTENSIONS = {"markdown": "md", "csv": "csv", "latex": "tex"}
HOSTILE = r"</td><script>alert(1)</script> \input{x} $a_b^c$ |x| `y` --05 100% & ~ {z} \\ [k]"


def paper(paper_id: str, abstract: str, **fields: Any) -> dict[str, Any]:
    line = {
        "paper_id": paper_id, "title": f"{paper_id.title()}: A System", "authors": ["A. Author"],
        "organizations": [], "categories": ["LG"], "date": "2024-03-05", "extra": {"k": 1},
        "source": "x.jsonl:1", "abstract": abstract, "abstract_sha256": f"sha-{abstract}",
        "status": "claims", "stage": None, "reason": None, "model": "m", "rejected": 0,
        "claims": dict.fromkeys(CLAIM_KINDS, 0),
        "unclaimed_numbers": [], "warnings": [],
    }  # fmt: skip
    return line | fields


def claim(paper_id: str, kind: str, quote: str, **fields: Any) -> dict[str, Any]:
    line = {
        "claim_id": f"{paper_id}-{quote}", "paper_id": paper_id, "kind": kind, "subject": "Zephyr",
        "value": None, "qualifier": "exact", "stance": "own",
        "evidence": {"quote": quote, "start": 3, "end": 3 + len(quote)}, "spans": {},
        "grounding": "exact", "candidates": [],
    }  # fmt: skip
    return line | fields


def speedup(paper_id: str, ratio: float, **fields: Any) -> dict[str, Any]:
    value = {"text": f"{ratio:g}x", "low": ratio, "high": ratio, "unit": "x"}
    own = {"metric": "latency", "ratio": {"low": ratio, "high": ratio}, "baselines": ["Base"],
           "workload": None, "hardware": ["nvidia-a100"], "value": value}  # fmt: skip
    return claim(paper_id, "speedup", f"{ratio}x faster", **(own | fields))


def score(paper_id: str, number: float, **fields: Any) -> dict[str, Any]:
    value = {"text": f"{number:g}", "low": number, "high": number, "unit": "score"}
    own = {"role": "result", "benchmark": "FooBench", "metric": "accuracy", "baselines": [],
           "relation": "absolute", "value": value}  # fmt: skip
    return claim(paper_id, "benchmark", f"scores {number}", **(own | fields))


def run(folder: Path, papers: list[Any], claims: list[Any], rejected: tuple[Any, ...] = ()) -> Path:
    folder.mkdir(parents=True)
    jsonl(folder / "papers.jsonl", *papers)
    jsonl(folder / "claims.jsonl", *claims)
    jsonl(folder / "rejected.jsonl", *rejected)
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Two papers that contradict each other, one of them dated without a year."""
    return run(
        tmp_path / "one",
        [paper("alpha", "aaa"), paper("beta", "bbb", date="--05-09")],
        [
            speedup("alpha", 2.0),
            speedup("alpha", 5.9, qualifier="up_to", metric="energy"),
            speedup("beta", 3.5, baselines=["Other"], hardware=[], qualifier="average"),
            speedup("beta", 9.0, stance="background"),
            score("alpha", 80.0),
            score("beta", 91.0),
            claim("alpha", "hardware", "an A100", device="nvidia-a100", vendor="nvidia",
                  category="gpu", known=True, count=None, nodes=None, per_node=None,
                  role="evaluation"),
        ],
    )  # fmt: skip


def read_csv(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def table(*arguments: object) -> list[dict[str, str]]:
    return read_csv(extract("table", *arguments, "--format", "csv"))


# The golden files ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the seed run lies without the run.json of whoever ran it last, which has a date."""
    root = tmp_path_factory.mktemp("golden")
    folder = root / GOLDEN.relative_to(ROOT)
    folder.mkdir(parents=True)
    for name in ("claims.jsonl", "papers.jsonl", "rejected.jsonl"):
        (folder / name).write_bytes((GOLDEN / name).read_bytes())
    return root


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("name", KINDS)
def test_tables_of_the_seed_run_equal_the_golden_files(
    committed: Path, name: str, form: str
) -> None:
    path = TABLES / f"{name}.{EXTENSIONS[form]}"
    folder = GOLDEN.relative_to(ROOT)
    done = extract("table", name, folder, "--format", form, cwd=committed)
    assert done.stdout == path.read_text(encoding="utf-8"), (
        f"if the change is meant: extract table {name} {folder} --format {form} "
        f"-o {path.relative_to(ROOT)}"
    )


def test_every_row_of_the_seed_run_leads_to_its_words() -> None:
    abstracts = {line["paper_id"]: line["abstract"] for line in lines(GOLDEN / "papers.jsonl")}
    rows = table("claims", GOLDEN)
    own = [line for line in lines(GOLDEN / "claims.jsonl") if line["stance"] == "own"]
    assert sorted(row["claim_id"] for row in rows) == sorted(line["claim_id"] for line in own)
    for row in rows:
        paper_id, _, span = row["location"].rpartition(":")
        start, end = map(int, span.split("-"))
        assert abstracts[paper_id][start:end] == row["quote"]


# Ranking, marks, conflicts ───────────────────────────────────────────────────────────────────────


def test_a_ranking_marks_what_may_not_be_compared(one: Path) -> None:
    rows = table("speedups", one)
    assert [(row["metric"], row["ratio"], row["differs"]) for row in rows] == [
        ("latency", "avg 3.5×", ""),
        ("latency", "2×", "bound; baseline; workload?; hardware?"),
        ("energy", "≤ 5.9×", ""),
    ]
    together = table("speedups", one, "--group-by", "paper_id", "--sort", "-ratio")
    assert [(row["ratio"], row["differs"]) for row in together] == [
        ("≤ 5.9×", ""),
        ("2×", "bound; metric"),
        ("avg 3.5×", ""),
    ]
    alone = table("speedups", one, "--group-by", "conditions")
    assert [row["differs"] for row in alone] == ["", "", ""]
    assert len({row["class"] for row in alone}) == 3


def test_what_has_no_number_comes_last_and_is_not_ranked(tmp_path: Path) -> None:
    named = claim("q", "benchmark", "on FooBench", role="evaluated_on", benchmark="FooBench",
                  metric=None, relation=None, baselines=[])  # fmt: skip
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")], [named, score("p", 80.0)])
    for sort in ((), ("--sort", "score"), ("--sort", "-score")):
        rows = table("benchmarks", folder, *sort)
        assert [(row["score"], row["class"]) for row in rows] == [("80", "1"), ("", "")]
        assert rows[1]["differs"] == ""


@pytest.mark.slow
def test_contradicting_papers_are_shown_in_the_row_and_below(one: Path) -> None:
    rows = table("benchmarks", one)
    assert [(row["score"], row["conflict"]) for row in rows] == [
        ("91", "80 in alpha"),
        ("80", "91 in beta"),
    ]
    for form in ("terminal", "markdown", "latex", "html"):
        text = extract("table", "benchmarks", one, "--format", form).stdout
        table_, _, below = text.partition("Conflicts: papers that state different values")
        assert ("91 in beta" if form in ("markdown", "html") else "!") in table_, form
        assert "scores 80" in below, form
        assert "scores 91" in below, form


def test_a_conflict_is_seen_when_a_filter_hides_the_other_side(one: Path) -> None:
    (row,) = table("benchmarks", one, "--since", "2024")
    assert row["conflict"] == "91 in beta"


@pytest.mark.slow
def test_every_row_carries_its_words_in_every_format_for_people(one: Path) -> None:
    for form in ("terminal", "markdown", "latex", "html"):
        text = extract("table", "speedups", one, "--format", form, COLUMNS="130").stdout
        for words in ("Zephyr", "Base", "NVIDIA A100", "2.0x faster"):
            assert words in text, (form, words)
        if form in ("markdown", "html"):
            assert "alpha-2.0x faster" in text, form
            assert "alpha:3-14" in text, form
            assert "differs" in text, form
        else:
            letters = "a bound, b baseline, c workload, d hardware. With ?,"
            assert letters in " ".join(text.replace("{}", "").split()), form


def test_a_brief_table_has_a_line_a_row_and_letters_for_what_may_not_be_compared(one: Path) -> None:
    text = extract("table", "speedups", one, COLUMNS="110").stdout.splitlines()
    assert text[1].split() == [
        "subject",
        "ratio",
        "marks",
        "metric",
        "baselines",
        "on",
        "paper",
        "quote",
    ]
    assert [line.split() for line in text[2:5]] == [
        ["Zephyr", "avg", "3.5×", "latency", "Other", "Beta", "3.5x", "faster"],
        ["Zephyr", "2×", "a", "b", "c?", "d?", "!", "latency", "Base", "NVIDIA", "A100", "Alpha",
         "2.0x", "faster"],
        ["Zephyr", "≤", "5.9×", "energy", "Base", "NVIDIA", "A100", "Alpha", "5.9x", "faster"],
    ]  # fmt: skip
    assert all(len(line) <= 110 for line in text)
    narrow = extract("table", "speedups", one, COLUMNS="50").stdout
    assert "latency · over Base" in " ".join(narrow.split())


def test_headings_over_single_rows_become_a_column(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")],
                 [score("p", 80.0), score("p", 70.0, benchmark="BarBench")])  # fmt: skip
    text = extract("table", "benchmarks", folder, COLUMNS="110").stdout.splitlines()
    assert text[1].split()[:3] == ["subject", "score", "benchmark"]
    assert text[2].split()[:3] == ["Zephyr", "80", "FooBench"]
    by_paper = extract("table", "benchmarks", folder, "--group-by", "claim_id", COLUMNS="140")
    assert "\np-scores 80.0\n" in by_paper.stdout  # no column says it, so the heading stays


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("nvidia-jetson-orin", 18, "nvidia-jetson-orin"),
        ("nvidia-jetson-orin", 12, "nvidia…"),
        ("dynamic sparsity", 12, "dynamic…"),
        ("prefill · nvidia-a100", 10, "prefill…"),
        ("Antidisestablishment", 8, "Antidis…"),
    ],
)
def test_a_cell_is_cut_between_words(text: str, width: int, shown: str) -> None:
    assert terminal._cut(text, width) == shown


# Columns and files ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "html", "csv"])
def test_columns_are_those_that_were_named_and_keep_their_marks(one: Path, form: str) -> None:
    text = extract("table", "speedups", one, "--columns", "ratio,paper,claim_id,start,end,on",
                   "--format", form, COLUMNS="130").stdout  # fmt: skip
    device = "nvidia-a100" if form == "csv" else "NVIDIA A100"
    for words in ("Alpha", "alpha-2.0x faster", "14", device):
        assert words in text.replace("-{}", "-"), words
    assert "Other" not in text
    assert ("a bound, b baseline" in text) == (form != "csv")


def test_columns_of_a_file_for_machines_have_their_types(one: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    done = extract("table", "claims", one, "--columns", "start,end,what,conflict", "-o", path)
    assert done.returncode == 0, done.stderr
    import duckdb

    rows = duckdb.connect().execute("from read_parquet($p)", {"p": str(path)}).fetchall()
    assert (3, 14, "latency", ["9× in beta"]) in rows
    assert any(row[2] == "FooBench · accuracy" for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("t.md", "**Speedups"),
        ("t.csv", "run,"),
        ("t.tex", "% needs"),
        ("t.HTML", "<!doctype"),
        ("t.txt", "Speedups"),
        ("t.parquet", "PAR1"),
        ("t.xlsx", "PK"),
    ],
)
def test_the_name_of_a_file_says_its_format(
    one: Path, tmp_path: Path, name: str, begins: str
) -> None:
    path = tmp_path / name
    for arguments in (("table", "speedups"), ("sql", "from speedups")):
        done = extract(*arguments, one, "-o", path)
        assert done.returncode == 0, done.stderr
        if arguments[0] == "table":
            assert path.read_bytes().startswith(begins.encode()), path.read_bytes()[:20]
    other = extract("table", "speedups", one, "-o", path, "--format", "csv")
    assert other.returncode == 0
    assert path.read_text().startswith("run,")


# Filters ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_filters(one: Path) -> None:
    def ratios(*arguments: str) -> list[str]:
        return [row["ratio"] for row in table("speedups", one, "--sort", "ratio_low", *arguments)]

    assert ratios("--background", "--group-by", "subject") == [
        "2×", "avg 3.5×", "≤ 5.9×", "9×"]  # fmt: skip
    assert ratios("--hardware", "nvidia-a100") == ["2×", "≤ 5.9×"]
    assert ratios("--hardware", "NVIDIA-*") == ["2×", "≤ 5.9×"]
    assert ratios("--where", "ratio_low > 3 -- and so on", "--group-by", "subject") == [
        "avg 3.5×", "≤ 5.9×"]  # fmt: skip
    assert ratios("--limit", "1", "--group-by", "subject") == ["2×"]
    assert [row["paper_id"] for row in table("papers", one, "--hardware", "nvidia-a100")] == [
        "alpha"
    ]
    assert {row["kind"] for row in table("claims", one, "--kind", "hardware")} == {"hardware"}


@pytest.mark.parametrize(("since", "count"), [("2024", 2), ("2024-03", 2), ("2024-04", 0)])
def test_papers_without_a_year_are_left_out_by_since_and_counted(
    one: Path, since: str, count: int
) -> None:
    done = extract("table", "speedups", one, "--since", since, "--format", "csv")
    assert len(read_csv(done)) == count
    assert "1 row of a paper dated without a year left out" in done.stderr


def test_a_device_that_no_row_has_is_answered_with_those_that_there_are(one: Path) -> None:
    for asked, words in (
        ("abacus", "there are: nv"),
        ("H100", "no device H100 in these runs; did you mean nvidia-a100?"),
    ):
        assert words in extract("table", "speedups", one, "--hardware", asked).stdout


# Pivots ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_pivot_crosses_two_columns_and_marks_its_cells(one: Path) -> None:
    axes = ("--rows", "subject", "--cols", "hardware", "--value", "ratio")
    (row,) = table("speedups", one, *axes)
    assert row["nvidia-a100"] == "≤ 5.9×; 2×"
    assert row["not stated"] == "avg 3.5×"
    assert row["differs"] == "nvidia-a100: bound, metric"
    assert len(row["claim_ids"].split("; ")) == 3
    text = extract("table", "speedups", one, *axes).stdout
    assert "≤ 5.9×; 2× [a!]" in text  # a background claim of beta says 9×
    assert "a: measured under other conditions than the first cell here: bound, metric." in text


def test_what_a_pivot_s_column_does_not_state_is_not_the_same(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "r",
        [paper("p", "x"), paper("q", "y")],
        [score("p", 80.0, benchmark=None), score("q", 90.0, benchmark=None)],
    )
    (row,) = table(
        "benchmarks", folder, "--rows", "subject", "--cols", "benchmark", "--value", "score"
    )
    assert row["differs"] == "not stated: benchmark?"


def test_a_pivot_marks_conflicts(one: Path) -> None:
    text = extract(
        "table", "benchmarks", one, "--rows", "subject", "--cols", "benchmark", "--value", "score"
    ).stdout
    assert "91 [!]; 80 [!]" in text


# Several runs, several shapes ────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_paper_of_two_runs_counts_once_and_the_one_that_came_out_stands(tmp_path: Path) -> None:
    failed = paper("alpha", "aaa", status="error")
    first = run(tmp_path / "1", [failed, paper("beta", "bbb")], [speedup("beta", 2.0)])
    second = run(
        tmp_path / "2",
        [paper("alpha", "aaa"), paper("beta", "bbb")],
        [speedup("alpha", 3.0), speedup("beta", 4.0)],
    )
    other = run(tmp_path / "3", [paper("beta", "another paper")], [speedup("beta", 5.0)])
    rows = table("speedups", first, second, other)
    assert [(row["paper_id"], row["ratio"]) for row in rows] == [("beta", "5×"), ("alpha", "3×"),
                                                                 ("beta", "2×")]  # fmt: skip
    assert len(table("papers", first, second)) == 2
    assert len(table("papers", str(tmp_path / "*"))) == 3
    assert len(table("papers", first, first)) == 2


@pytest.mark.slow
def test_claims_alone_are_enough_and_parquet_is_read_back(one: Path, tmp_path: Path) -> None:
    alone = tmp_path / "mine.jsonl"
    alone.write_bytes((one / "claims.jsonl").read_bytes())
    again = tmp_path / "again.jsonl"
    again.write_bytes(alone.read_bytes())
    for outs in ([alone], [alone, again]):
        assert [row["ratio"] for row in table("speedups", *outs)] == ["avg 3.5×", "2×", "≤ 5.9×"]
    store = tmp_path / "parquet"
    store.mkdir()
    for view in ("claims", "papers", "rejected"):
        path = store / f"{view}.parquet"
        done = extract("sql", f"from {view}", one, "--format", "parquet", "-o", path)
        assert done.returncode == 0, done.stderr
    assert table("papers", store)[0]["extra"] == '{"k":1}'
    kept = [{k: v for k, v in row.items() if k != "run"} for row in table("claims", store)]
    assert kept == [{k: v for k, v in row.items() if k != "run"} for row in table("claims", one)]


def test_tables_are_written_as_parquet_with_their_types(one: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    done = extract("table", "speedups", one, "--format", "parquet", "-o", path)
    assert done.returncode == 0, done.stderr
    import duckdb

    found = duckdb.connect().execute(
        "select ratio_high, baselines, class, differs, year from read_parquet($p)", {"p": str(path)}
    ).fetchall()  # fmt: skip
    assert found[0] == (3.5, ["Other"], 1, [], None)
    assert found[1] == (2.0, ["Base"], 2, ["bound", "baseline", "workload?", "hardware?"], 2024)
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.slow
def test_excel_gets_text_as_text(one: Path, tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0, subject="=1+1")])
    path = tmp_path / "t.xlsx"
    done = extract("table", "speedups", tmp_path / "r", "--format", "xlsx", "-o", path)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(path) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
        assert b"=1+1" in book.read("xl/sharedStrings.xml")


def test_without_xlsxwriter_the_extra_is_named(one: Path, tmp_path: Path) -> None:
    (tmp_path / "xlsxwriter.py").write_text("raise ModuleNotFoundError('xlsxwriter')")
    done = extract("table", "speedups", one, "--format", "xlsx", "-o", tmp_path / "t.xlsx",
                   PYTHONPATH=str(tmp_path))  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'claimgrid[excel]'" in done.stderr


# SQL ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_sql_answers_over_all_views(one: Path) -> None:
    done = extract("sql", "select subject, max(ratio_high) top from speedups group by all", one,
                   "--format", "csv")  # fmt: skip
    assert read_csv(done) == [{"subject": "Zephyr", "top": "9.0"}]
    pivoted = extract("sql", "pivot speedups on metric using max(ratio_high) group by subject", one,
                      "--format", "csv")  # fmt: skip
    assert read_csv(pivoted) == [{"subject": "Zephyr", "energy": "5.9", "latency": "9.0"}]
    listed = extract("sql", "--schema", one).stdout
    for view in views.VIEWS:
        assert f"\n{view} " in f"\n{listed}"
    assert "ratio_high" in listed
    assert "1 row\n" in extract("sql", "select 1 as n", one).stdout
    wide = extract("sql", "from claims limit 1", one, COLUMNS="60").stdout
    assert "claim_id" in wide


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selec 1", "syntax error"),
        ("select nothing from speedups", "nothing"),
        ("drop table claims", "one SELECT"),
        ("select 1; select 2", "one SELECT"),
        ("", "one SELECT"),
        ("copy claims to 'stolen.csv'", "one SELECT"),
        ("set enable_external_access = true", "one SELECT"),
        ("from read_text('pyproject.toml')", "no files"),
        ("from 'pyproject.toml'", "pyproject.toml"),
        ("from glob('*')", "no files"),
        ("explain analyze copy claims to 'stolen.csv'", "no files"),
        ("from json", "json does not exist"),
        ("from speedups where hardware = 'x'", "list_contains(hardware, 'nvidia-a100'))\n\nLINE 1"),
    ],
)
def test_sql_that_is_wrong_or_reaches_out_is_refused(one: Path, query: str, words: str) -> None:
    done = extract("sql", query, one, cwd=one)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (one / "stolen.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("speedups", "nowhere"), "nowhere: no such folder"),
        (("speedups", "nowhere/*"), "matches nothing"),
        (("speedups", "ONE/.."), "holds no claims.jsonl"),
        (("speedups", "ONE", "--where", "ratio_lo > 1"), "ratio_low"),
        (("speedups", "ONE", "--where", "true) union (select 1"), "--where"),
        (("speedups", "ONE", "--sort", "speed"), "no column speed"),
        (("speedups", "ONE", "--group-by", "speed"), "no column speed"),
        (("speedups", "ONE", "--since", "last year"), "want a date"),
        (("speedups", "ONE", "--since", "2024-13"), "want a date"),
        (("speedups", "ONE", "--since", "2023-02-29"), "want a date"),
        (("speedups", "ONE", "--where", "ratio_low >"), "the condition is not complete\n(columns"),
        (("speedups", "ONE", "--where", "ratio_low > 'x'"), "to DOUBLE\n(columns"),
        (("speedups", "ONE", "--where", "hardware = 'x'"), "list_contains(hardware,"),
        (("speedups", "ONE", "--where", "baselines like 'x'"), "list_contains(hardware,"),
        (("speedups", "ONE", "--columns", "subject,speed"), "no column speed"),
        (("speedups", "ONE", "--columns", "subject,"), "names with commas"),
        (("papers", "ONE", "--columns", "title,start"), "no column start"),
        (
            (
                "speedups",
                "ONE",
                "--rows",
                "subject",
                "--cols",
                "metric",
                "--value",
                "ratio",
                "--columns",
                "subject",
            ),
            "a pivot has no --columns",
        ),
        (("speedups", "ONE", "-o", "ONE/t.yaml"), ".txt, .md, .csv, .tex, .html, .json, .parquet"),
        (("speedups", "ONE", "-o", "ONE/t"), "which format?"),
        (("speedups", "ONE", "--kind", "speedup"), "--kind goes with"),
        (("papers", "ONE", "--kind", "speedup"), "speedups > 0"),
        (("speedups", "ONE", "--rows", "subject"), "--rows, --cols and --value"),
        (("speedups", "ONE", "--format", "parquet"), "-o FILE.parquet"),
        (("speedups", "ONE", "--format", "csv", "-o", "ONE/no/where.csv"), "cannot be written"),
        (("speedups", "ONE", "--format", "parquet", "-o", "ONE/no/x"), "cannot be written"),
        (("fastest", "ONE"), "fastest"),
    ],
)
def test_wrong_usage_is_told_and_exits_2(one: Path, arguments: tuple[str, ...], words: str) -> None:
    done = extract("table", *(part.replace("ONE", str(one)) for part in arguments))
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["{broken\n", '{"a": 1}\n', '{"claim_id": [1]}\n'])
def test_a_file_that_holds_no_claims_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "claims.jsonl"
    path.write_text(content)
    with pytest.raises(StoreError, match=r"claims\.jsonl"):
        views.connect([str(path)])
    table_ = tmp_path / "t.parquet"
    extract("sql", "select 1 as n", GOLDEN, "--format", "parquet", "-o", table_)
    with pytest.raises(StoreError, match=r"t\.parquet"):
        views.connect([str(table_)])


def test_a_url_without_the_extension_that_reads_it_is_a_matter_of_set_up() -> None:
    import duckdb

    error = view_building.unreadable("s3://b/c.jsonl", duckdb.IOException("Extension httpfs …"))
    assert isinstance(error, SetupError)
    assert "network access, or copy the run here" in str(error)
    gone = view_building.unreadable("s3://b/claims.jsonl", duckdb.IOException("HTTP 404"))
    assert isinstance(gone, StoreError)


def test_what_names_a_run(tmp_path: Path) -> None:
    folder = run(tmp_path / "a[1]", [paper("p", "x")], [speedup("p", 2.0)])
    (found,) = run_files.find([str(folder)])
    assert found.papers is not None
    assert len(views.connect([str(folder)]).query("from speedups").rows) == 1
    (remote,) = run_files.find(["https://example.org/run/"])
    assert remote.papers == "https://example.org/run/papers.jsonl"
    (lone,) = run_files.find(["s3://bucket/claims.parquet"])
    assert lone.papers is None
    with pytest.raises(UsageError, match="no run"):
        run_files.find([])


# Formats ─────────────────────────────────────────────────────────────────────────────────────────


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 the base class's
        self.tags.add(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def hostile_grid(*cells: str) -> Grid:
    columns = tuple(f"c{n}" for n in range(len(cells)))
    return Grid("t", "T", columns, (Section(None, (cells,)),))


@pytest.mark.slow
def test_hostile_words_stay_words(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "r",
        [paper("p", "x", title=f"{HOSTILE}\x1b[31m")],
        [speedup("p", 2.0, subject=HOSTILE, baselines=["\x1b]0;owned\x07"])],
    )
    page = extract("table", "speedups", folder, "--format", "html").stdout
    parsed = _Text()
    parsed.feed(page)
    assert "script" not in parsed.tags
    assert readable.readable(HOSTILE).strip() in parsed.cells[0]
    for form in ("terminal", "markdown", "html", "latex"):
        assert "\x1b" not in extract("table", "speedups", folder, "--format", form).stdout, form
    assert table("speedups", folder)[0]["subject"] == HOSTILE


def test_latex_prints_markup_instead_of_running_it() -> None:
    assert latex_output.escape(r"\input{x} & a_b #1") == r"\textbackslash{}inputx \& a\_b \#1"
    assert latex_output.escape("--05-09 ≤ 3×") == r"-05-09 \ensuremath{\leq} 3\ensuremath{\times}"
    rows = (("[k]", "*"), ("a", "b"))
    made = latex_output.latex([Grid("t", "T", ("x", "y"), (Section(None, rows),))])
    assert "\n{}[k] & * \\\\\n" in made


@pytest.mark.parametrize(
    ("written", "read", "typeset"),
    [
        (r"by $1.96\times$", "by 1.96×", r"by $1.96\times$"),
        (r"6$\times$ and 40.4\%", "6× and 40.4%", r"6$\times$ and 40.4\%"),
        (r"$6\%-30\%$", "6%-30%", r"$6\%-30\%$"),
        (r"$1.2\times$-$7.5\times$", "1.2×-7.5×", r"$1.2\times$-$7.5\times$"),
        (r"6\times faster", "6× faster", r"6\ensuremath{\times} faster"),
        (r"\textbf{2\times} $10^{5}$", "2× 10^5", r"2\ensuremath{\times} $10^{5}$"),
        (r"\sim 3 \timesx", r"~3 \timesx", None),
        ("costs $5, not $10", "costs $5, not $10", r"costs \$5, not \$10"),
        ("US$5-$6", "US$5-$6", r"US\$5-\$6"),
        ("$a^b^c$", "a^b^c", None),
        ("$5 each, or$", "$5 each, or$", r"\$5 each, or\$"),
        (r"$\input{x}$", r"\inputx", r"\textbackslash{}inputx"),
    ],
)
def test_plain_math_is_read_and_typeset(written: str, read: str, typeset: str | None) -> None:
    assert readable.readable(written) == read
    if typeset is not None:
        assert latex_output.escape(written) == typeset


@pytest.mark.slow
def test_markup_is_read_in_tables_for_people_and_kept_for_machines(tmp_path: Path) -> None:
    quote = r"a gain of $1.96\times$"
    evidence = {"quote": quote, "start": 0, "end": len(quote)}
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 1.96, evidence=evidence)])
    for form in ("terminal", "markdown", "html"):
        text = extract("table", "speedups", folder, "--format", form, COLUMNS="130").stdout
        assert "a gain of 1.96×" in text, form
    assert quote in extract("table", "speedups", folder, "--format", "latex").stdout
    assert table("speedups", folder)[0]["quote"] == quote
    assert quote in extract("sql", "select quote from speedups", folder).stdout  # what was asked


@given(st.text(st.sampled_from("$\\%{}^_ a1.×times"), max_size=24))
def test_latex_stays_balanced_whatever_is_written(text: str) -> None:
    made = latex_output.escape(text)
    bare = re.sub(r"\\[\\{}$%&#_]", "", made)
    assert bare.count("$") % 2 == 0
    assert bare.count("{") == bare.count("}")
    outside = "".join(bare.split("$")[::2])
    assert not set("^_") & set(re.sub(r"\\ensuremath\{[^}]*\}", "", outside))


@given(st.text(max_size=40))
def test_no_text_ends_a_latex_row_or_a_markdown_cell(text: str) -> None:
    made = latex_output.escape(text)
    bare = made.replace("\\&", "").replace("\\%", "").replace("\\#", "").replace("\\$", "")
    assert not set("&%#") & set(bare)
    assert "\n" not in made
    line = markup.markdown([hostile_grid(text, "end")]).splitlines()[4]
    assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3


@given(st.text(max_size=40))
def test_any_text_is_a_cell_of_html(text: str) -> None:
    parsed = _Text()
    parsed.feed(markup.html_page([hostile_grid(text)]))
    assert parsed.tags <= {"html", "meta", "title", "style", "h2", "div", "table", "thead", "tbody",
                           "tr", "th", "td"}  # fmt: skip
    assert parsed.cells[0].split() == markup.visible(text).split()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_csv_gives_every_text_back(cells: list[str]) -> None:
    from claimgrid.tables.export import csv_text
    from claimgrid.tables.views import Frame

    names = tuple(f"c{n}" for n in range(len(cells)))
    made = csv_text(Frame(names, ("VARCHAR",) * len(cells), [tuple(cells)]))
    assert list(csv.reader(io.StringIO(made, newline=""))) == [list(names), cells]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_survive_csv(numbers: list[float]) -> None:
    from claimgrid.tables.export import csv_text
    from claimgrid.tables.views import Frame

    made = csv_text(Frame(("n",), ("DOUBLE",), [(number,) for number in numbers]))
    assert [float(line) for line in made.splitlines()[1:]] == numbers


def test_numbers_as_people_read_them(one: Path) -> None:
    def shown(sql: str) -> Any:
        return views.connect([str(one)]).query(f"select {sql}").rows[0][0]

    value = "{'text': 'many', 'low': %s, 'high': %s, 'unit': '%s'}"
    assert (
        shown(f"shown_value('about', {value % (5e5, 5e5, 'gpu_hours')})") == "≈ 500,000 GPU hours"
    )
    assert shown(f"shown_value('range', {value % (1.25, 3, '%')})") == "1.25–3%"
    assert shown(f"shown_value('exact', {value % ('null', 'null', 'x')})") == "many"
    assert shown("shown_count(671000000000)") == "671B"


def test_short_titles() -> None:
    assert short_title("Zephyr: Fast Winds", "id") == "Zephyr"
    assert short_title(None, "id") == "id"
    assert short_title("A " * 40, "id") == "A " * 18 + "A…"


def test_the_command_line_knows_the_tables_without_importing_them() -> None:
    from claimgrid.cli.table import _KINDS, _TABLES

    assert set(_TABLES) == set(KINDS)
    assert _KINDS == CLAIM_KINDS


def test_json_of_the_golden_run_is_what_the_views_hold() -> None:
    frame = views.connect([str(GOLDEN)]).query("select claim_id, evidence, spans from claims")
    for row, line in zip(frame.dicts(), lines(GOLDEN / "claims.jsonl"), strict=True):
        assert json.loads(json.dumps(row)) == {name: line[name] for name in row}
