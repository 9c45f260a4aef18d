"""Reads Parquet by DuckDB and Arrow files by pyarrow, some rows at a time."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError, SourceError
from claimgrid.sources.delimited import no_abstract_column
from claimgrid.sources.guessed_columns import NamedColumns, is_table_of_papers
from claimgrid.sources.jsonl import portable
from claimgrid.sources.lines import Problem, printable
from claimgrid.sources.paper_fields import paper
from claimgrid.sources.record_shapes import GENERIC, read_record, shape_of
from claimgrid.types.paper import Paper

_ROWS = 256  # read at a time
_MEMORY = "96MB"  # of DuckDB; a row group that needs more goes to disk


def read_parquet(
    name: str, path: Path, told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper of each row.

    Raises:
        SourceError: the file is damaged, or has no column for the abstract.
    """
    import duckdb

    file = printable(name)
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1}) as connection:
            connection.execute("set enable_progress_bar = false")
            # Straight from the file to us: keeping the order would hold whole row groups back.
            rows = connection.execute("select * from read_parquet($path)", {"path": str(path)})
            names = tuple(column[0] for column in rows.description or ())
            yield from _papers(_fetched(rows, names), names, file, told or NamedColumns())
    except duckdb.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise SourceError(f"is damaged Parquet: {reason}", path=file) from error


def _fetched(rows: Any, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    while some := rows.fetchmany(_ROWS):
        for row in some:
            yield dict(zip(names, row, strict=True))


def read_arrow(
    name: str, path: Path, told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper of each row of an Arrow file, stream or Feather file.

    Raises:
        SetupError: the extra `[arrow]` is not installed.
        SourceError: the file is damaged, or has no column for the abstract.
    """
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise SetupError("Arrow files need: pip install 'claimgrid[arrow]'") from error
    file = printable(name)
    try:
        with pa.memory_map(str(path)) as source:
            try:
                batches: Any = pa.ipc.open_file(source)
                each = (batches.get_batch(n) for n in range(batches.num_record_batches))
            except pa.ArrowInvalid:
                source.seek(0)
                each = batches = pa.ipc.open_stream(source)
            names = tuple(batches.schema.names)
            rows = (row for b in each for at in range(0, len(b), _ROWS)
                    for row in b.slice(at, _ROWS).to_pylist())  # fmt: skip
            yield from _papers(rows, names, file, told or NamedColumns())
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"is a damaged Arrow file: {error}", path=file) from error


def _papers(
    rows: Iterator[Mapping[str, Any]], names: tuple[str, ...], file: str, told: NamedColumns
) -> Iterator[Paper | Problem]:
    known = shape_of(dict.fromkeys(names)) != GENERIC
    if not known and not is_table_of_papers(names, told):
        raise no_abstract_column(list(names), told, file)
    for number, row in enumerate(rows, 1):
        values = {name: _value(value) for name, value in row.items()}
        record = read_record(values, told, file, number)
        record.label = f"row {number}"
        record.extra = {key: value for key, value in record.extra.items() if value is not None}
        yield paper(record)


def _value(value: Any) -> Any:
    """A cell as JSON can hold it."""
    if isinstance(value, str | float):
        return portable(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    if isinstance(value, decimal.Decimal | uuid.UUID | datetime.timedelta):
        return str(value)
    return value
