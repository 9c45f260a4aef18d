"""Turns one record that Python code holds, a mapping, into a paper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from claimgrid.sources.jsonl import read_jsonl
from claimgrid.sources.lines import Problem, SourceLine
from claimgrid.types.paper import Paper


def paper_of(record: Mapping[str, Any], *, where: str, number: int) -> Paper | Problem:
    """The paper of a record with `abstract`, and `title`, `id` and the like, as in JSON Lines.

    Args:
        where: what the record's place is called in messages.
        number: of the record, from 1.
    """
    line = SourceLine(where, number, json.dumps(dict(record), default=str))
    return next(read_jsonl([line]))
