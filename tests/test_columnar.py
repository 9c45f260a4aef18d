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

from claimgrid.cli.export import TARGETS
from claimgrid.io import columnar
from claimgrid.tables import views
from test_cli import GOLDEN, LINES, extract


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in LINES:
        shutil.copy(GOLDEN / name, folder)
    return folder


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


@pytest.mark.parametrize("content", [b"", b"no database", b"x" * 500_000])
def test_a_damaged_copy_is_made_again(run: Path, kept: None, content: bytes) -> None:
    plain = rows(run)
    (run / columnar.COPY).write_bytes(content)
    assert rows(run) == plain
    assert rows(run) == plain


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
