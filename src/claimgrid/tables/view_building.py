"""Builds the views of `sql/*.sql` from the lines of runs, or from their columnar copies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from claimgrid.errors import SetupError, StoreError
from claimgrid.quantities.shown_numbers import unit_spellings
from claimgrid.review import correction_log
from claimgrid.tables import run_notes
from claimgrid.tables.run_files import RunFiles, decided

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
TABLES = ("papers", "claims", "rejected")
OVER_TABLES = (*VIEWS[1:6], "unclaimed")
_DEFINED = ("macros", *TABLES, *OVER_TABLES)
_CHOICE = re.compile(r"^qualify .*?^order by .*?;", re.MULTILINE | re.DOTALL)

# Lines of a run that are no papers of its views.
SET_ASIDE = "from raw.papers where status is not distinct from 'duplicate'"


def build(
    connection: duckdb.DuckDBPyConnection,
    runs: Sequence[RunFiles],
    *,
    in_order: bool = False,
    every_run: bool = False,
) -> list[tuple[Any, ...]]:
    """Load the lines of runs and make the views of them. Returns what `run_notes` tells of them.

    Args:
        in_order: there is one run, and one thread, which keeps its rows in their order.
    """
    # In a notebook without ipywidgets DuckDB refuses to touch its progress bar, and shows none.
    with suppress(duckdb.InvalidInputException):
        connection.execute("set enable_progress_bar = false")
    connection.execute(sql_of("raw"))
    connection.execute("insert into raw.settings values ($every)", {"every": every_run})
    for number, run in enumerate(runs):
        manifest = run_notes.manifest(run.manifest)
        connection.execute(
            "insert into raw.runs values ($n, $name, $model, $finished, $caution)",
            {"n": number, "name": run.name} | manifest,
        )
        _load_files(connection, run, number)
    for name in _DEFINED:
        # One run has nothing to choose from and is in order; windows and sorts want memory.
        connection.execute(_CHOICE.sub("", sql_of(name)) if in_order else sql_of(name))
    about = connection.execute(sql_of("about")).fetchall()
    if in_order:
        connection.execute("create schema aside")
        connection.execute(f"create table aside.papers as {SET_ASIDE}")
    connection.execute("drop schema raw cascade")
    return about


def made_by(folder: Path) -> str:
    """What the columnar copy of a run's folder depends on beside the files in it."""
    sql = map(sql_of, ("raw", "about", "macros", *TABLES))
    shared = correction_log.files_of(folder)[0]  # the copy looks after its own folder
    decided = [shared.read_text(encoding="utf-8", errors="replace")] if shared.is_file() else []
    parts = [duckdb.__version__, SET_ASIDE, *sql, *decided]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _load_files(connection: duckdb.DuckDBPyConnection, run: RunFiles, number: int) -> None:
    """Load a run from its files, with people's decisions. Raises StoreError or SetupError."""
    with decided(run) as decided_run:
        _load(connection, "claims", decided_run.claims, number)
        for table, path in (("papers", decided_run.papers), ("rejected", decided_run.rejected)):
            if path is not None:
                _load(connection, table, path, number)


def _load(connection: duckdb.DuckDBPyConnection, table: str, path: str, number: int) -> None:
    described = connection.execute(f"describe raw.{table}").fetchall()
    columns = {name: kind for name, kind, *_ in described if name != "run"}
    names = ", ".join(map(identifier, columns))
    if path.endswith(".parquet"):
        source, names = "read_parquet($path)", _columns_of(connection, path, columns)
    else:
        types = ", ".join(f"{identifier(name)}: {quoted(kind)}" for name, kind in columns.items())
        source = f"read_json($path, format = 'newline_delimited', columns = {{{types}}})"
    try:
        connection.execute(
            f"insert into raw.{table} by name select $run as run, {names} from {source}",  # noqa: S608
            {"path": path, "run": number},
        )
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    if table == "claims":
        _check(connection, path, number)


def _columns_of(connection: duckdb.DuckDBPyConnection, path: str, wanted: Iterable[str]) -> str:
    """Those of the columns that a Parquet file has; an older one lacks the newest."""
    try:
        described = connection.execute("describe from read_parquet($path)", {"path": path})
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    there = {name for name, *_ in described.fetchall()}
    if not there.intersection(wanted):
        raise StoreError(f"{path}: has none of the columns of a run; is it a file of a run?")
    # The view's `date` is a whole day; what was stated is in `dated`.
    stated = {"date": "coalesce(dated, date) as date"} if "dated" in there else {}
    return ", ".join(stated.get(name, identifier(name)) for name in wanted if name in there)


def _check(connection: duckdb.DuckDBPyConnection, path: str, number: int) -> None:
    lacking = connection.execute(
        "select count(*) from raw.claims where run = $run and (claim_id is null or paper_id is null"
        ' or kind is null or qualifier is null or stance is null or evidence."quote" is null)',
        {"run": number},
    ).fetchone()
    if lacking is not None and lacking[0]:
        raise StoreError(f"{path}: {lacking[0]} lines are no claims; is it a run's claims file?")


def unreadable(path: str, error: duckdb.Error) -> SetupError | StoreError:
    """What is said of a file that DuckDB cannot read."""
    text = first_line(error)
    if "://" in path and ("xtension" in text or "httpfs" in text):
        return SetupError(
            f"{path}: DuckDB reads URLs through its extension httpfs, which it fetches once and "
            f"could not ({text}); give this machine network access, or copy the run here"
        )
    return StoreError(f"{path}: cannot be read: {text}; is it a file of a finished run?")


def first_line(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0]


def sql_of(name: str) -> str:
    """The SQL that defines a view."""
    text = files("claimgrid.tables").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    spelled = (f", {quoted(unit)}: {quoted(to)}" for unit, to in unit_spellings().items())
    return text.replace("/*spellings*/", "".join(spelled))


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
