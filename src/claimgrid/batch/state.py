"""Keeps the requests, parts and replies of a run's batches in one SQLite file.

Every remote step is written down twice: that it will be tried, then what came of it. So after a
kill at any point the file says which step may or may not have happened, and only that one has to
be looked up. A request is *waiting* (to be put in a part), *sent* (in a part), *done* (its replies
are in the reply cache) or *failed* (with the reason).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from claimgrid.batch.base import BatchPart, BatchRequest, BatchRun, RequestStatus
from claimgrid.errors import StoreError, UsageError
from claimgrid.llm.reply_body import usage_of
from claimgrid.types.answer import Usage
from claimgrid.types.request import Request, Sampling

FOLDER = "batch"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (one INTEGER PRIMARY KEY CHECK (one = 1), run TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS prefixes (id INTEGER PRIMARY KEY, messages TEXT UNIQUE NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS parts (number INTEGER PRIMARY KEY, part TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS requests (
  place INTEGER PRIMARY KEY,
  key TEXT UNIQUE NOT NULL,
  prefix INTEGER NOT NULL REFERENCES prefixes (id),
  request TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'waiting',
  part INTEGER,
  replies TEXT NOT NULL DEFAULT '[]',
  in_vain INTEGER NOT NULL DEFAULT 0,
  reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS statuses ON requests (status, part);
"""


