"""A batch run that dies at any remote call or write, and is simply started again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_bench import BAD, Bench, asked_again, number, requests, right
from batch_server import Answer, CutError, Provider, Wires, good
from claimgrid.batch import collector
from claimgrid.batch.base import BatchLimits
from claimgrid.batch.runner import BatchRunner
from claimgrid.batch.state import BatchState


def mishaps(body: Any) -> Answer | None:
    """Request 2 is invalid at first; all else is right."""
    return good(BAD) if number(body) == 2 and not asked_again(body) else right(body)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_call_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, after: bool
) -> None:
    asked = requests(3)
    cut = 0
    while True:
        bench = Bench(tmp_path / str(cut), Provider(mishaps), BatchLimits(requests=2))
        wires = Wires(bench.provider, cut=cut, after=after)

        async def all_in_one(jobs: BatchRunner) -> None:
            jobs.add(asked)
            for _ in range(20):
                await jobs.advance()

        try:
            bench.work(all_in_one, wires=wires)
        except CutError:
            bench.submit(asked)  # the same command again
            bench.finish()
        bench.all_answered(asked)
        assert not bench.reasons()
        assert len(bench.provider.asked) == 4, f"paid twice or never after a kill at call {cut}"
        assert len(bench.provider.batches) == 3
        assert sum(name.startswith("claimgrid") for name, _ in bench.provider.files.values()) == 3
        if wires.count <= cut:
            break
        cut += 1
    assert cut >= 15


@pytest.mark.parametrize("place", range(12))
def test_a_kill_between_a_reply_and_the_state_file_stores_it_once(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path / "run", Provider(mishaps), BatchLimits(requests=3))
    asked = requests(5)
    calls = 0
    write = BatchState._write

    def dying(self: BatchState, statement: str, values: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 14 + place * 3:
            raise CutError
        write(self, statement, values)

    monkeypatch.setattr(BatchState, "_write", dying)
    monkeypatch.setattr(collector, "_TOGETHER", 1)
    try:
        bench.submit(asked)
        bench.finish()
    except CutError:
        bench.submit(asked)
        bench.finish()
    bench.all_answered(asked)
    assert len(bench.provider.asked) == 6
    assert [len(bench.attempts(request)) for request in asked] == [1, 2, 1, 1, 1]
