"""Reads RIS, the export of reference managers and publishers. A record is read when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from claimgrid.sources import identifiers
from claimgrid.sources.dates import loose_date
from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.sources.paper_fields import Record, paper
from claimgrid.types.paper import Paper

START = re.compile(r"\s*TY\s{1,2}-(?:\s|$)")
_END = re.compile(r"\s*ER\s{1,2}-(?:\s|$)")
_TAG = re.compile(r"\s*([A-Z][A-Z0-9])\s{1,2}-\s?(.*)", re.DOTALL)


def read_ris(lines: Iterable[SourceLine]) -> Iterator[Paper | Problem]:
    """The paper of each record; one that is cut off, too long or without an abstract is a problem."""
    record: list[SourceLine] = []
    size = 0
    for line in lines:
        if START.match(line.text) and record:
            yield from _of(record, ended=False)
            record, size = [], 0
        if line.is_blank and not record:
            continue
        record.append(line)
        size += len(line.text)
        if _END.match(line.text):
            yield from _of(record, ended=True)
            record, size = [], 0
        elif size > LONGEST_LINE:
            yield record[0].problem(f"a record is longer than {LONGEST_LINE} characters")
            record, size = [], 0
    yield from _of(record, ended=False)


def _of(record: list[SourceLine], *, ended: bool) -> Iterator[Paper | Problem]:
    if not record:
        return
    first = record[0]
    if not START.match(first.text):
        yield first.problem("no `TY  - ` begins this record; add it, or leave the lines out")
        return
    if any(line.cut for line in record):
        yield first.problem(f"a line of the record is longer than {LONGEST_LINE} bytes")
        return
    warnings = [warning for line in record for warning in line.warnings]
    if not ended:
        warnings.append(f"line {first.number}: no `ER  - ` ends this record; read up to the next")
    yield paper(_record(_fields(record), first, warnings))


def _fields(record: list[SourceLine]) -> dict[str, Any]:
    import rispy

    lines = [_written_well(line.text) for line in record]
    if not _END.match(record[-1].text):
        lines.append("ER  - ")
    parsed = rispy.loads("\n".join(lines))
    found: dict[str, Any] = parsed[0] if parsed else {}
    return found


def _written_well(text: str) -> str:
    """A tag as the format has it: some exporters leave out one of the two blanks."""
    match = _TAG.fullmatch(text)
    return f"{match[1]}  - {match[2]}" if match else text


def _record(values: dict[str, Any], line: SourceLine, warnings: list[str]) -> Record:
    def first(*names: str) -> Any:
        return next((values[name] for name in names if values.get(name)), None)

    urls = values.get("urls") or []
    url = urls[0] if isinstance(urls, list) and urls else urls or None
    arxiv = None
    for text in (*map(str, urls if isinstance(urls, list) else [urls]), str(first("doi") or "")):
        arxiv = arxiv or identifiers.arxiv_within(text)
    key = first("id", "label")
    fields = {
        "id": key or first("accession_number"),
        "title": first("title", "primary_title", "translated_title"),
        "abstract": first("abstract", "notes_abstract"),
        "authors": first("authors", "first_authors"),
        "date": loose_date(first("date", "publication_year", "year")),
        "citation_key": key,
        "doi": first("doi"),
        "arxiv_id": arxiv.id if arxiv else None,
        "arxiv_version": arxiv.version if arxiv else None,
        "venue": first("secondary_title", "journal_name", "alternate_title3", "alternate_title1"),
        "url": url,
    }
    keywords = values.get("keywords")
    return Record(
        line.file,
        line.number,
        fields,
        {"keywords": keywords} if keywords else {},
        warnings,
        excerpt=line.text,
    )
