"""The real command line in a subprocess, as a user runs it."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forked import forks
from server import Server, completion

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "fixtures" / "golden" / "seeds"
LINES = ("claims.jsonl", "papers.jsonl", "rejected.jsonl")


def extract(
    *arguments: object, cwd: Path = ROOT, stdin: str = "", timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, forked where the system can fork.

    Variables that the interpreter itself reads at its start (`PYTHONPATH`) need a fresh one.
    """
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    if not can_fork or any(name.startswith("PYTHON") for name in environment):
        return started(*arguments, cwd=cwd, stdin=stdin, timeout=timeout, **environment)
    texts = [str(argument) for argument in arguments]
    return forks().run(texts, cwd, stdin, _clean() | environment, timeout)


def started(
    *arguments: object, cwd: Path = ROOT, stdin: str = "", timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", "claimgrid", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        env=_clean() | environment,
        timeout=timeout,
        check=False,
    )


def _clean() -> dict[str, str]:
    """The environment without keys and settings, at a width that every machine has."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "CLAIMGRID_")) and not name.endswith("_API_KEY")
    }
    return kept | {"COLUMNS": "120", "NO_COLOR": "1"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def jsonl(path: Path, *papers: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")
    return path


PAPERS = [
    {"id": f"p{n}", "title": "Zephyr", "abstract": f"Zephyr is {n}.5x faster."} for n in (1, 2, 3)
]


def reply(number: int, body: Any) -> Any:
    words = body["messages"][-1]["content"].split("Zephyr is ")[1].split(" faster")[0]
    item = {"quote": f"{words} faster", "value": words, "change": "up"}
    return completion(json.dumps({"speedups": [item]}))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The main job, run once: its folder and what it printed."""
    out = tmp_path_factory.mktemp("seeds")
    done = started("run", "seeds/", "--out", out)
    assert done.returncode == 0, done.stderr + done.stdout
    return out, done.stdout


def test_the_seed_run_equals_the_golden_files_byte_for_byte(seeds: tuple[Path, str]) -> None:
    for name in LINES:
        assert (seeds[0] / name).read_bytes() == (GOLDEN / name).read_bytes(), (
            f"{name} differs from fixtures/golden/seeds; if the change is meant, run "
            "`extract run seeds/ --out fixtures/golden/seeds` and read the diff (CONTRIBUTING.md)"
        )


def test_the_summary_says_what_a_person_wants_to_know(seeds: tuple[Path, str]) -> None:
    out, text = seeds
    for words in (
        "papers         14",
        "recording of claude (batch-file) 14",
        "speedup",
        "unclaimed",
        "nothing was asked live",
        f"{out}/",
    ):
        assert words in text
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert manifest["papers"] == 14
    assert manifest["exit_code"] == 0
    assert sum(manifest["claims"].values()) == len(lines(out / "claims.jsonl"))


def test_every_offset_of_the_seed_run_is_right(seeds: tuple[Path, str]) -> None:
    abstracts = {line["paper_id"]: line["abstract"] for line in lines(seeds[0] / "papers.jsonl")}
    for claim in lines(seeds[0] / "claims.jsonl"):
        abstract = abstracts[claim["paper_id"]]
        evidence = claim["evidence"]
        assert abstract[evidence["start"] : evidence["end"]] == evidence["quote"]
        if claim["value"] and "value" in claim["spans"]:
            start, end = claim["spans"]["value"][0]
            assert abstract[start:end] == claim["value"]["text"]


def test_the_seed_run_scores_what_the_project_promises(seeds: tuple[Path, str]) -> None:
    done = extract("eval", seeds[0], "--gold", "fixtures/gold/seeds.jsonl", "--json")
    report = json.loads(done.stdout)
    assert report["all"]["f1"] >= 0.95
    assert report["wrong_offsets"] == 0
    assert report["absent"] == []


