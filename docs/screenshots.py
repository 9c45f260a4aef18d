"""The seed run ─► docs/report-*.png, as the README shows them. Needs the extras and a Chromium.

Run from a checkout: `python docs/screenshots.py`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
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
            browser.close()


def take(
    browser: Any, address: str, name: str, *, width: int, scheme: str, hash_: str = ""
) -> None:
    """One picture of a view; that of the reader opens the first row."""
    page = browser.new_page(
        viewport={"width": width, "height": 680}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.goto(f"{address}{hash_}")
    page.wait_for_selector(READY)
    if name == "reader":
        page.locator(FIRST_ROW).first.click()
        page.wait_for_selector("#reader .flash")
    page.screenshot(path=DOCS / f"report-{name}.png")
    page.close()


if __name__ == "__main__":
    main()
