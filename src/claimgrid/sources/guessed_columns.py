"""Guesses which column or key of a table holds which field of a paper, by its name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from claimgrid.sources.paper_fields import Record

FIELDS = (
    "id", "title", "abstract", "authors", "organizations", "categories", "date", "citation_key",
    "doi", "arxiv_id", "arxiv_version", "venue", "year", "url",
)  # fmt: skip
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


class NamedColumns(NamedTuple):
    """The columns that a person has named; None where they are to be guessed."""

    title: str | None = None
    abstract: str | None = None


@lru_cache(maxsize=256)
def columns_of(names: tuple[str, ...], told: NamedColumns) -> dict[str, str]:
    """The column that holds each field, for the fields that have one."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(_NOT_LETTERS.sub("", name.lower()), name)
    found = {}
    for field in FIELDS:
        if field in names:
            found[field] = field
            continue
        for guess in _guesses().get(field, ()):
            # `id` may share its column with a field of its own, such as the citation key.
            if guess in by_name and (field == "id" or by_name[guess] not in found.values()):
                found[field] = by_name[guess]
                break
    for field, column in (("title", told.title), ("abstract", told.abstract)):
        if column is not None:
            found.pop(field, None)
            if column in names:
                found[field] = column
    if "id" in found and found["id"] in (found.get("title"), found.get("abstract")):
        del found["id"]
    return found


def is_table_of_papers(names: tuple[str, ...], told: NamedColumns) -> bool:
    """Whether these are the columns of a table of papers: an abstract and a title or an id."""
    found = columns_of(names, told)
    return "abstract" in found and ("title" in found or "id" in found)


def record_of(
    row: Mapping[str, Any], told: NamedColumns, file: str, line: int, *, label: str = ""
) -> Record:
    """The record that a row of unknown making holds; what is no field is kept as `extra`."""
    columns = columns_of(tuple(row), told)
    fields = {field: row[column] for field, column in columns.items()}
    used = set(columns.values())
    extra = {name: value for name, value in row.items() if name not in used}
    return Record(file, line, fields, extra, label=label, columns=columns)


@cache
def _guesses() -> dict[str, list[str]]:
    text = files("claimgrid").joinpath("data/columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
