"""The commands in README, CONTRIBUTING and docs/ are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from claimgrid.cli.main import main
from test_cli import ROOT, extract

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
_FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.M | re.S)


def commands(page: Path) -> Iterator[str]:
    """The lines of fenced blocks that begin with `extract`, without comments."""
    for block in _FENCE.findall(page.read_text(encoding="utf-8")):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            found = re.search(
                r"(?:^|&& |; do |\| |  )(?:\.venv/bin/)?extract (?!\.)([a-z].*)", line
            )
            if found and "$" not in line and "…" not in line:
                yield found[1].split(" && ")[0]


ALL = [(page, command) for page in PAGES for command in dict.fromkeys(commands(page))]


def test_pages_hold_commands() -> None:
    assert len(ALL) > 20


@pytest.mark.parametrize(("page", "line"), ALL, ids=lambda value: getattr(value, "name", value))
def test_a_documented_command_is_understood(page: Path, line: str) -> None:
    arguments = shlex.split(line, comments=True)
    group: click.Command = main
    context = click.Context(main, info_name="extract")
    while isinstance(group, click.Group):
        try:
            name, found, arguments = group.resolve_command(context, arguments)
        except click.UsageError as error:
            raise AssertionError(
                f"{page.name}: extract {line}: {error.format_message()}"
            ) from error
        assert found is not None
        context = click.Context(found, info_name=name, parent=context)
        group = found
    try:
        group.make_context(group.name, arguments, parent=context.parent)
    except click.exceptions.Exit:  # --help
        return
    except click.UsageError as error:
        raise AssertionError(f"{page.name}: extract {line}: {error.format_message()}") from error


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "examples" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_what_the_readme_shows_is_what_the_program_prints(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = extract("run", "seeds/", "--out", tmp_path / "seeds").stdout
    summary = printed.replace(str(tmp_path / "seeds"), "outputs/seeds").strip()
    assert f"```\n{summary}\n```" in readme
