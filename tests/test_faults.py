"""Every fault of a server, at 5% and at 50% of the papers: nothing is lost or spoilt.

The trials run once for all tests (`simulated.trial`); each case is then looked at by itself.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simulated import FAULTS, Simulated, paper
from simulated.trial import PAPERS, Case, Trial, cases, faultless, trials
from test_cli import ROOT, extract, jsonl, lines

pytestmark = pytest.mark.slow

CASES = cases()
# How papers end whose fault does not clear; without a line here, as claims.
LASTING = {
    "rate_limit": "error",
    "rate_limit_bare": "error",
    "rate_limit_hour": "error",
    "clock_behind": "error",
    "clock_ahead": "error",
    "http_500": "error",
    "http_502": "error",
    "http_503": "error",
    "dropped": "error",
    "cut_off": "error",
    "stalled": "error",
    "stalled_midway": "error",
    "cut_length": "truncated",
    "cut_stop": "invalid",
    "prose": "invalid",
    "wrong_shape": "invalid",
    "refusal": "refused",
    "content_filter": "refused",
    "empty_choices": "invalid",
    "empty_content": "invalid",
    "html": "error",
    "error_in_200": "error",
    "huge": "error",
}
# Words that tell a person what happened, by fault.
SAYS = {
    "rate_limit": "429",
    "rate_limit_bare": "429",
    "rate_limit_hour": "429 and asks to wait 3600 s",
    "clock_behind": "429",
    "clock_ahead": "429",
    "http_500": "500: simulated 500",
    "http_502": "502: a web page “Sign in”",
    "http_503": "503",
    "cut_length": "cut at the token limit; raise --max-tokens",
    "refusal": "I cannot help with that",
    "content_filter": "refused",
    "error_in_200": "with error 502: upstream failed",
    "html": "a web page “Sign in”; check the base URL",
    "empty_choices": "without choices",
    "empty_content": "the model wrote no text",
    "huge": "more than 8 MiB",
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return faultless(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Trial]:
    return {trial.case: trial for trial in trials(CASES, tmp_path_factory.mktemp("faults"))}


def each_case() -> pytest.MarkDecorator:
    """A test for each case."""

    def one(case: Case) -> Any:
        name = f"{case.fault}-{case.rate:.0%}{'-lasts' if case.lasting else ''}"
        return pytest.param(case, id=name)

    return pytest.mark.parametrize("case", [one(case) for case in CASES])


def test_without_faults_every_claim_comes_out(plain: Trial) -> None:
    assert plain.exit_code == 0, plain.printed
    for number in range(PAPERS):
        known = sum(len(items) for items in paper(number).reply.values())
        assert len(plain.claims[number]) == known
        assert plain.papers[number]["unclaimed_numbers"] == []
    assert not plain.rejected
    assert set(plain.requests.values()) == {1}


@pytest.mark.slow
@each_case()
def test_no_paper_is_lost_and_the_others_are_untouched(
    case: Case, done: dict[Case, Trial], plain: Trial
) -> None:
    trial = done[case]
    assert set(trial.papers) == set(range(PAPERS)), trial.printed
    for number in set(range(PAPERS)) - case.touched:
        assert trial.claims[number] == plain.claims[number]
        assert _but_model(trial.papers[number]) == _but_model(plain.papers[number])
    assert "Traceback" not in trial.printed


@each_case()
def test_touched_papers_end_as_claims_or_with_a_named_reason(
    case: Case, done: dict[Case, Trial], plain: Trial
) -> None:
    trial = done[case]
    lasts = case.lasting or FAULTS[case.fault].clears is None
    expected = LASTING.get(case.fault, "claims") if lasts else "claims"
    for number in case.touched:
        line = trial.papers[number]
        if case.fault == "altered":
            assert line["status"] in ("claims", "no_claims")
            continue
        assert line["status"] == expected, line["reason"]
        if expected == "claims":
            assert trial.claims[number] == plain.claims[number]
        else:
            assert line["stage"] == "ask"
            assert SAYS.get(case.fault, "") in line["reason"]
            # A sentence with words, and no scrap of another program's markup or an empty tail.
            assert not re.search(r"<failed_attempts>|: *$", line["reason"])
    failed = expected != "claims" and case.fault != "altered"
    assert trial.exit_code == int(failed), trial.printed


@pytest.mark.parametrize("fault", [name for name, about in FAULTS.items() if about.wire])
def test_trouble_on_the_wire_costs_no_more_than_the_attempts(
    fault: str, done: dict[Case, Trial]
) -> None:
    for case, trial in done.items():
        if case.fault == fault:
            # One request more than the attempts would mean that a re-ask ran on top of them.
            assert all(trial.requests[number] <= 3 for number in case.touched)


def test_an_altered_number_never_becomes_a_claim(done: dict[Case, Trial], plain: Trial) -> None:
    for case, trial in done.items():
        if case.fault != "altered":
            continue
        for number in case.touched:
            true = [_figures(line) for line in plain.claims[number]]
            assert all(_figures(line) in true for line in trial.claims.get(number, ()))
            items = [item for items in paper(number).reply.values() for item in items]
            altered = sum(bool(item.keys() & {"value", "count", "total"}) for item in items)
            assert trial.rejected.get(number, ()) == ("altered_number",) * altered


def test_a_malformed_item_costs_itself_alone_and_is_kept_as_rejected(
    done: dict[Case, Trial],
) -> None:
    for case, trial in done.items():
        if case.fault == "one_bad_item":
            assert all(trial.rejected[n] == ("invalid_item",) for n in case.touched)


def test_a_certificate_that_nobody_trusts_is_named_for_every_paper(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(number).record for number in range(3)))
    with Simulated(tls=True) as server:
        run = extract("run", source, "--out", tmp_path / "out", "--model", "sim:", "--base-url",
                      server.url, CLAIMGRID_BACKOFF="0.01")  # fmt: skip
    assert run.returncode == 1
    rows = lines(tmp_path / "out" / "papers.jsonl")
    assert [row["status"] for row in rows] == ["error"] * 3
    assert all("certificate" in row["reason"] for row in rows)


def test_the_page_of_faults_is_what_the_trials_give(done: dict[Case, Trial], plain: Trial) -> None:
    make = _script("make_faults")
    written = _cells((ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    now = _cells(make["page"](done.values(), plain))
    assert now == written, "run `python docs/make_faults.py` and read the diff"


def _script(name: str) -> dict[str, Any]:
    import runpy

    return runpy.run_path(str(ROOT / "docs" / f"{name}.py"))


def _cells(page: str) -> list[list[str]]:
    """The tables of a page without what a slow machine may change: requests and counted bytes."""
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return [
        [re.sub(r"\d+ bytes", "N bytes", cell) for at, cell in enumerate(row) if at != 5]
        for row in rows
    ]


def _figures(line: str) -> Any:
    """What a claim says, without where each word of it stands."""
    return {name: said for name, said in json.loads(line).items() if name != "spans"}


def _but_model(line: Any) -> str:
    return json.dumps({**line, "model": None, "source": None})
