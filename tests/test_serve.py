"""The JSON API over the invented run: the page's own answers, and nothing but reading."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report_run import write_run
from test_cli import extract, jsonl, lines

for name, extra in (("fastapi", "serve"), ("uvicorn", "serve"), ("altair", "report")):
    pytest.importorskip(name, reason=f"the extra [{extra}] is not installed")

from claimgrid.serve import answers  # noqa: E402 needs the extra
from claimgrid.tables import views  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("serve") / "run")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "claimgrid", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
        process.terminate()


def get(url: str, *, host: str | None = None, method: str = "GET") -> tuple[int, Any]:
    request = urllib.request.Request(url, method=method, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode("utf-8")
            return answer.status, json.loads(text) if "json" in answer.headers[
                "content-type"
            ] else text
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8")


def claims(address: str, **asked: Any) -> list[dict[str, Any]]:
    status, answer = get(f"{address}api/claims?{urllib.parse.urlencode(asked, doseq=True)}")
    assert status == 200, answer
    assert answer["total"] >= len(answer["rows"])
    return answer["rows"]  # type: ignore[no-any-return]


def test_a_claim_is_its_line_in_the_file_with_its_paper_s_title(address: str, folder: Path) -> None:
    found = claims(address)
    for claim in found:
        for name in ("title", "year", "date", "plain", "way", "unit_words"):
            del claim[name]
    assert found == lines(folder / "claims.jsonl")


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"kind": "speedup", "hardware": "nvidia-a100"}, ["3.5x"]),
        ({"kind": ["speedup", "efficiency"], "year": "2025"}, ["20%", "55 tokens/s"]),
        ({"hardware": "nvidia-h100"}, ["55 tokens/s", "16"]),
        ({"kind": "speedup", "sort": "-ratio"}, ["3.5x", "1.4x to 2.8x", "2.1x", "20%"]),
        ({"kind": "speedup", "sort": "ratio", "limit": 2, "offset": 1}, ["2.1x", "1.4x to 2.8x"]),
        ({"year": "none"}, ["1.4x to 2.8x"]),
        ({"year": "2025", "kind": "speedup"}, ["20%"]),
        ({"q": "BOREALIS average"}, ["2.1x"]),
        ({"paper": "gale"}, ["1.4x to 2.8x"]),
        ({"metric": "'; drop table claims; --"}, []),
    ],
)  # fmt: skip
def test_claims_by_filter(address: str, asked: dict[str, Any], values: list[str]) -> None:
    assert [claim["value"]["text"] for claim in claims(address, **asked)] == values


def test_facets_count_by_the_other_filters(address: str) -> None:
    found = get(f"{address}api/facets?kind=speedup&stance=own")[1]["facets"]
    assert dict(found["kind"]) == {
        "speedup": 3,
        "hardware": 3,
        "benchmark": 3,
        "efficiency": 1,
        "model_size": 1,
    }
    assert dict(found["stance"]) == {"own": 3, "background": 1}
    assert found["hardware"] == [["nvidia-a100", 1]]
    assert found["paper"][0] == ["zephyr", 2, "Zephyr: Serving Fast"]


def test_claims_are_filtered_and_sorted_by_confidence(folder: Path, tmp_path: Path) -> None:
    sure = [0.3, 0.9, 0.65, None]
    made = lines(folder / "claims.jsonl")[: len(sure)]
    for claim, confidence in zip(made, sure, strict=True):
        told = {"confidence": confidence, "confidence_source": "support", "support": confidence}
        claim |= told if confidence is not None else {}
    shutil.copytree(folder, tmp_path / "run")
    jsonl(tmp_path / "run" / "claims.jsonl", *made)
    database = views.connect([str(tmp_path / "run")])
    every, window = answers.ClaimFilters(), answers.Window()
    _, rows = answers.rows(database, "claims", every, window, "confidence")
    assert [row.get("confidence") for row in rows] == [0.3, 0.65, 0.9, None]
    total, _ = answers.rows(database, "claims", answers.ClaimFilters(sure=["low"]), window, "")
    assert total == 1
    found = {name: count for name, count, *_ in answers.facets(database, every)["sure"]}
    assert found == {"low": 1, "middle": 1, "high": 1}


def test_the_timeline_keeps_papers_without_a_year_apart(address: str) -> None:
    assert get(f"{address}api/timeline")[1]["counts"] == [
        {"device": "amd-gpu", "year": "2025", "papers": 1},
        {"device": "nvidia-a100", "year": "2024", "papers": 1},
        {"device": "nvidia-h100", "year": "2025", "papers": 1},
    ]


def test_a_paper_comes_with_its_claims_and_what_was_not_taken(address: str) -> None:
    _, found = get(f"{address}api/papers/zephyr")
    assert len(found["claims"]) == 4
    assert found["rejected"][0]["item"]["quote"].startswith("9.9x")
    assert found["paper"]["unclaimed_numbers"][0]["text"] == "7"
    assert get(f"{address}api/papers?sort=-own")[1]["rows"][0]["paper_id"] == "zephyr"
    around = get(f"{address}api/unclaimed")[1]["rows"][0]["around"]
    assert around[1] == "7"
    assert around[0].endswith("QuuxBench in ")
    assert get(f"{address}api/rejected")[1]["total"] == 1


def test_papers_count_what_they_say_of_their_own_work(address: str) -> None:
    found = {row["paper_id"]: row["own"] for row in get(f"{address}api/papers")[1]["rows"]}
    assert found["ember"] == {"benchmark": 2, "hardware": 1}
    assert found["gale"] == found["hush"] == {}  # the one claim of Gale is on the background


@pytest.mark.parametrize(
    "asked", [{}, {"stance": "own"}, {"sort": "-value"}, {"kind": "benchmark", "sort": "subject"}]
)
def test_the_place_of_a_claim_is_its_place_in_the_list(address: str, asked: dict[str, Any]) -> None:
    for place, claim in enumerate(claims(address, **asked)):
        query = urllib.parse.urlencode({**asked, "id": claim["claim_id"]})
        assert get(f"{address}api/places/claims?{query}")[1] == {"place": place}


def test_the_place_of_what_does_not_fit_is_none(address: str) -> None:
    paper = "api/places/papers?id=gale"
    assert get(f"{address}{paper}&sort=title")[1] == {"place": 2}
    assert get(f"{address}{paper}&q=quuxbench")[1] == {"place": None}
    assert get(f"{address}api/places/papers?id=gale&sort=ratio")[0] == 422


@pytest.mark.parametrize("path", ["api/claims/none", "api/papers/none"])
def test_what_is_not_there_is_said(address: str, path: str) -> None:
    status, text = get(f"{address}{path}")
    assert status == 404
    assert "this run has no such" in text


@pytest.mark.parametrize(
    "query", ["knd=speedup", "kind=speed", "sort=claim_id", "limit=0", "limit=9999"]
)
def test_a_wrong_question_is_refused_not_ignored(address: str, query: str) -> None:
    assert get(f"{address}api/claims?{query}")[0] == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(address: str, method: str) -> None:
    assert get(f"{address}api/claims", method=method)[0] == 405


def test_a_name_of_someone_else_s_is_refused(address: str) -> None:
    port = urllib.parse.urlsplit(address).port
    assert get(f"{address}api/run", host=f"evil.example:{port}")[0] == 400
    assert get(f"{address}api/run", host=f"localhost:{port}")[0] == 200


def test_the_api_describes_itself(address: str) -> None:
    paths = get(f"{address}openapi.json")[1]["paths"]
    asked = {one["name"] for one in paths["/api/claims"]["get"]["parameters"]}
    assert {"kind", "hardware", "stance", "year", "q", "sort", "limit", "offset"} <= asked
    assert {method for path in paths.values() for method in path} == {"get"}


def test_the_page_is_the_report_s_without_data(address: str) -> None:
    status, text = get(address)
    assert status == 200
    assert "connect-src 'self'" in text
    assert "Zephyr" not in text


def test_a_taken_port_is_said(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = extract("serve", folder, "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr


@pytest.mark.slow
def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    done = extract("serve", tmp_path, "--port", "0")
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr


@pytest.mark.slow
def test_several_runs_are_one_list_and_each_model_is_told(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    for name in ("papers", "claims", "rejected"):
        file = other / f"{name}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line.replace('"ember"', '"cinder"') for line in lines if '"ember"' in line)
        file.write_text("".join(kept), encoding="utf-8")
    told = json.loads((other / "run.json").read_text(encoding="utf-8"))
    (other / "run.json").write_text(json.dumps(told | {"model": "second"}), encoding="utf-8")
    command = [sys.executable, "-u", "-m", "claimgrid", "serve", str(folder), str(other)]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        about = get(f"{address}api/run")[1]
        papers = get(f"{address}api/papers")[1]["rows"]
        process.terminate()
    assert {"ember", "cinder"} <= {paper["paper_id"] for paper in papers}
    assert about["run"]["model"].endswith("; second")
    assert about["run"]["devices"]["nvidia-a100"] == "NVIDIA A100"
