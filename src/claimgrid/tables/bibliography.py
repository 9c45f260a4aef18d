"""The papers of a table get citation keys and BibTeX entries, for LaTeX documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from claimgrid.tables.comparability import paper
from claimgrid.tables.latex_letters import preamble
from claimgrid.tables.latex_output import escape
from claimgrid.tables.views import Database

_Row = Mapping[str, Any]
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9:_.+/-]+")


def keys_of(rows: Iterable[_Row]) -> dict[tuple[Any, Any], str]:
    """A citation key for each paper: that of its bibliography entry, else one made of its id.

    Two papers never share a key: the second gets a letter.
    """
    keys: dict[tuple[Any, Any], str] = {}
    taken: set[str] = set()
    for row in rows:
        if paper(row) in keys:
            continue
        made = _NOT_IN_KEYS.sub("-", row.get("citation_key") or row["paper_id"]).strip("-")
        made, count = made or "paper", 0
        key = made
        while key in taken:
            count += 1
            key = f"{made}{chr(ord('a') + count % 26)}{count // 26 or ''}"
        taken.add(key)
        keys[paper(row)] = key
    return keys


def bibtex(database: Database, rows: Iterable[_Row]) -> str:
    """BibTeX entries of the papers that these rows are from, in the order of the rows."""
    keys = keys_of(rows)
    papers = {paper(row): row for row in database.query("from papers").dicts()}
    made = "\n".join(_entry(key, papers.get(which, {}), which) for which, key in keys.items())
    return preamble(made) + made


def _entry(key: str, row: _Row, which: tuple[Any, Any]) -> str:
    # A venue may be a journal or a conference, so only `@misc` is sure to be right.
    fields = {
        "title": _braced(row.get("title") or which[1] or which[0]),
        "author": " and ".join(escape(name, braces=True) for name in row.get("authors") or ()),
        "year": str(row["year"]) if row.get("year") else "",
        "howpublished": escape(row.get("venue") or "", braces=True),
        "doi": row.get("doi") or "",
        "eprint": row.get("arxiv_id") or "",
        "archiveprefix": "arXiv" if row.get("arxiv_id") else "",
        "url": row.get("url") or "",
    }
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@misc{{{key},", *lines, "}", ""])


def _braced(title: str) -> str:
    """A title whose capitals BibTeX keeps."""
    return f"{{{escape(title, braces=True)}}}"
