"""Shards of a run and their merge: the bytes of one run, and every way in which that can fail."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid import settings
from claimgrid.engines import local_engine
from claimgrid.engines.merge import merge
from claimgrid.engines.shards import Shard, Slice, Turns, parse
from claimgrid.errors import StoreError, UsageError
from claimgrid.io import run_folder
from claimgrid.llm.budget import SpendLimits
from claimgrid.sources import Problem
from claimgrid.types.paper import Paper
from simulated import Simulated, paper
from test_cli import LINES, ROOT, extract, jsonl

SIMULATED = 1_000
TEXT = "Zephyr serves long prompts 2.5x faster than the best earlier system on the same machine."


@pytest.mark.parametrize("written", ["0/4", "5/4", "1/0", "2", "a/b", "1/2/3", "-1/4", ""])
def test_a_shard_that_cannot_be_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="3/16 for the third of sixteen"):
        parse(written)


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(1, 1_000), st.floats(1, 1e6))
def test_the_shares_of_the_limits_add_up(of: int, requests: int, rate: float) -> None:
    shards = [Shard(number, of) for number in range(1, of + 1)]
    limits = [
        shard.limits(SpendLimits(cost=rate, requests=requests, minutes=5)) for shard in shards
    ]
    assert sum(limit.requests or 0 for limit in limits) == requests
    assert sum(limit.cost or 0 for limit in limits) == pytest.approx(rate)
    assert {limit.minutes for limit in limits} == {5}
    told = [shard.settings(settings.load(rpm=rate, tpm=2 * rate)) for shard in shards]
    assert sum(one.rpm or 0 for one in told) == pytest.approx(rate)
    assert sum(one.tpm or 0 for one in told) == pytest.approx(2 * rate)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5), st.integers(1, 7))
def test_every_item_is_in_one_shard_and_the_turns_put_them_together(
    readable: list[bool], pack: int, of: int
) -> None:
    source = [
        Paper(paper_id=str(n), title="", abstract=TEXT) if fine else Problem("f", n, "", None, "")
        for n, fine in enumerate(readable)
    ]
    slices = [Slice(Shard(number, of), pack) for number in range(1, of + 1)]
    parts = {one.shard.number: iter(list(one.take(source))) for one in slices}
    turns = Turns(pack, of)
    merged = []
    for _ in source:
        item = next(parts[turns.next])
        turns.of(paper=isinstance(item, Paper))
        merged.append(item)
    assert merged == source
    assert all(next(part, None) is None for part in parts.values())
    assert len({json.dumps(one.facts() | {"number": 0}) for one in slices}) == 1


class Silent:
    """Is told of a run and says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def moved(self) -> None:
        pass


