"""The report in a real browser, opened from disk with no network: what a reader does and sees."""

from __future__ import annotations

import re
from typing import Any

import pytest

VIEWS = (
    "",
    "#view=claims",
    "#kind=speedup&sort=-ratio",
    "#view=papers",
    "#view=rejected",
    "#view=unclaimed",
    "#paper=zephyr",
)
ROWS = "#grid .body .row"


def column(page: Any, name: str) -> list[str]:
    return page.locator(f"{ROWS} .c-{name}").all_inner_texts()  # type: ignore[no-any-return]


def counted(page: Any, words: str) -> None:
    page.locator("#count", has_text=re.compile(f"^{words}$")).wait_for()


def flashed(page: Any) -> str:
    return "".join(page.locator("#reader .flash").all_inner_texts())


@pytest.mark.parametrize("hash_", VIEWS)
def test_every_view_opens_without_a_word_on_the_console_and_without_a_network(
    screens: Any, hash_: str
) -> None:
    screen = screens()
    screen.open(hash_)
    assert screen.said == []
    assert all(url.startswith((screen.address, "about:", "data:", "blob:")) for url in screen.asked)


def test_the_overview_counts_and_plots_what_the_run_holds(screens: Any) -> None:
    page = screens().open()
    tiles = page.locator(".tile").all_inner_texts()
    assert [text.split()[0] for text in tiles] == ["3", "3", "1", "3", "1", "1", "1"]
    titles = page.locator("figure h2").all_inner_texts()
    # A metric with one number has no panel: it stands in the table.
    assert titles == ["Speedups: speed", "Hardware over time"]
    assert page.locator("figure svg").count() == len(titles)
    assert "no year" not in page.locator("figure").last.inner_text()
    assert "◁ up to" in page.locator("figure").first.inner_text()
    assert "◆ average" in page.locator("figure").first.inner_text()


def test_a_mark_of_a_plot_leads_to_its_claim(screens: Any) -> None:
    page = screens().open()
    page.locator("figure").first.locator(".mark-symbol path").first.click()
    page.wait_for_selector("#reader:not([hidden])")
    assert flashed(page).endswith(("3.5x faster than Borealis", "2.1x faster on average"))


def test_filters_narrow_and_widen(screens: Any) -> None:
    page = screens().open("#view=claims")
    counted(page, "11 claims")
    page.get_by_role("link", name="Speedups").click()
    counted(page, "3 claims")
    page.get_by_role("checkbox", name="NVIDIA A100").check()
    assert column(page, "ratio") == ["≤ 3.5×"]
    page.get_by_role("button", name="Remove filter NVIDIA A100").click()
    page.get_by_role("checkbox", name="background").check()
    counted(page, "4 claims")
    assert column(page, "ratio")[-1] == "1.4–2.8×"


def test_search_finds_all_words_and_says_when_there_are_none(screens: Any) -> None:
    page = screens().open("#view=claims")
    page.get_by_role("searchbox", name="Search claims and papers").fill("borealis AVERAGE")
    counted(page, "1 claim")
    page.get_by_role("searchbox", name="Search claims and papers").fill("nothing of that kind")
    counted(page, "0 claims")
    assert "Nothing fits" in page.locator("#note").inner_text()


def test_sort_turns_and_warns_of_what_it_mixes(screens: Any) -> None:
    page = screens().open("#kind=speedup&stance=any")
    header = page.get_by_role("columnheader", name="Gain", exact=True)
    header.get_by_role("button").click()
    assert column(page, "ratio") == ["≤ 3.5×", "1.4–2.8×", "avg 2.1×", "20% less (≙ 1.25×)"]
    assert header.get_attribute("aria-sort") == "descending"
    assert "4 bounds, 3 metrics" in page.locator("#note").inner_text()
    header.get_by_role("button").click()
    assert column(page, "ratio")[0] == "20% less (≙ 1.25×)"


@pytest.mark.parametrize("sort", ["workload", "-workload"])
def test_what_has_no_value_stands_last_either_way(screens: Any, sort: str) -> None:
    page = screens().open(f"#kind=speedup&stance=any&sort={sort}")
    assert column(page, "workload") == ["decoding", "", "", ""]


@pytest.mark.parametrize(
    ("row", "cell", "words"),
    [
        (0, "ratio", "3.5x"),
        (0, "baselines", "Borealis"),
        (0, "paper", "up to 3.5x faster than Borealis"),
        (2, "ratio", "20%"),
    ],
)
def test_a_cell_jumps_to_its_words(screens: Any, row: int, cell: str, words: str) -> None:
    page = screens().open("#kind=speedup")
    page.locator(ROWS).nth(row).locator(f".c-{cell}").click()
    page.wait_for_selector("#reader .flash")
    assert flashed(page) == words


