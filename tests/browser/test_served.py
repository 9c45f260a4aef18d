"""The same browser over the server's API instead of embedded data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROWS = "#grid .body .row"


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    pytest.importorskip("fastapi", reason="the extra [serve] is not installed")
    command = [sys.executable, "-u", "-m", "claimgrid", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
        process.terminate()


@pytest.mark.parametrize(
    "hash_",
    [
        "",
        "#view=claims",
        "#kind=speedup&sort=-ratio&stance=any",
        "#kind=hardware&sort=device&q=gpu",
        "#kind=speedup&sort=-workload&stance=any",
        "#view=papers&sort=-own",
        "#view=rejected&q=nothing",
        "#view=rejected",
        "#view=unclaimed",
        "#paper=zephyr",
    ],
)
def test_a_served_page_shows_what_the_file_shows(screens: Any, served: str, hash_: str) -> None:
    shown = []
    for screen in (screens(), screens(address=served)):
        main = screen.open(hash_).locator("main")
        shown.append(main.inner_text())
        assert screen.said == []
    assert shown[0] == shown[1]


def test_a_link_to_a_claim_scrolls_to_its_row(screens: Any, served: str) -> None:
    screen = screens(address=served, height=560)
    link = screen.open("#paper=ember").locator("#reader .card-link").last.get_attribute("href")
    page = screen.open(f"#{next(part for part in link[1:].split('&') if 'claim=' in part)}")
    assert page.evaluate("document.querySelector('#grid').scrollTop") > 0
    assert "AMD GPU" in page.locator(f"{ROWS}[aria-selected=true]").inner_text()


def test_a_cell_jumps_to_its_words(screens: Any, served: str) -> None:
    page = screens(address=served).open("#kind=speedup&hardware=nvidia-a100")
    page.locator(ROWS).first.locator(".c-ratio").click()
    page.wait_for_selector("#reader .flash")
    assert page.locator("#reader .flash").all_inner_texts() == ["3.5x"]
    page.get_by_role("checkbox", name="NVIDIA A100").uncheck()
    page.locator("#count", has_text="3 claims").wait_for()