def run(source: Path, out: Path, limits: SpendLimits | None = None, **given: Any) -> int:
    done = local_engine.run_source(
        str(source),
        out,
        settings.load(model="claude", recordings=ROOT / "fixtures/recordings", **given),
        limits=limits,
        watcher=lambda facts: Silent(),
        tell=lambda sentence: None,
    )
    return done.exit_code


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Simulated() as simulated:
        yield simulated.url


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeds, 1,000 simulated papers, and a line that is none between them."""
    folder = tmp_path_factory.mktemp("source")
    for seed in (ROOT / "seeds").iterdir():
        (folder / seed.name).write_bytes(seed.read_bytes())
    lines = [paper(number).record for number in range(SIMULATED)]
    jsonl(folder / "simulated.jsonl", *lines[:500], {"title": "no abstract"}, *lines[500:])
    return folder


@pytest.mark.slow
def test_sixteen_shards_merge_to_the_bytes_of_one_run(
    source: Path, server: str, tmp_path: Path
) -> None:
    code = run(source, tmp_path / "one", base_url=server)
    for number in range(1, 17):
        part = tmp_path / f"shard-{number}"
        run(source, part, base_url=server, shard=f"{number}/16")
    # In the order of a shell's `shard-*`: 1, 10, 11 … 2.
    done = extract("merge", *sorted(tmp_path.glob("shard-*")), "-o", tmp_path / "all")
    assert done.returncode == code == 1, done.stderr  # the line without an abstract
    assert "16 shards: 1,015 papers" in done.stdout
    for name in LINES:
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    one, merged = (run_folder.read_manifest(tmp_path / name) for name in ("one", "all"))
    for name in ("read", "papers", "statuses", "claims", "asked", "live_usage", "replies", "usage"):
        assert merged[name] == one[name], name
    assert merged["spent"]["requests"] == one["spent"]["requests"] == SIMULATED
    # The merged folder holds the replies: the whole again takes no request.
    again = run(source, tmp_path / "all", base_url="http://127.0.0.1:9/v1")
    assert again == 1
    assert run_folder.read_manifest(tmp_path / "all")["live_usage"]["requests"] == 0


@pytest.fixture
def shards(server: str, tmp_path: Path) -> Callable[..., list[Path]]:
    small = jsonl(tmp_path / "small.jsonl", *(paper(number).record for number in range(11)))

    def made(of: int = 3, pack: int = 1) -> list[Path]:
        folders = [tmp_path / f"s{number}" for number in range(1, of + 1)]
        for number, folder in enumerate(folders, 1):
            assert run(small, folder, base_url=server, shard=f"{number}/{of}", pack=pack) == 0
        return folders

    return made


def test_a_source_of_fewer_papers_than_shards_is_merged(
    shards: Callable[..., list[Path]], tmp_path: Path
) -> None:
    merge(shards(of=12), tmp_path / "all")
    papers = run_folder.read_papers(tmp_path / "all")
    assert [line.paper_id for line in papers] == [f"sim-{number}" for number in range(11)]


def test_shards_that_asked_nobody_are_merged(tmp_path: Path) -> None:
    folders = [tmp_path / "s1", tmp_path / "s2"]
    for number, folder in enumerate(folders, 1):
        assert run(ROOT / "seeds", folder, shard=f"{number}/2") == 0
    merge(folders, tmp_path / "all")
    assert run(ROOT / "seeds", tmp_path / "one") == 0
    for name in LINES:
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    merged, one = (run_folder.read_manifest(tmp_path / name) for name in ("all", "one"))
    assert merged["per_live_paper"] == one["per_live_paper"]


def test_shards_hold_whole_packs(shards: Callable[..., list[Path]], tmp_path: Path) -> None:
    folders = shards(of=2, pack=4)
    first = [line.paper_id for line in run_folder.read_papers(folders[0])]
    assert first == [f"sim-{number}" for number in (0, 1, 2, 3, 8, 9, 10)]
    merge(folders, tmp_path / "all")
    papers = run_folder.read_papers(tmp_path / "all")
    assert [line.paper_id for line in papers] == [f"sim-{number}" for number in range(11)]


def test_missing_double_and_foreign_shards_are_told_by_number(
    shards: Callable[..., list[Path]], tmp_path: Path, server: str
) -> None:
    one, two, three = shards()
    out = tmp_path / "all"
    other = jsonl(tmp_path / "other.jsonl", *(paper(number).record for number in range(12)))
    run(other, tmp_path / "o2", base_url=server, shard="2/3")
    run(other, tmp_path / "whole", base_url=server)
    cases = {
        "shard 2 of 3 missing": [one, three],
        "shards 1, 3 of 3 missing": [two],
        "shard 2 is there twice": [one, two, three, two],
        "is of another run than shard 1": [one, tmp_path / "o2", three],
        "not a shard": [one, two, three, tmp_path / "whole"],
        "shard 3 of 3 missing .*nothing holds no finished shard": [one, two, tmp_path / "nothing"],
        "no finished shard": [tmp_path / "nothing"],
    }
    for message, folders in cases.items():
        with pytest.raises(StoreError, match=message):
            merge(folders, out)
    with pytest.raises(StoreError, match="is one of the shards"):
        merge([one, two, three], two)
    assert not out.exists()


def test_an_unfinished_shard_is_told_and_finishes_by_the_same_command(
    shards: Callable[..., list[Path]], tmp_path: Path, server: str
) -> None:
    folders = shards()
    small = tmp_path / "small.jsonl"
    limits = SpendLimits(requests=3)
    run(small, tmp_path / "stopped", limits, base_url=server, shard="2/3")
    unfinished = [folders[0], tmp_path / "stopped", folders[2]]
    with pytest.raises(StoreError, match=r"shard 2 of 3 .*unfinished, .*--max-requests 1"):
        merge(unfinished, tmp_path / "all")
    run(small, tmp_path / "stopped", base_url=server, shard="2/3")
    assert merge(unfinished, tmp_path / "all")["papers"] == 11


@pytest.mark.parametrize("damage", ["cut", "lost", "more"])
def test_a_damaged_shard_is_told_and_leaves_no_result(
    shards: Callable[..., list[Path]], tmp_path: Path, damage: str
) -> None:
    folders = shards()
    path = folders[1] / ("papers.jsonl" if damage == "lost" else "claims.jsonl")
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    made = {"cut": content[:-9], "lost": b"".join(lines[:-1]), "more": content + lines[0]}
    path.write_bytes(made[damage])
    with pytest.raises(StoreError, match="shard 2 of 3"):
        merge(folders, tmp_path / "all")
    with contextlib.suppress(FileNotFoundError):
        assert list((tmp_path / "all").iterdir()) == []


def test_the_default_folder_of_a_shard_has_its_number(tmp_path: Path) -> None:
    small = jsonl(tmp_path / "small.jsonl", paper(1).record)
    done = extract("run", small, "--replay", "only", cwd=tmp_path, CLAIMGRID_SHARD="2/4")
    assert done.returncode == 0, done.stderr
    told = run_folder.read_manifest(tmp_path / "outputs/small.shard-2-of-4")
    assert told["shard"]["number"] == 2
