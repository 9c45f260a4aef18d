"""Tells which recorded replies still answer today's requests for the papers of some sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claimgrid import settings
from claimgrid.engines.session import Session, open_session
from claimgrid.errors import UsageError
from claimgrid.llm.recording_folder import RecordingFolder, folder_name
from claimgrid.llm.response_store import Recording
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request

State = Literal["fresh", "stale", "orphaned", "missing"]
STATES: dict[State, str] = {
    "fresh": "answers today's request",
    "stale": "answers an older request: the prompt, the text or a setting changed since",
    "orphaned": "of a paper that the sources do not have",
    "missing": "the sources have the paper, and nothing is recorded for it",
}


@dataclass(frozen=True, slots=True)
class RecordingState:
    """One recording, or one paper without any; `why` says what changed since."""

    state: State
    model: str
    mode: str
    paper_id: str
    title: str
    recording: Recording | None = None
    paper: Paper | None = None
    why: str | None = None


def all_recordings(folder: Path) -> Iterator[Recording]:
    """Every recording below a folder, by model and key."""
    store = RecordingFolder(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of recordings; pass --recordings FOLDER")
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from store.of_model(below.name)


def states(
    papers: Sequence[Paper], folder: Path, given: settings.Settings
) -> Iterator[RecordingState]:
    """The state of every recording, and the papers that a recorded model has none for.

    Args:
        given: a `model` narrows to that model; a model that nothing is recorded for is missing for
            every paper.
    """
    groups: dict[tuple[str, str], list[Recording]] = {}
    for recording in all_recordings(folder):
        groups.setdefault((recording.model, recording.mode), []).append(recording)
    if given.model is not None:
        session = open_session(given.model_copy(update={"replay": "only"}))
        asked = (session.endpoint.model, session.endpoint.mode)
        groups = {asked: groups.get(asked, [])}
    for (model, mode), recordings in groups.items():
        yield from _of_model(papers, recordings, session_of(given, model, mode))


def session_of(given: settings.Settings, model: str, mode: str) -> Session:
    """A session whose requests have the keys of this model's recordings.

    Raises:
        UsageError: no provider takes the mode.
    """
    told = {"replay": "only", "mode": mode}
    for name in (given.model or model, model, f"anthropic/{model}", f"google/{model}"):
        with suppress(UsageError):
            return open_session(given.model_copy(update={**told, "model": name}))
    raise UsageError(f"recordings of {model} in mode {mode}: no provider takes this mode")


def _of_model(
    papers: Sequence[Paper], recordings: Sequence[Recording], session: Session
) -> Iterator[RecordingState]:
    model, mode = session.endpoint.model, session.endpoint.mode
    requests: dict[str, tuple[Paper, Request]] = {}
    for paper in papers:
        request = session.request(paper)
        requests[request.key] = (paper, request)
    recorded = {recording.key for recording in recordings}
    by_text: dict[str, tuple[Paper, Request]] = {}
    for paper, request in requests.values():
        by_text[paper.paper_id] = by_text[paper.abstract_sha256] = (paper, request)
    stale: set[str] = set()
    for recording in recordings:
        told = (model, mode, recording.paper_id, recording.title, recording)
        if recording.key in requests:
            yield RecordingState("fresh", *told, requests[recording.key][0])
            continue
        found = by_text.get(recording.abstract_sha256) or by_text.get(recording.paper_id)
        if found is None:
            yield RecordingState("orphaned", *told)
            continue
        stale.add(found[1].key)
        why = "superseded" if found[1].key in recorded else _changed(recording, found[1])
        yield RecordingState("stale", *told, found[0], why)
    for key, (paper, _) in requests.items():
        if key not in recorded and key not in stale:
            yield RecordingState("missing", model, mode, paper.paper_id, paper.title, paper=paper)


def _changed(recording: Recording, request: Request) -> str:
    pairs: Iterable[tuple[str, object, object]] = (
        ("abstract", recording.abstract_sha256, request.abstract_sha256),
        ("title", recording.title, request.title),
        ("prompt", recording.prompt_sha256, request.prompt_sha256),
        ("reply schema", recording.schema_sha256, request.schema_sha256),
    )
    changed = [name for name, old, new in pairs if old != new] or ["sampling"]
    return " and ".join(changed) + " changed"


def path_of(folder: Path, recording: Recording) -> Path:
    """The file of a recording."""
    return folder / folder_name(recording.model) / f"{recording.key}.json"


def find(folder: Path, key: str) -> Recording:
    """The one recording whose key begins so.

    Raises:
        UsageError: none or several do.
    """
    found = [recording for recording in all_recordings(folder) if recording.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    told = "no recording has" if not found else f"{len(found)} recordings have"
    raise UsageError(
        f"{folder}: {told} a key that begins with {key!r}; "
        "`extract recordings status SOURCE --all` lists them"
    )
