"""Opens the models that read abstracts inside this process: the shipped encoder, and cue words.

They need no key, no server and no recording: the same abstract gives the same claims again, at no
cost. `reader+NAME` asks the model NAME about the abstracts of which the reader is unsure.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from claimgrid.errors import SetupError
from claimgrid.llm.client import Client
from claimgrid.llm.rate_limiter import RateLimiter, rate_limiter
from claimgrid.local.catalogue import DATA
from claimgrid.reader import cue_words, encoder, reading
from claimgrid.reader.reading import Reading
from claimgrid.types.answer import Answer
from claimgrid.types.request import Request

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
    """A model in this process, under the name that runs carry.

    `asked` is the name and the threads that it was loaded by: another process loads it anew.
    """

    name: str
    model: _Reads
    measured: Mapping[str, Any]
    asked: tuple[str, int | None] = (READER, None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle how it is loaded: the libraries' sessions do not travel to a cluster's workers."""
        return _loaded_again, (*self.asked, self.name)

    def answer(self, title: str, abstract: str) -> tuple[Answer, float]:
        """What it reads in an abstract, and how many claims it expects to have wrong or missed."""
        read = self.model.read(title, abstract)
        return reading.answer(abstract, read, model=self.name), read.doubt or 0.0

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


class ReadingClient:
    """Answers requests in this process, and asks `inner` where the reader doubts its own answer.

    Used as a client is: an async context manager with `ask`, and the counts that a run tells.
    """

    def __init__(self, reader: InProcess, inner: Client | None, doubt: float) -> None:
        self._reader, self._inner, self._doubt = reader, inner, doubt
        self._own = rate_limiter(1, time.monotonic, rpm=None, tpm=None)
        self._read = 0

    async def __aenter__(self) -> Self:
        if self._inner is not None:
            await self._inner.__aenter__()
        return self

    async def __aexit__(self, *given: Any) -> None:
        if self._inner is not None:
            await self._inner.__aexit__(*given)

    async def ask(self, request: Request) -> Answer:
        """The reader's answer, or the other model's where more claims than agreed are doubtful."""
        answer, doubt = self._reader.answer(request.title, request.abstract)
        if self._inner is not None and doubt > self._doubt:
            return await self._inner.ask(request)
        self._read += 1
        await asyncio.sleep(0)  # timers and signals get their turn
        return answer

    @property
    def limiter(self) -> RateLimiter:
        """What bounds the requests that are sent."""
        return self._inner.limiter if self._inner else self._own

    @property
    def asked(self) -> Counter[str]:
        """Papers by where their answer came from."""
        asked: Counter[str] = Counter(self._inner.asked if self._inner else {})
        asked[reading.ORIGIN] += self._read
        return asked

    @property
    def unusable(self) -> str | None:
        """Why no paper can be answered."""
        return self._inner.unusable if self._inner else None

    @property
    def adapted(self) -> Sequence[str]:
        """What the requests left out because the server refused it."""
        return self._inner.adapted if self._inner else ()

    @property
    def answers(self) -> Mapping[str, int]:
        """Every try over HTTP by what came of it."""
        return self._inner.answers if self._inner else {}


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
        return InProcess(RULES, _CueWords(), {}, (RULES, threads))
    folder = Path(name.partition(":")[2]) if ":" in name else shipped()
    model = encoder.load(folder, threads)
    # Another process may have another working directory.
    asked = f"{READER}:{folder.resolve()}" if ":" in name else READER
    return InProcess(f"{READER}@{model.version}", model, model.measured, (asked, threads))


def _loaded_again(asked: str, threads: int | None, name: str) -> InProcess:
    """The model of another process, loaded here; it must be the same one."""
    made = load(asked, threads)
    if made.name != name:
        raise SetupError(
            f"the run began with {name}, and here is {made.name}: install the same version of "
            "claimgrid on all machines"
        )
    return made
