"""The examples run as a user runs them: in a checkout, from the recordings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from test_cli import ROOT

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def clean() -> dict[str, str]:
    dropped = ("OPENAI_", "CLAIMGRID_")
    return {k: v for k, v in os.environ.items() if not k.startswith(dropped)}


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_runs_from_the_recordings(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, path], cwd=ROOT, env=clean(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.slow
def test_the_notebook_runs_from_the_recordings() -> None:
    pytest.importorskip("altair")
    pytest.importorskip("pandas")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "examples" / "abstract_to_plot.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    shown = [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    assert "<mark" in shown[0]["text/html"]
    assert any("vega" in kind or "vega" in str(data) for data in shown for kind in data)
