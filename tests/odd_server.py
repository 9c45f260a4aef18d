"""Runs `extract run` in this process against a server that answers oddly, and tells what came."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimgrid import settings
from claimgrid.engines.local_engine import FinishedRun, run_source
from claimgrid.types.paper import Paper
from server import Say, Server, completion

ABSTRACT = "We present Zephyr. Zephyr is 2.4x faster than KiteServe on 8 A100 GPUs."
REPLY = {
    "speedups": [
        {
            "quote": "Zephyr is 2.4x faster than KiteServe",
            "value": "2.4x",
            "change": "up",
            "subject": "Zephyr",
            "baselines": ["KiteServe"],
        }
    ],
    "hardware": [{"quote": "8 A100 GPUs", "device": "A100 GPUs", "count": "8"}],
}
GOOD = completion(json.dumps(REPLY))


@dataclass(frozen=True)
class Came:
    """What came of a run."""

    done: FinishedRun
    papers: list[Any]
    claims: list[Any]
    rejected: list[Any]
    bodies: list[Any]

    @property
    def requests(self) -> int:
        return len(self.bodies)

    @property
    def status(self) -> str:
        return str(self.papers[0]["status"]) if self.papers else "none"

    @property
    def reason(self) -> str:
        return str(self.papers[0]["reason"] or "") if self.papers else ""


class _Silent:
    """Is told of a run, and says nothing."""

    def __init__(self, _: object) -> None: ...

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None: ...

    def moved(self) -> None: ...


def run(
    script: Callable[[int, Any], Say],
    folder: Path,
    *,
    abstract: str = ABSTRACT,
    papers: int = 1,
    **given: Any,
) -> Came:
    """What a server that answers by `script` makes of so many papers with this abstract."""
    items = [Paper(paper_id=f"p{i}", title=f"Zephyr {i}", abstract=abstract) for i in range(papers)]
    told = {"model": "odd", "replay": "off", "attempts": 3, "backoff": 0.01} | given
    with Server(script) as server:
        done = run_source(
            "odd.jsonl",
            folder,
            settings.load(base_url=server.url, **told),
            items=iter(items),
            watcher=_Silent,
            tell=lambda _: None,
        )
    read = {
        name: list(map(json.loads, (folder / f"{name}.jsonl").read_text("utf-8").split("\n")[:-1]))
        for name in ("papers", "claims", "rejected")
    }
    return Came(done, read["papers"], read["claims"], read["rejected"], server.requests)


def always(*says: Say) -> Callable[[int, Any], Say]:
    """A script that gives these answers in turn, and the last one from then on."""
    return lambda number, _: says[min(number, len(says) - 1)]
