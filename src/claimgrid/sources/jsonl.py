"""Reads JSON Lines: a paper a line, in the words of whichever service made it.

A value that cannot be used is left out with a warning; a line without a usable abstract is a
problem. Keys that no field of a paper has are kept in `extra`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import jsonlines

from claimgrid.sources.guessed_columns import NamedColumns
from claimgrid.sources.lines import LONGEST_LINE, Problem, SourceLine
from claimgrid.sources.paper_fields import LOST, paper
from claimgrid.sources.record_shapes import read_record
from claimgrid.types.paper import Paper

_DEEPEST = 64  # levels of nesting; far beyond real records, far below what exhausts a stack
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")  # JSON can escape these, UTF-8 files cannot hold them


def read_jsonl(
    lines: Iterable[SourceLine], told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper on each line that is not blank; bad lines are problems."""
    told = told or NamedColumns()
    for line in lines:
        if line.is_blank:
            continue
        if line.cut:
            yield line.problem(
                f"the line is longer than {LONGEST_LINE} bytes; leave it out, or shorten it"
            )
            continue
        try:
            record = jsonlines.Reader([line.text], loads=loads).read(type=dict)
        except jsonlines.InvalidLineError as error:
            reason = error.__cause__
            yield line.problem(f"no JSON: {reason}" if reason else "no JSON object")
        else:
            yield json_paper(record, told, line)


def json_paper(record: dict[str, Any], told: NamedColumns, line: SourceLine) -> Paper | Problem:
    """The paper of one JSON object that stands at a line."""
    found = read_record(record, told, line.file, line.number)
    found.warnings[:0] = line.warnings
    found.excerpt = line.text
    return paper(found)


def loads(text: str | bytes) -> Any:
    """A JSON value whose strings can be written as UTF-8 again.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return portable(json.loads(text))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def portable(value: Any, depth: int = 0) -> Any:
    """The value with U+FFFD and null for what cannot be written as JSON in UTF-8 again."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        return _NOT_TEXT.sub(LOST, value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [portable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {portable(key): portable(item, depth + 1) for key, item in value.items()}
    return value
