"""Tables say what is written, by whom and when it was read, and which way is better."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.cli.main import main
from claimgrid.entities.device_names import product_name
from claimgrid.errors import StoreError
from claimgrid.quantities import shown_numbers
from claimgrid.tables import bibliography, factors, over_time, views
from claimgrid.tables.notes import write_notes
from claimgrid.types.claim import Value
from test_tables import claim, paper, run, score, speedup

FORMATS = ("terminal", "markdown", "html", "latex", "csv", "json")
CAUTION = "tiny-1 is a small model: F1 0.75 on seeds; check its claims against the abstracts"


def extract(*arguments: object, columns: int = 120) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env={"COLUMNS": str(columns)})


def told(*arguments: object, columns: int = 120) -> str:
    done = extract(*arguments, columns=columns)
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(*arguments: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(told(*arguments, "--format", "csv"))))


def percent(paper_id: str, text: str, low: float, factor: float | None, **fields: Any) -> Any:
    value = {"text": text, "low": low, "high": low, "unit": "%"}
    ratio = None if factor is None else {"low": factor, "high": factor}
    own = {"value": value, "claim_id": f"{paper_id}-{text}"} | fields
    return speedup(paper_id, 0, **own) | {"ratio": ratio}


def manifest(folder: Path, **facts: Any) -> Path:
    known = {"model": "tiny-1", "finished": "2026-03-05T10:00:00+00:00", "caution": CAUTION}
    (folder / "run.json").write_text(json.dumps(known | facts))
    return folder


def efficiency(paper_id: str, number: float, unit: str, metric: str) -> Any:
    value = {"text": f"{number} {unit}", "low": number, "high": number, "unit": unit}
    return claim(paper_id, "efficiency", f"{number} {unit}", value=value, metric=metric,
                 workload=None, hardware=[])  # fmt: skip


# What is written, and what is computed ───────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "low", "factor", "shown"),
    [
        (r"73.1\%", 73.1, 3.71747211896, "73.1% less (≙ 3.7×)"),
        ("40.4%", 40.4, 1.404, "40.4% more (≙ 1.4×)"),
        ("5%", 5, 1.05, "5% more (≙ 1.05×)"),
        ("97%", 97, 33.3333333333, "97% less (≙ 33×)"),
        ("4%", 4, 1 / 1.04, "4% more (≙ 0.96×)"),
        ("11%", 11, 100 / 11, "11% of the baseline (≙ 9.1×)"),
    ],
)
def test_what_is_written_comes_first_and_the_factor_has_its_digits(
    tmp_path: Path, text: str, low: float, factor: float, shown: str
) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [percent("p", text, low, factor)])
    (row,) = rows("table", "speedups", folder)
    assert (row["ratio"], row["computed"]) == (shown, "True")
    assert row["written"] == text
    assert len(row["ratio_low"]) <= 5
    (any_kind,) = rows("table", "claims", folder)
    if len(str(factor)) > len("1.05"):
        assert str(factor)[:7] not in "".join(any_kind.values())
    for form in FORMATS[:4]:
        made = told("table", "speedups", folder, "--format", form)
        assert "computed" in made.lower(), form
    assert shown in told("table", "speedups", folder)


def test_a_factor_that_is_written_is_not_called_computed(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.54)])
    (row,) = rows("table", "speedups", folder)
    assert (row["ratio"], row["computed"]) == ("2.54×", "False")


@pytest.mark.slow
def test_points_or_percent_gives_no_factor_and_says_so(tmp_path: Path) -> None:
    doubtful = percent("p", "10%", 10, None, metric="utilization", ambiguous="points_or_percent")
    folder = run(tmp_path / "r", [paper("p", "x")], [doubtful, speedup("p", 2.0)])
    row = rows("table", "speedups", folder)[-1]
    assert row["ratio"] == "10% (ambiguous: points or percent)"
    assert row["ratio_low"] == row["computed"] == ""
    assert row["ambiguous"] == "points_or_percent"
    assert "(ambiguous: points or percent)" in told("show", folder, "--paper", "p")
    for form in FORMATS[:4]:
        assert "points or percent" in told("table", "speedups", folder, "--format", form), form


@given(st.floats(0.01, 500), st.decimals(0, 99, places=1))
def test_the_views_round_as_the_code_does(factor: float, number: object) -> None:
    (low,) = _views().query(
        "select rounded_factor(cast($f as double), $t)", {"f": factor, "t": f"{number}%"}
    ).rows[0]  # fmt: skip
    assert low == pytest.approx(factors.rounded(factor, f"{number}%"), rel=1e-9)


_CONNECTED: list[views.Database] = []


def _views() -> views.Database:
    if not _CONNECTED:
        from test_cli import GOLDEN

        _CONNECTED.append(views.connect([str(GOLDEN)]))
    return _CONNECTED[0]


# The model, its quality and the date ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_which_model_read_the_papers_how_well_and_when(
    tmp_path: Path, form: str
) -> None:
    folder = manifest(run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0)]))
    for command in (("table", "speedups"), ("leaderboard", "--show", "speedups")):
        made = " ".join(told(*command, folder, "--format", form).split())
        for words in ("tiny-1", "2026-03-05", "0.75"):
            assert words in made, (command, words)
    asked = extract("sql", "select 1 as n", folder, "--format", form)
    assert "F1 0.75" in " ".join((asked.stdout + asked.stderr).split())


def test_a_run_without_a_measured_model_or_a_manifest_says_so(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0)])
    assert "its quality on these papers was not measured" in " ".join(
        told("table", "speedups", folder).split()
    )
    (folder / "run.json").write_text("{broken")
    assert "Extracted by m (" in told("table", "speedups", folder)


# Papers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("columns", [80, 120, 200])
@pytest.mark.parametrize("table", ["speedups", "benchmarks", "efficiency", "claims"])
def test_every_row_names_its_paper_and_a_paper_stands_in_for_a_system(
    tmp_path: Path, columns: int, table: str
) -> None:
    made = [speedup("p", 2.0, subject=None), score("p", 80.0, subject=None),
            efficiency("p", 20, "ms", "latency") | {"subject": None}]  # fmt: skip
    folder = run(tmp_path / "r", [paper("p", "x", title="Zephyr Winds: A System")], made)
    text = told("table", table, folder, columns=columns)
    assert "(Zephyr Winds)" in text
    assert text.count("Zephyr Winds") >= 2
    assert all(len(line) <= columns for line in text.splitlines())
    assert {row["paper"] for row in rows("table", table, folder)} == {"Zephyr Winds"}


def test_a_pivot_keeps_papers_without_a_system_apart(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")],
                 [speedup("p", 2.0, subject=None), speedup("q", 3.0, subject=None)])  # fmt: skip
    made = rows("table", "speedups", folder, "--rows", "subject", "--cols", "metric",
                "--value", "ratio")  # fmt: skip
    assert sorted(row["subject"] for row in made) == ["(P)", "(Q)"]


@pytest.mark.slow
def test_devices_are_products_in_text_and_slugs_for_machines(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0)])
    for form in ("terminal", "markdown", "html", "latex"):
        made = told("table", "speedups", folder, "--format", form)
        assert "NVIDIA A100" in made
        assert "nvidia-a100" not in made
    assert rows("table", "speedups", folder)[0]["hardware"] == "nvidia-a100"
    for asked in ("A100", "nvidia a100", "a100", "nvidia-*"):
        assert len(rows("table", "speedups", folder, "--hardware", asked)) == 1
    assert product_name("nvidia-rtx-4090") == "NVIDIA RTX 4090"
    assert product_name("zephyr-q9") == "Zephyr Q9"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("date", "day", "stated"),
    [
        ("2024", "2024-01-01", "2024"),
        ("2024-03", "2024-03-01", "2024-03"),
        ("--05-09", "", "9 May"),
        ("--05", "", "May"),
        (None, "", ""),
    ],
)
def test_dates_are_whole_days_and_as_stated(
    tmp_path: Path, date: str | None, day: str, stated: str
) -> None:
    folder = run(tmp_path / "r", [paper("p", "x", date=date)], [speedup("p", 2.0)])
    for table in ("speedups", "papers"):
        (row,) = rows("table", table, folder)
        assert (row["date"], row["dated"]) == (day, stated)
    for form in FORMATS:
        assert "--05" not in told("table", "papers", folder, "--format", form).replace("{}", "")


def test_pandas_reads_the_dates(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    dates = {"a": "2024", "b": "2024-03-05", "c": "--05-09"}
    papers = [paper(name, name, date=date) for name, date in dates.items()]
    folder = run(tmp_path / "r", papers, [speedup("a", 2.0)])
    import claimgrid

    read = pandas.to_datetime(claimgrid.load(folder).to_pandas("papers")["date"])
    assert list(read.dt.year.fillna(0)) == [2024, 2024, 0]


# Which way is better ─────────────────────────────────────────────────────────────────────────────


def test_the_best_comes_first_by_the_metric_s_direction(tmp_path: Path) -> None:
    made = [score("p", number, metric=metric) for metric in ("FID", "accuracy", "kite tension")
            for number in (8.07, 2.16, 5.0)]  # fmt: skip
    for number, line in enumerate(made):
        line["claim_id"] = str(number)
    made += [efficiency("p", number, "ms", "latency") for number in (112, 23.5)]
    made += [efficiency("p", number, "fps", "throughput") for number in (9, 99)]
    folder = run(tmp_path / "r", [paper("p", "x")], made)
    found: dict[str, list[str]] = {}
    for row in rows("table", "benchmarks", folder):
        found.setdefault(f"{row['metric']} {row['better']}", []).append(row["score"])
    assert found == {
        "FID lower": ["2.16", "5", "8.07"],
        "accuracy higher": ["8.07", "5", "2.16"],
        "kite tension ": ["8.07", "2.16", "5"],
    }
    values = [row["value"] for row in rows("table", "efficiency", folder)]
    assert [v for v in values if "ms" in v] == ["23.5 ms", "112 ms"]
    assert [v for v in values if "FPS" in v] == ["99 FPS", "9 FPS"]
    text = " ".join(told("table", "benchmarks", folder).split())
    assert "Not ranked, because it is not known which way is better: kite tension." in text


def test_sorting_by_a_column_makes_one_list(tmp_path: Path) -> None:
    papers = [paper(f"p{year}", str(year), date=str(year)) for year in (2021, 2023, 2022)]
    # In groups by metric, 2022 would come first or last.
    made = [speedup("p2021", 2.0), speedup("p2022", 3.0, metric="energy"), speedup("p2023", 4.0)]
    folder = run(tmp_path / "r", papers, made)
    found = [row["year"] for row in rows("table", "speedups", folder, "--sort", "year")]
    assert found == ["2021", "2022", "2023"]


def test_conditions_that_no_two_rows_share_are_said_to_be_so(tmp_path: Path) -> None:
    alone = [speedup("p", 2.0), speedup("q", 3.0, metric="batch_size", qualifier="up_to")]
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")], alone)
    text = told("table", "speedups", folder, "--group-by", "conditions")
    assert "Nothing is comparable: no two rows were measured under the same conditions." in text
    more = [*alone, speedup("p", 2.5, metric="batch_size", qualifier="up_to"),
            speedup("p", 2.7, metric="batch_size", qualifier="up_to")]  # fmt: skip
    other = run(tmp_path / "s", [paper("p", "x"), paper("q", "y")], more)
    text = told("table", "speedups", other, "--group-by", "conditions", columns=160)
    assert "at most · batch size · over Base" in text
    assert "up_to" not in text
    assert "comparable with no other row" in text
    assert "Nothing is comparable" not in text


def test_conflicts_are_looked_for_in_speedups_too(tmp_path: Path) -> None:
    made = [speedup("p", 2.0), speedup("q", 3.0)]
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")], made)
    found = [(row["ratio"], row["conflict"]) for row in rows("table", "speedups", folder)]
    assert found == [("3×", "2× in p"), ("2×", "3× in q")]
    _, told_of, below = told("table", "speedups", folder).partition("Conflicts: papers that state")
    assert told_of
    assert "2.0x faster" in below
    assert "3.0x faster" in below


# Two runs ────────────────────────────────────────────────────────────────────────────────────────


def test_a_paper_of_two_runs_is_shown_once_and_that_is_said(tmp_path: Path) -> None:
    one = manifest(run(tmp_path / "a", [paper("p", "x")], [speedup("p", 2.0)]), model="one-1")
    two = manifest(run(tmp_path / "b", [paper("p", "x")], [speedup("p", 3.0)]), model="two-2")
    query = "select run, ratio from speedups order by run"
    done = extract("sql", query, one, two, "--format", "csv")
    assert done.stdout.splitlines() == ["run,ratio", f"{one},2×"]
    assert "1 paper is in several runs" in done.stderr
    assert "--every-run" in done.stderr
    both = extract("sql", query, tmp_path / "*", "--every-run", "--format", "csv")
    assert both.stdout.splitlines() == ["run,ratio", f"{one},2×", f"{two},3×"]
    assert "shown once for each run" in both.stderr
    text = told("table", "speedups", one, two, "--every-run", "--format", "markdown")
    assert f"| {one}" in text.replace("\\", "")
    assert "Conflicts" not in text  # one paper does not contradict itself
    made = rows("table", "speedups", one, two, "--every-run")
    assert [row["extracted_by"] for row in made] == ["two-2", "one-1"]


# LaTeX ───────────────────────────────────────────────────────────────────────────────────────────


def test_latex_cites_by_key_and_writes_the_entries_beside_it(tmp_path: Path) -> None:
    title = "A Very Long Title That Was Cut Before And Is Not Cut Now Because Documents Have Room"
    known = {"citation_key": "zephyr2024", "doi": "10.1/x", "arxiv_id": "2401.00001"}
    folder = run(tmp_path / "r", [paper("p", "x", title=title, **known), paper("q", "y")],
                 [speedup("p", 2.0), speedup("q", 3.0)])  # fmt: skip
    plain = told("table", "speedups", folder, "--format", "latex")
    assert "[1]" not in plain
    assert title in plain
    out = tmp_path / "t.tex"
    told("table", "speedups", folder, "--cite", "-o", out)
    text, entries = out.read_text(), out.with_suffix(".bib").read_text()
    assert r"\cite{zephyr2024}" in text
    assert r"\cite{q}" in text
    assert "@misc{zephyr2024," in entries
    assert "eprint = {2401.00001}" in entries
    assert "year = {2024}" in entries
    for wrong in (("--format", "latex"), ("--format", "csv"), ("-o", tmp_path / "t.md")):
        assert extract("table", "speedups", folder, "--cite", *wrong).exit_code == 2


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5))
def test_keys_are_safe_and_never_shared(ids: list[str]) -> None:
    made = [{"paper_id": name, "title": str(n), "run": "r"} for n, name in enumerate(ids)]
    keys = list(bibliography.keys_of(made).values())
    assert len(set(keys)) == len(ids)
    assert not set("{}\\,%# \n") & set("".join(keys))


def test_headers_of_a_query_are_its_columns(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0)])
    for form in ("terminal", "markdown"):
        made = told("sql", "select ratio_low from speedups", folder, "--format", form)
        assert "ratio_low" in made.replace("\\", "")


# Leaderboards ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def field(tmp_path: Path) -> Path:
    papers = [paper(f"p{n}", str(n), date=date) for n, date in
              enumerate(("2021-01-01", "2022-05-01", "2023-02-02", "--05-09"))]  # fmt: skip
    size = claim("p0", "model_size", "7B", model="Zephyr", params=7_000_000_000,
                 active_params=None, context_tokens=None)  # fmt: skip
    device = claim("p1", "hardware", "an A100", device="nvidia-a100", vendor="nvidia",
                   category="gpu", known=True, count=None, nodes=None, per_node=None,
                   role="evaluation")  # fmt: skip
    made = [score("p0", 30.0, metric="FID"), score("p1", 35.0, metric="FID"),
            score("p2", 20.0, metric="FID"), score("p3", 25.0, metric="FID", qualifier="average"),
            speedup("p0", 2.0), speedup("p1", 1.5), speedup("p2", 4.0)]  # fmt: skip
    return run(tmp_path / "field", papers, [*made, size, device])


@pytest.mark.slow
def test_a_board_is_best_first_with_records_sizes_and_what_cannot_be_compared(field: Path) -> None:
    made = rows("leaderboard", field)
    assert [(row["score"], row["rank"], row["best_so_far"]) for row in made] == [
        ("20", "1", "True"), ("avg 25", "", "False"), ("30", "2", "True"), ("35", "3", "False"),
    ]  # fmt: skip
    assert made[1]["not_comparable"] == "bound"
    assert made[2]["model_size"] == "7B"
    assert {row["better"] for row in made} == {"lower"}
    for form in ("terminal", "markdown", "latex", "json"):
        text = told("leaderboard", field, "--format", form)
        assert "FooBench" in text
    assert "FooBench · FID (lower is better)" in told("leaderboard", field)
    assert len(rows("leaderboard", field, "--benchmark", "foo bench", "--metric", "FID score")) == 4
    assert rows("leaderboard", field, "--least", "5") == []
    wrong = extract("leaderboard", field, "--benchmark", "BarBench")
    assert wrong.exit_code == 2
    assert "There are: FooBench" in wrong.stderr


def test_speedups_over_time_and_hardware_by_year(field: Path) -> None:
    made = rows("leaderboard", field, "--show", "speedups")
    assert [(row["year"], row["best_so_far"]) for row in made] == [
        ("2021", "True"), ("2022", "False"), ("2023", "True")]  # fmt: skip
    grid, frame = over_time.hardware(views.connect([str(field)]))
    assert grid.rows == [("NVIDIA A100", "1", "1")]
    assert frame.columns == ("device", "2022", "papers")


# Other tools ─────────────────────────────────────────────────────────────────────────────────────


def test_notes_keep_what_a_reader_wrote(field: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    assert told("export", field, "--to", "markdown-notes", folder) == f"4 notes in {folder}\n"
    note = folder / "p0.md"
    first = note.read_text(encoding="utf-8")
    assert first.startswith('---\ntitle: "P0: A System"\ncitekey: "p0"\n')
    assert "| Zephyr | 2× | latency | NVIDIA A100 |" in first
    note.write_text(first + "my own words\n", encoding="utf-8")
    write_notes([str(field)], folder)
    assert note.read_text(encoding="utf-8") == first + "my own words\n"
    note.write_text("a note of mine", encoding="utf-8")
    with pytest.raises(StoreError, match="is no note of claimgrid"):
        write_notes([str(field)], folder)
    assert note.read_text(encoding="utf-8") == "a note of mine"
    assert extract("export", field, "--to", "markdown-notes").exit_code == 2


def test_show_finds_a_paper_by_a_word_of_its_title(tmp_path: Path) -> None:
    papers = [paper("p", "x", title="Fast Winds: A System"), paper("q", "y", title="Slow Rain")]
    folder = run(tmp_path / "r", papers, [speedup("p", 2.0)])
    assert "Fast Winds" in told("show", folder, "--paper", "winds")
    assert "Slow Rain" in told("show", folder, "--paper", "RAIN")
    assert extract("show", folder, "--paper", "win").exit_code == 2


def test_names_that_no_registry_holds_are_listed(tmp_path: Path) -> None:
    made = [score("p", 80.0), score("p", 70.0, benchmark="MMLU", metric="kite tension")]
    folder = run(tmp_path / "r", [paper("p", "x")], made)
    text = told("registry", "unmapped", folder)
    assert "FooBench" in text
    assert "kite tension" in text
    assert "MMLU" not in text
    only = told("registry", "unmapped", folder, "--only", "benchmark")
    assert "kite tension" not in only


@pytest.mark.parametrize(
    ("written", "low", "high", "unit", "shown"),
    [
        ("55.0", 55, 55, "score", "55.0"),
        ("71.20%", 71.2, 71.2, "%", "71.20%"),
        ("1.5x-2.0x", 1.5, 2, "x", "1.5–2.0×"),
        ("1,234.50 tokens/s", 1234.5, 1234.5, "tokens/s", "1,234.50 tokens/s"),
        ("12K", 12000, 12000, "score", "12,000"),
        ("-0.610", -0.61, -0.61, "score", "-0.61"),
        ("$0.013", 0.013, 0.013, "usd/query", "$0.013/query"),
        ("3 GPU hours per month", 3, 3, "gpu_hours/month", "3 GPU hours/month"),
        ("5 us", 5, 5, "us", "5 µs"),
        ("many", None, None, "gpu_hours", "many"),
    ],
)
def test_a_number_has_the_digits_that_are_written(
    written: str, low: float | None, high: float | None, unit: str, shown: str, field: Path
) -> None:
    value = Value(text=written, low=low, high=high, unit=unit)
    assert shown_numbers.shown_value(value) == shown
    database = views.connect([str(field)])
    given = {"t": written, "l": low, "h": high, "u": unit}
    made = "{'text': $t, 'low': $l::double, 'high': $h::double, 'unit': $u}"
    assert database.query(f"select shown_value('exact', {made})", given).rows == [(shown,)]


def test_a_share_of_a_baseline_is_not_read_as_a_score(tmp_path: Path) -> None:
    made = [score("p", 102.7, relation="ratio"), score("q", 6.6, relation="ratio")]
    made[0]["value"]["unit"], made[1]["value"]["unit"] = "%", "x"
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")], made)
    assert [row["score"] for row in rows("table", "benchmarks", folder)] == [
        "102.7% of the baseline",
        "6.6× the baseline",
    ]


def test_an_empty_board_says_how_to_see_more(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x")], [score("p", 80.0)])
    assert "--least 1 shows also the boards" in told("leaderboard", folder)
    assert "No abstract states a score" in told("leaderboard", folder, "--metric", "BLEU",
                                                "--least", "1")  # fmt: skip


def test_a_table_is_grouped_by_its_papers(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [paper("p", "x"), paper("q", "y")],
                 [speedup("p", 2.0), speedup("p", 3.0), speedup("q", 4.0)])  # fmt: skip
    made = told("table", "speedups", folder, "--group-by", "paper")
    assert "P: A System\n" in made
