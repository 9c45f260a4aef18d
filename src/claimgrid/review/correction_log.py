"""corrections.jsonl is a log of decisions: it is only ever added to, one line at a time.

A run takes the decisions of the file in its own folder, and of the file in the folder above, which
holds for every run that stands there.

A line is on the disk before its decision counts as saved. A line that cannot be read is kept,
reported and passed over, so that a killed write costs at most itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from claimgrid.errors import StoreError
from claimgrid.review.corrections import Correction

NAME = "corrections.jsonl"


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no correction: its number from 1, why, and the file."""

    line: int
    why: str
    file: Path


@dataclass(frozen=True, slots=True)
class Log:
    """What a file of corrections holds, in its order."""

    corrections: tuple[Correction, ...] = ()
    broken: tuple[Broken, ...] = ()


def files_of(folder: Path) -> tuple[Path, ...]:
    """The files whose decisions a run takes: that of the folder above, and its own."""
    return (folder.resolve().parent / NAME, folder / NAME)


def exists(folder: Path) -> bool:
    """Whether a run has a file of decisions, its own or one that it shares."""
    return any(path.is_file() for path in files_of(folder))


def of_run(folder: Path) -> Log:
    """The decisions that a run takes, each once, in the order of their time.

    Raises:
        StoreError: a file is there and cannot be read.
    """
    shared, own = map(read, files_of(folder))
    every = {one.id: one for one in (*shared.corrections, *own.corrections)}
    return Log(tuple(sorted(every.values(), key=_time)), (*shared.broken, *own.broken))


def _time(one: Correction) -> str:
    return one.at


def read(path: Path) -> Log:
    """The corrections of a file; none where there is no such file.

    Raises:
        StoreError: the file is there and cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Log()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from error
    found: list[Correction] = []
    broken: list[Broken] = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(Correction.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            why = f"{where}: {first['msg']}" if where else first["msg"]
            broken.append(Broken(number, why, path))
    return Log(tuple(found), tuple(broken))


def append(path: Path, corrections: Iterable[Correction]) -> None:
    """Add corrections, and return once they are on the disk.

    Raises:
        StoreError: they could not be written.
    """
    lines = b"".join(one.model_dump_json().encode("utf-8") + b"\n" for one in corrections)
    try:
        # One write at the end of the file: two reviewers' lines do not mix.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a write that was cut off keeps its line to itself
            written = 0
            while written < len(lines):
                written += os.write(handle, lines[written:])
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error
