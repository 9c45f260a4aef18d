"""Stores the verbatim replies of a model by the key of their request.

Two stores share one record. A folder of recordings (`recording_folder`) is meant to be committed; a
*cache* is the SQLite file of a run, where every paid reply lands before anything is built from it.
Neither holds headers or secrets.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from claimgrid.errors import StoreError
from claimgrid.llm.reply_body import usage_of
from claimgrid.types.answer import Usage

# Made when it is first needed: most runs never replace a reply.
_REPLACED = (
    "CREATE TABLE IF NOT EXISTS replaced (key TEXT, attempts TEXT, recording TEXT, "
    "PRIMARY KEY (key, attempts)) STRICT"
)
_TABLES = "SELECT name FROM other.sqlite_master WHERE name IN ('replies', 'replaced')"
_GATHER = 0.01  # seconds that a commit waits for company: a sync costs more than many rows
OriginName = Literal["api", "local-server", "batch-file", "batch-api"]


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


class Paid(NamedTuple):
    """Whose replies were paid for, and by which way they came."""

    model: str
    origin: OriginName


class ResponseStore(Protocol):
    """Where recordings are kept."""

    def get(self, model: str, key: str) -> Recording | None:
        """The recording under this key, if there is one."""

    def put(self, recording: Recording) -> None:
        """Keep it; on disk when this returns."""

    async def keep(self, recording: Recording) -> None:
        """Write as `put` does, without holding up others; it is on disk when this returns."""


class ReplyCache:
    """Recordings in one SQLite file of checksummed rows.

    Write-ahead log and a sync at each commit: a kill or a power cut loses no reply that was kept.
    Replies that arrive together share one commit, made in a thread. Replies that others take the
    place of are kept too, in a table of their own: they were paid for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: list[tuple[Recording, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        try:
            # One connection, used by one thread at a time, whoever holds the lock.
            self._lock = threading.Lock()
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, model TEXT NOT NULL, "
                "recording TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"
            )
            self._reader = sqlite3.connect(path)
        except sqlite3.Error as error:
            raise StoreError(
                f"{path}: the reply cache cannot be opened: {error}; is the folder writable, "
                "is there room on the disk, and is the file an SQLite database?"
            ) from error

    def get(self, model: str, key: str) -> Recording | None:  # noqa: ARG002 the key covers it
        """The recording under this key; None if there is none, or if its row is damaged (the reply
        is then asked for again)."""
        query = "SELECT CAST(recording AS BLOB), CAST(sha256 AS BLOB) FROM replies WHERE key = ?"
        try:
            row = self._reader.execute(query, (key,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: cannot be read: {error}; `sqlite3 {self.path.name} .recover` saves "
                "what can be saved, or move the file away to ask for all replies again"
            ) from error
        if row is None or _sha256(row[0]) != row[1]:
            return None
        try:
            return Recording.model_validate_json(row[0])
        except ValidationError:
            return None  # sound, but of a version that wrote other recordings

    def put(self, recording: Recording) -> None:
        """Insert or replace; committed and synced when this returns.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        self._commit([recording])

    def set_aside(self, recording: Recording) -> None:
        """Keep replies that were paid for and that `get` is not to find.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        self._commit([], aside=[recording])

    def paid(self) -> dict[Paid, Usage]:
        """Tokens of all replies, those that others took the place of included.

        Raises:
            StoreError: the file cannot be read.
        """
        found: dict[Paid, Usage] = {}
        query = "SELECT CAST(recording AS BLOB) FROM replies"
        named = "SELECT 1 FROM sqlite_master WHERE name = 'replaced'"
        try:
            if self._reader.execute(named).fetchone():
                query += " UNION ALL SELECT CAST(recording AS BLOB) FROM replaced"
            for (text,) in self._reader.execute(query):
                with suppress(ValueError, KeyError, TypeError):  # a damaged row says nothing
                    told = from_json(text, cache_strings="keys")
                    one = Paid(told["model"], told["origin"])
                    used = [usage_of(attempt["body"]) for attempt in told["attempts"]]
                    found[one] = sum(used, found.get(one, Usage()))
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be read: {error}") from error
        return found

    def copy_from(self, path: Path) -> None:
        """Take over the replies of another cache. Raises StoreError if that cannot be done."""
        try:
            with self._lock:
                self._db.execute("ATTACH ? AS other", (str(path),))
                self._db.execute(_REPLACED)
                for (name,) in self._db.execute(_TABLES).fetchall():
                    self._db.execute(f"INSERT OR IGNORE INTO {name} SELECT * FROM other.{name}")  # noqa: S608
                self._db.execute("DETACH other")
        except sqlite3.Error as error:
            raise StoreError(f"{path}: its replies cannot be copied: {error}") from error

    async def keep(self, recording: Recording) -> None:
        """Insert or replace with whatever else is waiting; committed and synced when this returns.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((recording, done))
        # Done with work left: it was cancelled.
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._pending:
            await asyncio.sleep(_GATHER)
            # They stay pending until they are on disk: `close` writes what a cancelled task left.
            batch = list(self._pending)
            commit = asyncio.to_thread(self._commit, [recording for recording, _ in batch])
            # Whatever went wrong is for those who wait: none of them may wait for ever.
            (error,) = await asyncio.gather(commit, return_exceptions=True)
            for _, done in batch:
                if done.done():
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
            del self._pending[: len(batch)]

    def _commit(self, recordings: Sequence[Recording], aside: Sequence[Recording] = ()) -> None:
        texts = [(r.key, r.model, r.model_dump_json()) for r in recordings]
        rows = [(key, model, text, _digest(text)) for key, model, text in texts]
        try:
            with self._lock:
                begun = [r for r in recordings if len(r.attempts) == 1]
                self._insert(rows, [*aside, *self._replaced(begun)])
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: a reply cannot be stored: {error}; what was stored before is safe, "
                "and the same command continues from there"
            ) from error

    def _replaced(self, begun: Sequence[Recording]) -> Iterator[Recording]:
        """What is stored in the place of recordings with one attempt and is no part of them.

        One with more attempts holds what was stored before, and adds to it.
        """
        for recording in begun:
            query = "SELECT CAST(recording AS BLOB) FROM replies WHERE key = ?"
            row = self._db.execute(query, (recording.key,)).fetchone()
            with suppress(ValidationError):
                known = Recording.model_validate_json(row[0]) if row else recording
                if known.attempts != recording.attempts:
                    yield known

    def _insert(
        self, rows: Sequence[tuple[str, str, str, str]], aside: Sequence[Recording]
    ) -> None:
        told = ((r.key, _digest(r.model_dump_json(include={"attempts"})), r) for r in aside)
        kept = [(key, digest, r.model_dump_json()) for key, digest, r in told]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            if kept:
                self._db.execute(_REPLACED)
                self._db.executemany("INSERT OR IGNORE INTO replaced VALUES (?, ?, ?)", kept)
            self._db.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Store what an interrupted run left unwritten, and close the database.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        try:
            if self._pending:
                self._commit([recording for recording, _ in self._pending])
        finally:
            with self._lock:  # a commit under way in its thread ends first
                self._reader.close()
                self._db.close()


def _digest(text: str) -> str:
    return _sha256(text.encode("utf-8", "surrogatepass")).decode()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
