"""Makes and opens the columnar copies of large runs, and puts several runs together from theirs.

All of it takes little memory, whatever the size of a run: DuckDB has the disk for the rest.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import duckdb

from claimgrid.io.columnar import ColumnarCopy, copy_of
from claimgrid.tables import run_notes
from claimgrid.tables.run_files import RunFiles
from claimgrid.tables.view_building import (
    OVER_TABLES,
    TABLES,
    build,
    made_by,
    quoted,
    sql_of,
)

_MEMORY = "180MB"  # of DuckDB's own; Python and its library take some 100 MB besides

Views = tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]


def of(run: RunFiles) -> ColumnarCopy | None:
    """The columnar copy of a run in a folder of this machine; None where there can be none."""
    claims = Path(run.claims)
    if run.remote or claims.name != "claims.jsonl":
        return None
    return copy_of(claims.parent, made_by(claims.parent))


def opened(copy: ColumnarCopy, run: RunFiles) -> Views:
    """The views from a run's columnar copy, which is made where there is none or a stale one."""
    with ExitStack() as stack:
        connection = _bounded(duckdb.connect())
        _attach(connection, copy, run, "r0", stack)
        _define(connection, {t: _from_copy(t, 0, run) for t in TABLES})
        return connection, run_notes.sentences([_told(connection, 0, run)], every_run=False)


def together(
    runs: Sequence[RunFiles], copies: Sequence[ColumnarCopy | None], *, every_run: bool
) -> Views:
    """The views of several runs over their columnar copies; none of their rows is copied again.

    Which papers are shown from which run is worked out from their ids alone.
    """
    with ExitStack() as stack:
        connection = _bounded(duckdb.connect())
        for number, (run, copy) in enumerate(zip(runs, copies, strict=True)):
            _attach(connection, copy, run, f"r{number}", stack)
        # The small tables of what is left out are looked up, and rows keep the order of the runs.
        connection.execute("set disabled_optimizers = 'build_side_probe_side'")
        connection.execute(sql_of("choice"))
        for number in range(len(runs)):
            for part, aside in (("main", "false"), ("aside", "true")):
                connection.execute(
                    "insert into choice.papers select $n, paper_id, abstract_sha256, "  # noqa: S608
                    f"status not in ('claims', 'no_claims'), {aside} from r{number}.{part}.papers",
                    {"n": number},
                )
        shared = dict(connection.execute("from choice.shared").fetchall())
        if not every_run:
            _choose(connection, len(runs))
        _define(
            connection,
            {
                table: "\nunion all ".join(
                    _from_copy(table, number, run) + ("" if every_run else _CHOSEN[table](number))
                    for number, run in enumerate(runs)
                )
                for table in TABLES
            },
        )
        told = [
            (*_told(connection, number, run)[:-1], shared.get(number, 0))
            for number, run in enumerate(runs)
        ]
        return connection, run_notes.sentences(told, every_run=every_run)


def _choose(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Say which rows are left out: of papers that another run stands for, and repeated claims."""
    connection.execute(sql_of("choose"))
    for insert in (
        # Claims whose paper has no line may be those of a paper that another run shows.
        "insert into choice.of_several select distinct paper_id from r{0}.main.claims "
        "where paper_id not in (select paper_id from choice.papers where run = {0})",
        "insert into choice.suspects select {0}, claim_id from r{0}.main.claims "
        "where paper_id in (from choice.of_several) "
        "and paper_id not in (select paper_id from choice.left_out_ids where run = {0})",
    ):
        for number in range(runs):
            connection.execute(insert.format(number))


# What of a run's tables is shown beside other runs. The tables of `choice` are small.
_CHOSEN: dict[str, Callable[[int], str]] = {
    "papers": lambda n: (
        f" anti join choice.left_out o on o.run = {n} and o.paper_id = t.paper_id "
        "and o.abstract_sha256 is not distinct from t.abstract_sha256"
    ),
    "claims": lambda n: (
        f" anti join choice.left_out_ids o on o.run = {n} and o.paper_id = t.paper_id"
        f" anti join choice.repeated e on e.run = {n} and e.claim_id = t.claim_id"
    ),
    "rejected": lambda n: (
        f" anti join choice.left_out_ids o on o.run = {n} and o.paper_id = t.paper_id"
    ),
}


def _from_copy(table: str, number: int, run: RunFiles) -> str:
    """The rows of a copy, which does not say how its run is called: it may be otherwise now."""
    name = quoted(run.name)
    return f"select t.* replace ({name} as run) from r{number}.main.{table} t"  # noqa: S608


def _told(connection: duckdb.DuckDBPyConnection, number: int, run: RunFiles) -> tuple[Any, ...]:
    found = connection.execute(f"select * exclude (name) from r{number}.main.told")  # noqa: S608
    return (run.name, *(found.fetchone() or ()))


def _define(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> None:
    connection.execute(sql_of("macros"))
    for table, rows in tables.items():
        connection.execute(f"create view {table} as {rows}")
    for view in OVER_TABLES:
        connection.execute(sql_of(view))


def _attach(
    connection: duckdb.DuckDBPyConnection,
    copy: ColumnarCopy | None,
    run: RunFiles,
    name: str,
    stack: ExitStack,
) -> None:
    """Attach the copy of a run; it is made where there is none, a stale or a damaged one."""
    attach = f"attach {{}} as {name} (read_only)"
    if copy is not None and copy.large and copy.is_fresh():
        with suppress(duckdb.Error):
            connection.execute(attach.format(quoted(str(copy.path))))
            return
    # What is made there stays readable when its name is gone.
    scratch = Path(stack.enter_context(TemporaryDirectory(prefix="claimgrid-")))
    stamp = None if copy is None or not copy.large else copy.stamp()
    path = _made(run, scratch)
    if copy is not None and stamp is not None:
        with suppress(OSError):  # a folder that may not be written: for this time
            path = copy.keep(path, stamp)
    connection.execute(attach.format(quoted(str(path))))


def _made(run: RunFiles, scratch: Path) -> Path:
    """Make the copy of a run in a folder."""
    made, whole = scratch / "copy", scratch / "whole"
    with closing(_bounded(duckdb.connect(whole))) as connection:
        connection.execute("set threads = 1")
        (told,) = build(connection, [run], in_order=True)
        connection.execute(
            "create table told (name varchar, model varchar, day varchar, caution varchar, "
            "papers bigint, shared bigint)"
        )
        connection.execute("insert into told values (?, ?, ?, ?, ?, ?)", told)
        # What the views are made of is gone by now, and its room is not given back.
        connection.execute(f"attach {quoted(str(made))} as made")
        connection.execute("copy from database whole to made")
    return made


def _bounded(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Let it use little memory, whatever the size of the run."""
    connection.execute(f"set memory_limit = {quoted(_MEMORY)}")
    connection.execute("set threads = 2")  # each has buffers of its own
    # Each needs one of its own, which DuckDB makes when it is wanted, and removes.
    spill = Path(gettempdir(), f"claimgrid-{uuid.uuid4().hex}")
    connection.execute(f"set temp_directory = {quoted(str(spill))}")
    return connection
