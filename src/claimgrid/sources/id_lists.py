"""Recognises lists of ids in text files: a DOI, an arXiv id or a page a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from claimgrid.sources.by_name import Asked, read_named
from claimgrid.sources.identifiers import bare_name
from claimgrid.sources.lines import Problem, SourceLine
from claimgrid.sources.network import Network
from claimgrid.types.paper import Paper

_LONGEST = 200  # characters of a line that names a paper
_BATCH = 100  # names that are asked for together


def is_id_list(lines: Sequence[SourceLine]) -> bool:
    """Whether a text that begins so is a list of ids: half of the lines or more name a paper."""
    texts = [line.text.strip() for line in lines]
    texts = [text for text in texts if text and not text.startswith("#")]
    named = sum(len(text) < _LONGEST and bare_name(text) is not None for text in texts)
    return bool(named) and 2 * named >= len(texts) and bare_name(texts[0]) is not None


def read_id_list(lines: Iterable[SourceLine], network: Network) -> Iterator[Paper | Problem]:
    """The paper of each line; a line that names none is a problem, and is never sent to a model."""
    waiting: list[Asked] = []
    for line in lines:
        text = line.text.strip()
        if not text or text.startswith("#"):
            continue
        name = None if line.cut else bare_name(text)
        if name is None:
            yield from read_named(waiting, network)
            waiting = []
            yield line.problem(
                "this line of a list of ids names no paper; correct it or leave it out"
            )
            continue
        waiting.append(Asked(name, line.file, line.number))
        if len(waiting) == _BATCH:
            yield from read_named(waiting, network)
            waiting = []
    yield from read_named(waiting, network)