def test_overlapping_claims_are_all_told(screens: Any) -> None:
    page = screens().open("#paper=zephyr")
    # "faster than Borealis" belongs to the speedup and to the hardware claim.
    mark = page.locator("#reader .mark", has_text="Borealis").first
    mark.focus()
    told = page.locator("#tip").inner_text()
    assert "Zephyr · speed · ≤\u00a03.5×" in told
    assert "Hardware NVIDIA A100 · evaluation" in " ".join(told.split())
    whole = page.locator("#reader .abstract").inner_text()
    assert whole.startswith("𝒵-calculus aside, Zephyr serves")


def test_a_deep_link_survives_a_reload_and_back_works(screens: Any) -> None:
    page = screens().open("#kind=speedup")
    page.locator(ROWS).first.locator(".c-ratio").click()
    page.wait_for_selector("#reader .flash")
    assert "claim=" in page.url
    page.reload()
    page.wait_for_selector("#reader .flash")
    assert flashed(page) == "3.5x"
    assert page.locator(f"{ROWS}[aria-selected=true]").count() == 1
    page.go_back()
    page.wait_for_selector("#reader", state="hidden")
    counted(page, "3 claims")


def test_a_bare_link_to_a_claim_or_paper_is_enough(screens: Any, report: str) -> None:
    screen = screens()
    page = screen.open("#paper=mistral-mix")
    assert "MixCloud" in page.locator("#reader h2").inner_text()
    claim = page.locator("#reader .card-link").first.get_attribute("href").split("claim=")[1]
    page = screen.open(f"#claim={claim.split('&')[0]}")
    assert page.locator("#reader [aria-current=true]").count() == 1
    page = screen.open("#claim=no-such-claim")
    assert "no such claim" in page.locator("#reader").inner_text()


def test_the_keyboard_is_enough(screens: Any) -> None:
    page = screens().open("#view=claims")
    page.keyboard.press("/")
    page.keyboard.type("borealis")
    page.wait_for_url(re.compile("q=borealis(&|$)"))
    counted(page, "5 claims")
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.parentElement.dataset.place") == "1"
    page.keyboard.press("Enter")
    page.wait_for_selector("#reader .flash")
    assert page.evaluate("document.activeElement.id") == "reader-title"
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("Escape")
    page.wait_for_selector("#reader", state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "gridcell"


def test_the_colours_follow_the_system_and_the_button(screens: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = (screens(color_scheme=name).open() for name in ("light", "dark"))
    assert light.evaluate(ground) != dark.evaluate(ground)
    want = dark.evaluate(ground)
    light.get_by_role("button", name="Use dark colours").click()
    assert light.evaluate(ground) == want
    light.reload()
    assert light.evaluate(ground) == want


@pytest.mark.parametrize("hash_", [*VIEWS, "#paper=mistral-mix", "#paper=gale&stance=any"])
def test_what_papers_and_models_say_is_never_run(screens: Any, hash_: str) -> None:
    screen = screens()
    page = screen.open(hash_)
    for summary in page.locator("#reader summary").all():
        summary.click()
    page.wait_for_timeout(50)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#main img, #main script, a[href^='javascript']").count() == 0
    assert screen.said == []


def test_markup_is_shown_as_the_text_that_it_is(screens: Any) -> None:
    page = screens().open("#paper=mistral-mix")
    assert page.locator("#reader h2").inner_text() == "<script>window.hacked = 1</script> MixCloud"
    assert "</script><script>" in page.locator("#reader .abstract").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 800, 390])
def test_axe_finds_nothing(screens: Any, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    screen = screens(color_scheme=scheme, width=width, reduced_motion="reduce")
    for hash_ in VIEWS:
        page = screen.open(hash_)
        for menu in page.locator("details.menu:visible > summary").all()[:2]:
            menu.click()
        found = axe.run(page).response["violations"]
        told = [
            (hash_, one["id"], one["nodes"][0]["html"][:300], one["nodes"][0]["failureSummary"])
            for one in found
        ]
        assert told == []


@pytest.mark.parametrize("hash_", VIEWS)
def test_a_phone_scrolls_up_and_down_only(screens: Any, hash_: str) -> None:
    page = screens(width=390).open(hash_)
    for element in ("document.documentElement", "document.querySelector('#grid')",
                    "document.querySelector('#overview')"):  # fmt: skip
        wide, room = page.evaluate(f"[{element}.scrollWidth, {element}.clientWidth]")
        assert wide <= room, element


def test_filters_open_and_close_on_a_phone(screens: Any) -> None:
    page = screens(width=390).open("#view=claims")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("checkbox", name="NVIDIA H100").check()
    page.get_by_role("button", name="Done").click()
    counted(page, "2 claims")
    assert not page.locator("#facets").is_visible()


def test_paper_shows_the_whole_table_and_its_abstracts(screens: Any) -> None:
    page = screens().open("#kind=speedup")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#paper-print tbody tr").count() == 3
    assert page.locator("#paper-print article").count() == 2
    assert not page.locator("#grid").is_visible()
