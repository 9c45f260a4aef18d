"""A real Ray cluster of several nodes on loopback, parts of which are killed in mid-run."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claimgrid.engines import in_process
from claimgrid.engines.ray_cluster import fitting, room
from claimgrid.errors import SetupError
from claimgrid.io import run_folder
from simulated import Simulated, paper
from test_cli import LINES, ROOT, extract, jsonl

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    # Ray's own: sockets and files that it leaves to the collector, and its plans to change.
    pytest.mark.filterwarnings("ignore"),
]

PAPERS = 2_000
CONCURRENCY = 16
PATIENCE = 400.0  # seconds after which a run is said to hang
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and two nodes, each with the processes of a machine of its own."""
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True, head_node_args=NODE | {"num_cpus": 2, "include_dashboard": False}
    )
    made.add_node(**NODE)
    made.add_node(**NODE)
    yield made
    made.shutdown()


def command(source: Path, out: Path, url: str, model: str, *more: object) -> list[str]:
    arguments = ("run", source, "--out", out, "--model", model, "--base-url", url, "--log-format",
                 "none", "--concurrency", CONCURRENCY, *more)  # fmt: skip
    return [str(argument) for argument in arguments]


def on_ray(cluster: Any) -> tuple[str, ...]:
    return ("--engine", "ray", "--address", str(cluster.address), "--workers", "2")


def stored(out: Path) -> set[str]:
    """The papers whose reply is on disk."""
    path = out / "replies.sqlite"
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            rows = database.execute("SELECT recording ->> 'paper_id' FROM replies").fetchall()
        except sqlite3.OperationalError:  # the table is not there yet
            return set()
    return {name for (name,) in rows}


def until(true: Callable[[], bool], driver: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < patience, "it hangs"
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.05)


def workers_of(node: Any) -> list[int]:
    """The processes below a node's raylet that ask about papers."""
    (raylet,) = [info.process.pid for info in node.all_processes["raylet"]]
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            title = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == raylet and b"PaperWorker" in title:
            found.append(int(path.name))
    return found


