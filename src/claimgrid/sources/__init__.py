"""Reads papers, one at a time, from files, folders, standard input, URLs, and by name.

A file's format is recognised by its content; docs/sources.md lists the formats.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from claimgrid.errors import SourceError, UsageError
from claimgrid.sources import same_paper, selection
from claimgrid.sources.by_name import Asked, read_named
from claimgrid.sources.guessed_columns import NamedColumns
from claimgrid.sources.identifiers import PaperName, bare_name, paper_name
from claimgrid.sources.lines import Problem, printable
from claimgrid.sources.network import Network
from claimgrid.sources.recognise import STRUCTURED, Recognised, Recogniser, is_source_name
from claimgrid.sources.streams import is_url, open_all
from claimgrid.types.paper import Paper

__all__ = ["Problem", "Recognised", "SourceItem", "read", "skipped", "with_own_ids"]

SourceItem = Paper | Problem


def read(
    *sources: str | os.PathLike[str],
    title_column: str | None = None,
    abstract_column: str | None = None,
    where: str | None = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    select: str | os.PathLike[str] | None = None,
    keep_versions: bool = False,
    stdin: BinaryIO | None = None,
    note: Callable[[Recognised], None] = lambda _: None,
) -> Iterator[SourceItem]:
    """Read papers as they come.

    A paper that cannot be read is a `Problem`; so is, once others were read or with other sources
    beside it, a source that breaks off or cannot be opened. Records of the same paper are one
    paper. A repeated id gets `-2`, `-3` …

    Args:
        sources: files, folders (see `skipped` for what is left out of them), URLs, `-`, and names
            of papers: `arxiv:2410.21465`, `arxiv:cat:cs.DC?since=2026-01`, `doi:…`, `openalex:…`,
            `s2:…`, or their web pages.
        title_column: the column or key of a table's titles; guessed if None.
        abstract_column: the same for abstracts.
        where: a condition in DuckDB's SQL over a paper's fields: `year >= 2025`.
        limit: at most so many papers.
        sample: so many papers at random, the same ones for the same `seed`.
        seed: chooses the sample.
        select: a file of ids, one a line: only these papers.
        keep_versions: leave records of the same paper apart.
        stdin: what `-` reads; the process's standard input if None.
        note: is told what each file was recognised as.

    Raises:
        SourceError: at once, if there is no such source or a folder holds no source file; at the
            first step, if the only source cannot be read at all.
        UsageError: a condition is wrong; at the first step.
    """
    names = [os.fspath(source) for source in sources]
    if not names:
        raise UsageError("no source is given; name a file, a folder, a URL, a paper, or -")
    if names.count("-") > 1:
        raise UsageError("- is given more than once; standard input can be read only once")
    parts = [part for name in names for part in _parts(name)]
    network = Network()
    recogniser = Recogniser(NamedColumns(title_column, abstract_column), network, note)
    items = _read_all(parts, recogniser, stdin)
    if not keep_versions:
        # What is piped in is given out as it comes.
        items = same_paper.without_repeats(items, ahead=0 if "-" in names else same_paper.AHEAD)
    items = with_own_ids(items)
    if select is not None:
        items = selection.select(items, os.fspath(select))
    if where is not None:
        items = selection.where(items, where)
    if sample is not None:
        items = selection.sample(items, sample, seed)
    if limit is not None:
        items = selection.limit(items, limit)
    return _closing(items, network)


def _closing(items: Iterator[SourceItem], network: Network) -> Iterator[SourceItem]:
    with closing(network):
        yield from items


def skipped(source: str) -> tuple[str, ...]:
    """The names in a folder that `read` leaves out: subfolders and files of an unknown kind.

    Hidden files are left out of both. Empty for a source that is no folder.
    """
    if not Path(source).is_dir():
        return ()
    return tuple(name for name, is_source in _folder(source) if not is_source)


def _parts(source: str) -> list[str | PaperName]:
    """What a source is made of: a folder's files, a name, or itself."""
    if source == "-":
        return [source]
    name = paper_name(source)
    path = Path(source)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except ValueError:  # a NUL in the name
        is_folder = is_there = False
    if is_folder:
        names = [name for name, is_source in _folder(source) if is_source]
        if not names:
            kinds = ", ".join((".txt", *STRUCTURED))
            raise SourceError(f"the folder holds no source file ({kinds})", path=source)
        return [str(Path(source, name)) for name in names]
    if is_there:
        return [source]
    if name is not None:
        return [name]
    if is_url(source):
        return [source]
    service = source.partition(":")[0].lower()
    if service in ("arxiv", "doi", "openalex", "s2") and ":" in source:
        raise SourceError(f"is no {service} id; docs/sources.md says how they look", path=source)
    bare = bare_name(source)
    hint = f"; did you mean {bare}?" if bare else ""
    raise SourceError(f"no such file or folder{hint}", path=source)


