"""Runs a source several times, or with several models, and joins the runs into one.

Each claim of the joined run says how many of the runs make it. Every run has a folder of its own
below the joined one, so that the same command continues where it stopped and pays for no reply
twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from claimgrid import settings, sources
from claimgrid.engines import in_process
from claimgrid.engines.joined_runs import Joined, join_runs
from claimgrid.engines.run_setup import FinishedRun, MakeWatcher, default_folder
from claimgrid.errors import UsageError
from claimgrid.llm.budget import SpendLimits

FOLDER = "runs"
TEMPERATURE = 0.7  # of every sample but the first: at 0 a model says the same again
_SAME_AGAIN = "gives the same answer each time; pass several --model instead of --samples"


class Engine(Protocol):
    """What makes one run: `local_engine.run_source`, or that of a cluster."""

    def __call__(
        self,
        source: str,
        out: Path | None,
        given: settings.Settings,
        *,
        items: Iterator[sources.SourceItem],
        limits: SpendLimits | None,
        watcher: MakeWatcher,
        tell: Callable[[str], None],
    ) -> FinishedRun:
        """Make a run; see `local_engine.run_source`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the runs that are joined: its settings, and which sample of its model it is."""

    given: settings.Settings
    number: int

    @property
    def words(self) -> str:
        """What it is called while it goes."""
        return f"{self.given.model or 'default model'}, sample {self.number + 1}"


def samples_of(
    given: settings.Settings, models: Sequence[str | None], samples: int
) -> list[Sample]:
    """The runs that several models or samples take, in order.

    The first sample is what a plain run asks, so that recordings answer it. The others are asked at
    a temperature above 0, unless one was set, and have keys of their own.

    Raises:
        UsageError: a model would say the same again, or a shard is asked for.
    """
    if samples < 1:
        raise UsageError(f"samples={samples}: ask each model once or more")
    if given.shard is not None:
        raise UsageError("--samples and several --model take the whole source; leave out --shard")
    if len(set(models)) < len(models):
        raise UsageError("a --model is named twice; --samples N asks one model N times")
    for model in models if samples > 1 else ():
        if in_process.names(model)[0] is not None:
            raise UsageError(f"{model} {_SAME_AGAIN}")
    warm = TEMPERATURE if given.temperature is None else given.temperature
    return [
        Sample(
            given.model_copy(
                update={
                    "model": model,
                    "min_confidence": None,  # it holds for the joined claims
                    "sample_number": number,
                    "temperature": warm if number else given.temperature,
                }
            ),
            number,
        )
        for model in models or [given.model]
        for number in range(samples)
    ]


def run_source(
    source: str,
    out: Path | None,
    samples: Sequence[Sample],
    *,
    read: Callable[[], Iterator[sources.SourceItem]],
    least: float | None,
    engine: Engine,
    limits: SpendLimits,
    watcher: MakeWatcher,
    tell: Callable[[str], None],
    announce: Callable[[str], None],
) -> FinishedRun:
    """Make every run, and join them into `out`.

    Args:
        read: gives the papers of the source; called once a run.
        least: joined claims of a lower confidence are rejected; None rejects none.
        limits: of all runs together.
        announce: takes the name of each run as it begins.

    Returns:
        The joined run; or, where a limit or Ctrl-C stopped one of the runs, that one: then nothing
        is joined yet.

    Raises:
        ClaimgridError: a run cannot begin, or a folder cannot be written.
    """
    folder = out or default_folder(source)
    done: list[FinishedRun] = []
    for place, sample in enumerate(samples, 1):
        announce(f"run {place} of {len(samples)}: {sample.words}")
        one = engine(
            source, folder / FOLDER / str(place), sample.given, items=read(), limits=limits,
            watcher=watcher, tell=tell,
        )  # fmt: skip
        if one.manifest["stopped_by"] or one.manifest["exit_code"] > 1:
            tell(f"run {place} of {len(samples)} was stopped, so nothing is joined yet")
            return one
        if len(samples) > 1 and sample.number == 0 and _says_the_same(one, samples, sample):
            raise UsageError(f"{one.manifest['model']} {_SAME_AGAIN}")
        done.append(one)
        limits = _left(limits, one.manifest)
    return joined(folder, [one.folder for one in done], [s.words for s in samples], least)


def joined(
    folder: Path, runs: Sequence[Path], names: Sequence[str], least: float | None = None
) -> FinishedRun:
    """Join finished runs over the same papers into `folder`.

    Raises:
        UsageError: the runs have no paper in common, or read other texts.
        StoreError: a run cannot be read, or the folder cannot be written.
    """
    found: Joined = join_runs(runs, folder, names, least)
    return FinishedRun(folder, found.summary, found.manifest.model_dump(mode="json"), False)


def _says_the_same(one: FinishedRun, samples: Sequence[Sample], sample: Sample) -> bool:
    """Whether the default model turned out to be one in this process, of which more is wanted."""
    again = any(other.number and other.given.model == sample.given.model for other in samples)
    return again and one.manifest["provider"] == "in-process"


def _left(limits: SpendLimits, told: dict[str, Any]) -> SpendLimits:
    """What a run has left of the limits for the runs after it."""
    spent = {
        "cost": told["cost_usd"] or 0.0,
        "requests": told["live_usage"]["requests"],
        "minutes": told["seconds"] / 60,
    }
    left = {
        name: max(0, getattr(limits, name) - used)
        for name, used in spent.items()
        if getattr(limits, name) is not None
    }
    return dataclasses.replace(limits, **left)
