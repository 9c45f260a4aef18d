"""The contracts of the house: start-up, drift of generated files, what must not be named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from test_cli import GOLDEN, ROOT, extract

HEAVY = (
    "openai",
    "instructor",
    "httpx2",
    "pydantic",
    "rich",
    "jinja2",
    "ray",
    "duckdb",
    "altair",
    "vl_convert",
    "fastapi",
    "uvicorn",
    "tenacity",
)


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        f"import sys, claimgrid.cli.main;print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_a_run_needs_no_client(tmp_path: Path) -> None:
    code = (
        "import sys, claimgrid.io.run_folder, claimgrid.evaluate.scoring, claimgrid.cli.show;"
        "print([name for name in ('openai', 'instructor') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_schemas_are_those_of_the_models() -> None:
    done = extract("schema", "--check")
    assert done.returncode == 0, done.stdout


def test_a_stale_schema_fails_the_check(tmp_path: Path) -> None:
    assert extract("schema", "--out", tmp_path).returncode == 0
    (tmp_path / "claim.schema.json").write_text("{}")
    done = extract("schema", "--check", "--out", tmp_path)
    assert done.returncode == 1
    assert "claim.schema.json: stale" in done.stdout


def test_the_golden_run_has_no_clock_in_it() -> None:
    for name in ("claims.jsonl", "papers.jsonl", "rejected.jsonl"):
        text = (GOLDEN / name).read_text(encoding="utf-8")
        assert not re.search(r'"(finished|seconds|recorded|run_id|cost_usd)"', text)


def test_nothing_about_the_seeds_stands_in_code_or_prompts() -> None:
    import json

    words = set()
    for line in (ROOT / "fixtures/gold/seeds.jsonl").read_text(encoding="utf-8").splitlines():
        paper = json.loads(line)
        words.add(paper["title"])
        words |= {c["quote"] for c in paper["claims"] if len(c["quote"].split()) >= 4}
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.toml"),
             *(ROOT / "prompts").glob("*")]  # fmt: skip
    assert len(files) > 30
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], path


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=lambda p: p.name)
def test_modules_stay_readable(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 350
    assert lines[0].startswith(('"""', 'r"""'))


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    from claimgrid.cli.main import COMMANDS, main

    for name, (_, told) in COMMANDS.items():
        found = main.get_command(None, name)  # type: ignore[arg-type]
        assert found is not None
        assert found.help is not None
        assert found.help.split("\n\n")[0].replace("\n", " ") == told
