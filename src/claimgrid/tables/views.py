"""The files of runs are loaded into an in-memory DuckDB with the views of `sql/*.sql`.

Once the views are loaded nothing more can be read or written: SQL that a user passes on sees these
views and no file. This is the only module that imports duckdb.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from claimgrid.errors import SetupError, StoreError, UsageError
from claimgrid.io.columnar import ColumnarCopy, copy_of
from claimgrid.quantities.shown_numbers import unit_spellings
from claimgrid.review import correction_log
from claimgrid.tables import run_notes
from claimgrid.tables.run_files import RunFiles, decided, find

VIEWS = (
    "claims",
    "speedups",
    "benchmarks",
    "efficiency",
    "hardware",
    "models",
    "papers",
    "rejected",
    "unclaimed",
)
_DEFINED = ("macros", "papers", "claims", *VIEWS[1:6], "rejected", "unclaimed")
_CHOICE = re.compile(r"^qualify .*?^order by .*?;", re.MULTILINE | re.DOTALL)
_BATCH = 2_048  # rows
_MEMORY = "180MB"  # of DuckDB's own; Python and its library take some 100 MB besides
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
    copy = _copy(runs)
    if copy is not None and copy.large:
        return _from_copy(copy, runs)
    connection = duckdb.connect()
    return connection, _build(connection, runs, every_run=every_run)


def _checked(sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _READS:
        raise UsageError("one SELECT statement, please: the views can only be read")


def _copy(runs: Sequence[RunFiles]) -> ColumnarCopy | None:
    """The columnar copy of one run in a folder of this machine; None where there can be none."""
    claims = Path(runs[0].claims)
    if len(runs) > 1 or runs[0].remote or claims.name != "claims.jsonl":
        return None
    made_by = [duckdb.__version__, runs[0].name, *map(_sql, ("raw", "about", *_DEFINED))]
    shared = correction_log.files_of(claims.parent)[0]  # the copy looks after its own folder
    made_by += [shared.read_text(encoding="utf-8", errors="replace")] if shared.is_file() else []
    return copy_of(claims.parent, hashlib.sha256("\0".join(made_by).encode()).hexdigest())


def _from_copy(
    copy: ColumnarCopy, runs: Sequence[RunFiles]
) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    """The views from a run's columnar copy, which is made where there is none or a stale one."""
    if copy.is_fresh():
        with suppress(duckdb.Error):  # damaged: it is made again
            return _opened(copy.path)
    stamp = copy.stamp()
    with TemporaryDirectory(prefix="claimgrid-") as scratch:
        made, whole = Path(scratch, "copy"), Path(scratch, "whole")
        with closing(_bounded(duckdb.connect(whole))) as connection:
            connection.execute("set threads = 1")
            about = _build(connection, runs, in_order=True)
            connection.execute("create table noted (sentence varchar)")
            for sentence in about:
                connection.execute("insert into noted values ($said)", {"said": sentence})
            # What the views are made of is gone by now, and its room is not given back.
            connection.execute(f"attach {_quoted(str(made))} as made")
            connection.execute("copy from database whole to made")
        try:
            return _opened(copy.keep(made, stamp))
        except OSError:  # a folder that may not be written: for this time
            return _opened(made)


def _opened(path: Path) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    connection = _bounded(duckdb.connect(path, read_only=True))
    about = connection.execute("from noted").fetchall()
    return connection, tuple(sentence for (sentence,) in about)


