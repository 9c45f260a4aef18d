"""A file, a folder or standard input ─► papers, one at a time. Knows the formats, not the claims.

JSON Lines go by their name (`.jsonl`, `.ndjson`) or by a `{` at the start; other text is a listing
if it has a listing's headers, else one abstract. Any of them may be gzipped (`.gz`).
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from claimgrid.errors import SourceError
from claimgrid.sources.jsonl import read_jsonl
from claimgrid.sources.lines import Problem, SourceLine, printable, read_lines
from claimgrid.sources.listing import parse_header, read_listing
from claimgrid.sources.plain import read_plain
from claimgrid.types.paper import Paper

__all__ = ["Problem", "SourceItem", "read", "skipped", "with_own_ids"]

SourceItem = Paper | Problem

_JSONL = (".jsonl", ".ndjson")
_KINDS = (*_JSONL, ".txt")
_PROSE = (".text", ".md", ".tex", ".abs")
_REFUSED_LATER = (".pdf",)  # by its content, with advice of its own
_LOOKED_AT = 32  # lines that decide the format of a text


def read(source: str, *, stdin: BinaryIO | None = None) -> Iterator[SourceItem]:
    """Read papers as they come: from a file, from a folder's files by name, or from `-`.

    A paper that cannot be read is a `Problem`; so is, once others were read or with other files
    beside it, a file that breaks off or cannot be opened. A repeated id gets `-2`, `-3` …

    Args:
        source: a file, a folder (see `skipped` for what is left out of it), or `-`.
        stdin: what `-` reads; the process's standard input if None.

    Raises:
        SourceError: at once, if there is no such source or a folder holds no source file; at the
            first step, if the only file cannot be read at all.
    """
    if source == "-":
        return with_own_ids(_read_all(["-"], stdin or sys.stdin.buffer))
    if not Path(source).is_dir():
        if not Path(source).exists():
            raise SourceError("no such file or folder", path=source)
        _refuse_other_kinds(source)
        return with_own_ids(_read_all([source], None))
    names = [name for name, is_source in _folder(source) if is_source]
    if not names:
        raise SourceError(f"the folder holds no source file ({', '.join(_KINDS)})", path=source)
    return with_own_ids(_read_all([str(Path(source, name)) for name in names], None))


def _refuse_other_kinds(source: str) -> None:
    """A table or a bibliography would otherwise be read, and paid for, as one long abstract."""
    name = source.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix[1:].isalpha() and suffix not in (*_KINDS, *_PROSE, *_REFUSED_LATER):
        raise SourceError(
            f"{suffix} files are not read; make JSON Lines of it (one object with title and "
            "abstract a line, .jsonl) or plain text (.txt)",
            path=source,
        )


def skipped(source: str) -> tuple[str, ...]:
    """The names in a folder that `read` leaves out: subfolders and files of an unknown kind.

    Hidden files are left out of both. Empty for a source that is no folder.
    """
    if not Path(source).is_dir():
        return ()
    return tuple(name for name, is_source in _folder(source) if not is_source)


def _folder(path: str) -> list[tuple[str, bool]]:
    """Every name in a folder but the hidden, in order, and whether it is a source file."""
    try:
        with os.scandir(path) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
            return sorted((entry.name, entry.is_file() and _is_kind(entry.name)) for entry in shown)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=path) from error


def _is_kind(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(_KINDS)


def _read_all(paths: list[str], stream: BinaryIO | None) -> Iterator[SourceItem]:
    anything = len(paths) > 1
    for path in paths:
        try:
            for item in _read_one(path, read_lines(path, stream)):
                anything = True
                yield item
        except SourceError as error:
            if not anything:
                raise
            where = error.path if error.line is None else f"{error.path}:{error.line}"
            message = str(error).removeprefix(f"{where}: ")
            yield Problem(error.path, error.line or 1, message, title=None, excerpt="")


def _read_one(path: str, lines: Iterator[SourceLine]) -> Iterator[SourceItem]:
    lines = itertools.dropwhile(lambda line: line.is_blank, lines)
    start = list(itertools.islice(lines, _LOOKED_AT))
    if not start:
        yield Problem(printable(path), 1, "there is no text in it", title=None, excerpt="")
        return
    yield from _format(path, start)(itertools.chain(start, lines))


def _format(
    path: str, start: list[SourceLine]
) -> Callable[[Iterable[SourceLine]], Iterator[SourceItem]]:
    """The reader for a text that starts so."""
    named_jsonl = path.lower().removesuffix(".gz").endswith(_JSONL)
    if named_jsonl or start[0].text.lstrip().startswith("{"):
        return read_jsonl
    if any(parse_header(line.text) for line in start):
        return read_listing
    return read_plain


def with_own_ids(items: Iterable[SourceItem]) -> Iterator[SourceItem]:
    """Every paper under an id that no paper before it has."""
    uses: dict[str, int] = {}
    for item in items:
        yield item if isinstance(item, Problem) else _with_own_id(item, uses)


def _with_own_id(paper: Paper, uses: dict[str, int]) -> Paper:
    """The paper under an id that is not among `uses`, which counts the papers of each id so far."""
    wanted = own = paper.paper_id
    while own in uses:
        uses[wanted] += 1
        own = f"{wanted}-{uses[wanted]}"
    uses[own] = 1
    if own == wanted:
        return paper
    warnings = (*paper.warnings, f"a paper before it has the id `{wanted}` too")
    return paper.model_copy(update={"paper_id": own, "warnings": warnings})
