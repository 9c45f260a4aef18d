"""Reads plain text: all of it is one abstract."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.types.paper import Origin, Paper, slug

_LONGEST_TITLE = 200  # characters


def read_plain(lines: Iterable[SourceLine]) -> Iterator[Paper | Problem]:
    """The one paper that the lines hold, or the problem why there is none; nothing if blank."""
    first: SourceLine | None = None
    texts: list[str] = []
    warnings: list[str] = []
    size = 0
    for line in lines:
        size += len(line.text) + 1
        if line.cut or size > LONGEST_LINE:
            yield line.problem(f"more than {LONGEST_LINE} characters are no abstract")
            return
        if first is None and line.is_blank:
            continue
        first = first or line
        texts.append(line.text)
        warnings += line.warnings
    if first is None:
        return
    title, abstract = _split_title(texts)
    yield Paper(
        paper_id=slug(title or abstract[:200]),
        title=title,
        abstract=abstract,
        origin=Origin(file=first.file, line=first.number),
        warnings=tuple(warnings),
    )


def _split_title(texts: list[str]) -> tuple[str, str]:
    """The title, if the first text is one, and the rest."""
    first = texts[0].strip()
    rest = "\n".join(texts[1:]).rstrip()
    followed_by_blank = len(texts) > 1 and not texts[1].strip()
    if followed_by_blank and rest and len(first) <= _LONGEST_TITLE and not first.endswith("."):
        # Only whole blank lines go: the abstract's own first line keeps its indentation.
        body = itertools.dropwhile(lambda text: not text.strip(), rest.split("\n"))
        return " ".join(first.split()), "\n".join(body)
    return "", "\n".join(texts).rstrip()
