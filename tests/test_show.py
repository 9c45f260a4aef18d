"""`extract show` over the invented run: what its numbers, dates and rejected items look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimgrid.cli.show import shown_date
from report_run import TITLES, write_run
from test_cli import extract


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("show"))


def shown(folder: Path, *paper: str) -> str:
    done = extract("show", folder, *(("--paper", *paper) if paper else ()))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_gain_is_never_shown_as_a_score(folder: Path) -> None:
    text = shown(folder, "ember")
    assert "Δ ≤ 4.5%  " in text
    assert "101.5% of Borealis  " in text
    assert "71.25%  " in shown(folder, "zephyr")


def test_the_title_stands_whole_above_the_abstract(folder: Path) -> None:
    top, title, byline, *_ = shown(folder, "gale").splitlines()
    assert set(top) == set("╭─╮")
    assert title.strip("│ ") == TITLES["gale"]
    assert "Ada Example" in byline


def test_what_was_rejected_is_listed_with_its_reason(folder: Path) -> None:
    text = shown(folder, "zephyr")
    assert "1 rejected: 1 not in text" in text
    assert "speedup: '9.9x' is not in the abstract" in text
    assert "rejected" not in shown(folder, "gale")


@pytest.mark.parametrize("paper", [(), ("zephyr",), ("hush",)])
def test_what_is_piped_has_no_spaces_at_the_ends_of_its_lines(
    folder: Path, paper: tuple[str, ...]
) -> None:
    assert [line for line in shown(folder, *paper).splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("--05-02", "2 May"),
        ("--12-31", "31 December"),
        ("--05", "May"),
        ("2024-05-02", "2024-05-02"),
        ("--13-01", "--13-01"),
        (None, None),
    ],
)
def test_a_date_without_a_year_is_words(date: str | None, words: str | None) -> None:
    assert shown_date(date) == words


def test_a_date_without_a_year_is_words_beside_the_title(folder: Path) -> None:
    text = " ".join(shown(folder, "gale").replace("│", " ").split())
    assert "· 9 May" in text