class BatchState:
    """The state file of a run's folder. Close it, or use it as a context manager.

    Args:
        folder: the run's folder.
        alone: take the folder for this process; needed for whatever sends or stores.

    Raises:
        StoreError: the file cannot be opened, or another process has taken the folder.
    """

    def __init__(self, folder: Path, *, alone: bool) -> None:
        self.folder = folder / FOLDER
        try:
            if alone:
                self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder / "lock") if alone else None
            path = self.folder / "state.sqlite"
            mode = "rwc" if alone else "ro"
            uri = f"{path.resolve().as_uri()}?mode={mode}"
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None)
            if alone:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA)
            self._db.execute("SELECT 1 FROM run").fetchone()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"{folder}: holds no batches that can be read ({error}); "
                "`extract batch submit SOURCE --model NAME -o FOLDER` begins some"
            ) from error

    def __enter__(self) -> BatchState:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the folder."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written inside is on disk afterwards, or none of it.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}") from error

    # The run

    @property
    def run(self) -> BatchRun:
        """What the batches share.

        Raises:
            StoreError: nothing was submitted in this folder yet.
        """
        row = self._db.execute("SELECT run FROM run").fetchone()
        if row is None:
            raise StoreError(f"{self.folder}: nothing was submitted here yet")
        return BatchRun(**json.loads(row[0]))

    def begin(self, **asked: Any) -> BatchRun:
        """Begin a run, or go on with the one that is here.

        Raises:
            UsageError: the one that is here asks another model, server or mode.
        """
        if self._db.execute("SELECT 1 FROM run").fetchone() is None:
            return self.change(BatchRun(run_id=uuid.uuid4().hex[:16], **asked))
        run = self.run
        for name in ("provider", "model", "base_url", "mode"):
            if asked[name] != getattr(run, name):
                raise UsageError(
                    f"{self.folder.parent} holds batches with {name.replace('_', '-')} "
                    f"{getattr(run, name)}, not {asked[name]}; pass another -o"
                )
        return self.change(dataclasses.replace(run, cancelled=False, **asked))

    def change(self, run: BatchRun) -> BatchRun:
        """Write what the batches share."""
        self._write("INSERT OR REPLACE INTO run VALUES (1, ?)", (json.dumps(asdict(run)),))
        return run

    # Requests

    def add(self, request: Request) -> None:
        """Let a request wait to be sent; one that is known keeps its replies.

        A failed one gets another chance, one that is sent or done stays as it is.
        """
        *before, last = request.messages
        prefix = json.dumps([dict(message) for message in before], ensure_ascii=False)
        told = {f.name: getattr(request, f.name) for f in fields(request) if f.name != "messages"}
        told |= {"last": dict(last), "sampling": asdict(request.sampling)}
        self._write("INSERT OR IGNORE INTO prefixes (messages) VALUES (?)", (prefix,))
        self._write(
            "INSERT INTO requests (key, prefix, request) "
            "SELECT ?, id, ? FROM prefixes WHERE messages = ? "
            "ON CONFLICT (key) DO UPDATE SET status = 'waiting', in_vain = 0, reason = NULL "
            "WHERE status = 'failed'",
            (request.key, json.dumps(told, ensure_ascii=False), prefix),
        )

    def asked(self, key: str) -> BatchRequest | None:
        """The request of this key, if there is one."""
        row = self._db.execute(
            "SELECT request, messages, status, part, replies, in_vain "
            "FROM requests JOIN prefixes ON prefix = id WHERE key = ?",
            (key,),
        ).fetchone()
        if row is None:
            return None
        told = json.loads(row[0])
        messages = (*json.loads(row[1]), told.pop("last"))
        sampling = Sampling(**told.pop("sampling"))
        request = Request(messages=messages, sampling=sampling, **told)
        return BatchRequest(request, row[2], row[3], tuple(json.loads(row[4])), row[5])

    def unanswered(self, key: str) -> str | None:
        """Why a request that was sent in a batch has no reply; None where it was not sent, or has
        one."""
        row = self._db.execute(
            "SELECT status, reason FROM requests WHERE key = ?", (key,)
        ).fetchone()
        match row:
            case ("failed", reason):
                return f"no reply came of its batch: {reason}; `extract batch submit` asks again"
            case ("waiting" | "sent", _):
                return (
                    "its batch has not been collected yet: `extract batch collect "
                    f"{self.folder.parent}` does so, once it has ended"
                )
        return None

    def waiting(self) -> list[str]:
        """The keys that wait to be sent, in the order in which they came."""
        found = self._db.execute("SELECT key FROM requests WHERE status='waiting' ORDER BY place")
        return [key for (key,) in found]

    def members(self, number: int) -> list[str]:
        """The keys of a part that nothing came back for yet, as they stand in its file."""
        found = self._db.execute(
            "SELECT key FROM requests WHERE status='sent' AND part = ? ORDER BY place", (number,)
        )
        return [key for (key,) in found]

    def settle(self, key: str, status: RequestStatus, *, replies: Sequence[Any] | None = None,
               in_vain: int = 0, reason: str | None = None) -> None:  # fmt: skip
        """Write what became of a request; `replies` where there are more of them now."""
        self._write(
            "UPDATE requests SET status = ?, part = NULL, in_vain = ?, reason = ?, "
            "replies = coalesce(?, replies) WHERE key = ?",
            (
                status,
                in_vain,
                reason,
                None if replies is None else json.dumps(replies, ensure_ascii=False),
                key,
            ),
        )

    # Parts

    def parts(self) -> list[BatchPart]:
        """All parts, in the order in which they were planned."""
        found = self._db.execute("SELECT part FROM parts ORDER BY number")
        return [BatchPart(**json.loads(part)) for (part,) in found]

    def file(self, number: int) -> Path:
        """Where a part's input file lies until the part has ended."""
        return self.folder / f"part-{number:04d}.jsonl"

    def plan(self, number: int, keys: Sequence[str], *, size: int) -> BatchPart:
        """Put waiting requests into a new part, whose file of `size` bytes is on disk already."""
        part = BatchPart(number=number, requests=len(keys), bytes=size, planned_at=time.time())
        with self.together():
            self.keep(part)
            self._db.executemany(
                "UPDATE requests SET status = 'sent', part = ? WHERE key = ?",
                [(number, key) for key in keys],
            )
        return part

    def keep(self, part: BatchPart) -> BatchPart:
        """Write the state of a part."""
        self._write(
            "INSERT OR REPLACE INTO parts VALUES (?, ?)", (part.number, json.dumps(asdict(part)))
        )
        return part

    def end(self, part: BatchPart) -> BatchPart:
        """Close a part whose requests are all settled."""
        part = self.keep(dataclasses.replace(part, step="ended"))
        self.file(part.number).unlink(missing_ok=True)
        return part

    def dissolve(self, part: BatchPart, status: str) -> BatchPart:
        """Let the requests of a part wait again; `status` says why."""
        with self.together():
            self._db.execute(
                "UPDATE requests SET status = 'waiting', part = NULL "
                "WHERE status = 'sent' AND part = ?",
                (part.number,),
            )
            return self.end(dataclasses.replace(part, status=status))

    # Sums

    def statuses(self) -> Counter[str]:
        """How many requests have which status."""
        return Counter(
            dict(self._db.execute("SELECT status, count(*) FROM requests GROUP BY status"))
        )

    def reasons(self) -> Counter[str]:
        """How many requests failed for which reason."""
        return Counter(
            dict(
                self._db.execute(
                    "SELECT reason, count(*) FROM requests WHERE status='failed' GROUP BY reason"
                )
            )
        )

    def usage(self) -> Usage:
        """Tokens of all replies so far, invalid ones included."""
        used = Usage()
        for (replies,) in self._db.execute("SELECT replies FROM requests WHERE replies != '[]'"):
            used = sum(map(usage_of, json.loads(replies)), used)
        return used

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}") from error


def _locked(path: Path) -> sqlite3.Connection:
    """SQLite's own file lock: every platform has it and a kill gives it free."""
    lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise StoreError(
            f"{path.parent}: another `extract batch` is at work here; wait for it or stop it"
        ) from error
    return lock
