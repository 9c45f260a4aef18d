"""Finds the file of a local model by its name or path, and the name that recordings carry.

Fetched models lie in one folder, a subfolder for each. A model whose package is installed is used
where it is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claimgrid.errors import SetupError, UsageError
from claimgrid.local import catalogue, gguf
from claimgrid.local.catalogue import CatalogueEntry
from claimgrid.settings import model_folder

PREFIX = "embedded"
_DIGITS = 12  # of a SHA-256, to tell one file from another in a model's name
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that can be served, if `path` is there.

    `name` is what recordings and results carry. `path` is None for a model of the catalogue that is
    not on this machine: its recordings can be replayed all the same.
    """

    name: str
    path: Path | None
    adapter: Path | None = None
    entry: CatalogueEntry | None = None

    @property
    def mode(self) -> str | None:
        """The request mode that the model was made for, None for the default one."""
        return self.entry.mode if self.entry else None

    def require(self) -> Path:
        """The model's file.

        Raises:
            SetupError: it is not on this machine; says how to fetch it.
        """
        if self.path is None:
            assert self.entry is not None
            raise SetupError(
                f"model {self.name} is not on this machine: extract models pull {self.entry.name} "
                f"({self.entry.size_bytes / 1e9:.1f} GB), or pass --model embedded:/path/to/a.gguf"
            )
        return self.path


def is_embedded(model: str) -> bool:
    """Whether a model's name is of this kind: `embedded/NAME` or `embedded:PATH`."""
    return model.startswith((f"{PREFIX}/", f"{PREFIX}:"))


def resolve(model: str, adapter: Path | None = None) -> ModelFile:
    """The model that `embedded/NAME` or `embedded:PATH` means, under an adapter if one is given.

    Raises:
        UsageError: no such name, or no such file.
        SetupError: the file cannot be read.
    """
    kind, rest = model[len(PREFIX)], model[len(PREFIX) + 1 :]
    if kind == ":":
        path = Path(rest).expanduser()
        if not path.is_file():
            raise UsageError(f"--model {model!r}: there is no file {path}")
        entry = None
        name = f"{PREFIX}:{path.name}@{digest(path)[:_DIGITS]}"
    else:
        entry = catalogue.find(rest)
        found = where(entry)
        name = f"{PREFIX}/{entry.name}"
    if adapter is not None:
        if not adapter.is_file():
            raise UsageError(f"--adapter: there is no file {adapter}")
        name = f"{name}+{adapter.name}@{digest(adapter)[:_DIGITS]}"
    return ModelFile(name, path if kind == ":" else found, adapter, entry)


def where(entry: CatalogueEntry) -> Path | None:
    """The file of a model of the catalogue: fetched, or inside its installed package; else None."""
    kept = target(entry)
    if kept.is_file() and kept.stat().st_size == entry.size_bytes:
        return kept
    return packaged(entry)


def packaged(entry: CatalogueEntry) -> Path | None:
    """The file inside the installed package that the model comes from, if it is installed."""
    package, _, rest = entry.file.partition("/")
    if not entry.source.startswith("pypi:"):
        return None
    # Found, not imported: the package's own dependencies need not be there.
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / rest
            if path.is_file() and path.stat().st_size == entry.size_bytes:
                return path
    return None


def target(entry: CatalogueEntry) -> Path:
    """Where a fetched model lies, or would."""
    return model_folder() / entry.name / Path(entry.file).name


def installed() -> list[CatalogueEntry]:
    """The models of the catalogue that are on this machine, in the catalogue's order."""
    return [entry for entry in catalogue.entries().values() if where(entry)]


def remove(entry: CatalogueEntry) -> Path:
    """Delete a fetched model, unfinished downloads included.

    Raises:
        UsageError: it was not fetched, or it is part of an installed package.
        SetupError: it cannot be deleted.
    """
    folder = model_folder() / entry.name
    if folder.is_dir():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise SetupError(f"{folder}: cannot be deleted: {error.strerror}") from error
        return folder
    inside = packaged(entry)
    if inside is not None:
        package = entry.source.removeprefix("pypi:").partition("==")[0]
        raise UsageError(f"{entry.name} is part of a package: pip uninstall {package}")
    raise UsageError(f"{entry.name} is not on this machine")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex; remembered by size and time of change, for large models.

    Raises:
        SetupError: the file cannot be read.
    """
    try:
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        memory = model_folder() / "sha256.json"
        known = _remembered(memory)
        if key in known:
            return known[key]
        found = hash_of(path)
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}") from error
    if stat.st_size >= 64 * _BLOCK:
        # A lost update costs another run a second of hashing, no more.
        with suppress(OSError):
            memory.parent.mkdir(parents=True, exist_ok=True)
            part = memory.with_suffix(f".{hashlib.sha256(key.encode()).hexdigest()[:8]}.part")
            part.write_text(json.dumps(known | {key: found}, indent=1), encoding="utf-8")
            part.replace(memory)
    return found


def hash_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex, read now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(memory: Path) -> dict[str, str]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def check_adapter(model: gguf.GgufHeader, adapter: Path) -> None:
    """Refuse an adapter that is none, or of another architecture.

    Raises:
        SetupError: says which.
    """
    of = gguf.header(adapter)
    if of.kind != "adapter":
        raise SetupError(f"{adapter}: a GGUF, but no LoRA adapter (its general.type is {of.kind})")
    if of.architecture != model.architecture:
        raise SetupError(
            f"{adapter}: an adapter for {of.architecture} models, and this one is "
            f"{model.architecture}"
        )
