"""Puts the results of a run's shards together: the same lines, in the order of the source.

Lines are copied as they stand and never built again, so that the merged files have the bytes that
one run of everything would have written. Replies are copied too: a later run into the merged folder
pays for none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from claimgrid.engines.merged_manifest import merged_manifest
from claimgrid.engines.shards import Turns
from claimgrid.errors import StoreError
from claimgrid.io import run_folder
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.manifest import RunManifest

_SAME = ("model", "provider", "mode", "prompt_sha256", "schema_sha256", "claimgrid")
_SAME_SOURCE = ("of", "pack", "items", "source_sha256")
_CLAIMS, _PAPERS, _REJECTED = run_folder.NAMES


@dataclass(frozen=True, slots=True)
class _ShardRun:
    """A finished shard: its folder and what its run.json says."""

    folder: Path
    told: dict[str, Any]

    @property
    def shard(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told["shard"]
        return found

    @property
    def number(self) -> int:
        return int(self.shard["number"])

    def __str__(self) -> str:
        return f"shard {self.number} of {self.shard['of']} ({self.folder})"


def merge(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the run that these shards are the parts of into `out`.

    Returns:
        What its run.json says.

    Raises:
        StoreError: a shard is missing, there twice, unfinished or of another run; or a file cannot
            be read or written.
    """
    shards = _complete(folders)
    if out.resolve() in {shard.folder.resolve() for shard in shards}:
        raise StoreError(f"{out}: is one of the shards; pass another --out")
    with run_folder.RunWriter(out) as writer, ExitStack() as stack:
        parts = {shard.number: _Part(shard, stack) for shard in shards}
        turns = Turns(int(shards[0].shard["pack"]), len(shards))
        for _ in range(int(shards[0].shard["items"])):
            lines = parts[turns.next].next_paper()
            turns.of(paper=lines.stage != "source")
            writer.copy(_PAPERS, [lines.paper])
            writer.copy(_CLAIMS, lines.claims)
            writer.copy(_REJECTED, lines.rejected)
        for part in parts.values():
            part.expect_end()
    _copy_replies(shards, out / run_folder.REPLIES)
    told = merged_manifest([shard.told for shard in shards])
    run_folder.write_manifest(out, RunManifest.model_validate(told))
    return told


def _complete(folders: Sequence[Path]) -> list[_ShardRun]:
    """The shards in the order of their numbers: all of them, each once, finished, of one run."""
    found: dict[int, _ShardRun] = {}
    unread: list[str] = []
    for folder in folders:
        run = _read(folder)
        if run is None:
            unread.append(str(folder))
        elif run.number in found:
            raise StoreError(
                f"shard {run.number} is there twice: {found[run.number].folder} and {folder}; "
                "name one of them"
            )
        else:
            found[run.number] = run
    if not found:
        raise StoreError(
            f"{', '.join(unread) or 'no folder'}: no finished shard; `extract run SOURCE --shard "
            "1/N -o FOLDER` makes one"
        )
    first = found[min(found)]
    for run in found.values():
        _refuse_other_run(first, run)
    missing = [number for number in range(1, first.shard["of"] + 1) if number not in found]
    if missing:
        which = f"shard{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}"
        holding = f" ({', '.join(unread)} holds no finished shard)" if unread else ""
        raise StoreError(
            f"{which} of {first.shard['of']} missing{holding}; run --shard "
            f"{missing[0]}/{first.shard['of']} to its end"
        )
    if unread:
        raise StoreError(f"{', '.join(unread)}: not the folder of a finished shard; leave it out")
    return [found[number] for number in sorted(found)]


def _read(folder: Path) -> _ShardRun | None:
    """The shard in a folder; None where no run has finished there.

    Raises:
        StoreError: the run stopped before its end, or is no shard.
    """
    if not (folder / run_folder.MANIFEST).exists():
        return None
    told = run_folder.read_manifest(folder)
    if "shard" not in told:
        raise StoreError(f"{folder}: is a run of a whole source, not a shard; leave it out")
    run = _ShardRun(folder, told)
    if told.get("stopped_by") or not told.get("source_ended") or told.get("unreached"):
        why = told.get("stopped_by") or "it did not reach the end of its source"
        raise StoreError(f"{run} is unfinished, stopped by: {why}; run the same command again")
    return run


def _refuse_other_run(first: _ShardRun, run: _ShardRun) -> None:
    """Shards of another source, model or prompt would make a run that never was."""
    for names, these, those in (
        (_SAME_SOURCE, first.shard, run.shard),
        (_SAME, first.told, run.told),
    ):
        for name in names:
            if these.get(name) != those.get(name):
                raise StoreError(
                    f"{run} is of another run than {first}: {name} is {those.get(name)}, not "
                    f"{these.get(name)}; run it again with the same source and options"
                )


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of one paper, as they stand in the files of its shard."""

    paper: bytes
    claims: list[bytes]
    rejected: list[bytes]
    stage: str | None


class _Part:
    """One shard's files, read in step: a paper's line tells how many lines it has elsewhere."""

    def __init__(self, run: _ShardRun, stack: ExitStack) -> None:
        self._run = run
        try:
            self._files: dict[str, BinaryIO] = {
                name: stack.enter_context((run.folder / name).open("rb"))
                for name in run_folder.NAMES
            }
        except OSError as error:
            raise StoreError(f"{run}: cannot be read: {error}; run it again") from error

    def next_paper(self) -> _Lines:
        """The lines of the shard's next paper. Raises StoreError where there are too few."""
        line = self._line(_PAPERS)
        try:
            told = from_json(line)
            claims, rejected = sum(told["claims"].values()), told["rejected"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{self._run}: {_PAPERS} is damaged ({error})") from error
        return _Lines(
            line,
            [self._line(_CLAIMS) for _ in range(claims)],
            [self._line(_REJECTED) for _ in range(rejected)],
            told.get("stage"),
        )

    def expect_end(self) -> None:
        """Raises StoreError where lines are left, which belong to no paper."""
        for name, file in self._files.items():
            if file.readline():
                raise StoreError(f"{self._run}: {name} holds more lines than its papers have")

    def _line(self, name: str) -> bytes:
        line = self._files[name].readline()
        if not line.endswith(b"\n"):
            raise StoreError(
                f"{self._run}: {name} ends too early; run the same command again, which pays for "
                "no reply twice"
            )
        return line


def _copy_replies(shards: Iterable[_ShardRun], path: Path) -> None:
    """Copy the replies of all shards, those that others took the place of included."""
    with closing(ReplyCache(path)) as cache:
        for shard in shards:
            store = shard.folder / run_folder.REPLIES
            if store.exists():
                cache.copy_from(store)
