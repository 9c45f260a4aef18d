"""Chooses some of a source's papers: by a list of ids, a condition, a sample, a number."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from claimgrid.errors import SourceError, UsageError
from claimgrid.sources.identifiers import arxiv_id, bare_name, doi
from claimgrid.sources.lines import Problem, read_lines
from claimgrid.types.paper import Paper

_COLUMNS = {
    "paper_id": "VARCHAR", "title": "VARCHAR", "abstract": "VARCHAR", "authors": "VARCHAR[]",
    "organizations": "VARCHAR[]", "categories": "VARCHAR[]", "date": "VARCHAR", "year": "INTEGER",
    "citation_key": "VARCHAR", "doi": "VARCHAR", "arxiv_id": "VARCHAR", "arxiv_version": "INTEGER",
    "venue": "VARCHAR", "url": "VARCHAR", "extra": "JSON",
}  # fmt: skip
_ROWS = 500  # papers that a condition is asked about together
_Items = Iterable[Paper | Problem]


def where(items: _Items, condition: str) -> Iterator[Paper | Problem]:
    """The papers for which a condition in DuckDB's SQL holds, and what is wrong with whole files.

    Raises:
        UsageError: at the first step, if the condition is none.
    """
    condition_ = _Condition(condition)
    rows: list[Paper] = []
    for item in items:
        if isinstance(item, Paper):
            rows.append(item)
            if len(rows) == _ROWS:
                yield from condition_.holds(rows)
                rows = []
        elif item.whole:
            yield item
    yield from condition_.holds(rows)


class _Condition:
    def __init__(self, text: str) -> None:
        import duckdb

        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
        self._error = duckdb.Error
        columns = ", ".join(
            f"from_json(cell->'{name}', '\"{kind}\"') as {name}"
            if kind == "INTEGER"
            else f"from_json(cell->'{name}', '[\"VARCHAR\"]') as {name}"
            if kind == "VARCHAR[]"
            else f"cell->'{name}' as {name}"
            if kind == "JSON"
            else f"cell->>'{name}' as {name}"
            for name, kind in _COLUMNS.items()
        )
        cells = (
            "select ordinality as n, cell from "
            "unnest(cast($cells as json[])) with ordinality as t(cell, ordinality)"
        )
        self._sql = f"select n from (select n - 1 as n, {columns} from ({cells})) where ({text}\n) order by n"  # noqa: S608
        self._text = text
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")
        if len(self._try(lambda: duckdb.extract_statements(self._sql))) != 1:
            raise UsageError(f"--where {text!r}: one condition, please")
        self._ask([])

    def holds(self, papers: list[Paper]) -> Iterator[Paper]:
        """Those papers for which it holds."""
        for number in self._ask(papers):
            yield papers[number]

    def _ask(self, papers: list[Paper]) -> list[int]:
        cells = json.dumps([_row(paper) for paper in papers])
        rows = self._try(lambda: self._connection.execute(self._sql, {"cells": cells}).fetchall())
        return [row[0] for row in rows]

    def _try(self, work: Any) -> Any:
        try:
            return work()
        except self._error as error:
            reason = str(error).strip().partition("\n\nLINE ")[0]
            raise UsageError(
                f"--where {self._text!r}: {reason} (fields: {', '.join(_COLUMNS)})"
            ) from error


def _row(paper: Paper) -> dict[str, Any]:
    row = paper.model_dump(mode="json", include=set(_COLUMNS))
    if row["year"] is None and (paper.date or "")[:4].isdecimal():
        row["year"] = int(str(paper.date)[:4])
    return row


def select(items: _Items, path: str) -> Iterator[Paper | Problem]:
    """The papers that a file lists by id, citation key, DOI or arXiv id, a line each.

    A line whose paper the source does not have is a problem at its end.

    Raises:
        SourceError: the file cannot be read.
    """
    wanted = _wanted(path)
    found: set[int] = set()
    for item in items:
        if isinstance(item, Problem):
            if item.whole:
                yield item
            continue
        lines = {wanted[name] for name in _names(item) if name in wanted}
        found |= lines
        if lines:
            yield item
    for name, number in wanted.items():
        if number not in found:
            found.add(number)
            yield Problem(path, number, f"the source has no paper `{name}`", None, name)


def _wanted(path: str) -> dict[str, int]:
    wanted: dict[str, int] = {}
    try:
        with Path(path).open("rb") as file:
            for line in read_lines(path, file):
                text = line.text.strip()
                if text and not text.startswith("#"):
                    wanted.setdefault(_plain(text), line.number)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=path) from error
    return wanted


def _plain(text: str) -> str:
    """An id as it is compared: the bare id of a DOI or arXiv id, in lower case."""
    name = bare_name(text)
    bare = name.id if name else text
    found = arxiv_id(bare)
    return (found.id if found else doi(bare) or bare).lower()


def _names(paper: Paper) -> set[str]:
    merged = paper.extra.get("merged")
    others = [one for one in merged if isinstance(one, dict)] if isinstance(merged, list) else []
    records: list[dict[str, Any]] = [paper.model_dump(include={*_ID_FIELDS}), *others]
    return {
        _plain(str(record[name])) for record in records for name in _ID_FIELDS if record.get(name)
    }


_ID_FIELDS = ("paper_id", "citation_key", "doi", "arxiv_id")


def sample(items: _Items, size: int, seed: int) -> Iterator[Paper | Problem]:
    """So many papers at random, in the order of the source; the same ones for the same seed."""
    chooser = random.Random(seed)  # noqa: S311 nothing hangs on its being guessed
    kept: list[tuple[int, Paper]] = []
    papers = 0
    for item in items:
        if isinstance(item, Problem):
            if item.whole:
                yield item
            continue
        if len(kept) < size:
            kept.append((papers, item))
        elif (place := chooser.randrange(papers + 1)) < size:
            kept[place] = (papers, item)
        papers += 1
    yield from (paper for _, paper in sorted(kept, key=lambda pair: pair[0]))


def limit(items: _Items, count: int) -> Iterator[Paper | Problem]:
    """The first papers, and the problems that come before the last of them."""
    if count <= 0:
        return
    left = itertools.count(count - 1, -1)
    for item in items:
        yield item
        if isinstance(item, Paper) and next(left) == 0:
            return
