"""`extract plan`: what a run would take, by arithmetic that can be checked and a real command."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.llm import planning, token_estimate
from claimgrid.types.answer import Usage
from server import Say, Server, completion
from test_account import PRICES, papers, reply
from test_cli import ROOT, extract
from test_pack import is_packed, parts


def survey(characters: list[int], *, static: int = 0, **rate: Any) -> planning.Survey:
    return planning.Survey(
        papers=len(characters),
        problems=0,
        answered=Counter(),
        to_ask=tuple(characters),
        asked_about=len(characters),
        static=static * len(characters),
        rate=token_estimate.Rate(**rate),
    )


def test_tokens_are_characters_by_the_rate() -> None:
    done = survey([4000, 8000], characters_a_token=4.0, output_tokens=150.0)
    assert done.used == Usage(requests=2, input_tokens=3000, output_tokens=300)


def test_a_prompt_cache_holds_the_static_part_of_all_but_the_first() -> None:
    done = survey([9000] * 20, static=8000, characters_a_token=4.0)
    assert done.cached(8) == 12 * 2000
    assert done.cached(50) == 0
    # Providers cache no prefix of less than 1,024 tokens.
    assert survey([9000] * 20, static=4000, characters_a_token=4.0).cached(8) == 0


@pytest.mark.parametrize(
    ("pace", "seconds", "bound"),
    [
        (planning.Pace(10, 5.0), 50, "latency and concurrency"),
        (planning.Pace(64, 5.0), 10, "latency and concurrency"),
        (planning.Pace(64, 5.0, rpm=20), 240, "requests per minute"),
        (planning.Pace(64, 5.0, rpm=200), 10, "latency and concurrency"),
        (planning.Pace(64, 5.0, rpm=20, tpm=10_000), 60 * 9, "tokens per minute"),
    ],
)
def test_the_slowest_of_the_limits_decides(pace: planning.Pace, seconds: float, bound: str) -> None:
    assert pace.time(Usage(100, 90_000, 0, 10_000)) == (seconds, bound)


@given(st.integers(0, 10**5), st.integers(1, 500), st.floats(0.01, 60), st.floats(1, 10**5))
def test_more_papers_never_take_less(count: int, most: int, latency: float, rpm: float) -> None:
    pace = planning.Pace(most, latency, rpm=rpm)
    assert pace.time(Usage(count))[0] <= pace.time(Usage(count + 1))[0]


def planned(*arguments: object, **environment: str) -> dict[str, Any]:
    done = extract("plan", *arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_plan_needs_no_key_and_prices_online_cached_and_batch(tmp_path: Path) -> None:
    told = planned(papers(tmp_path, 100), "--out", tmp_path / "out", "--model",
                   "openai/gpt-4o-mini", "--rpm", 50)  # fmt: skip
    assert (told["papers"], told["requests"], told["answered"]) == (100, 100, {})
    tokens, cost = told["tokens"], told["cost_usd"]
    assert tokens["basis"]["input"] == tokens["basis"]["output"] == "rule of thumb"
    assert tokens["static_share"] > 0.9
    assert 0.8 < tokens["cached_by_provider"] / tokens["input"] < 0.93
    assert 0 < cost["online_with_prompt_cache"] < cost["online"]
    assert cost["batch"] == pytest.approx(cost["online"] / 2)
    assert told["prices"].startswith("genai-prices ")
    assert told["time"]["seconds"] == 60
    assert told["time"]["bound_by"] == "requests per minute"
    assert not (tmp_path / "out").exists()


def test_anthropic_caches_nothing_unasked(tmp_path: Path) -> None:
    cost = planned(papers(tmp_path, 9), "--model", "anthropic/claude-sonnet-4-5")["cost_usd"]
    assert cost["online_with_prompt_cache"] is None
    assert cost["batch"] == pytest.approx(cost["online"] / 2)


def test_an_unknown_price_is_said_and_the_tokens_are_given_all_the_same(tmp_path: Path) -> None:
    source = papers(tmp_path, 3)
    command = ("plan", source, "--model", "mine", "--base-url", "http://127.0.0.1:9/v1")
    told = extract(*command).stdout
    assert "no price is known for mine" in told
    assert "tokens in" in told
    assert "$" not in told
    assert "settings price_input and price_output" in extract(*command, **PRICES).stdout


@pytest.mark.slow
def test_a_run_s_replies_are_not_asked_again_and_calibrate_the_rest(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"
    with Server(reply) as server:
        model = ("--model", "m", "--base-url", server.url)
        done = extract("run", source, "--out", out, *model, "--max-requests", 4)
        assert done.returncode == 1
        told = planned(source, "--out", out, *model, **PRICES)
        rest = extract("run", source, "--out", out, *model, **PRICES)
        assert rest.returncode == 0
    assert told["answered"] == {"cache": 4}
    assert told["requests"] == 6
    assert told["tokens"]["basis"]["replies"] == 4
    # The plan is what the rest then takes: the server says 100 in and 10 out for each.
    spent = json.loads((out / "run.json").read_text())
    assert told["tokens"]["input"] == pytest.approx(spent["live_usage"]["input_tokens"], rel=0.01)
    assert told["tokens"]["output"] == spent["live_usage"]["output_tokens"]
    assert told["cost_usd"]["online"] == pytest.approx(spent["cost_usd"], rel=0.01)
    assert extract("plan", source, "--out", out, *model).stdout.count("\n") == 3


@pytest.mark.slow
def test_a_plan_of_packs_is_what_the_packed_run_takes(tmp_path: Path) -> None:
    source, out = papers(tmp_path, 10), tmp_path / "out"

    def first_part_lost(number: int, body: Any) -> Say:
        found = parts(body)[1:] if number == 0 else parts(body)
        used = {"prompt_tokens": 500, "completion_tokens": 40}
        said = completion(json.dumps({"papers": found})).body if is_packed(body) else None
        return Say(said | {"usage": used}) if said else reply(number, body)

    with Server(first_part_lost) as server:
        model = ("--model", "m", "--base-url", server.url, "--pack", 4)
        fresh = planned(source, "--out", out, *model)
        assert (fresh["requests"], fresh["papers_to_ask"]) == (3, 10)
        assert fresh["tokens"]["output"] == 10 * 180
        assert fresh["cost_usd"]["batch"] is None
        alone = planned(source, "--out", out, *model[:-2])
        assert (alone["requests"], alone["papers_to_ask"]) == (10, 10)
        assert fresh["tokens"]["input"] < 0.5 * alone["tokens"]["input"]
        more = ("--concurrency", 2, "--max-requests", 1)
        assert extract("run", source, "--out", out, *model, *more).returncode == 1
        told = planned(source, "--out", out, *model)
        # Of the pack that is stored, one paper has no part: it is left, and so are two packs.
        assert told["answered"] == {"cache": 3}
        assert (told["requests"], told["papers_to_ask"]) == (3, 7)
        assert told["tokens"]["basis"]["output_tokens_a_paper"] == 10
        assert "about 7 papers" in extract("plan", source, "--out", out, *model).stdout
        asked = len(server.requests)
        assert extract("run", source, "--out", out, *model).returncode == 0
    assert len(server.requests) - asked == told["requests"]


def test_the_recordings_answer_the_seeds(tmp_path: Path) -> None:
    told = extract("plan", ROOT / "seeds", "--out", tmp_path)
    assert told.returncode == 0
    assert "recording answers 14" in told.stdout
    assert "to ask" in told.stdout


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    source = papers(tmp_path, 2)
    source.write_text(source.read_text() + "{broken\n")
    done = extract("plan", source, "--model", "openai/gpt-4o-mini")
    assert done.returncode == 1
    assert "1 more cannot be read" in done.stdout
