"""Writes and reads the folder of a run: claims, papers, rejected items, run.json, replies.

The lines are clock-free and in the order of the source, so that two runs can be compared byte for
byte; what depends on the run (times, versions, costs) is in run.json. Result files are written
beside the old ones and take their place when the run ends, so a killed run leaves the last complete
result and every paid reply.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import jsonlines
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from claimgrid.errors import StoreError
from claimgrid.types.claim import CLAIM, Claim, PaperLine, Rejected
from claimgrid.types.manifest import RunManifest
from claimgrid.types.outcome import Outcome

NAMES = ("claims.jsonl", "papers.jsonl", "rejected.jsonl")
MANIFEST = "run.json"
REPLIES = "replies.sqlite"
Wanted = Callable[[Mapping[str, Any]], bool]
_Line = TypeVar("_Line", bound=BaseModel)


class RunWriter:
    """Writes one run. Use as a context manager: leaving it puts the new files in place, unless
    `keep_earlier` was set, or an exception ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keep_earlier = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: (folder / f"{name}.part").open("wb") for name in NAMES}
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written: {error}; pass another --out") from error
        self._lines = {
            name: jsonlines.Writer(file, dumps=to_json) for name, file in self._files.items()
        }

    def __enter__(self) -> RunWriter:
        return self

    def add(self, outcome: Outcome) -> None:
        """Append one paper's lines.

        Raises:
            StoreError: the disk is full or the folder went away.
        """
        try:
            self._lines["papers.jsonl"].write(outcome.paper)
            for claim in outcome.claims:
                self._lines["claims.jsonl"].write(claim)
            for rejected in outcome.rejected:
                self._lines["rejected.jsonl"].write(rejected)
        except OSError as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}") from error

    def copy(self, name: str, lines: Iterable[bytes]) -> None:
        """Append lines that another run wrote, as they stand.

        Raises:
            StoreError: the disk is full or the folder went away.
        """
        try:
            self._files[name].writelines(lines)
        except OSError as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        parts = {name: self.folder / f"{name}.part" for name in NAMES}
        try:
            with ExitStack() as closing:
                for file in self._files.values():
                    closing.callback(file.close)
                if kind is None:
                    for file in self._files.values():
                        file.flush()
                        os.fsync(file.fileno())
            if kind is None and not self.keep_earlier:
                for name, part in parts.items():
                    part.replace(self.folder / name)
        except OSError as fault:
            if kind is None:
                raise StoreError(f"{self.folder}: cannot be written: {fault}") from fault
        finally:
            for part in parts.values():
                with suppress(OSError):  # what went wrong before says more
                    part.unlink(missing_ok=True)


def write_manifest(folder: Path, manifest: RunManifest) -> None:
    """Write run.json in one step."""
    part = folder / f"{MANIFEST}.part"
    try:
        told = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
        part.write_text(told + "\n", encoding="utf-8")
        part.replace(folder / MANIFEST)
    except OSError as error:
        raise StoreError(f"{folder / MANIFEST}: cannot be written: {error}") from error


def read_claims(folder: Path, wanted: Wanted | None = None) -> Iterator[Claim]:
    """The claims of a run, in order. Raises StoreError with file and line.

    Args:
        wanted: which lines, told by their JSON; the others are passed over unchecked.
    """
    return _read(folder / "claims.jsonl", CLAIM, wanted)


def read_papers(folder: Path, wanted: Wanted | None = None) -> Iterator[PaperLine]:
    """The paper lines of a run, in order. Raises StoreError with file and line.

    Repeated records of a paper, which the run set aside, are left out.
    """
    lines = _read(folder / "papers.jsonl", TypeAdapter(PaperLine), wanted)
    return (line for line in lines if line.status != "duplicate")


def read_rejected(folder: Path, wanted: Wanted | None = None) -> Iterator[Rejected]:
    """The rejected items of a run, in order. Raises StoreError with file and line."""
    return _read(folder / "rejected.jsonl", TypeAdapter(Rejected), wanted)


def of_papers(names: Collection[str]) -> Wanted:
    """Wants the lines of these papers."""
    return lambda line: line.get("paper_id") in names


def count_claims(folder: Path) -> int:
    """How many claims a run has, by its lines. Raises StoreError where it cannot be read."""
    try:
        with (folder / "claims.jsonl").open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise _not_a_run(folder / "claims.jsonl", error) from error


def read_outcomes(folder: Path) -> Iterator[Outcome]:
    """The lines of a run paper by paper, repeated records included, as a stream.

    Raises:
        StoreError: a file cannot be read, or a paper's line counts more lines than there are.
    """
    claims, rejected = read_claims(folder), read_rejected(folder)
    for line in _read(folder / "papers.jsonl", TypeAdapter(PaperLine)):
        mine = tuple(islice(claims, sum(line.claims.values())))
        lost = tuple(islice(rejected, line.rejected))
        others = {item.paper_id for item in (*mine, *lost)} - {line.paper_id}
        if others or len(mine) != sum(line.claims.values()) or len(lost) != line.rejected:
            raise StoreError(
                f"{folder}: the lines of {line.paper_id} are not those that papers.jsonl counts; "
                "run `extract run` again"
            )
        yield Outcome(line, mine, lost)


def read_manifest(folder: Path) -> dict[str, Any]:
    """run.json of a run. Raises StoreError where it is missing or damaged."""
    try:
        found = RunManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise StoreError(
            f"{folder / MANIFEST}: not the run.json of a run of this version ({where}: "
            f"{first['msg']}); run `extract run` again"
        ) from error
    except OSError as error:
        raise _not_a_run(folder / MANIFEST, error) from error
    return found.model_dump(mode="json")


def _read(path: Path, lines: TypeAdapter[Any], wanted: Wanted | None = None) -> Iterator[Any]:
    try:
        with jsonlines.open(path, loads=json.loads if wanted is None else from_json) as reader:
            for number, line in enumerate(reader.iter(type=dict), 1):
                if wanted is not None and not wanted(line):
                    continue
                try:
                    yield lines.validate_python(line)
                except ValidationError as error:
                    first = error.errors()[0]
                    where = ".".join(str(part) for part in first["loc"])
                    raise StoreError(
                        f"{path}:{number}: not a line of this version of claimgrid "
                        f"({where}: {first['msg']}); run `extract run` again"
                    ) from error
    except (OSError, UnicodeDecodeError, jsonlines.InvalidLineError) as error:
        raise _not_a_run(path, error) from error


def _not_a_run(path: Path, error: Exception) -> StoreError:
    why = getattr(error, "strerror", None) or error
    return StoreError(f"{path}: cannot be read: {why}; is it the folder of a finished run?")