def test_a_killed_worker_node_and_driver_lose_no_paper_and_pay_for_no_answer_twice(
    cluster: Any, tmp_path: Path
) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(n).record for n in range(PAPERS)))
    local, out = tmp_path / "local", tmp_path / "ray"
    model = "sim:latency=150"
    with Simulated() as server:  # lines name the model: the same one, whose requests nobody counts
        alone = command(source, local, server.url, model, "--concurrency", 64)
        assert extract(*alone, timeout=PATIENCE).returncode == 0
    with Simulated() as server:
        arguments = command(source, out, server.url, model, *on_ray(cluster))

        def started() -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "claimgrid", *arguments],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

        killed: dict[str, tuple[set[str], dict[int, int]]] = {}
        driver = started()
        until(lambda: len(stored(out)) > PAPERS // 8, driver)
        nodes = list(cluster.worker_nodes)
        hosting = [node for node in nodes if workers_of(node)]
        os.kill(workers_of(hosting[0])[0], signal.SIGKILL)
        killed["worker"] = stored(out), server.requests(model)
        until(lambda: len(stored(out)) > PAPERS // 4, driver)
        cluster.remove_node(hosting[-1], allow_graceful=False)
        killed["node"] = stored(out), server.requests(model)
        cluster.add_node(**NODE)
        until(lambda: len(stored(out)) > PAPERS // 2, driver)
        driver.kill()
        driver.communicate()
        killed["driver"] = stored(out), server.requests(model)

        driver = started()
        printed, told = driver.communicate(timeout=PATIENCE)
        assert driver.returncode == 0, printed + told
        asked = server.requests(model)

    for name in LINES:
        same = sorted((out / name).read_bytes().splitlines())
        assert same == sorted((local / name).read_bytes().splitlines()), name
        assert (out / name).read_bytes() == (local / name).read_bytes(), name
    ids = [line.paper_id for line in run_folder.read_papers(out)]
    assert ids == [f"sim-{number}" for number in range(PAPERS)]
    assert set(asked) == set(range(PAPERS))
    # What was answered and stored when something was killed was never asked about again.
    for what, (kept, before) in killed.items():
        again = {n for n, times in asked.items() if times > before.get(n, 0)}
        assert not {f"sim-{number}" for number in again} & kept, what
    # What was under way died with its worker, and that alone is paid twice.
    twice = sum(asked.values()) - PAPERS
    print(f"paid twice: {twice} of {PAPERS}, none of them stored")  # noqa: T201 for people: -s
    assert twice <= len(killed) * 2 * CONCURRENCY
    assert not (out / "ray").exists()


def test_a_limit_stops_all_workers_and_the_same_command_goes_on(
    cluster: Any, tmp_path: Path
) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(n).record for n in range(300)))
    out = tmp_path / "out"
    prices = {"CLAIMGRID_PRICE_INPUT": "1", "CLAIMGRID_PRICE_OUTPUT": "1"}
    with Simulated() as server:
        first = command(source, out, server.url, "sim:", "--max-cost", "0.5", *on_ray(cluster))
        stopped = extract(*first, timeout=PATIENCE, **prices)
        assert stopped.returncode == 1, stopped.stderr
        assert "stopped by --max-cost 0.5" in stopped.stdout
        told = run_folder.read_manifest(out)
        assert 0 < told["papers"] < 300
        assert told["papers"] + told["unreached"] == told["read"] == 300
        # An estimate decides before the first reply: the limit is passed by less than a request.
        assert told["cost_usd"] < 0.51
        paid = sum(server.requests("sim:").values())
        again = command(source, out, server.url, "sim:", *on_ray(cluster))
        done = extract(*again, timeout=PATIENCE, **prices)
        assert done.returncode == 0, done.stderr
        assert paid < 300 == sum(server.requests("sim:").values())
        assert server.requests("sim:") == dict.fromkeys(range(300), 1)


def test_workers_leave_the_room_that_a_run_needs_to_go_on() -> None:
    assert room([4]) == 11
    assert room([2, 1, 1]) == 6
    assert room([1, 1]) == 1
    assert room([1]) == room([]) == room([0.5, 0.5, 0.5]) == 0
    assert fitting([2, 1, 1], None) == 2
    assert fitting([2], 3) == 3
    with pytest.raises(SetupError, match=r"--workers 4: .* room for 3 at most"):
        fitting([2], 4)
    with pytest.raises(SetupError, match="1 CPUs, too few for one worker"):
        fitting([1], None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--pack", "4", "--engine", "ray"), "--pack does not go with --engine ray"),
        (("--address", "auto"), "--address and --workers go with --engine ray"),
        (("--engine", "ray", "--address", "127.0.0.1:9"), "no Ray cluster answers there"),
    ],
)
def test_what_a_cluster_cannot_do_is_told(
    tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    source = jsonl(tmp_path / "papers.jsonl", paper(1).record)
    done = extract(*command(source, tmp_path / "out", "http://127.0.0.1:9/v1", "sim:", *more))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not in_process.available(), reason="onnxruntime has no wheel here")
def test_workers_read_with_the_reader_and_send_what_it_doubts(cluster: Any, tmp_path: Path) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(n).record for n in range(12)))
    with Simulated() as server:
        cascade = ("--model", "reader+sim:", "--base-url", server.url, "--doubt", "0.6")
        for name, more in (("alone", ("--model", "reader")), ("cascade", cascade)):
            here, there = tmp_path / f"{name}-here", tmp_path / f"{name}-ray"
            local = extract("run", source, "--out", here, *more)
            assert local.returncode == 0, local.stderr
            on = extract("run", source, "--out", there, *more, *on_ray(cluster), timeout=300)
            assert on.returncode == 0, on.stderr
            for lines_ in LINES:
                assert (here / lines_).read_bytes() == (there / lines_).read_bytes()


def test_a_task_of_ray_that_dies_with_its_node_is_done_again() -> None:
    import ray

    from claimgrid.engines import ray_engine
    from claimgrid.errors import StoreError

    told: list[str] = []
    begun = 0

    def once() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ray.exceptions.RayError("The actor died because its node has died.")

    ray_engine._map_through(ray, once, told.append)
    assert begun == 3
    assert len(told) == 2

    def always() -> None:
        raise ray.exceptions.RayError("The actor died because its node has died.")

    with pytest.raises(ray.exceptions.RayError):
        ray_engine._map_through(ray, always, told.append)
    failure = ray.exceptions.RayError("the ledger died")
    failure.__cause__ = StoreError("the disk is full")

    def full() -> None:
        raise failure

    before = len(told)
    with pytest.raises(ray.exceptions.RayError):
        ray_engine._map_through(ray, full, told.append)
    assert len(told) == before
