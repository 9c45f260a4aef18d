"""Key ─► Recording: the verbatim replies of a model to one request, in files or in SQLite.

Two stores share one record. A *folder* holds one readable JSON file a request
(`<folder>/<model>/<key>.json`) and is meant to be committed; a *cache* is the SQLite file of a run,
where every paid reply lands before anything is built from it. Neither holds headers or secrets.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from claimgrid.errors import StoreError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
OriginName = Literal["api", "local-server", "batch-file"]


class Attempt(BaseModel):
    """One HTTP reply: its status and its body, JSON if it parses, else text."""

    model_config = ConfigDict(frozen=True)

    status: int
    body: Any


class Recording(BaseModel):
    """The whole attempt chain of one request (bad reply, re-ask, good reply) and where it is from.

    `recorded` is an ISO 8601 date. The request itself is not repeated: its parts can be made again
    from the prompt file, the schema and the abstract whose hashes stand here.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    origin: OriginName
    model: str
    mode: str
    recorded: str
    prompt: str
    prompt_sha256: str
    schema_sha256: str
    paper_id: str
    title: str
    abstract_sha256: str
    attempts: tuple[Attempt, ...]


class Store(Protocol):
    """Where recordings are kept."""

    def get(self, model: str, key: str) -> Recording | None:
        """The recording under this key, if there is one."""

    def put(self, recording: Recording) -> None:
        """Keep it; on disk when this returns."""


class Folder:
    """Recordings as JSON files below `root`, a folder for each model."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, model: str, key: str) -> Path:
        return self.root / folder_name(model) / f"{key}.json"

    def get(self, model: str, key: str) -> Recording | None:
        """The recording under this key, if there is one.

        Raises:
            StoreError: the file is there and is not a recording.
        """
        path = self._path(model, key)
        try:
            return Recording.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise StoreError(
                f"{path}: not a readable recording ({error}); delete it and record again"
            ) from error

    def put(self, recording: Recording) -> None:
        """Write the file in one step (a reader sees the old one or the new one).

        Raises:
            StoreError: the folder cannot be written.
        """
        path = self._path(recording.model, recording.key)
        text = json.dumps(recording.model_dump(), ensure_ascii=False, indent=1) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: the recording cannot be written: {error}") from error

    def of_model(self, model: str) -> Iterator[Recording]:
        """All recordings of a model, in key order."""
        for path in sorted((self.root / folder_name(model)).glob("*.json")):
            recording = self.get(model, path.stem)
            if recording is not None:
                yield recording


class Cache:
    """Recordings in one SQLite file (write-ahead log, so that a kill loses no committed reply)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies "
                "(key TEXT PRIMARY KEY, model TEXT NOT NULL, recording TEXT NOT NULL) STRICT"
            )
        except sqlite3.Error as error:
            raise StoreError(
                f"{path}: the reply cache cannot be opened: {error}; is the folder writable, "
                "and is the file an SQLite database?"
            ) from error

    def get(self, model: str, key: str) -> Recording | None:  # noqa: ARG002 the key covers it
        """The recording under this key, if there is one."""
        row = self._db.execute("SELECT recording FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else Recording.model_validate_json(row[0])

    def put(self, recording: Recording) -> None:
        """Insert or replace; committed and synced when this returns.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        try:
            self._db.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)",
                (recording.key, recording.model, recording.model_dump_json()),
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: the reply cannot be stored: {error}") from error

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def folder_name(model: str) -> str:
    """A model's name as a folder name: `openai/gpt-x` → `openai-gpt-x`."""
    return _UNSAFE.sub("-", model).strip("-.") or "model"
