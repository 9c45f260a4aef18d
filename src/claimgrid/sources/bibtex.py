"""Reads BibTeX and BibLaTeX, also as Zotero's and Better BibTeX's exports have it.

The file is cut into runs of whole entries, each of which bibtexparser reads by itself: memory does
not grow with the file, and a broken entry costs itself alone.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from claimgrid.sources import identifiers
from claimgrid.sources.dates import loose_date, month_number
from claimgrid.sources.latex_names import without_latex
from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.sources.paper_fields import Record, date_of_parts, paper
from claimgrid.types.paper import Paper

if TYPE_CHECKING:
    from bibtexparser.model import Block, Entry

START = re.compile(r"\s*@\s*([A-Za-z]+)\s*[{(]")
_SCHOLAR_ARXIV = ("eprint", "arxivid", "arxiv", "journal", "note", "howpublished", "url", "doi")
_RUN = 64 << 10  # characters of whole entries that are read together
_VENUES = (
    "booktitle",
    "journaltitle",
    "journal",
    "eventtitle",
    "publisher",
    "school",
    "institution",
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_KEPT = ("keywords", "note", "entrysubtype", "langid", "language")


def read_bibtex(lines: Iterable[SourceLine]) -> Iterator[Paper | Problem]:
    """The paper of each entry, and a problem for each that is broken or has no abstract."""
    strings: list[str] = []
    run: list[SourceLine] = []
    size = 0
    for line in lines:
        start = START.match(line.text)
        if start and size > _RUN:
            yield from _read_run(run, strings)
            run, size = [], 0
        run.append(line)
        size += len(line.text)
        if size > LONGEST_LINE:
            yield run[0].problem(
                f"an entry is longer than {LONGEST_LINE} characters: a brace may be missing"
            )
            run, size = [], 0
    yield from _read_run(run, strings)


def _read_run(run: list[SourceLine], strings: list[str]) -> Iterator[Paper | Problem]:
    if not run:
        return
    library = _parse("\n".join([*strings, *(line.text for line in run)]))
    before = sum(text.count("\n") + 1 for text in strings)
    entries: dict[int, Block] = {
        b.start_line: b for b in (*library.entries, *library.failed_blocks)
    }
    for at, block in sorted(entries.items()):
        if at < before:
            continue
        number = min(at - before, len(run) - 1)
        yield _of_block(block, run[number], _warnings(run, number, block))
    strings += [string.raw for string in library.strings if string.start_line >= before]


def _warnings(run: list[SourceLine], at: int, block: Block) -> list[str]:
    height = (block.raw or "").count("\n") + 1
    return [warning for line in run[at : at + height] for warning in line.warnings]


def _parse(text: str) -> Any:
    import bibtexparser

    _quiet()
    return bibtexparser.parse_string(text)  # type: ignore[attr-defined]


@cache
def _quiet() -> None:
    # It logs what it could not read; here each such block is a line of papers.jsonl.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    logging.getLogger().getChild("bibtexparser").propagate = False


def _of_block(block: Block, line: SourceLine, warnings: list[str]) -> Paper | Problem:
    from bibtexparser import model

    if isinstance(block, model.DuplicateBlockKeyBlock):
        # Another paper may stand under the same key, so it is read; ids are made different later.
        block = block.ignore_error_block or block
        warnings.append(f"line {line.number}: an entry before it has the same key")
    if isinstance(block, model.DuplicateFieldKeyBlock):
        names = ", ".join(sorted(block.duplicate_keys))
        warnings.append(f"line {line.number}: more than one field `{names}`; the last counts")
        block = block.ignore_error_block or block
    if isinstance(block, model.Entry):
        return paper(_record(block, line, warnings))
    start = START.match(line.text)
    named = line.text[start.end() :].strip().rstrip(",") if start else ""
    what = f"entry {named}: " if named else ""
    return line.problem(f"{what}its braces or quotes do not balance; close them and run again")


def _record(entry: Entry, line: SourceLine, warnings: list[str]) -> Record:
    values = {field.key.lower(): _value(str(field.value)) for field in entry.fields}
    key = entry.key.strip() or None
    categories = values.get("primaryclass") or values.get("eprintclass")
    author = values.get("author") or values.get("editor")
    fields = {
        "id": key,
        "title": without_latex(values.get("title")),
        "abstract": values.get("abstract"),
        "authors": tuple(
            without_latex(" ".join(name.split()).strip("{}" if name[:1] == "{" else ""))
            for name in _AND.split(author)
        )
        if author
        else None,
        "categories": categories,
        "date": _date(values),
        "citation_key": key,
        "doi": values.get("doi"),
        "arxiv_id": _arxiv(values),
        "venue": without_latex(next((values[name] for name in _VENUES if values.get(name)), None)),
        "url": values.get("url"),
    }
    if fields["date"] is None:
        fields["year"] = values.get("year")
    extra = {name: values[name] for name in _KEPT if values.get(name)}
    label = f"entry {key}" if key else ""
    return Record(line.file, line.number, fields, extra, warnings, label, line.text)


def _value(text: str) -> str:
    """A value without the braces or quotes around all of it, which a repeated key leaves on."""
    text = text.strip()
    if len(text) > 1 and (text[0], text[-1]) in (("{", "}"), ('"', '"')):
        inner = text[1:-1]
        depths = itertools.accumulate({"{": 1, "}": -1}.get(c, 0) for c in inner)
        if min(depths, default=0) >= 0:
            return inner
    return text


def _date(values: dict[str, str]) -> str | None:
    if values.get("date"):
        return loose_date(values["date"])
    year = loose_date(values.get("year"))
    month = month_number(values.get("month", ""))
    if year is None or month is None or len(year) > 4:
        return year
    day = values.get("day", "")
    return date_of_parts([year, month, day]) or date_of_parts([year, month])


def _arxiv(values: dict[str, str]) -> str | None:
    named = (values.get("archiveprefix") or values.get("eprinttype") or "").lower()
    eprint = values.get("eprint", "")
    if named in ("arxiv", "") and identifiers.arxiv_id(eprint):
        return eprint
    for name in _SCHOLAR_ARXIV:
        found = identifiers.arxiv_within(values.get(name, ""))
        if found:
            return found.id if found.version is None else f"{found.id}v{found.version}"
    return None
