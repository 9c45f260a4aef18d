"""Keeps recordings as readable JSON files, one a request: `<folder>/<model>/<key>.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from claimgrid.errors import StoreError
from claimgrid.llm.response_store import Recording

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class RecordingFolder:
    """Recordings as JSON files below `root`, a folder for each model."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._told: dict[str, dict[str, list[Recording]]] = {}

    def _path(self, model: str, key: str) -> Path:
        return self.root / folder_name(model) / f"{key}.json"

    def get(self, model: str, key: str) -> Recording | None:
        """The recording under this key, if there is one.

        Raises:
            StoreError: the file is there and is not a recording.
        """
        path = self._path(model, key)
        try:
            return Recording.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise StoreError(
                f"{path}: not a readable recording ({error}); delete it and record again"
            ) from error

    def put(self, recording: Recording) -> None:
        """Write the file in one step (a reader sees the old one or the new one).

        Raises:
            StoreError: the folder cannot be written.
        """
        path = self._path(recording.model, recording.key)
        text = json.dumps(recording.model_dump(), ensure_ascii=False, indent=1) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: the recording cannot be written: {error}") from error

    async def keep(self, recording: Recording) -> None:
        """Write as `put` does; one small file is not worth a thread."""
        self.put(recording)

    def of_model(self, model: str) -> Iterator[Recording]:
        """All recordings of a model, in key order."""
        for path in sorted((self.root / folder_name(model)).glob("*.json")):
            recording = self.get(model, path.stem)
            if recording is not None:
                yield recording

    def about(self, model: str, abstract_sha256: str, paper_id: str) -> list[Recording]:
        """The recordings of a model for an abstract or a paper, without their replies.

        The folder is read once: a run in which nothing is recorded asks for every paper.
        """
        if model not in self._told:
            told = self._told[model] = {}
            for recording in self.of_model(model):
                bare = recording.model_copy(update={"attempts": ()})
                for name in {bare.abstract_sha256, bare.paper_id}:
                    told.setdefault(name, []).append(bare)
        found = self._told[model]
        return [*found.get(abstract_sha256, ()), *found.get(paper_id, ())]


def folder_name(model: str) -> str:
    """A model's name as a folder name: `openai-gpt-x` for `openai/gpt-x`."""
    return _UNSAFE.sub("-", model).strip("-.") or "model"
