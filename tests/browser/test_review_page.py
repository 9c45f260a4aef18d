"""The review in a real browser: deciding with keys and mouse, and what happens when things fail."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claimgrid.review import checked_run
from report_run import ABSTRACTS, write_run

expect = pytest.importorskip(
    "playwright.sync_api", reason="the extra [browser] is not installed"
).expect
ENTRIES = ".r-entries .r-entry"
WIDTHS = (1400, 800, 390)


class Server:
    """`extract review` on a run, which can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        command = [sys.executable, "-u", "-m", "claimgrid", "review", str(self.folder)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--by", "Ada"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def saved(self) -> list[dict[str, Any]]:
        file = self.folder / "corrections.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("fastapi", reason="the extra [serve] is not installed")
    made = Server(write_run(tmp_path / "run"))
    made.start()
    yield made
    made.kill()


def opened(screens: Any, server: Server, **options: Any) -> Any:
    screen = screens(address=server.address.partition("#")[0], **options)
    return screen.open("#view=review")


def choose(page: Any, words: str) -> None:
    page.locator(ENTRIES, has_text=words).first.click()
    page.locator(f"{ENTRIES}[aria-current]", has_text=words).wait_for()


def saved(page: Any, action: str) -> None:
    page.locator(".r-message", has_text=f"Saved: {action}").wait_for()


def select(page: Any, words: str) -> None:
    """Drag the mouse over words of the abstract, as a hand does."""
    boxes = page.evaluate(
        """words => {
          const pieces = [...document.querySelectorAll('.words [data-start]')];
          const text = pieces.map(piece => piece.textContent).join('');
          const from = text.indexOf(words), to = from + words.length;
          let at = 0, first = null, last = null;
          for (const piece of pieces) {
            const end = at + piece.textContent.length;
            if (at <= from && from < end) first = [piece.firstChild, from - at];
            if (at < to && to <= end) last = [piece.firstChild, to - at];
            at = end;
          }
          const range = document.createRange();
          range.setStart(...first); range.setEnd(...last);
          const rects = [...range.getClientRects()];
          const a = rects[0], b = rects[rects.length - 1];
          return [a.left + 1, a.top + a.height / 2, b.right - 1, b.top + b.height / 2];
        }""",
        words,
    )
    page.mouse.move(boxes[0], boxes[1])
    page.mouse.down()
    page.mouse.move(boxes[2], boxes[3], steps=4)
    page.mouse.up()


def test_one_hand_decides_with_the_keyboard(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    for words in ("refused", "3.5x"):
        page.keyboard.press("f")
        page.locator(f"{ENTRIES}[aria-current]", has_text=words).wait_for()
    page.keyboard.press("a")
    saved(page, "accept")
    page.locator(f"{ENTRIES}[aria-current]", has_text="2.1x").wait_for()
    page.keyboard.press("r")
    saved(page, "reject")
    assert [one["action"] for one in server.saved] == ["accept", "reject"]
    assert {one["by"] for one in server.saved} == {"Ada"}
    page.get_by_role("button", name="Decided").click()
    expect(page.locator(ENTRIES)).to_have_count(2)
    choose(page, "2.1x")
    page.keyboard.press("z")
    saved(page, "undo")
    assert [one["action"] for one in server.saved] == ["accept", "reject", "undo"]
    checked = [c for c in checked_run.read_claims(server.folder) if c.checked]
    assert [(c.checked.decision, c.checked.by) for c in checked if c.checked] == [
        ("accepted", "Ada")
    ]


def test_a_field_is_edited_by_picking_words_with_the_arrow_keys(
    screens: Any, server: Server
) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("e")
    page.locator(".r-form").wait_for()
    for _ in range(30):  # from "3.5x" on to "2.1x"
        if page.locator(".words .picked").all_inner_texts() == ["2.1x"]:
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".r-made", has_text="2.1×").wait_for()
    page.keyboard.press("s")
    saved(page, "edit")
    (line,) = server.saved
    assert line["claim"]["value"] == {"text": "2.1x", "low": 2.1, "high": 2.1, "unit": "x"}
    assert line["claim"]["ratio"] == {"low": 2.1, "high": 2.1}
    assert line["before"]["value"]["text"] == "3.5x"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_field_is_edited_by_dragging_the_mouse(screens: Any, server: Server, width: int) -> None:
    page = opened(screens, server, width=width)
    choose(page, "3.5x")
    page.get_by_role("toolbar").get_by_role("button", name="Edit").click()
    page.locator(".r-pick", has_text="workload").click()
    select(page, "on average")
    page.locator(".r-pick", has_text="on average").wait_for()
    page.get_by_role("button", name="Save").click()
    saved(page, "edit")
    claim = server.saved[0]["claim"]
    assert claim["workload"] == "on average"
    (start, end) = claim["spans"]["workload"][0]
    assert ABSTRACTS["zephyr"][start:end] == "on average"


def test_what_is_not_a_number_cannot_become_one(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("e")
    select(page, "serves models")
    page.locator(".r-message.bad", has_text="no number").wait_for()
    assert page.get_by_role("button", name="Save").is_disabled()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    assert server.saved == []


def test_a_missed_claim_is_added_from_an_unclaimed_number(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "number")
    page.keyboard.press("w")
    page.get_by_label("kind").select_option("efficiency")
    page.locator(".r-made").wait_for()
    page.locator(".r-pick", has_text="subject").click()
    select(page, "Zephyr")
    page.locator(".r-pick", has_text="Zephyr").wait_for()
    page.get_by_role("button", name="Save").click()
    saved(page, "add")
    (line,) = server.saved
    assert (line["action"], line["claim"]["value"]["low"], line["claim"]["subject"]) == (
        "add",
        7.0,
        "Zephyr",
    )
    expect(page.locator(ENTRIES, has_text="no claim covers")).to_have_count(0)


def test_a_number_that_is_no_claim_is_dismissed_and_taken_back(
    screens: Any, server: Server
) -> None:
    page = opened(screens, server)
    choose(page, "number")
    page.keyboard.press("r")
    saved(page, "no claim")
    (line,) = server.saved
    assert (line["action"], line["number"]["text"]) == ("dismiss", "7")
    expect(page.locator(ENTRIES, has_text="no claim covers")).to_have_count(0)
    page.get_by_role("button", name="Decided").click()
    choose(page, "number")
    page.keyboard.press("z")
    saved(page, "undo")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(ENTRIES, has_text="no claim covers")).to_have_count(1)


def test_a_refused_item_is_brought_back_by_selecting_words(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "refused")
    page.locator(".r-claim", has_text="is not in the abstract").wait_for()
    page.keyboard.press("w")
    page.get_by_label("kind").select_option("efficiency")
    select(page, "7 rounds")
    page.locator(".r-made").wait_for()
    page.get_by_role("button", name="Save").click()
    saved(page, "add")
    (line,) = server.saved
    assert line["claim"]["value"]["text"] == "7 rounds"
    assert line["item"]
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(ENTRIES, has_text="refused")).to_have_count(0)