def _folder(path: str) -> list[tuple[str, bool]]:
    """Every name in a folder but the hidden, in order, and whether it is a source file."""
    try:
        with os.scandir(path) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
            return sorted(
                (entry.name, entry.is_file() and is_source_name(entry.name)) for entry in shown
            )
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=path) from error


def _read_all(
    parts: list[str | PaperName], recogniser: Recogniser, stdin: BinaryIO | None
) -> Iterator[SourceItem]:
    anything = len(parts) > 1
    asked: list[Asked] = []
    for part in parts:
        if isinstance(part, PaperName):
            asked.append(Asked(part, str(part), 1))
            recogniser.note(Recognised(str(part), "by name"))
            continue
        yield from read_named(asked, recogniser.network)
        asked = []
        try:
            for item in _read_one(part, recogniser, stdin):
                anything = True
                yield item
        except SourceError as error:
            if not anything:
                raise
            file = printable(error.path)
            yield Problem(file, error.line or 1, error.message, None, "", whole=True)
    yield from read_named(asked, recogniser.network)


def _read_one(source: str, recogniser: Recogniser, stdin: BinaryIO | None) -> Iterator[SourceItem]:
    stream = (stdin or sys.stdin.buffer) if source == "-" else None
    anything = False
    for opened in open_all(source, stream):
        if isinstance(opened, Problem):
            anything = True
            yield opened
            continue
        try:
            for item in recogniser.read(opened):
                anything = True
                yield item
        except SourceError as error:
            if opened.name == source or not anything:
                raise
            yield Problem(
                printable(error.path), error.line or 1, error.message, None, "", whole=True
            )
    if not anything:
        yield Problem(printable(source), 1, "there is no paper in it", None, "", whole=True)


def with_own_ids(items: Iterable[SourceItem]) -> Iterator[SourceItem]:
    """Every paper under an id that no paper before it has."""
    # On disk, so that the ids of millions of papers do not fill the memory.
    with closing(sqlite3.connect("", isolation_level=None)) as uses:
        uses.execute("pragma journal_mode = off")
        uses.execute("pragma synchronous = off")
        uses.execute("create table uses (id text primary key, count integer) without rowid")
        uses.execute("begin")
        for item in items:
            yield item if isinstance(item, Problem) else _with_own_id(item, uses)


def _with_own_id(paper: Paper, uses: sqlite3.Connection) -> Paper:
    """The paper under an id that is not among `uses`, which counts the papers of each id so far."""
    wanted = own = paper.paper_id.encode("utf-8", "replace").decode()
    claim = "insert or ignore into uses values (?, 1)"
    while not uses.execute(claim, (own,)).rowcount:
        count = "update uses set count = count + 1 where id = ? returning count"
        (number,) = uses.execute(count, (wanted,)).fetchone()
        own = f"{wanted}-{number}"
    if own == paper.paper_id:
        return paper
    warnings = (*paper.warnings, f"a paper before it has the id `{wanted}` too")
    return paper.model_copy(update={"paper_id": own, "warnings": warnings})
