"""The views of runs are opened and asked: from their lines, or from columnar copies of them.

Once the views are loaded nothing more can be read or written: SQL that a user passes on sees these
views and no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from claimgrid.errors import StoreError, UsageError
from claimgrid.io.columnar import is_large
from claimgrid.tables import columnar_copies, run_notes, view_building
from claimgrid.tables.run_files import find
from claimgrid.tables.view_building import first_line, identifier, quoted

VIEWS = view_building.VIEWS
_BATCH = 2_048  # rows
_LISTS = "(a column that holds a list is asked with list_contains(hardware, 'nvidia-a100'))"
_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows with typed columns; `types` are DuckDB's names (`VARCHAR`, `DOUBLE`, `VARCHAR[]` …)."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Each row by column name."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))


class Database:
    """The views over some runs. Read-only; `cursor()` gives one to each thread.

    `about` says in sentences which model made each run, when, and how good it is known to be; and,
    where papers are in several runs, which run each is shown from.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, about: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self.about = about

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Frame:
        """The rows of one SELECT (or EXPLAIN, DESCRIBE, SUMMARIZE, PIVOT).

        Raises:
            UsageError: the SQL is wrong, is not one such statement, or reaches for a file.
        """
        try:
            result = self.relation(sql, parameters)
            columns = tuple(result.columns)
            types = tuple(str(kind) for kind in result.types)
            return Frame(columns, types, result.fetchall())
        except duckdb.Error as error:
            raise UsageError(_in_sql(error)) from error

    def relation(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The same, not fetched: for pandas, polars, Arrow. Raises UsageError as `query` does."""
        try:
            _checked(sql)
            return self._connection.sql(sql, params=dict(parameters) if parameters else None)
        except duckdb.Error as error:
            raise UsageError(_in_sql(error)) from error

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Row]:
        """The same, a few at a time, each by column name: however many there are, few are held."""
        cursor = self._connection.cursor()
        try:
            _checked(sql)
            cursor.execute(sql, dict(parameters) if parameters else None)
            columns = [name for name, *_ in cursor.description or ()]
            while batch := cursor.fetchmany(_BATCH):
                for row in batch:
                    yield dict(zip(columns, row, strict=True))
        except duckdb.Error as error:
            raise UsageError(_in_sql(error)) from error
        finally:
            cursor.close()

    def cursor(self) -> Database:
        """Another connection to the same views, for another thread."""
        return Database(self._connection.cursor(), self.about)

    def columns(self, view: str) -> dict[str, str]:
        """The columns of a view and their types, in order."""
        described = self._connection.execute(f"describe {view}").fetchall()
        return {name: kind for name, kind, *_ in described}


def connect(outs: Sequence[str], *, every_run: bool = False) -> Database:
    """Load runs (folders, claims files, globs, URLs) and lock the database to them.

    Args:
        outs: what names the runs.
        every_run: show a paper that several runs have read from each of them. Else it is shown from
            the first run that read it without an error.

    Raises:
        UsageError: what is named is no run.
        StoreError: a file cannot be read, or its lines are not those of this version.
        SetupError: a URL was named and DuckDB's extension for it cannot be loaded.
    """
    connection, about = unlocked(outs, every_run=every_run)
    return Database(_locked(connection), about)


def unlocked(
    outs: Sequence[str], *, every_run: bool = False
) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    """As `connect`, for statements of our own that write files; and what is said of the runs."""
    runs = find(outs)
    copies = [columnar_copies.of(run) for run in runs]
    if len(runs) == 1 and copies[0] is not None and copies[0].large:
        return columnar_copies.opened(copies[0], runs[0])
    if is_large(sum(copy.size for copy in copies if copy is not None)):
        return columnar_copies.together(runs, copies, every_run=every_run)
    connection = duckdb.connect()
    told = view_building.build(connection, runs, every_run=every_run)
    return connection, run_notes.sentences(told, every_run=every_run)


def _checked(sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _READS:
        raise UsageError("one SELECT statement, please: the views can only be read")


def _locked(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Let it see no files, and no Python variables of the caller as tables."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def write_parquet(frame: Frame, path: Path) -> None:
    """Write rows as Parquet with their types, in one step.

    Raises:
        StoreError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    fields = [
        f"cast(cell->>{quoted(str(n))} as {kind}) as {identifier(column)}"
        if kind in ("VARCHAR", "JSON")
        else f"from_json(cell->{quoted(str(n))}, {quoted(json.dumps(kind))}) "
        f"as {identifier(column)}"
        for n, (column, kind) in enumerate(zip(frame.columns, frame.types, strict=True))
    ]
    rows = [{str(n): value for n, value in enumerate(row)} for row in frame.rows]
    cells = json.dumps(rows, default=str)
    try:
        duckdb.connect().execute(
            f"copy (select {', '.join(fields)} from "  # noqa: S608 names and types are DuckDB's own
            f"(select unnest(cast($cells as json[])) as cell)) to {quoted(str(part))} "
            "(format parquet, use_tmp_file false)",
            {"cells": cells},
        )
        part.replace(path)
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"{path}: cannot be written: {first_line(error)}") from error


def _in_sql(error: duckdb.Error) -> str:
    if isinstance(error, duckdb.PermissionException):
        return f"SQL can read the views only, no files: {first_line(error)}"
    said = str(error).strip().partition("\n\tCandidate functions")[0]
    if "VARCHAR[]" not in said:
        return said
    what, line, where = said.partition("\n\nLINE ")
    return f"{what}\n{_LISTS}{line}{where}"
