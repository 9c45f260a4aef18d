"""The columnar copy of a run: the same rows as its lines give, and never those of other lines."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from claimgrid.cli import report
from claimgrid.cli.export import TARGETS
from claimgrid.io import columnar
from claimgrid.report import page_builder
from claimgrid.review import checked_run
from claimgrid.tables import ranking, views
from claimgrid.tables.table_specs import KINDS
from test_cli import GOLDEN, LINES, extract


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in LINES:
        shutil.copy(GOLDEN / name, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("large", [False, True])
def test_exports_hold_the_rows_of_the_views(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(columnar, "_LEAST", 0 if large else 2**40)
    claims = views.connect([str(run)]).query("select claim_id, quote from claims").rows
    for form in ("parquet", "csv", "duckdb", "sqlite"):
        module, function, _ = TARGETS[form]
        path = tmp_path / f"made.{form}"
        told = getattr(importlib.import_module(module), function)([str(run)], path)
        assert told == f"{path}: {len(claims):,} claims"
    select = "select claim_id, quote from"
    for form in ("parquet", "csv"):
        assert duckdb.sql(f"{select} '{tmp_path}/made.{form}'").fetchall() == claims
    with closing(duckdb.connect(tmp_path / "made.duckdb", read_only=True)) as made:
        assert made.execute(f"{select} claims").fetchall() == claims
    with closing(sqlite3.connect(tmp_path / "made.sqlite")) as base:
        assert base.execute(f"{select} claims").fetchall() == claims
        tables = base.execute("select name from sqlite_master").fetchall()
    assert {name for (name,) in tables} == set(views.VIEWS)
    assert not list(tmp_path.glob("*.part"))


def test_an_export_that_cannot_be_written_is_told(run: Path, tmp_path: Path) -> None:
    done = extract("export", run, tmp_path / "no/such/folder.parquet", "--to", "parquet")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "_LEAST", 0)


def rows(run: Path) -> dict[str, object]:
    database = views.connect([str(run)])
    return {name: database.query(f"from {name}") for name in views.VIEWS}


def test_the_copy_gives_what_the_lines_give_in_their_order(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows(run)
    assert not (run / columnar.COPY).exists()
    monkeypatch.setattr(columnar, "_LEAST", 0)
    assert rows(run) == plain
    made = (run / columnar.COPY).stat().st_mtime_ns
    assert rows(run) == plain
    assert (run / columnar.COPY).stat().st_mtime_ns == made


def test_other_lines_make_another_copy(run: Path, kept: None) -> None:
    before = views.connect([str(run)]).query("select claim_id from claims").rows
    lines = (run / "claims.jsonl").read_bytes().splitlines(keepends=True)
    (run / "claims.jsonl").write_bytes(b"".join(lines[1:]))
    assert views.connect([str(run)]).query("select claim_id from claims").rows == before[1:]
    # As many bytes, and other ones.
    swapped = b"".join([lines[2], lines[1], *lines[3:]])
    (run / "claims.jsonl").write_bytes(swapped)
    os.utime(run / "claims.jsonl", ns=(1, 1))
    found = views.connect([str(run)]).query("select claim_id from claims").rows
    assert found == [before[2], before[1], *before[3:]]


def test_a_folder_that_was_copied_keeps_its_copy(run: Path, kept: None) -> None:
    rows(run)
    made = (run / columnar.COPY).stat().st_mtime_ns
    for name in LINES:
        os.utime(run / name, ns=(5, 5))
    rows(run)
    assert (run / columnar.COPY).stat().st_mtime_ns == made


def test_a_run_that_is_called_otherwise_keeps_its_copy(run: Path, kept: None) -> None:
    rows(run)
    made = (run / columnar.COPY).stat().st_mtime_ns
    moved = run.rename(run.with_name("an 'other' name"))
    database = views.connect([str(moved)])
    for view in ("papers", "claims", "speedups"):
        assert database.query(f"select distinct run from {view}").rows == [(str(moved),)]
    assert str(moved) in database.about[0]
    assert (moved / columnar.COPY).stat().st_mtime_ns == made


@pytest.mark.parametrize("content", [b"", b"no database", b"x" * 500_000])
def test_a_damaged_copy_is_made_again(run: Path, kept: None, content: bytes) -> None:
    plain = rows(run)
    (run / columnar.COPY).write_bytes(content)
    assert rows(run) == plain
    assert rows(run) == plain


@pytest.mark.slow
@pytest.mark.parametrize("every_run", [False, True])
def test_several_runs_from_copies_are_those_from_lines(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_run: bool
) -> None:
    """The first run failed on some papers, the second repeats a record and lacks a paper."""
    other = shutil.copytree(run, tmp_path / "other")
    papers = (run / "papers.jsonl").read_bytes().splitlines(keepends=True)
    failed = [line.replace(b'"status":"claims"', b'"status":"error"') for line in papers[:2]]
    (run / "papers.jsonl").write_bytes(b"".join([*failed, *papers[2:]]))
    twice = papers[3].replace(b'"status":"claims"', b'"status":"duplicate"')
    (other / "papers.jsonl").write_bytes(b"".join([*papers[:-1], twice]))

    def rows() -> dict[str, object]:
        database = views.connect([str(run), str(other)], every_run=every_run)
        found: dict[str, object] = {
            name: sorted(map(repr, database.query(f"from {name}").rows)) for name in views.VIEWS
        }
        order = database.query("select run, claim_id from claims").rows
        return found | {"order": order, "about": database.about}

    plain = rows()
    monkeypatch.setattr(columnar, "_LEAST", 0)
    assert rows() == plain
    assert (run / columnar.COPY).exists()
    assert (other / columnar.COPY).exists()
    assert rows() == plain
    (other / columnar.COPY).write_bytes(b"no database")
    assert rows() == plain


@pytest.mark.parametrize("table", ["speedups", "benchmarks", "hardware", "efficiency", "papers"])
@pytest.mark.parametrize("given", [{}, {"sort": "-title"}, {"sort": "year"}, {"group": "run"}])
def test_a_table_that_is_too_long_to_be_held_has_the_same_first_rows(
    run: Path, monkeypatch: pytest.MonkeyPatch, table: str, given: dict[str, str]
) -> None:
    database = views.connect([str(run)])
    for group in (given.get("group"), "conditions"):
        options = ranking.TableOptions(sort=given.get("sort"), group_by=group, limit=3)
        if group == "conditions" and not KINDS[table].conditions:
            continue
        monkeypatch.setattr(ranking, "_MOST", 20_000)
        held = ranking.rank(database, KINDS[table], options)
        monkeypatch.setattr(ranking, "_MOST", 3)
        assert ranking.rank(database, KINDS[table], options) == held
        assert len(held.rows) == 3


def test_a_table_of_too_many_rows_is_refused_with_the_way_out(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_MOST", 3)
    database = views.connect([str(run)])
    with pytest.raises(views.UsageError, match=r"--limit N .* `extract export OUT FILE"):
        ranking.rank(database, KINDS["claims"], ranking.TableOptions())


def test_a_page_of_too_many_claims_is_refused_or_made_of_a_part(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (chosen,) = report._chosen([run], "kind = 'model_size' -- a comment")
    papers = list(checked_run.read_papers(run, chosen))
    claims = list(checked_run.read_claims(run, chosen))
    assert 0 < len(papers) < len(list(checked_run.read_papers(run)))
    assert {paper.paper_id for paper in papers} == {claim.paper_id for claim in claims} == chosen
    assert len({claim.kind for claim in claims}) > 1  # the page shows all that a paper claims
    monkeypatch.setattr(page_builder, "MOST_CLAIMS", len(claims) - 1)
    with pytest.raises(views.UsageError, match=r"`extract serve OUT`, or choose papers"):
        page_builder.report([run], tmp_path / "report.html")
    with pytest.raises(views.UsageError, match=f"^{len(claims)} claims are too many"):
        report._chosen([run], "kind = 'model_size'")
    with pytest.raises(views.UsageError, match="no_such_column"):
        report._chosen([run], "no_such_column = 1")


def test_sql_over_a_copy_reads_no_file_and_changes_nothing(run: Path, kept: None) -> None:
    database = views.connect([str(run)])
    for query in (
        f"from read_text('{run}/claims.jsonl')",
        "drop table claims",
        "attach 'other.duckdb' as other",
    ):
        with pytest.raises(views.UsageError):
            database.query(query)


def test_a_folder_that_cannot_be_written_has_its_tables_all_the_same(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows(run)
    monkeypatch.setattr(columnar, "_LEAST", 0)

    def refused(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(shutil, "copyfile", refused)
    assert rows(run) == plain
    assert not (run / columnar.COPY).exists()
