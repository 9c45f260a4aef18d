"""Tells how a run goes: a bar on a terminal, lines in a log, or JSON lines for a program.

All of it goes to standard error.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

LogFormat = Literal["bar", "json", "none"]
_EVERY = 2.0  # seconds between two JSON lines
_EVERY_LINE = 15.0  # seconds between two lines in a log; a run that is shorter prints none


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
        self._shown.update(
            self._task,
            completed=now["papers"],
            total=now["total"],
            description=" · ".join(_words(now)),
        )


class LineProgress:
    """A plain line now and then, where standard error is a file or a pipe."""

    def __init__(self, facts: Callable[[], dict[str, Any]]) -> None:
        self._facts = facts
        self._last = time.monotonic()

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def moved(self) -> None:
        """Write a line if the last one is old enough."""
        if time.monotonic() - self._last < _EVERY_LINE:
            return
        self._last = time.monotonic()
        now = self._facts()
        of = f" of {now['total']}" if now["total"] else ""
        words = " · ".join([f"{now['papers']}{of} papers", *_words(now)])
        print(words.replace("[red]", "").replace("[/]", ""), file=sys.stderr, flush=True)  # noqa: T201


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


def _words(now: dict[str, Any]) -> list[str]:
    """The state of a run in words, with rich's markup."""
    rate = now["papers_per_s"]
    # A model on this machine may take minutes for a paper.
    words = [f"{rate:.1f} papers/s" if rate >= 1 else f"{60 * rate:.0f} papers/min"]
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
    return words


def progress(format_: LogFormat, facts: Callable[[], dict[str, Any]]) -> Progress:
    """The progress that `--log-format` asks for; `facts` gives the state of the run."""
    if format_ == "json":
        return JsonProgress(facts)
    if format_ == "none":
        return NoProgress()
    return ProgressBar(facts) if sys.stderr.isatty() else LineProgress(facts)


def clock(seconds: float) -> str:
    """A duration as a person reads it: 1:05, 2:00:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