def _bounded(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Let it use little memory, whatever the size of the run: it has the disk for the rest."""
    connection.execute(f"set memory_limit = {_quoted(_MEMORY)}")
    connection.execute("set threads = 2")  # each has buffers of its own
    return connection


def _locked(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Let it see no files, and no Python variables of the caller as tables."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _build(
    connection: duckdb.DuckDBPyConnection,
    runs: Sequence[RunFiles],
    *,
    in_order: bool = False,
    every_run: bool = False,
) -> tuple[str, ...]:
    """Load the lines of runs and make the views of them. Returns what is to be said of the runs.

    Args:
        in_order: there is one run, and one thread, which keeps its rows in their order.
    """
    # In a notebook without ipywidgets DuckDB refuses to touch its progress bar, and shows none.
    with suppress(duckdb.InvalidInputException):
        connection.execute("set enable_progress_bar = false")
    connection.execute(_sql("raw"))
    connection.execute("insert into raw.settings values ($every)", {"every": every_run})
    for number, run in enumerate(runs):
        manifest = run_notes.manifest(run.manifest)
        connection.execute(
            "insert into raw.runs values ($n, $name, $model, $finished, $caution)",
            {"n": number, "name": run.name} | manifest,
        )
        with decided(run) as decided_run:
            _load(connection, "claims", decided_run.claims, number)
            for table, path in (("papers", decided_run.papers), ("rejected", decided_run.rejected)):
                if path is not None:
                    _load(connection, table, path, number)
    for name in _DEFINED:
        # One run has nothing to choose from and is in order; windows and sorts want memory.
        connection.execute(_CHOICE.sub("", _sql(name)) if in_order else _sql(name))
    about = run_notes.sentences(connection.execute(_sql("about")).fetchall(), every_run=every_run)
    connection.execute("drop schema raw cascade")
    return about


def write_parquet(frame: Frame, path: Path) -> None:
    """Write rows as Parquet with their types, in one step.

    Raises:
        StoreError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    fields = [
        f"cast(cell->>{_quoted(str(n))} as {kind}) as {_name(column)}"
        if kind in ("VARCHAR", "JSON")
        else f"from_json(cell->{_quoted(str(n))}, {_quoted(json.dumps(kind))}) as {_name(column)}"
        for n, (column, kind) in enumerate(zip(frame.columns, frame.types, strict=True))
    ]
    rows = [{str(n): value for n, value in enumerate(row)} for row in frame.rows]
    cells = json.dumps(rows, default=str)
    try:
        duckdb.connect().execute(
            f"copy (select {', '.join(fields)} from "  # noqa: S608 names and types are DuckDB's own
            f"(select unnest(cast($cells as json[])) as cell)) to {_quoted(str(part))} "
            "(format parquet, use_tmp_file false)",
            {"cells": cells},
        )
        part.replace(path)
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"{path}: cannot be written: {_first_line(error)}") from error


def _load(connection: duckdb.DuckDBPyConnection, table: str, path: str, number: int) -> None:
    described = connection.execute(f"describe raw.{table}").fetchall()
    columns = {name: kind for name, kind, *_ in described if name != "run"}
    names = ", ".join(map(_name, columns))
    if path.endswith(".parquet"):
        source, names = "read_parquet($path)", _columns_of(connection, path, columns)
    else:
        types = ", ".join(f"{_name(name)}: {_quoted(kind)}" for name, kind in columns.items())
        source = f"read_json($path, format = 'newline_delimited', columns = {{{types}}})"
    try:
        connection.execute(
            f"insert into raw.{table} by name select $run as run, {names} from {source}",  # noqa: S608
            {"path": path, "run": number},
        )
    except duckdb.Error as error:
        raise _unreadable(path, error) from error
    if table == "claims":
        _check(connection, path, number)


def _columns_of(connection: duckdb.DuckDBPyConnection, path: str, wanted: Iterable[str]) -> str:
    """Those of the columns that a Parquet file has; an older one lacks the newest."""
    try:
        described = connection.execute("describe from read_parquet($path)", {"path": path})
    except duckdb.Error as error:
        raise _unreadable(path, error) from error
    there = {name for name, *_ in described.fetchall()}
    if not there.intersection(wanted):
        raise StoreError(f"{path}: has none of the columns of a run; is it a file of a run?")
    # The view's `date` is a whole day; what was stated is in `dated`.
    stated = {"date": "coalesce(dated, date) as date"} if "dated" in there else {}
    return ", ".join(stated.get(name, _name(name)) for name in wanted if name in there)


def _check(connection: duckdb.DuckDBPyConnection, path: str, number: int) -> None:
    lacking = connection.execute(
        "select count(*) from raw.claims where run = $run and (claim_id is null or paper_id is null"
        ' or kind is null or qualifier is null or stance is null or evidence."quote" is null)',
        {"run": number},
    ).fetchone()
    if lacking is not None and lacking[0]:
        raise StoreError(f"{path}: {lacking[0]} lines are no claims; is it a run's claims file?")


def _unreadable(path: str, error: duckdb.Error) -> SetupError | StoreError:
    text = _first_line(error)
    if "://" in path and ("xtension" in text or "httpfs" in text):
        return SetupError(
            f"{path}: DuckDB reads URLs through its extension httpfs, which it fetches once and "
            f"could not ({text}); give this machine network access, or copy the run here"
        )
    return StoreError(f"{path}: cannot be read: {text}; is it a file of a finished run?")


def _in_sql(error: duckdb.Error) -> str:
    if isinstance(error, duckdb.PermissionException):
        return f"SQL can read the views only, no files: {_first_line(error)}"
    said = str(error).strip().partition("\n\tCandidate functions")[0]
    if "VARCHAR[]" not in said:
        return said
    what, line, where = said.partition("\n\nLINE ")
    return f"{what}\n{_LISTS}{line}{where}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _sql(name: str) -> str:
    text = files("claimgrid.tables").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    spelled = (f", {_quoted(unit)}: {_quoted(to)}" for unit, to in unit_spellings().items())
    return text.replace("/*spellings*/", "".join(spelled))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
