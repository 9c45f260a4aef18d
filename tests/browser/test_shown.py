"""The report in a real browser: what links, counts, numbers and widths come to on the screen."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_browser import ROWS, column, counted

expect = pytest.importorskip(
    "playwright.sync_api", reason="the extra [browser] is not installed"
).expect


def claim_of(href: str) -> str:
    return re.findall(r"claim=(\w+)", href)[0]  # type: ignore[no-any-return]


def test_a_gain_is_never_shown_as_a_score(screens: Any) -> None:
    screen = screens()
    page = screen.open("#kind=benchmark")
    assert column(page, "value") == ["71.25%", "Δ ≤ 4.5%", "101.5% of Borealis"]
    page.locator(ROWS).nth(1).locator(".c-value").click()
    page.wait_for_selector("#reader .flash")
    cards = page.locator("#reader .card-link").all_inner_texts()
    assert "Ember · QuuxBench accuracy · Δ\u00a0≤\u00a04.5%" in cards
    assert "Ember · recall · 101.5%\u00a0of\u00a0Borealis · over Borealis" in cards
    assert "Δ ≤ 4.5%" in page.locator("#reader dl").inner_text()


@pytest.mark.parametrize("field", ["", "&field=value"])
def test_a_link_to_a_claim_shows_its_row_its_words_and_its_card(screens: Any, field: str) -> None:
    screen = screens(height=560)
    page = screen.open("#paper=ember")
    last = page.locator("#reader .card-link").last.get_attribute("href")
    claim = claim_of(last)
    page = screen.open(f"#claim={claim}{field}")
    assert page.evaluate("document.querySelector('#grid').scrollTop") > 0
    row = page.locator(f"{ROWS}[aria-selected=true]")
    assert "AMD GPU" in row.inner_text()
    expect(row.locator(".badge")).to_be_in_viewport(ratio=1)
    expect(page.locator("#reader .flash").first).to_be_in_viewport(ratio=1)
    expect(page.locator(f"#claim-{claim} .card-link")).to_be_in_viewport(ratio=1)
    expect(page.locator(f"#claim-{claim} dl")).to_be_in_viewport(ratio=1)


def test_a_link_to_a_background_claim_shows_the_list_that_holds_it(screens: Any) -> None:
    screen = screens()
    page = screen.open("#paper=gale")
    assert "1 claim, 1 of them on the background" in page.locator("#reader h3").first.inner_text()
    href = page.locator("#reader .card-link").get_attribute("href")
    page = screen.open(f"#claim={claim_of(href)}")
    assert "Gale" in page.locator(f"{ROWS}[aria-selected=true]").inner_text()
    assert page.locator("#stance").inner_text() == "own and background"


def test_a_phone_opens_a_paper_with_its_first_claim_in_sight(screens: Any) -> None:
    page = screens(width=390, height=700).open("#paper=zephyr")
    expect(page.locator("#reader h2")).to_be_in_viewport(ratio=1)
    expect(page.locator("#reader .claim").first).to_be_in_viewport(ratio=1)


def test_a_card_on_a_phone_opens_wherever_it_is_tapped(screens: Any) -> None:
    page = screens(width=390, height=900).open("#kind=speedup")
    card = page.locator(ROWS).first
    spot = card.evaluate(
        """row => {
          const { left, right, top, bottom } = row.getBoundingClientRect();
          for (let y = top + 1; y < bottom; y += 4)
            for (let x = left + 1; x < right; x += 4)
              if (document.elementFromPoint(x, y) === row) return [x, y];
        }"""
    )
    assert spot  # between the cells
    page.mouse.click(*spot)
    expect(page.locator("#reader")).to_be_visible()


@pytest.mark.parametrize("hash_", ["", "#view=overview&stance=any&metric=speed"])
def test_the_overview_and_the_lists_count_the_same_claims(screens: Any, hash_: str) -> None:
    page = screens().open(hash_)
    tiles = [int(text.split()[0]) for text in page.locator(".tile").all_inner_texts()][:5]
    intro = page.locator(".intro").inner_text()
    assert "11 claims of the papers’ own work" in intro
    assert "1 more on the background" in intro
    page.locator(".views").get_by_role("link", name="Claims").click()
    if hash_:
        page = screens().open("#view=claims")
    counted(page, "11 claims")
    tabs = [int(text) for text in page.locator("#kinds .n").all_inner_texts()]
    assert tabs == [sum(tiles), *tiles]
    assert "1 on the background left out" in page.locator("#stance").inner_text()
    page.locator("#stance").get_by_role("link", name="show").click()
    counted(page, "12 claims")
    page.locator(".views").get_by_role("link", name="Papers").click()
    page.locator("#count", has_text="5 papers").wait_for()
    tallies = page.locator("#grid .tally").all_inner_texts()
    assert sum(int(text.split()[-1]) for text in tallies) == sum(tiles)


def cut_cells(page: Any, selector: str) -> list[str]:
    """The texts of cells that are wider than their room."""
    found = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    return page.locator(selector).evaluate_all(found)  # type: ignore[no-any-return]


def test_columns_are_as_wide_as_what_they_hold_before_the_words_get_room(screens: Any) -> None:
    page = screens(width=1600).open("#view=claims")
    names = ("value", "what", "baselines", "kind")
    assert cut_cells(page, ", ".join(f"{ROWS} .c-{name} > *" for name in names)) == []
    assert cut_cells(screens(width=1180).open("#kind=benchmark"), f"{ROWS} .c-value > *") == []


def test_tabs_are_all_in_sight_and_have_no_bar_of_their_own(screens: Any) -> None:
    page = screens(width=1400).open("#view=claims")
    page.locator(ROWS).first.locator(".c-value").click()
    page.wait_for_selector("#reader .flash")
    for tab in page.locator("#kinds a").all():
        expect(tab).to_be_in_viewport(ratio=1)
    page = screens(width=390).open("#kind=model_size")
    expect(page.locator("#kinds [aria-current]")).to_be_in_viewport(ratio=0.99)
    for nav in ("#kinds", ".views"):
        bar = f"getComputedStyle(document.querySelector('{nav}')).overflowY"
        assert page.evaluate(bar) == "hidden"
