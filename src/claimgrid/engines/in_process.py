"""Opens the models that read abstracts inside this process: the shipped encoder, and cue words.

They need no key, no server and no recording: the same abstract gives the same claims again, at no
cost. `reader+NAME` asks the model NAME about the abstracts of which the reader is unsure.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from claimgrid.local.catalogue import DATA
from claimgrid.reader import cue_words, encoder, reading
from claimgrid.reader.reading import Reading
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper

READER, RULES = "reader", "rules"
CHECK_FIRST = 0.6  # confidence below which a claim is marked "check first"


class _Reads(Protocol):
    def read(self, title: str, abstract: str) -> Reading: ...


class _CueWords:
    """Reads by cue words; gives no probabilities."""

    def read(self, title: str, abstract: str) -> Reading:  # noqa: ARG002
        return Reading(tuple(cue_words.read(abstract)))


@dataclass(frozen=True, slots=True)
class InProcess:
    """A model in this process, under the name that runs carry."""

    name: str
    model: _Reads
    measured: Mapping[str, Any]

    def read(self, paper: Paper) -> tuple[Outcome, float]:
        """What the paper comes to, and the expected number of wrong and missed claims."""
        read = self.model.read(paper.title, paper.abstract)
        made = reading.outcome(paper, read, model=self.name)
        return made, read.doubt or 0.0

    @property
    def caution(self) -> str:
        """What a reader of the results must know."""
        if self.name == RULES:
            return "rules reads by cue words alone: it is a baseline, not a way to extract claims"
        told = self.measured
        if not told:
            return f"{self.name}: nobody has measured this model; measure it with extract eval"
        return (
            f"{self.name} is a small model: on {told['abstracts']} abstracts that it did not "
            f"learn from, F1 is {told['f1']:.2f} and {told['whole']:.2f} where every field must be "
            "right; check claims against their abstracts, those of low confidence first"
        )


def names(model: str | None) -> tuple[str | None, str | None]:
    """The in-process model that a name asks for, and the model that is asked when it is unsure."""
    first, plus, second = (model or "").partition("+")
    if first in (READER, RULES) or first.startswith(f"{READER}:"):
        return first, (second if plus else None)
    return None, model


def available() -> bool:
    """Whether the libraries of the reader are installed, and its model is."""
    libraries = ("onnxruntime", "tokenizers")
    here = all(importlib.util.find_spec(name) is not None for name in libraries)
    return here and (shipped() / encoder.MODEL).is_file()


def shipped() -> Path:
    """The folder of the model that comes with this package."""
    return DATA / READER


def load(name: str, threads: int | None = None) -> InProcess:
    """The model of this name: `reader`, `reader:FOLDER` or `rules`.

    Raises:
        SetupError: its libraries are missing, or the folder holds no model.
    """
    if name == RULES:
        return InProcess(RULES, _CueWords(), {})
    folder = Path(name.partition(":")[2]) if ":" in name else shipped()
    model = encoder.load(folder, threads)
    return InProcess(f"{READER}@{model.version}", model, model.measured)
