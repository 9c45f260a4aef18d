"""The simulated server itself: its papers hold their claims, its faults hit whom they should."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.extraction.pipeline import read_answer
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply
from simulated import FAULTS, Simulated, mentioned, paper, parse

NUMBERS = st.integers(0, 24_009_999)


@given(NUMBERS)
def test_a_paper_is_known_again_by_its_words(number: int) -> None:
    made = paper(number)
    assert mentioned(
        ["We present Tidepool, a serving system.", f"before {made.abstract} after"]
    ) == (number)
    assert made == paper(number)


@given(NUMBERS)
def test_every_claim_of_a_paper_grounds_and_no_number_is_left(number: int) -> None:
    made = paper(number)
    source = Paper(paper_id="p", title=made.title, abstract=made.abstract)
    answer = Answer(Reply.model_validate(made.reply), (), Usage(), "live", "api", "m")
    outcome = read_answer(source, answer)
    assert len(outcome.claims) == sum(len(items) for items in made.reply.values())
    assert outcome.rejected == ()
    assert outcome.paper.unclaimed_numbers == []


def test_papers_differ() -> None:
    assert len({paper(number).abstract for number in range(2_000)}) == 2_000


@given(NUMBERS, st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_touches_all_that_a_lower_one_does(
    number: int, seed: int, one: float, other: float
) -> None:
    low, high = (parse(f"sim:seed={seed},refusal={rate!r}") for rate in sorted((one, other)))
    assert not low.touching(number) or high.touching(number)


def test_the_rate_is_the_share_of_papers() -> None:
    plan = parse("sim:refusal=0.3,prose=0.2,seed=4")
    met = [plan.touching(number) for number in range(4_000)]
    assert met.count("refusal") / 4_000 == pytest.approx(0.3, abs=0.02)
    assert met.count("prose") / 4_000 == pytest.approx(0.2, abs=0.02)


def test_a_fault_clears_when_the_plan_says() -> None:
    tries = range(4)
    assert [parse("sim:http_500=1").at(1, n) for n in tries] == ["http_500"] * 2 + [None] * 2
    assert [parse("sim:http_500=1,clears=1").at(1, n) for n in tries][1] is None
    assert all(parse("sim:prose=1,clears=never").at(1, n) for n in tries)
    assert all(parse("sim:refusal=1").at(1, n) for n in tries)


@pytest.mark.parametrize(
    "name", ["sim:nonsense=1", "sim:refusal", "sim:refusal=x", "sim:refusal=0.7,prose=0.7",
             "sim:refusal=-1"]
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(name)


def test_every_fault_is_sent_and_the_requests_are_counted() -> None:
    broken = {"dropped", "cut_off", "stalled", "stalled_midway", "slow", "huge"}
    good = json.dumps(paper(7).reply)
    with Simulated() as server:
        assert _content(server.url, "sim:") == good
        for fault in set(FAULTS) - broken:
            try:
                said: Any = _content(server.url, f"sim:{fault}=1")
            except (urllib.error.HTTPError, ValueError, LookupError) as error:
                said = error
            assert (said == good) == (fault in ("mislabelled", "wrong_usage")), fault
        assert server.requests("sim:") == {7: 1}
        assert server.requests("sim:refusal=1") == {7: 1}
        with pytest.raises(urllib.error.HTTPError, match="400"):
            _content(server.url, "sim:nonsense=1")


def _content(url: str, model: str) -> Any:
    asked = {"model": model, "messages": [{"role": "user", "content": paper(7).abstract}]}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(asked).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        # It holds the open socket: left to the garbage collector, a later test would be blamed.
        error.close()
        raise
