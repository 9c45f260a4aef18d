"""Every control of the report is used in a real browser; an error of the page fails each test."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_browser import ROWS, column, counted

from claimgrid.io import run_folder
from claimgrid.types.claim import CLAIM
from claimgrid.types.outcome import Outcome
from report_run import manifest, write_run

FIGURES = "figure svg"


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of papers of four years that give a score on one benchmark, and their speedups."""
    pytest.importorskip("altair", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import report

    source = write_run(tmp_path_factory.mktemp("plain") / "run")
    papers = {line.paper_id: line for line in run_folder.read_papers(source)}
    claims = [c for c in run_folder.read_claims(source) if c.paper_id == "zephyr"]
    folder = tmp_path_factory.mktemp("boards") / "run"
    with run_folder.RunWriter(folder) as writer:
        for place, (year, score) in enumerate(
            [("2019", 40.0), ("2021-06", 60.0), ("2022", 55.0), ("2024-02-01", 71.25)]
        ):
            name = f"paper-{place}"
            line = papers["zephyr"].model_copy(
                update={"paper_id": name, "date": year, "title": r"Quux$^{2}$" + str(place),
                        "arxiv_id": f"2401.0000{place}", "doi": "10.1000/q(1)"}
            )  # fmt: skip
            own = []
            for claim in claims:
                made = claim.model_dump(mode="json")
                made |= {"claim_id": f"{place}{claim.claim_id}"[:16], "paper_id": name}
                if claim.kind == "benchmark":
                    made["value"] |= {"text": f"{score}%", "low": score, "high": score}
                if claim.kind == "speedup":
                    made["baselines"] = ["Borealis"] if place else ["Auster"]
                    made["subject"] = r"$1.5\times$ Zephyr"
                own.append(CLAIM.validate_python(made))
            writer.add(Outcome(line, tuple(own)))
    told = manifest(model="tiny", finished="2026-01-02T00:00:00Z", papers=4,
                    caution="tiny is a small model: F1 0.75 on the seeds")  # fmt: skip
    run_folder.write_manifest(folder, told)
    report([folder], folder / "report.html")
    return (folder / "report.html").resolve().as_uri()


def told_of(source: Path, kind: str, place: int, **facts: Any) -> Any:
    """A claim of the invented run with other numbers."""
    claim = next(one for one in run_folder.read_claims(source) if one.kind == kind)
    made = claim.model_dump(mode="json") | {"claim_id": f"{place:02}{claim.claim_id}"[:16]}
    return CLAIM.validate_python(made | facts)


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of factors from 1.05 to 2,500, scores, models up to 700B and one lone number."""
    pytest.importorskip("altair", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import report

    source = write_run(tmp_path_factory.mktemp("plain") / "run")
    folder = tmp_path_factory.mktemp("spread") / "run"
    factors = [(1.05, "speed"), (3, "speed"), (20, "speed"), (2500, "speed"), (1.2, "memory"),
               (1.3, "memory"), (30, "throughput"), (47, "throughput"), (9, "energy")]  # fmt: skip
    own = [
        told_of(source, "speedup", place, metric=metric, subject=f"Quux {place}",
                ratio={"low": factor, "high": factor}, qualifier="exact",
                value={"text": f"{factor}x", "low": factor, "high": factor, "unit": "x"})
        for place, (factor, metric) in enumerate(factors)
    ]  # fmt: skip
    own += [
        told_of(source, "model_size", 20 + place, paper_id="zephyr", model=f"Quux {place}",
                params=params, active_params=None)
        for place, params in enumerate((10**8, 7 * 10**9, 7 * 10**11))
    ]  # fmt: skip
    own += [
        told_of(source, "benchmark", 30 + place, paper_id="zephyr", qualifier="exact",
                value={"text": f"{score}%", "low": score, "high": score, "unit": "%"})
        for place, score in enumerate((12.5, 31.0, 55.0, 88.0))
    ]  # fmt: skip
    with run_folder.RunWriter(folder) as writer:
        line = next(one for one in run_folder.read_papers(source) if one.paper_id == "zephyr")
        writer.add(Outcome(line, tuple(own)))
    run_folder.write_manifest(folder, manifest(model="tiny", papers=1))
    report([folder], folder / "report.html")
    return (folder / "report.html").resolve().as_uri()


def search(page: Any, words: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.locator("h1", has_text=words).wait_for()


def test_the_overview_is_drawn_anew_by_a_search(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    before = page.locator(FIGURES).count()
    assert before
    search(page, "Borealis")
    page.locator(".plots:not([aria-busy])").wait_for()
    assert page.locator(FIGURES).count() < before


def test_the_overview_is_drawn_anew_after_another_view(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    page.locator(".views").get_by_role("link", name="Claims").click()
    page.get_by_role("searchbox", name="Search claims and papers").fill("borealis")
    counted(page, r"\d+ claims?")
    page.locator(".views").get_by_role("link", name="Overview").click()
    page.locator("h1", has_text="borealis").wait_for()
    page.locator(".plots:not([aria-busy])").wait_for()
    assert page.locator(FIGURES).count()


def test_plots_take_the_colours_of_the_button(screens: Any, boards: str) -> None:
    page = screens(address=boards, color_scheme="light").open()
    label = "getComputedStyle(document.querySelector('.plot .role-axis-label text')).fill"
    light = page.evaluate(label)
    page.get_by_role("button", name="Use dark colours").click()
    page.locator(".plots:not([aria-busy])").wait_for()
    page.wait_for_function(f"was => {label} !== was", arg=light)


def test_a_point_of_a_plot_has_a_tooltip(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    page.locator("figure", has_text="Speedups: speed").first.locator(
        ".mark-symbol path"
    ).last.hover()
    page.locator("#tip", has_text="over").wait_for()
    page.mouse.move(5, 5)
    page.locator("#tip").wait_for(state="hidden")


def test_scores_over_time_have_a_line_of_the_best_so_far(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    figure = page.locator("figure", has_text="QuuxBench · accuracy (%) over time")
    assert figure.locator(".mark-symbol path").count() == 4
    caption = figure.locator("p").inner_text()
    assert "higher is better" in caption or "nothing is ranked" in caption
    assert figure.locator(".mark-line path").count() == ("higher is better" in caption)
    axis = figure.locator(".role-axis-label text").all_text_contents()
    years = [text for text in axis if re.fullmatch(r"20\d\d", text)]
    assert len(years) == len(set(years))


def test_unlike_baselines_are_marked_and_labels_have_no_markup(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    figure = page.locator("figure", has_text="Speedups: speed").first
    assert "≠ not measured against Borealis" in figure.inner_text()
    names = figure.locator(".role-axis-label text").all_text_contents()
    assert any("≠" in name for name in names)
    assert not any("\\" in text or "$" in text or "e+" in text for text in names)


# The labels in sight of every axis that runs across, with the places where they begin and end.
LABELS = """Array.from(document.querySelectorAll('figure .role-axis'), (axis) =>
  Array.from(axis.querySelectorAll('.role-axis-label text'))
    .filter((text) => text.textContent && getComputedStyle(text).opacity !== '0')
    .map((text) => [text.textContent, text.getBoundingClientRect()])
    .map(([words, { left, right, top, bottom }]) => ({ words, left, right, top, bottom })))"""


@pytest.mark.parametrize("width", [390, 1440])
def test_ticks_are_numbers_as_people_write_them_and_never_collide(
    screens: Any, spread: str, width: int
) -> None:
    page = screens(address=spread, width=width).open()
    page.locator(".plots:not([aria-busy])").wait_for()
    axes = page.evaluate(LABELS)
    shown = [label["words"] for axis in axes for label in axis]
    assert {"20", "50", "1B"} <= set(shown)
    between = page.locator("figure", has_text="Speedups: memory").locator(".role-axis-label text")
    assert {"1", "1.1", "1.2", "1.3"} <= set(between.all_text_contents())
    assert not [words for words in shown if re.search(r"\de[+-]?\d|\d{5}", words)]
    for axis in axes:
        for one, other in itertools.combinations(axis, 2):
            across = one["left"] < other["right"] + 2 and other["left"] < one["right"] + 2
            down = one["top"] < other["bottom"] and other["top"] < one["bottom"]
            assert not (across and down), (one["words"], other["words"])


def test_one_number_alone_makes_no_panel(screens: Any, spread: str) -> None:
    page = screens(address=spread).open()
    page.locator(".plots:not([aria-busy])").wait_for()
    titles = page.locator("figure h2").all_inner_texts()
    assert {"Speedups: speed", "Speedups: memory", "Speedups: throughput"} <= set(titles)
    assert "Speedups: energy" not in titles
    last = page.locator("figure", has_text="Speedups:").last
    assert "1 more metric in the table" in last.inner_text()


def test_years_without_papers_keep_their_place(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    figure = page.locator("figure", has_text="Hardware over time")
    labels = figure.locator(".role-axis-label text").all_text_contents()
    shown = [label for label in labels if label.isdigit()]
    assert shown == ["2019", "2020", "2021", "2022", "2023", "2024"]


def test_the_caution_of_the_run_stands_above_its_counts(screens: Any, boards: str) -> None:
    page = screens(address=boards).open()
    told = page.locator(".caution").inner_text()
    assert told == "Read by tiny on 2026-01-02. tiny is a small model: F1 0.75 on the seeds."
    assert "Every number leads" not in page.locator(".intro").inner_text()


def test_a_lit_word_leaves_the_letters_beside_it_alone(screens: Any) -> None:
    page = screens().open("#kind=speedup")
    page.locator(ROWS).first.locator(".c-ratio").click()
    page.wait_for_selector("#reader .flash")
    style = "getComputedStyle(document.querySelector('.flash'))"
    drawn = page.evaluate(f"(one => [one.boxShadow, one.outlineStyle])({style})")
    assert drawn == ["none", "none"]


def test_a_paper_links_to_arxiv_and_doi(screens: Any, boards: str) -> None:
    page = screens(address=boards).open("#paper=paper-1")
    found = {
        link.inner_text(): link.get_attribute("href")
        for link in page.locator("#reader .byline a").all()
    }
    assert found["arXiv"] == "https://arxiv.org/abs/2401.00001"
    assert found["DOI"] == "https://doi.org/10.1000/q(1)"


def saved(page: Any, name: str) -> str:
    page.locator("#export summary").click()
    with page.expect_download() as coming:
        page.locator("#export").get_by_role("button", name=name, exact=True).click()
    text = Path(coming.value.path()).read_text(encoding="utf-8")
    page.keyboard.press("Escape")
    return text


def test_a_selection_is_saved_in_each_format(screens: Any, boards: str) -> None:
    page = screens(address=boards).open("#kind=speedup&hardware=nvidia-a100")
    csv = saved(page, "CSV").splitlines()
    assert csv[0].startswith("kind,subject,benchmark,metric,value,written,computed,")
    assert len(csv) == 5
    markdown = saved(page, "Markdown")
    assert "4 claims: speedup, hardware NVIDIA A100" in markdown
    assert "F1 0.75" in markdown
    latex = saved(page, "LaTeX")
    assert latex.count("$\\le$ 3.5$\\times$") == 4
    assert "\\toprule" in latex
    bibtex = saved(page, "BibTeX")
    assert bibtex.count("@misc{") == 4
    assert "eprint = {2401.00000}" in bibtex


def test_computed_factors_are_saved_apart(screens: Any) -> None:
    page = screens().open("#kind=speedup&metric=latency")
    head, row = saved(page, "CSV").splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert (cells["value"], cells["written"], cells["computed"]) == (
        "20% less (≙ 1.25×)",
        "20%",
        "≙ 1.25×",
    )


def test_a_cell_that_looks_like_a_formula_is_saved_as_text(screens: Any, boards: str) -> None:
    page = screens(address=boards).open("#view=claims")
    run = "csvCell" in page.evaluate("document.querySelector('script[type=module]').textContent")
    assert run
    assert not re.search(r"(?:^|,)[=+@]", saved(page, "CSV"), re.MULTILINE)


def test_the_link_says_which_filters_it_carries(screens: Any, boards: str) -> None:
    page = screens(address=boards).open("#kind=speedup&hardware=nvidia-a100")
    page.locator("#export summary").click()
    page.locator("#export").get_by_role("button", name="Link").click()
    page.locator("#said", has_text="speedup, hardware NVIDIA A100").wait_for()
    assert "speedup, hardware NVIDIA A100" in page.title()


def test_columns_are_chosen_widened_and_kept(screens: Any) -> None:
    page = screens().open("#kind=speedup")
    page.locator("#columns summary").click()
    page.locator("#columns").get_by_label("Workload", exact=True).uncheck()
    assert page.get_by_role("columnheader", name="Workload").count() == 0
    words = page.get_by_role("columnheader", name="Words")
    was = words.bounding_box()["width"]
    for _ in range(3):
        page.locator("#columns").get_by_label("Words wider").click()
    assert words.bounding_box()["width"] > was
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.get_by_role("columnheader", name="Workload").count() == 0
    page.locator("#columns summary").click()
    page.get_by_role("button", name="As at first").click()
    assert page.get_by_role("columnheader", name="Workload").count() == 1


def test_a_column_is_made_wider_by_its_edge(screens: Any) -> None:
    page = screens().open("#kind=speedup")
    header = page.get_by_role("columnheader", name="Subject")
    box = header.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 77, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "wide => document.querySelector('[role=columnheader]').offsetWidth > wide",
        arg=box["width"] + 60,
    )


@pytest.mark.parametrize("view", ["#view=claims", "#kind=benchmark", "#view=papers",
                                  "#view=rejected", "#view=unclaimed"])  # fmt: skip
def test_every_order_of_every_list_can_be_asked_for(screens: Any, view: str) -> None:
    page = screens().open(view)
    for place in range(page.locator(".head button").count()):
        page.locator(".head button").nth(place).click()
        page.wait_for_timeout(30)
        page.locator(".head button").nth(place).click()
        page.wait_for_timeout(30)
    assert column(page, "subject")


def test_two_runs_are_compared_in_one_page(screens: Any, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import report

    first, second = (write_run(tmp_path / name) for name in ("one", "two"))
    lines = (second / "claims.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[0] = lines[0].replace('"metric":"speed"', '"metric":"latency"')
    (second / "claims.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    report([first, second], tmp_path / "both.html")
    page = screens(address=(tmp_path / "both.html").resolve().as_uri()).open()
    assert "one:" in page.locator(".caution").inner_text()
    page.get_by_role("link", name="1 differ in a field").click()
    counted(page, "1 claim")
    page.wait_for_function("rows => document.querySelectorAll(rows).length === 1", arg=ROWS)
    page.locator(ROWS).first.locator(".c-ratio, .c-value").first.click()
    page.locator("#reader dl", has_text="one: speed · two: latency").wait_for()
    page = screens(address=(tmp_path / "both.html").resolve().as_uri()).open("#runs=one+alone")
    counted(page, "1 claim")


def test_claims_are_filtered_and_ordered_by_their_confidence(screens: Any, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the extra [report] is not installed")
    from claimgrid.report.page_builder import report

    folder = write_run(tmp_path / "run")
    text = (folder / "claims.jsonl").read_text(encoding="utf-8")
    claims = [json.loads(line) for line in text.splitlines()]
    for place, claim in enumerate(claims):
        if place:  # the first claim has none
            claim |= {"confidence": 1 - place / 20, "confidence_source": "model"}
    text = "".join(json.dumps(claim) + "\n" for claim in claims)
    (folder / "claims.jsonl").write_text(text, encoding="utf-8")
    low = [c for c in claims if c.get("confidence", 1) < 0.6 and c["stance"] == "own"]
    report([folder], tmp_path / "sure.html")
    page = screens(address=(tmp_path / "sure.html").resolve().as_uri()).open("#view=claims")
    page.locator("#facets label", has_text="below 60%").click()
    counted(page, f"{len(low)} claims?")
    page.locator("#facets label", has_text="below 60%").click()
    page.locator("#stance a", has_text="check first").click()
    counted(page, f"{len(low)} claims?")
    shown = [int(text.rstrip("%")) for text in column(page, "sure")]
    assert shown == sorted(shown)
    page.locator(ROWS).first.locator(".c-value").click()
    least = min(c["confidence"] for c in low)
    page.locator("#reader dl", has_text=f"{round(least * 100)}%, says the model").wait_for()