def test_a_note_is_kept_with_its_decision(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "20%")
    page.keyboard.press("c")
    page.get_by_label("Note").fill("the baseline is another one")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    saved(page, "reject")
    assert server.saved[0]["note"] == "the baseline is another one"


def test_a_decision_outlives_a_server_that_is_killed_in_the_middle_of_an_edit(
    screens: Any, server: Server
) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("e")
    page.locator(".r-pick", has_text="workload").click()
    select(page, "on average")
    page.locator(".r-made").wait_for()
    server.kill()
    page.get_by_role("button", name="Save").click()
    page.locator(".r-message.bad", has_text="kept in this browser").wait_for()
    assert server.saved == []
    server.start()
    page.reload()
    page.locator(".r-notice.bad", has_text="1 decision not saved yet").wait_for()
    page.get_by_role("button", name="Send again").click()
    saved(page, "edit")
    assert server.saved[0]["claim"]["workload"] == "on average"
    expect(page.locator(".r-notice.bad")).to_have_count(0)


def test_two_tabs_do_not_overwrite_each_other(screens: Any, server: Server) -> None:
    first, second = (opened(screens, server) for _ in range(2))
    for page in (first, second):
        choose(page, "3.5x")
    first.keyboard.press("a")
    saved(first, "accept")
    second.keyboard.press("r")
    second.locator(".r-message.bad", has_text="was changed meanwhile").wait_for()
    assert [one["action"] for one in server.saved] == ["accept"]
    assert "accept by Ada" in second.locator(".r-history").inner_text()


