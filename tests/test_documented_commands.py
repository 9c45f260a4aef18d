"""Every command of README and CONTRIBUTING is run, in a folder like the one that they speak of.

A scripted server stands in for models with a key, and another for the services that hold papers.
Left out are the two commands that `.ci/run` runs in fresh clones.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import Say, Server, completion
from test_by_name import Services
from test_cli import ROOT, started

pytestmark = pytest.mark.slow

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
_SERVER = "http://127.0.0.1:8000/v1"  # what the pages write for a server of one's own
BIB = """@inproceedings{kite24,
  title = {Kite: Fast Serving}, author = {Doe, Jane}, year = {2024},
  booktitle = {Proceedings of Kites},
  abstract = {Kite is 2.5x faster than FooServe on 8 A100 GPUs.},
}
@article{heron25,
  title = {Heron: Slow Serving}, author = {Roe, Richard}, year = {2025}, doi = {10.1000/heron},
  abstract = {Heron cuts the cost by 40\\% on one H100.},
}
"""


def reply(_: int, body: Any) -> Say:
    text = body["messages"][-1]["content"]
    item = {"quote": "2.5x faster than FooServe", "value": "2.5x", "change": "up",
            "baselines": ["FooServe"]}  # fmt: skip
    return completion(json.dumps({"speedups": [item]} if "2.5x" in text else {}))


def commands(page: Path) -> Iterator[str]:
    """The commands of the fenced blocks, without comments; a loop stays one command."""
    text = re.sub(r"<!-- ci: \w+ -->\n```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for language, block in _FENCE.findall(text):
        if language:
            continue
        if "; do " in block:
            yield block
            continue
        for line in block.splitlines():
            told = line.partition("  #")[0].replace(".venv/bin/", "").strip()
            if told.startswith(("extract ", "pytest", "bash ", "pip ")):
                yield told


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with what a clone has and what a reader of the README has."""
    duckdb = pytest.importorskip("duckdb")
    for name in ("seeds", "fixtures", "prompts", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "library.bib").write_text(BIB)
    rows = "select 'Wren' as title, 'Wren is 3x faster.' as abstract, 2025 as year"
    duckdb.sql(f"copy ({rows}) to '{tmp_path / 'works.parquet'}' (format parquet)")
    return tmp_path


@pytest.fixture
def environment(desk: Path) -> Iterator[dict[str, str]]:
    services = Services()
    with Server(reply) as server:
        yield {
            **{
                f"CLAIMGRID_{name.upper()}_URL": f"{services.url}/{name}{end}"
                for name, end in (("arxiv", ""), ("crossref", "/"))
            },
            "CLAIMGRID_SOURCE_CACHE": str(desk / "cache"),
            "CLAIMGRID_SOURCE_PAUSE": "0.01",
            "SERVER": server.url,
        }
    services.close()


def run(line: str, desk: Path, environment: dict[str, str]) -> None:
    """Run one command as the shell would; it has to end well."""
    given = dict(environment)
    if "openai/NAME" in line:
        given |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": given["SERVER"]}
    arguments = shlex.split(line.replace(_SERVER, given["SERVER"]))[1:]
    if arguments[0] in ("review", "serve"):
        pytest.importorskip("starlette")
        pytest.importorskip("uvicorn")
        serve(arguments, desk)
        return
    if arguments[0] == "report":
        pytest.importorskip("altair")
    done = started(*arguments, cwd=desk, **given)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def serve(arguments: list[str], desk: Path) -> None:
    """Start a command that serves, read its page, and stop it with Ctrl-C."""
    command = [sys.executable, "-u", "-m", "claimgrid", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=desk, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = None
        while address is None:
            line = process.stdout.readline()
            assert line or process.poll() is None, arguments
            address = re.search(r"http://\S+", line)
        with urllib.request.urlopen(address.group(), timeout=30) as page:
            assert b"<!doctype html>" in page.read().lower()[:200]
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=30) == 0


def test_the_commands_of_the_readme(desk: Path, environment: dict[str, str]) -> None:
    told = list(commands(ROOT / "README.md"))
    assert len(told) > 15
    run("extract run seeds/", desk, environment)  # the command that .ci/run runs
    first = [line for line in told if "outputs/library" not in line]
    for line in [*first, *(line for line in told if line not in first)]:
        run(line, desk, environment)
    assert "\\cite{kite24}" in (desk / "speedups.tex").read_text()
    assert list((desk / "notes").glob("*.md"))


def test_the_python_of_the_readme(desk: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("pandas")
    blocks = [
        block for language, block in _FENCE.findall((ROOT / "README.md").read_text("utf-8"))
        if language == "python"
    ]  # fmt: skip
    assert len(blocks) == 1
    given = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": environment["SERVER"]}
    # With a key in the environment a model would be asked about the seeds; the page has none.
    forget = "import os; del os.environ['OPENAI_API_KEY'], os.environ['OPENAI_BASE_URL']"
    code = blocks[0].replace("\nrun =", f"\n{forget}\nrun =")
    done = subprocess.run(
        [sys.executable, "-c", code + "\nassert len(run.papers) == 14"],
        cwd=desk, env=os.environ | given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "speedup" in done.stdout


def test_the_commands_of_contributing(desk: Path, environment: dict[str, str]) -> None:
    """The golden files are made anew, and are those of the repository."""
    told = list(commands(ROOT / "CONTRIBUTING.md"))
    loops = [line for line in told if "; do " in line]
    assert len(loops) == 1
    for line in told:
        if line not in loops:
            run(line, desk, environment)
    shim = desk / "bin" / "extract"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m claimgrid "$@"\n')
    shim.chmod(0o755)
    path = {"PATH": os.pathsep.join([str(shim.parent), os.environ["PATH"]])}
    subprocess.run(["bash", "-euc", loops[0]], cwd=desk, env=os.environ | path, check=True)
    for kind in ("seeds/claims.jsonl", "tables/speedups.csv", "tables/hardware.tex"):
        file = Path("fixtures/golden") / kind
        assert (desk / file).read_bytes() == (ROOT / file).read_bytes()
