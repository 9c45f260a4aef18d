"""The files of a run are found by what the user calls it: a folder, a file, a glob or a URL."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from claimgrid.errors import UsageError
from claimgrid.io.run_folder import NAMES
from claimgrid.review import checked_run, correction_log

_SUFFIXES = (".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one run. `name` is the path as the user gave it; absent files are None."""

    name: str
    claims: str
    papers: str | None
    rejected: str | None
    manifest: str | None = None

    @property
    def remote(self) -> bool:
        """Whether the files are behind a URL, which DuckDB's httpfs extension reads."""
        return _is_remote(self.claims)


def find(outs: Sequence[str]) -> list[RunFiles]:
    """The runs that the arguments name, each once, in order.

    A run is a folder that holds `claims.jsonl` or `claims.parquet` (papers and rejected items are
    read from beside it), or such a claims file itself under any name. Globs give all runs that they
    match. A URL ending in `.jsonl` or `.parquet` is that file alone; any other is a run's folder.

    Raises:
        UsageError: nothing was named, or what was named is no run.
    """
    if not outs:
        raise UsageError("no run was named; pass the folder of a run, such as outputs/seeds")
    found: dict[str, RunFiles] = {}
    for out in outs:
        for run in _remote(out) if _is_remote(out) else _local(out):
            found.setdefault(run.claims, run)
    return list(found.values())


@contextmanager
def decided(run: RunFiles) -> Iterator[RunFiles]:
    """The files of a run as they read with people's decisions applied, while the block lasts.

    Raises:
        StoreError: the run or its corrections cannot be read.
    """
    folder = Path(run.claims).parent
    lines = run.claims.endswith("claims.jsonl") and run.papers is not None
    if run.remote or not lines or not correction_log.exists(folder):
        yield run
        return
    with TemporaryDirectory() as copy:
        if not checked_run.write_copy(folder, Path(copy)):
            yield run
            return
        claims, papers, rejected = (str(Path(copy) / name) for name in NAMES)
        yield RunFiles(run.name, claims, papers, rejected, run.manifest)


def _is_remote(path: str) -> bool:
    return "://" in path


def _remote(out: str) -> Iterator[RunFiles]:
    if out.endswith(_SUFFIXES):
        yield RunFiles(out, out, None, None)
        return
    base = out.rstrip("/")
    files = (f"{base}/{name}.jsonl" for name in ("claims", "papers", "rejected"))
    yield RunFiles(base, *files)


def _local(out: str) -> Iterator[RunFiles]:
    path = Path(out)
    if path.exists():
        yield _run(path)
        return
    matches = [Path(match) for match in sorted(glob.glob(out, recursive=True))]  # noqa: PTH207 a whole path
    runs = [match for match in matches if _is_run(match)]
    if not runs:
        raise UsageError(_no_run(out, matched=bool(matches)))
    yield from map(_run, runs)


def _no_run(out: str, *, matched: bool) -> str:
    if not glob.has_magic(out):
        return f"{out}: no such folder or file; `extract run SOURCE --out {out}` makes one"
    return f"{out}: {'nothing that it matches is a run' if matched else 'matches nothing'}"


def _is_run(path: Path) -> bool:
    if path.is_dir():
        return _beside(path, "claims") is not None
    return path.suffix in _SUFFIXES


def _run(path: Path) -> RunFiles:
    if not path.is_dir():
        if path.suffix not in _SUFFIXES:
            raise UsageError(f"{path}: is neither a run's folder nor a .jsonl or .parquet file")
        is_main = path.stem == "claims"
        if not is_main:
            return RunFiles(str(path), str(path), None, None)
        return _run_beside(path.parent, name=str(path), claims=str(path))
    claims = _beside(path, "claims")
    if claims is None:
        raise UsageError(f"{path}: holds no claims.jsonl; is it the folder of a finished run?")
    return _run_beside(path, name=str(path), claims=claims)


def _run_beside(folder: Path, *, name: str, claims: str) -> RunFiles:
    papers, rejected = (_beside(folder, part) for part in ("papers", "rejected"))
    return RunFiles(name, claims, papers, rejected, _manifest(folder))


def _manifest(folder: Path) -> str | None:
    path = folder / "run.json"
    return str(path) if path.is_file() else None


def _beside(folder: Path, name: str) -> str | None:
    paths = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((str(path) for path in paths if path.is_file()), None)
