"""Writes the views of runs as Parquet, CSV, DuckDB or SQLite files, a few rows at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from claimgrid.errors import StoreError
from claimgrid.tables import views

_NO_CLAIMS = ("papers", "rejected", "unclaimed")
_ROWS = 5_000  # of a group in Parquet, and that are held at a time


def write_parquet(outs: Sequence[str], path: Path, min_confidence: float | None = None) -> str:
    """Write the claims as Parquet, in row groups. Raises StoreError."""
    how = f"format parquet, compression zstd, row_group_size {_ROWS}"
    return _copied(outs, path, how, min_confidence)


def write_csv(outs: Sequence[str], path: Path, min_confidence: float | None = None) -> str:
    """Write the claims as CSV, nested fields in DuckDB's notation. Raises StoreError."""
    return _copied(outs, path, "format csv, header", min_confidence)


def write_duckdb(outs: Sequence[str], path: Path, min_confidence: float | None = None) -> str:
    """Write every view as a table of a DuckDB file. Raises StoreError."""

    def write(connection: duckdb.DuckDBPyConnection, part: Path) -> None:
        connection.execute(f"attach {_quoted(part)} as made (read_write)")
        for view in views.VIEWS:
            connection.execute(f"create table made.{view} as {_rows_of(view, min_confidence)}")
        connection.execute("detach made")

    return _written(outs, path, write, min_confidence)


def write_sqlite(outs: Sequence[str], path: Path, min_confidence: float | None = None) -> str:
    """Write every view as a table of an SQLite file, nested fields as JSON. Raises StoreError."""

    def write(connection: duckdb.DuckDBPyConnection, part: Path) -> None:
        with closing(sqlite3.connect(part)) as database:
            for view in views.VIEWS:
                result = connection.execute(_rows_of(view, min_confidence))
                names = [column[0] for column in result.description or ()]
                columns = ", ".join(f'"{name}"' for name in names)
                database.execute(f"create table {view} ({columns})")
                marks = ", ".join("?" * len(names))
                while rows := result.fetchmany(_ROWS):
                    made = (tuple(map(_flat, row)) for row in rows)
                    database.executemany(f"insert into {view} values ({marks})", made)  # noqa: S608
            database.commit()

    return _written(outs, path, write, min_confidence)


def _rows_of(view: str, least: float | None) -> str:
    """The rows of one of our views; of those that hold claims, the sure ones."""
    sure = least is not None and view not in _NO_CLAIMS
    return f"from {view} where confidence >= {least!r}" if sure else f"from {view}"


def _copied(outs: Sequence[str], path: Path, how: str, least: float | None) -> str:
    def write(connection: duckdb.DuckDBPyConnection, part: Path) -> None:
        connection.execute(f"copy ({_rows_of('claims', least)}) to {_quoted(part)} ({how})")

    return _written(outs, path, write, least)


def _written(
    outs: Sequence[str],
    path: Path,
    write: Callable[[duckdb.DuckDBPyConnection, Path], None],
    least: float | None,
) -> str:
    with _part(path) as part:
        connection, _ = views.unlocked(outs)
        with closing(connection):
            write(connection, part)
            found = connection.execute(f"select count(*) {_rows_of('claims', least)}").fetchone()
    return f"{path}: {found[0] if found else 0:,} claims"


@contextmanager
def _part(path: Path) -> Iterator[Path]:
    """A file that takes the place of `path` when all went well."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        part.replace(path)
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise StoreError(f"{path}: cannot be written: {first}") from error
    finally:
        part.unlink(missing_ok=True)


def _flat(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
