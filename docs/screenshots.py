"""Takes the pictures docs/report-*.png of the seed run. Needs the extras and a Chromium.

Run from a checkout: `python docs/screenshots.py`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
READY = "html[data-ready]"
FIRST_ROW = "#grid .body .row .c-ratio"


def main() -> None:
    """Extract, report, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "seeds"
        for command in (["run", "seeds/", "--out", out], ["report", out]):
            subprocess.run(  # noqa: S603 our own command
                [sys.executable, "-m", "claimgrid", *map(str, command)], cwd=DOCS.parent, check=True
            )
        address = (out / "report.html").as_uri()
        with sync_playwright() as playwright:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
            take(browser, address, "overview", width=1280, scheme="light")
            take(browser, address, "reader", width=1280, scheme="dark", hash_="#kind=speedup")
            take(browser, address, "phone", width=390, scheme="light", hash_="#kind=speedup")
            with reviewing(out) as served:
                take(browser, served, "review", width=1280, scheme="light", hash_="#view=review")
            browser.close()


@contextmanager
def reviewing(out: Path) -> Iterator[str]:
    """The address of a review of a run, while the block lasts."""
    command = [sys.executable, "-u", "-m", "claimgrid", "review", str(out), "--port", "0"]
    with subprocess.Popen(  # noqa: S603 our own command
        [*command, "--by", "Ada"], stdout=subprocess.PIPE, text=True, cwd=DOCS.parent
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split("#")[0]
        process.terminate()


def take(
    browser: Any, address: str, name: str, *, width: int, scheme: str, hash_: str = ""
) -> None:
    """One picture of a view: the reader with its first row open, the review with an edit."""
    page = browser.new_page(
        viewport={"width": width, "height": 680}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.goto(f"{address}{hash_}")
    page.wait_for_selector(READY)
    if name == "reader":
        page.locator(FIRST_ROW).first.click()
        page.wait_for_selector("#reader .flash")
    if name == "review":
        page.locator(".r-entry.k-speedup").first.click()
        page.locator(".r-entry.k-speedup[aria-current]").wait_for()
        page.keyboard.press("e")
        page.locator(".r-form").wait_for()
        page.keyboard.press("Enter")
        page.locator(".r-made").wait_for()
    page.screenshot(path=DOCS / f"report-{name}.png")
    page.close()


if __name__ == "__main__":
    main()
