"""A real Chromium and a report of the invented run; skipped, saying why, where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from report_run import write_run

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = "html[data-ready]"


@dataclass
class Screen:
    """One tab on the report: what it asked the network for, and what its console said."""

    page: Any
    address: str
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def open(self, hash_: str = "") -> Any:
        """Load the page anew at a deep link, and wait until it has drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}{hash_}")
        self.page.wait_for_selector(READY)
        return self.page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("browser") / "run")


@pytest.fixture(scope="session")
def report(folder: Path) -> str:
    pytest.importorskip("altair", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import report as build

    build([folder], folder / "report.html")
    return (folder / "report.html").resolve().as_uri()


# By module: playwright keeps an event loop running in this thread, which other tests need.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the extra [browser] is not installed"
    )
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def screens(chromium: Any, report: str) -> Iterator[Any]:
    """Opens screens: `screens(width=390, color_scheme="dark")`."""
    contexts = []
    opened: list[Screen] = []

    def make(address: str = report, width: int = 1440, height: int = 900, **options: Any) -> Screen:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        screen = Screen(context.new_page(), address)
        if address.startswith("file:"):
            # Everything but the file itself is cut off, as on a machine without a network.
            context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        screen.page.on("request", lambda request: screen.asked.append(request.url))
        screen.page.on("console", lambda line: screen.said.append(f"{line.type}: {line.text}"))
        screen.page.on("pageerror", lambda error: screen.failed.append(str(error)))
        opened.append(screen)
        return screen

    yield make
    for context in contexts:
        context.close()
    # Whatever a test looks at, a program that fails on the page fails it.
    assert [error for screen in opened for error in screen.failed] == []
