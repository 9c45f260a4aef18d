"""`extract recordings`: which recorded replies still answer, and asking stale ones again."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimgrid import settings, sources
from claimgrid.cli.options import model_options
from claimgrid.engines import recording_states
from claimgrid.engines.local_engine import run_source
from claimgrid.engines.recording_states import STATES, RecordingState, State
from claimgrid.engines.run_setup import Unwatched
from claimgrid.engines.session import RECORDINGS
from claimgrid.errors import UsageError
from claimgrid.io import shipped_files
from claimgrid.text.counted import counted
from claimgrid.types.paper import Paper


def status(source: tuple[str, ...], given: settings.Settings, *, form: str, every: bool) -> int:
    """Print how the recordings of some sources stand.

    Returns:
        1 if one is stale, else 0.
    """
    found = _states(source, given)
    if form == "json":
        click.echo(json.dumps([_plain(state) for state in found], indent=1, ensure_ascii=False))
    else:
        _print(Console(highlight=False), found, every=every)
    return int(any(state.state == "stale" for state in found))


def _states(source: tuple[str, ...], given: settings.Settings) -> list[RecordingState]:
    papers = [paper for one in source for paper in _papers(one)]
    return list(recording_states.states(papers, _folder(given), given))


def _papers(source: str) -> list[Paper]:
    return [item for item in sources.read(source) if isinstance(item, Paper)]


def _folder(given: settings.Settings) -> Path:
    if given.recordings:
        return given.recordings
    here = Path(RECORDINGS)
    return here if here.is_dir() else shipped_files.path(RECORDINGS)


def _plain(state: RecordingState) -> dict[str, Any]:
    recording = state.recording
    return {
        "state": state.state,
        "model": state.model,
        "mode": state.mode,
        "paper_id": state.paper_id,
        "key": recording.key if recording else None,
        "recorded": recording.recorded if recording else None,
        "why": state.why,
    }


def _print(console: Console, found: list[RecordingState], *, every: bool) -> None:
    counts = Counter((state.model, state.mode, state.state) for state in found)
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("model")
    table.add_column("mode")
    for name in STATES:
        table.add_column(name, justify="right")
    for model, mode in dict.fromkeys((state.model, state.mode) for state in found):
        numbers = [str(counts[model, mode, name]) for name in STATES]
        table.add_row(Text(model), mode, *numbers)
    console.print(table)
    for state in found:
        if not every and state.state in ("fresh", "missing"):
            continue
        line = Text.assemble(
            (f"{state.state:<9}", "red" if state.state == "stale" else "dim"), state.paper_id
        )
        if state.recording:
            line.append(f"  {state.recording.key[:12]} of {state.recording.recorded}", "dim")
        console.print(line.append(f"  {state.why or ''}", "yellow"), soft_wrap=True)
    console.print(Text("; ".join(f"{name}: {told}" for name, told in STATES.items()), "dim"))


def show(key: str, source: tuple[str, ...], given: settings.Settings) -> int:
    """Print one recording: its request, its attempts, and the claims that come of it."""
    console = Console(highlight=False)
    recording = recording_states.find(_folder(given), key)
    facts = recording.model_dump(mode="json", exclude={"attempts"})
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:<16}", "dim"), str(value)), soft_wrap=True)
    papers = [paper for one in source for paper in _papers(one)]
    session = recording_states.session_of(given, recording.model, recording.mode)
    paper = next((p for p in papers if session.request(p).key == recording.key), None)
    if paper is not None:
        console.print("\nrequest", style="bold")
        for message in session.request(paper).messages[-1:]:
            console.print(Text(message["content"]), soft_wrap=True)
    for number, attempt in enumerate(recording.attempts, 1):
        console.print(f"\nattempt {number}, status {attempt.status}", style="bold")
        console.print(Text(_said(attempt.body)), soft_wrap=True)
    if paper is None:
        advice = "No source given here has the paper as it was asked about: pass SOURCE."
        console.print(Text(f"\n{advice}", "yellow"), soft_wrap=True)
        return 0
    from claimgrid.api import Extractor
    from claimgrid.cli.show import print_paper

    model = session.given.model
    told: dict[str, Any] = {
        "mode": recording.mode,
        "recordings": _folder(given),
        "prompt": given.prompt,
    }
    with Extractor(model, replay="only", **told) as extractor:
        made = extractor.extract(paper)
    console.print()
    print_paper(console, made.paper, made.claims, made.rejected)
    return 0


def _said(body: Any) -> str:
    """The text of a reply; the whole body where it has none."""
    try:
        content = body["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        content = json.dumps(body, ensure_ascii=False, indent=1)
    return content


def refresh(source: tuple[str, ...], given: settings.Settings, *, missing: bool) -> int:
    """Ask again where the recording is stale, and delete what the new one replaces.

    Returns:
        1 if some paper did not come out, else 0.
    """
    if given.model is None:
        raise UsageError("pass --model NAME: the model that is to be asked again")
    wanted: tuple[State, ...] = ("stale", "missing") if missing else ("stale",)
    due = [state for state in _states(source, given) if state.state in wanted]
    papers = list({s.paper.paper_id: s.paper for s in due if s.paper}.values())
    if not papers:
        click.echo("nothing to ask: no recording is stale")
        return 0
    folder = _folder(given)
    asked = given.model_copy(update={"replay": "refresh", "recordings": folder})
    with tempfile.TemporaryDirectory(prefix="claimgrid-") as out:
        done = run_source(
            ", ".join(source), Path(out), asked, items=iter(papers), watcher=Unwatched, tell=_tell
        )
    left = {s.recording.key for s in due if s.recording}
    now = _states(source, given)
    replaced = [s for s in now if s.why == "superseded" and s.recording and s.recording.key in left]
    for state in replaced:
        assert state.recording is not None
        recording_states.path_of(folder, state.recording).unlink()
    count = counted(len(papers), "paper")
    click.echo(f"{count} asked again; {len(replaced)} stale recordings deleted in {folder}")
    return done.exit_code


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


def prune(source: tuple[str, ...], given: settings.Settings, *, dry_run: bool) -> int:
    """Delete orphaned recordings, and stale ones that a fresh one supersedes."""
    folder = _folder(given)
    gone = [
        state.recording
        for state in _states(source, given)
        if state.recording and (state.state == "orphaned" or state.why == "superseded")
    ]
    for recording in gone:
        path = recording_states.path_of(folder, recording)
        click.echo(f"{'would delete' if dry_run else 'deleted'} {path} ({recording.paper_id})")
        if not dry_run:
            path.unlink()
    click.echo(f"{len(gone)} of the recordings in {folder}")
    return 0


_SOURCE = click.argument("source", nargs=-1, required=True)


@click.group("recordings")
def command() -> None:
    """Look after recorded replies: which are fresh, stale, orphaned or missing."""


@command.command("status")
@_SOURCE
@model_options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--all", "every", is_flag=True, help="List the fresh and missing ones too.")
def status_command(source: tuple[str, ...], form: str, every: bool, **flags: Any) -> None:
    """Show how the recordings for the papers of SOURCE stand, by model.

    Name all sources that the folder has recordings for: a recording of any other paper is
    orphaned. Exit code 1: some recording is stale.
    """
    sys.exit(status(source, settings.load(**flags), form=form, every=every))


@command.command("show")
@click.argument("key")
@click.argument("source", nargs=-1)
@model_options
def show_command(key: str, source: tuple[str, ...], **flags: Any) -> None:
    """Show the recording whose key begins with KEY: request, attempts, and what became of it."""
    sys.exit(show(key, source, settings.load(**flags)))


@command.command("refresh")
@_SOURCE
@click.option("--stale", is_flag=True, required=True, help="Ask again where a recording is stale.")
@click.option("--missing", is_flag=True, help="Ask for the papers without a recording too.")
@model_options
def refresh_command(source: tuple[str, ...], stale: bool, missing: bool, **flags: Any) -> None:  # noqa: ARG001
    """Ask the model again for the papers of SOURCE whose recording is stale, and only for those."""
    sys.exit(refresh(source, settings.load(**flags), missing=missing))


@command.command("prune")
@_SOURCE
@click.option("--dry-run", is_flag=True, help="Say what would be deleted.")
@model_options
def prune_command(source: tuple[str, ...], dry_run: bool, **flags: Any) -> None:
    """Delete recordings of papers that no SOURCE has, and stale ones with a fresh one beside."""
    sys.exit(prune(source, settings.load(**flags), dry_run=dry_run))