def test_a_run_that_was_made_anew_is_looked_at_again(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    file = server.folder / "claims.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if '"3.5x"' not in line), encoding="utf-8")
    page.keyboard.press("a")
    page.locator(".r-message.bad", has_text="no longer in the run").wait_for()
    assert server.saved == []


def test_decisions_on_an_abstract_that_changed_are_kept_and_apply_to_nothing(
    screens: Any, server: Server
) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("r")
    saved(page, "reject")
    for name in ("claims.jsonl", "papers.jsonl"):
        file = server.folder / name
        text = file.read_text(encoding="utf-8")
        if name == "papers.jsonl":
            text = text.replace("in 7 rounds.", "in 7 rounds. It is new.")
            old = server.saved[0]["abstract_sha256"]
            text = text.replace(old, "0" * 64)
        file.write_text(text, encoding="utf-8")
    page = opened(screens, server)
    page.locator("summary", has_text="1 decision on other abstracts").click()
    assert "reject by Ada" in page.locator("details.r-notice").inner_text()
    expect(page.locator(ENTRIES, has_text="3.5x")).to_have_count(1)
    assert len(server.saved) == 1


def test_a_broken_line_is_told_and_kept(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("a")
    saved(page, "accept")
    file = server.folder / "corrections.jsonl"
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"id": "half a li')  # a write that was cut off
    page = opened(screens, server)
    page.locator("summary", has_text="1 broken line").click()
    assert "line 2" in page.locator("details.r-notice").inner_text()
    choose(page, "2.1x")
    page.keyboard.press("a")
    saved(page, "accept")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[1] == '{"id": "half a li'
    assert [json.loads(lines[at])["action"] for at in (0, 2)] == ["accept", "accept"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_the_review(
    screens: Any, server: Server, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(screens, server, width=width, color_scheme=scheme, reduced_motion="reduce")
    for key in ("", "f", "e", "Enter"):
        if key:
            page.keyboard.press(key)
            page.wait_for_timeout(150)
        found = axe.run(page).response["violations"]
        assert [(key, one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_itself_never_scrolls(screens: Any, server: Server, width: int) -> None:
    page = opened(screens, server, width=width, height=420)
    for words in ("refused", "3.5x", "number"):
        choose(page, words)
        page.wait_for_timeout(50)
        assert page.evaluate("[document.documentElement.scrollTop, scrollY]") == [0, 0]
        assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


@pytest.mark.parametrize("width", [800, 1400])
def test_what_ends_the_form_is_always_in_sight(screens: Any, server: Server, width: int) -> None:
    page = opened(screens, server, width=width, height=700)
    choose(page, "3.5x")
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Save (S)")).to_be_in_viewport(ratio=1)
    if width == 800:
        tops = page.locator(".r-bar button").evaluate_all(
            "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
        )
        assert len(set(tops)) == 1


def test_every_button_of_the_review_can_be_pressed(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    for entry in ("number", "3.5x"):
        for name in ("Next", "Previous", "Note", "Add a claim", "Edit"):
            choose(page, entry)
            button = page.get_by_role("toolbar").get_by_role("button", name=re.compile(f"^{name}"))
            if button.is_enabled():
                button.click()
                page.wait_for_timeout(50)
    for select_ in page.locator(".r-labels select").all():
        select_.select_option(index=1)
    for clear in page.locator(".r-fields .quiet").all()[:1]:
        clear.click()
    page.get_by_role("button", name="Cancel").click()
    for name in ("Decided", "All", "Open"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name=re.compile("colours")).click()
    expect(page.locator(ENTRIES).first).to_be_visible()


def test_decisions_show_in_the_other_views_at_once(screens: Any, server: Server) -> None:
    page = opened(screens, server)
    choose(page, "3.5x")
    page.keyboard.press("a")
    saved(page, "accept")
    page.locator(".views").get_by_role("link", name="Claims").click()
    row = page.locator("#grid .body .row", has_text="3.5×")
    assert "checked" in row.first.inner_text()
