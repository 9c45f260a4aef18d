"""JSON Lines ─► papers, one a line. Knows the keys of a paper; keeps all others in `extra`.

Keys: `abstract` (a string, needed), `title`, `id`, `date` (ISO 8601), and `authors`,
`organizations`, `categories`, each a list of strings or a string. A value that cannot be used is
left out with a warning; a line without a usable abstract is a problem.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonlines

from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.types.paper import Origin, Paper, slug

_DEEPEST = 64  # levels of nesting; far beyond real records, far below what exhausts a stack
_LOST = "\ufffd"
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")  # JSON can escape these, UTF-8 files cannot hold them
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?(?:[T ].*)?")
_DATE_WITHOUT_YEAR = re.compile(r"--([0-9]{2})-([0-9]{2})")


def read_jsonl(lines: Iterable[SourceLine]) -> Iterator[Paper | Problem]:
    """The paper on each line that is not blank; bad lines are problems."""
    for line in lines:
        if line.is_blank:
            continue
        if line.cut:
            yield line.problem(f"the line is longer than {LONGEST_LINE} bytes")
            continue
        try:
            record = jsonlines.Reader([line.text], loads=_loads).read(type=dict)
        except jsonlines.InvalidLineError as error:
            reason = error.__cause__
            yield line.problem(f"no JSON: {reason}" if reason else "no JSON object")
        else:
            yield _paper(record, line)


def _loads(text: str | bytes) -> Any:
    try:
        return _portable(json.loads(text))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _portable(value: Any, depth: int = 0) -> Any:
    """`value` with U+FFFD and null for what cannot be written as JSON in UTF-8 again."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        return _NOT_TEXT.sub(_LOST, value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_portable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_portable(key): _portable(item, depth + 1) for key, item in value.items()}
    return value


def _paper(record: dict[str, Any], line: SourceLine) -> Paper | Problem:
    found: dict[str, Any] = {}
    warnings = list(line.warnings)
    for key, convert in _CONVERTERS.items():
        value = record.get(key)
        if value is None:
            continue
        found[key] = convert(value)
        if found[key] is None:
            warnings.append(f"line {line.number}: `{key}` cannot be used; left out")
            del found[key]
    title = found.pop("title", "")
    abstract = record.get("abstract")
    if not isinstance(abstract, str) or not abstract.strip():
        return line.problem("`abstract` is missing or is no text", title=title or None)
    if not title:
        warnings.append(f"line {line.number}: no title")
    if _LOST in abstract:
        warnings.append(f"line {line.number}: `abstract` has lost characters (U+FFFD)")
    return Paper(
        paper_id=found.pop("id", None) or slug(title or abstract[:200]),
        title=title,
        abstract=abstract.rstrip(),
        extra={key: value for key, value in record.items() if key not in _KEYS},
        origin=Origin(file=line.file, line=line.number),
        warnings=tuple(warnings),
        **found,
    )


def _text(value: Any) -> str | None:
    return " ".join(value.split()) if isinstance(value, str) else None


def _id(value: Any) -> str | None:
    """A string or a whole number. A float is none: `2512.00880` has lost its last digit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _date(value: Any) -> str | None:
    """An ISO 8601 date as `Paper.date` holds it; a time of day is dropped."""
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str):
        return None
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


def _list(split: Callable[[str], Iterable[str]]) -> Callable[[Any], tuple[str, ...] | None]:
    """A converter for a list of strings, or for one string that `split` takes apart."""

    def convert(value: Any) -> tuple[str, ...] | None:
        parts = split(" ".join(value.split())) if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            return None
        return tuple(name for part in parts if (name := part.strip()))

    return convert


def _people(text: str) -> list[str]:
    """`A; B`, `A, B and C`, or, as in BibTeX, `Doe, A and Roe, B`. A lone `Doe, A` reads as two."""
    if ";" in text:
        return text.split(";")
    people = text.split(" and ")
    if len(people) > 1 and all(person.count(",") == 1 for person in people):
        return people
    return re.split(r",? and |,", text)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "title": _text,
    "date": _date,
    "authors": _list(_people),
    "organizations": _list(lambda text: text.split(";")),  # `University of X, Y` is one
    "categories": _list(lambda text: re.split(r"[ ,;]+", text)),
}
_KEYS = frozenset(_CONVERTERS) | {"abstract"}
