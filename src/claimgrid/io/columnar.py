"""Keeps the columnar copy of a run beside its lines, and says whether it is still theirs.

The lines are the truth. The copy (`columnar.duckdb`) is made from them when a table is asked for
and there is none, or when it is stale; `columnar.json` says what it was made from. It may be
deleted at any time. Small runs have none: their lines are read faster than a copy is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COPY = "columnar.duckdb"
STAMP = "columnar.json"
_LEAST = 32 * 2**20  # bytes of lines


@dataclass(frozen=True, slots=True)
class ColumnarCopy:
    """The copy of one run's folder.

    Args:
        made_by: what else it depends on: the views, their program, how the run was named.
        size: bytes of its lines.
    """

    folder: Path
    made_by: str
    size: int

    @property
    def large(self) -> bool:
        """Whether the run is so large that a copy pays."""
        return is_large(self.size)

    @property
    def path(self) -> Path:
        """Where the copy is, if there is one."""
        return self.folder / COPY

    def is_fresh(self) -> bool:
        """Whether there is a copy of just these lines.

        Size and time of each file decide; where only the time differs, as after the folder was
        copied, the content does.
        """
        try:
            told = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
            if not self.path.exists() or told["made_by"] != self.made_by:
                return False
            now, then = _files(self.folder), told["files"]
            return now.keys() == then.keys() and all(
                _unchanged(now[name], then[name]) for name in now
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def stamp(self) -> dict[str, Any]:
        """What the lines are now; to be taken before they are read."""
        files = {
            name: {"size": one.stat().st_size, "time": one.stat().st_mtime_ns, "sha256": _hash(one)}
            for name, one in _files(self.folder).items()
        }
        return {"made_by": self.made_by, "files": files}

    def keep(self, made: Path, stamp: dict[str, Any]) -> Path:
        """Put a new copy in the place of the old one, from wherever it was made. Raises OSError."""
        part = self.folder / f"{STAMP}.{os.getpid()}.part"
        with suppress(OSError):
            (self.folder / STAMP).unlink()
        beside = self.folder / f"{COPY}.{os.getpid()}.part"
        try:
            shutil.copyfile(made, beside)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        part.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        part.replace(self.folder / STAMP)
        return self.path


def copy_of(folder: Path, made_by: str) -> ColumnarCopy:
    """The copy of a run's folder, whether it is there or not."""
    size = sum(path.stat().st_size for path in _files(folder).values())
    return ColumnarCopy(folder, made_by, size)


def is_large(size: int) -> bool:
    """Whether so many bytes of lines are better read from a copy."""
    return size >= _LEAST


def _files(folder: Path) -> dict[str, Path]:
    """Every file that the views may be made from, by name."""
    paths = (path for pattern in ("*.jsonl", "*.json") for path in folder.glob(pattern))
    return {path.name: path for path in sorted(paths) if path.name != STAMP}


def _unchanged(path: Path, then: dict[str, Any]) -> bool:
    found = path.stat()
    if found.st_size != then["size"]:
        return False
    return bool(found.st_mtime_ns == then["time"] or _hash(path) == then["sha256"])


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
