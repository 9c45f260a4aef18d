"""A run under way ─► a line that a person reads, or JSON lines that a program reads.

Both go to standard error. Knows nothing of claims beyond their number.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

LogFormat = Literal["bar", "json", "none"]
_EVERY = 2.0  # seconds between two JSON lines


class Progress(Protocol):
    """What a run tells while it goes. Use as a context manager."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *_: object) -> None: ...

    def moved(self) -> None:
        """Something changed: a paper was read or came out."""


class ProgressBar:
    """A progress bar with the facts beside it; drawn by rich, gone when the run ends."""

    def __init__(self, facts: Callable[[], dict[str, Any]]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._facts = facts
        self._shown = RichProgress(
            SpinnerColumn(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._shown.add_task("", total=None)

    def __enter__(self) -> ProgressBar:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()

    def moved(self) -> None:
        """Redraw; rich limits how often."""
        now = self._facts()
        words = [f"{now['papers_per_s']:.1f} papers/s"]
        if now["eta_s"] is not None:
            words.append(f"{clock(now['eta_s'])} left")
        if now["tokens"]:
            words.append(f"{now['tokens']:,} tokens")
        if now["cost_usd"]:
            words.append(f"${now['cost_usd']:.4f}")
        if now["failed"]:
            words.append(f"[red]{now['failed']} failed[/]")
        if now["under_way"]:
            words.append(f"{now['under_way']} of {now['allowed']} under way")
        self._shown.update(
            self._task,
            completed=now["papers"],
            total=now["total"],
            description=" · ".join(words),
        )


class JsonProgress:
    """One JSON object a line, at most every two seconds, and one at the end."""

    def __init__(self, facts: Callable[[], dict[str, Any]]) -> None:
        self._facts = facts
        self._last = 0.0

    def __enter__(self) -> JsonProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("end")

    def moved(self) -> None:
        """Write a line if the last one is old enough."""
        if time.monotonic() - self._last >= _EVERY:
            self._write("progress")

    def _write(self, event: str) -> None:
        self._last = time.monotonic()
        print(json.dumps({"event": event} | self._facts()), file=sys.stderr, flush=True)  # noqa: T201


class NoProgress:
    """No progress at all."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def moved(self) -> None:
        """Nothing to tell."""


def progress(format_: LogFormat, facts: Callable[[], dict[str, Any]]) -> Progress:
    """The progress that `--log-format` asks for; `facts` gives the state of the run."""
    if format_ == "json":
        return JsonProgress(facts)
    return ProgressBar(facts) if format_ == "bar" and sys.stderr.isatty() else NoProgress()


def clock(seconds: float) -> str:
    """A duration as a person reads it: 1:05, 2:00:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