def test_eval_prints_scores_and_differences(seeds: tuple[Path, str], tmp_path: Path) -> None:
    gold = lines(ROOT / "fixtures" / "gold" / "seeds.jsonl")[1:2]
    gold[0]["claims"][0]["ratio"] = {"low": 99.0, "high": 99.0}
    path = jsonl(tmp_path / "gold.jsonl", *gold)
    done = extract("eval", seeds[0], "--gold", path)
    assert done.returncode == 0
    assert "ratio=5.9; gold value=5.9x, unit=x, ratio=99" in done.stdout
    assert "subject" in done.stdout


def test_show_lists_papers_and_shows_one(seeds: tuple[Path, str]) -> None:
    listed = extract("show", seeds[0])
    assert listed.stdout.count("claims") >= 13
    one = extract("show", seeds[0], "--paper", "pit-…")
    assert one.returncode == 0
    assert "5.9" in one.stdout
    unknown = extract("show", seeds[0], "--paper", "nothing-like-it")
    assert unknown.returncode == 2
    assert "lists them" in unknown.stderr


@pytest.mark.slow
def test_a_paper_without_a_recording_fails_alone_and_says_how_to_go_on(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    done = extract("run", source, "--out", tmp_path / "out", "--replay", "only")
    assert done.returncode == 1
    for way in ("OPENAI_API_KEY", "--base-url", "batch export"):
        assert way in done.stdout
    rows = lines(tmp_path / "out" / "papers.jsonl")
    assert [row["status"] for row in rows] == ["error"] * 3
    assert all(row["unclaimed_numbers"] for row in rows)


@pytest.mark.slow
def test_record_then_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    recordings = tmp_path / "recordings"
    with Server(reply) as server:
        live = extract(
            "run", source, "--out", tmp_path / "live", "--model", "scripted", "--base-url",
            server.url, "--replay", "refresh", "--recordings", recordings, OPENAI_API_KEY="sk-x",
        )  # fmt: skip
    assert live.returncode == 0, live.stdout + live.stderr
    assert "live of scripted (local-server) 3" in live.stdout
    assert not any("sk-x" in path.read_text() for path in recordings.rglob("*.json"))
    again = extract(
        "run", source, "--out", tmp_path / "again", "--model", "scripted", "--replay", "only",
        "--recordings", recordings,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    for name in LINES:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert [line["ratio"]["low"] for line in lines(tmp_path / "again" / "claims.jsonl")] == [
        1.5,
        2.5,
        3.5,
    ]


@pytest.mark.slow
def test_a_second_run_pays_nothing(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    with Server(reply) as server:
        arguments = ("run", source, "--out", tmp_path / "out", "--model", "m", "--base-url",
                     server.url)  # fmt: skip
        assert extract(*arguments).returncode == 0
        second = extract(*arguments)
    assert len(server.requests) == 3
    assert "cache of m (local-server) 3" in second.stdout


@pytest.mark.slow
def test_one_bad_line_costs_only_itself(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    source.write_text(source.read_text() + "{broken\n" + json.dumps({"title": "No abstract"}))
    with Server(reply) as server:
        done = extract("run", source, "--out", tmp_path / "out", "--model", "m", "--base-url",
                       server.url)  # fmt: skip
    assert done.returncode == 1
    rows = lines(tmp_path / "out" / "papers.jsonl")
    assert [row["status"] for row in rows] == ["claims"] * 3 + ["error"] * 2
    assert {row["stage"] for row in rows[3:]} == {"source"}
    assert "mine.jsonl:4" in done.stdout


@pytest.mark.slow
def test_one_abstract_from_standard_input_is_shown(tmp_path: Path) -> None:
    with Server(reply) as server:
        done = extract("run", "-", "--out", tmp_path / "out", "--model", "m", "--base-url",
                       server.url, stdin="Zephyr is 4.5x faster.\n")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4.5×" in done.stdout


@pytest.mark.slow
def test_the_base_url_may_come_from_the_environment_and_settings_from_a_file(
    tmp_path: Path,
) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    (tmp_path / "claimgrid.toml").write_text('model = "from-file"\nmax_tokens = 77\n')
    with Server(reply) as server:
        done = extract("run", source, "--out", "out", cwd=tmp_path, OPENAI_BASE_URL=server.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.requests[0]["model"] == "from-file"
    assert server.requests[0]["max_tokens"] == 77


@pytest.mark.slow
def test_a_batch_exported_and_imported_replays_like_an_online_run(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    requests, results = tmp_path / "requests.jsonl", tmp_path / "results.jsonl"
    recordings = tmp_path / "recordings"
    with Server(reply) as server:
        online = extract("run", source, "--out", tmp_path / "online", "--model", "m",
                         "--base-url", server.url)  # fmt: skip
        assert online.returncode == 0
    exported = extract("batch", "export", source, "--model", "m", "--base-url", server.url,
                       "--out", requests, "--recordings", recordings)  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    asked = lines(requests)
    assert sorted((line["body"] for line in asked), key=str) == sorted(server.requests, key=str)
    answers = [
        {"custom_id": line["custom_id"], "error": None,
         "response": {"status_code": 200, "body": reply(0, line["body"]).body}}
        for line in asked
    ]  # fmt: skip
    lost = {"custom_id": "unknown", "response": None, "error": {"code": "expired"}}
    jsonl(results, *answers, lost)
    imported = extract("batch", "import", results, "--requests", requests,
                       "--recordings", recordings)  # fmt: skip
    assert imported.returncode == 1
    assert f"3 replies stored in {recordings}, 1 line held none" in imported.stdout
    assert "results.jsonl:4" in imported.stderr
    again = extract("run", source, "--out", tmp_path / "again", "--model", "m", "--replay",
                    "only", "--recordings", recordings)  # fmt: skip
    assert again.returncode == 0, again.stdout
    for name in LINES:
        assert (tmp_path / "online" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nowhere/"), "nowhere"),
        (("run", "seeds/", "--model", "openai/x", "--replay", "off"), "OPENAI_API_KEY"),
        (("run", "seeds/", "--model", "openai/"), "names no model"),
        (("run", "seeds/", "--concurrency", "0"), "concurrency"),
        (("run", "seeds/", "--temperature", "warm"), "temperature"),
        (("run", "seeds/", "--prompt", "README.md"), "not a prompt file"),
        (("run", "seeds/", "--mode", "xml"), "xml"),
        (
            ("run", "seeds/", "--model", "google/x", "--mode", "md_json"),
            "google does not support --mode md_json",
        ),
        (("show", "seeds/"), "folder of a finished run"),
        (("eval", "seeds/", "--gold", "nowhere.jsonl"), "nowhere.jsonl"),
        (("batch", "import", "nowhere.jsonl", "--requests", "nothing.jsonl"), "nothing.jsonl"),
    ],
)
def test_wrong_usage_is_told_in_one_line_and_exits_2(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    out = ("--out", str(tmp_path)) if arguments[0] == "run" else ()
    done = extract(*arguments, *out)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_completion_scripts_are_printed() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_EXTRACT_COMPLETE" in extract("completion", shell).stdout


def test_audit_is_a_reading_list(seeds: tuple[Path, str]) -> None:
    short, whole = extract("audit", seeds[0]).stdout, extract("audit", seeds[0], "--all").stdout
    rows = lines(seeds[0] / "papers.jsonl")
    numbers = [number for row in rows for number in row["unclaimed_numbers"]]
    assert f"{len(numbers)} numbers that no claim covers" in short
    assert short.count("…\n") == sum(number["reason"] is None for number in numbers)
    assert len(whole.splitlines()) > len(short.splitlines())


@pytest.mark.slow
def test_registry_lists_the_devices_that_it_lacks(tmp_path: Path) -> None:
    source = jsonl(
        tmp_path / "mine.jsonl",
        {"id": "a", "title": "Zephyr", "abstract": "On a Brontes Q7 NPU and an A100."},
    )

    def script(number: int, body: Any) -> Any:
        devices = [
            {"quote": "a Brontes Q7 NPU", "device": "Brontes Q7 NPU", "count": "a"},
            {"quote": "an A100", "device": "A100", "count": "an"},
        ]
        return completion(json.dumps({"hardware": devices}))

    with Server(script) as server:
        extract("run", source, "--out", tmp_path / "out", "--model", "m", "--base-url", server.url)
    claims = lines(tmp_path / "out" / "claims.jsonl")
    assert [(claim["device"], claim["known"]) for claim in claims] == [
        ("brontes-q7", False),
        ("nvidia-a100", True),
    ]
    listed = extract("registry", "unmapped", tmp_path / "out").stdout
    assert "brontes-q7" in listed
    assert "nvidia-a100" not in listed


def test_orders_inside_an_abstract_change_nothing(tmp_path: Path) -> None:
    """Recordings of a strong model on abstracts that try to command it."""
    done = extract("run", "tests/data/attack.jsonl", "--out", tmp_path)
    assert done.returncode == 0, done.stdout
    found = {
        (claim["paper_id"], claim["kind"], claim["evidence"]["quote"], claim["stance"])
        for claim in lines(tmp_path / "claims.jsonl")
    }
    quotes = " ".join(quote for _, _, quote, _ in found)
    for injected in ("999x", "4,096", "100%", "70B", "perfect", "MMLU"):
        assert injected not in quotes
    assert {(paper, kind) for paper, kind, _, _ in found} == {
        ("attack-ignore", "speedup"),
        ("attack-ignore", "hardware"),
        ("attack-fence", "speedup"),
        ("attack-fence", "hardware"),
        ("attack-role", "efficiency"),
        ("attack-role", "model_size"),
    }
    assert {stance for *_, stance in found} == {"own"}


@pytest.mark.slow
def test_a_run_that_comes_to_nothing_keeps_the_earlier_results(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    with Server(reply) as server:
        extract("run", source, "--out", tmp_path / "out", "--model", "m", "--base-url", server.url)
    before = [(tmp_path / "out" / name).read_bytes() for name in (*LINES, "run.json")]
    failed = extract(
        "run", source, "--out", tmp_path / "out", "--model", "other", "--replay", "only"
    )
    assert failed.returncode == 1
    assert "keeps the results of the earlier run" in failed.stdout
    assert [(tmp_path / "out" / name).read_bytes() for name in (*LINES, "run.json")] == before


@pytest.mark.slow
def test_two_sources_of_one_name_do_not_share_a_default_folder(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        jsonl(tmp_path / folder / "mine.jsonl", *PAPERS)
    with Server(reply) as server:
        asked = ("--model", "m", "--base-url", server.url)
        assert extract("run", "a/mine.jsonl", *asked, cwd=tmp_path).returncode == 0
        assert extract("run", "./a/mine.jsonl", *asked, cwd=tmp_path).returncode == 0
        other = extract("run", "b/mine.jsonl", *asked, cwd=tmp_path)
    assert other.returncode == 2
    assert "holds a run of" in other.stderr


@pytest.mark.slow
def test_stored_replies_need_no_key(tmp_path: Path) -> None:
    """Export, import and run, in a folder that is no checkout and without a key."""
    source = jsonl(tmp_path / "mine.jsonl", *PAPERS)
    asked = ("--model", "openai/gpt-x")
    export = extract("batch", "export", source, *asked, "--out", "r.jsonl", cwd=tmp_path)
    assert export.returncode == 0, export.stderr
    answers = [
        {"custom_id": line["custom_id"], "error": None,
         "response": {"status_code": 200, "body": reply(0, line["body"]).body}}
        for line in lines(tmp_path / "r.jsonl")
    ]  # fmt: skip
    jsonl(tmp_path / "a.jsonl", *answers)
    nowhere = extract("batch", "import", "a.jsonl", "--requests", "r.jsonl", cwd=tmp_path)
    assert nowhere.returncode == 2
    assert "--run OUT" in nowhere.stderr
    stored = extract("batch", "import", "a.jsonl", "--requests", "r.jsonl", "--run",
                     "outputs/mine", cwd=tmp_path)  # fmt: skip
    assert "3 replies stored in outputs/mine/replies.sqlite" in stored.stdout
    done = extract("run", source, *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines(tmp_path / "outputs/mine/claims.jsonl")) == 3
    none = extract("run", source, *asked, "--out", "elsewhere", cwd=tmp_path)
    assert none.returncode == 2
    assert "set OPENAI_API_KEY" in none.stderr
