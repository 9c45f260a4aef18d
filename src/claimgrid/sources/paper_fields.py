"""Makes a paper of the fields that a record has, or the problem why it is none.

Every reader of a format names its fields as `Paper` does and leaves the checks to `paper`: which
dates, DOIs and arXiv ids are usable, and which abstracts are none.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimgrid.sources import identifiers
from claimgrid.sources.lines import Problem
from claimgrid.types.paper import Origin, Paper, slug

LOST = "\ufffd"
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?(?:[T ].*)?")
_DATE_WITHOUT_YEAR = re.compile(r"--([0-9]{2})-([0-9]{2})")
_PLACEHOLDER = re.compile(
    r"\W*(?:n/?a|nan|none|null|nil|tba|tbd|todo|abstract|no abstract(?: is)?(?: available)?"
    r"|(?:abstract )?(?:not|un)[ -]?available|(?:abstract |paper )?(?:withdrawn|retracted))\W*",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"\W*(?:this|the) (?:paper|article|submission|manuscript|work|preprint|version)"
    r"(?: has been| is| was|'s been)(?: temporarily)? (?:withdrawn|retracted)",
    re.IGNORECASE,
)
_LONGEST_NOTICE = 600  # characters; a longer text that begins so has an abstract in it
_EXCERPT = 80


@dataclass(slots=True)
class Record:
    """What a source says of one paper, by the names of `Paper`'s fields, before it is checked.

    `label` names the record where its line does not tell it, such as `entry doe2024` or `row 7`.
    """

    file: str
    line: int
    fields: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    label: str = ""
    excerpt: str = ""
    columns: dict[str, str] = field(default_factory=dict)  # field: the source's own name for it

    @property
    def where(self) -> str:
        """How a warning names the record."""
        return self.label or f"line {self.line}"

    def problem(self, message: str) -> Problem:
        """The record as one that is no paper."""
        title = _text(self.fields.get("title")) or None
        label = f"{self.label}: " if self.label else ""
        excerpt = self.excerpt.strip()[:_EXCERPT]
        return Problem(self.file, self.line, f"{label}{message}", title, excerpt)


def paper(record: Record) -> Paper | Problem:
    """The paper of a record; a record without a usable abstract is a problem."""
    found = _converted(record)
    title = found.pop("title", "")
    fault = abstract_fault(record.fields.get("abstract"))
    if fault:
        return record.problem(f"{fault}; {_way_on(found)}")
    abstract: str = record.fields["abstract"]
    if not title:
        record.warnings.append(f"{record.where}: no title")
    if LOST in abstract:
        record.warnings.append(f"{record.where}: `abstract` has lost characters (U+FFFD)")
    return Paper(
        paper_id=found.pop("id", None) or slug(title or abstract[:200]),
        title=title,
        abstract=abstract.rstrip(),
        extra=record.extra,
        origin=Origin(file=record.file, line=record.line),
        warnings=tuple(record.warnings),
        **found,
    )


def abstract_fault(abstract: Any) -> str | None:
    """Why something is no abstract; None if it is one."""
    if not isinstance(abstract, str) or not abstract.strip():
        return "`abstract` is missing or is no text"
    if len(abstract) < _EXCERPT and _PLACEHOLDER.fullmatch(abstract):
        return f"`abstract` is only `{abstract.strip()}`"
    if len(abstract) < _LONGEST_NOTICE and _WITHDRAWN.match(abstract):
        return "`abstract` is a notice that the paper was withdrawn"
    return None


def _way_on(found: dict[str, Any]) -> str:
    """What a person can do for a paper without an abstract."""
    if "arxiv_id" in found:
        return f"add it, or read the paper as arxiv:{found['arxiv_id']}"
    if "doi" in found:
        return f"add it, or read the paper as doi:{found['doi']}"
    return "add it, or leave the record out"


def _converted(record: Record) -> dict[str, Any]:
    """The usable fields. What cannot be used is left out: with a warning where `Paper` always had
    the field, and kept as `extra` where other programs use its name for something else."""
    found: dict[str, Any] = {}
    for name, convert in _CONVERTERS.items():
        value = record.fields.get(name)
        if value is None or value == "":
            continue
        made = convert(value)
        if made is not None:
            found[name] = made
        elif name in _LOOSE:
            record.extra.setdefault(record.columns.get(name, name), value)
        else:
            record.warnings.append(f"{record.where}: `{name}` cannot be used; left out")
    _complete_ids(found, record.fields)
    _complete_date(found)
    return found


def _complete_ids(found: dict[str, Any], fields: dict[str, Any]) -> None:
    arxiv = identifiers.arxiv_id(found.pop("arxiv_id", "") or "")
    for name in ("doi", "url", "venue"):
        if arxiv is None and found.get(name):
            arxiv = identifiers.arxiv_within(found[name])
    if arxiv is None and "id" in found:
        arxiv = identifiers.arxiv_id(found["id"])
    if arxiv is None:
        return
    found["arxiv_id"] = arxiv.id
    version = fields.get("arxiv_version") or arxiv.version
    if version:
        found["arxiv_version"] = int(version)


def _complete_date(found: dict[str, Any]) -> None:
    year, date = found.get("year"), found.get("date")
    if year and not date:
        found["date"] = f"{year:04}"
    elif year and date and date.startswith("--"):
        found["date"] = iso_date(f"{year:04}{date[1:]}") or f"{year:04}"


def iso_date(value: Any) -> str | None:
    """An ISO 8601 date as `Paper.date` holds it; a time of day is dropped."""
    if isinstance(value, datetime.date):  # a datetime too
        return value.isoformat()[:10]
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str):
        return None
    text = text.strip()
    if match := _DATE_WITHOUT_YEAR.fullmatch(text):
        parts = ("2000", *match.groups())  # a leap year, so that --02-29 is a date
    elif match := _DATE.fullmatch(text):
        parts = match.groups("01")
        text = "-".join(part for part in match.groups() if part)
    else:
        return None
    try:
        datetime.date(*map(int, parts))
    except ValueError:
        return None
    return text


def date_of_parts(parts: Sequence[Any]) -> str | None:
    """A date of year, month and day, as precise as they go; strings of digits count as numbers.

    >>> date_of_parts([2024, "5"])
    '2024-05'
    """
    numbers = []
    for part, width in zip(parts, (4, 2, 2), strict=False):
        if not str(part).isdecimal() or not int(part):
            break
        numbers.append(f"{int(part):0{width}}")
    return iso_date("-".join(numbers))


def people(names: Iterable[Any]) -> tuple[str, ...]:
    """The names of people that a source gives as objects of whatever kind, or as strings."""
    found = []
    for person in names:
        if isinstance(person, str):
            found.append(_text(person) or "")
        elif isinstance(person, dict):
            found.append(_person(person))
    return tuple(name for name in found if name)


def _person(person: dict[str, Any]) -> str:
    for key in ("name", "display_name", "literal", "fullName", "raw_author_name"):
        if isinstance(person.get(key), str):
            return _text(person[key]) or ""
    given = person.get("given") or person.get("firstName") or person.get("first")
    family = person.get("family") or person.get("lastName") or person.get("last")
    particle = person.get("non-dropping-particle")
    parts = (given, particle, family, person.get("suffix"))
    return " ".join(" ".join(part.split()) for part in parts if isinstance(part, str) and part)


def _text(value: Any) -> str | None:
    return " ".join(value.split()) if isinstance(value, str) else None


def _id(value: Any) -> str | None:
    """A string or a whole number. A float is none: `2512.00880` has lost its last digit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _year(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = re.fullmatch(r"\s*([12][0-9]{3})\s*", str(value))
    return int(match[1]) if match and not isinstance(value, bool) else None


def _doi(value: Any) -> str | None:
    return identifiers.doi(value) if isinstance(value, str) else None


def _url(value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text if re.match(r"https?://\S+$", text) else None


def _list(split: Callable[[str], Iterable[str]]) -> Callable[[Any], tuple[str, ...] | None]:
    """A converter for a list of strings, or for one string that `split` takes apart."""

    def convert(value: Any) -> tuple[str, ...] | None:
        parts = split(" ".join(value.split())) if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            return None
        return tuple(name for part in parts if (name := part.strip()))

    return convert


def _authors(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, list) and value and all(isinstance(person, dict) for person in value):
        return people(value) or None
    return _list(_people)(value)


def _people(text: str) -> list[str]:
    """`A; B`, `A, B and C`, or, as in BibTeX, `Doe, A and Roe, B`. A lone `Doe, A` reads as two."""
    if ";" in text:
        return text.split(";")
    found = text.split(" and ")
    if len(found) > 1 and all(person.count(",") == 1 for person in found):
        return found
    return re.split(r",? and |,", text)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "title": _text,
    "date": iso_date,
    "authors": _authors,
    "organizations": _list(lambda text: text.split(";")),  # `University of X, Y` is one
    "categories": _list(lambda text: re.split(r"[ ,;]+", text)),
    "citation_key": _text,
    "doi": _doi,
    "arxiv_id": _id,
    "venue": _text,
    "year": _year,
    "url": _url,
}
_LOOSE = frozenset({"citation_key", "doi", "arxiv_id", "venue", "year", "url"})
