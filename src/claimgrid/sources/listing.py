"""Reads a listing: blocks of a header, a glued title line and an abstract.

    CLApr 10, 2025                              category glued to a date; the year may be missing,
    A Title Glued to ItsJane Doe, Li Wei et al. `Code` may be glued behind
    The abstract, on one line.

Only a header starts a block, so a line that is missing or too much costs its own block alone.
The category is kept as the listing has it (`CL`, not `cs.CL`: the archive is not said).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from claimgrid.sources.byline import split_byline
from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.types.paper import Origin, Paper, slug

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADER = re.compile(
    rf"(?P<category>[A-Za-z][A-Za-z.-]{{1,30}}?)(?P<month>{'|'.join(_MONTHS)})"
    r" (?P<day>[0-9]{1,2})(?:, (?P<year>[0-9]{4}))?(?P<code>Code)?"
)
_LEAP_YEAR = 2000  # stands in for a missing year, so that Feb 29 is a date


@dataclass(frozen=True, slots=True)
class ListingHeader:
    """The first line of a block; `date` is None where the day does not exist (`Feb 30`)."""

    category: str
    date: str | None
    code: bool


def parse_header(text: str) -> ListingHeader | None:
    """Read a block's first line; None if the line is none.

    >>> parse_header("LGOct 28, 2024Code")
    Header(category='LG', date='2024-10-28', code=True)
    """
    match = _HEADER.fullmatch(text.strip())
    if match is None:
        return None
    year, month = match["year"], _MONTHS.index(match["month"]) + 1
    try:
        date = datetime.date(int(year or _LEAP_YEAR), month, int(match["day"])).isoformat()
    except ValueError:
        return ListingHeader(match["category"], None, bool(match["code"]))
    return ListingHeader(match["category"], date if year else f"-{date[4:]}", bool(match["code"]))


def read_listing(lines: Iterable[SourceLine]) -> Iterator[Paper | Problem]:
    """The paper of every whole block, and a problem for every cut block or run of stray lines."""
    header: ListingHeader | None = None
    block: list[
        SourceLine
    ] = []  # of a header: it and what follows; of stray lines: the first and last
    for line in lines:
        if line.is_blank:
            continue
        found = parse_header(line.text)
        if found is not None:
            yield from _problem(header, block)
            header, block = found, [line]
        elif header is None:
            block = [*block[:1], line]
        elif len(block) == 1:
            block.append(line)
        else:
            yield _paper(header, [*block, line])
            header, block = None, []
    yield from _problem(header, block)


def _problem(header: ListingHeader | None, block: list[SourceLine]) -> Iterator[Problem]:
    if not block:
        return
    first, last = block[0], block[-1]
    if header is None:
        lines = f"lines {first.number} to {last.number}" if first is not last else "the line"
        yield first.problem(f"no header such as `CLApr 10, 2025` stands before {lines}")
    elif first is last:
        yield first.problem("the block has no title and no abstract")
    else:
        byline = split_byline(last.text.strip(), "")
        title = None if byline.doubt else byline.title
        yield last.problem("the block lacks its title or its abstract", title=title)


def _paper(header: ListingHeader, block: list[SourceLine]) -> Paper | Problem:
    first, second, third = block
    if second.cut or third.cut:
        return first.problem(f"a line of the block is longer than {LONGEST_LINE} bytes")
    abstract = third.text.rstrip()
    byline = split_byline(second.text.strip(), abstract)
    warnings = [warning for line in block for warning in line.warnings]
    if byline.doubt:
        warnings.append(f"line {second.number}: authors left in the title: {byline.doubt}")
    if header.date is None:
        warnings.append(f"line {first.number}: no such date; left out")
    extra: dict[str, Any] = {"code": True} if header.code else {}
    return Paper(
        paper_id=slug(byline.title),
        title=byline.title,
        abstract=abstract,
        authors=byline.authors,
        organizations=byline.organizations,
        categories=(header.category,),
        date=header.date,
        extra=extra,
        origin=Origin(file=first.file, line=first.number),
        warnings=tuple(warnings),
    )
