"""One Markdown note a paper is written, with front matter for Obsidian and Zotero.

What a reader writes below the last line of a note stays there when the note is written again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from claimgrid.errors import StoreError
from claimgrid.tables import views
from claimgrid.tables.bibliography import keys_of
from claimgrid.tables.cells import words
from claimgrid.tables.comparability import paper
from claimgrid.tables.markup import markdown_text
from claimgrid.text.counted import counted
from claimgrid.text.readable import readable

_END = "%% end of what claimgrid wrote; your own notes go below %%"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST_NAME = 100  # characters; file systems take 255 bytes
_Row = Mapping[str, Any]


def write_notes(outs: Sequence[str], folder: Path, min_confidence: float | None = None) -> str:
    """Write or renew the notes of all papers of the runs.

    Args:
        min_confidence: leave out claims of a lower confidence, and those without any.

    Returns:
        How many notes were written, and where.

    Raises:
        StoreError: a note cannot be written, or a file in its place is not one of these notes.
    """
    database = views.connect(outs)
    papers = list(database.query("from papers").dicts())
    claims: dict[tuple[Any, Any], list[_Row]] = {}
    own = "from claims where stance = 'own' and ($least is null or confidence >= $least)"
    for row in database.query(own, {"least": min_confidence}).dicts():
        claims.setdefault(paper(row), []).append(row)
    keys = keys_of(papers)
    files = {which: folder / f"{_file_name(key)}.md" for which, key in keys.items()}
    kept = {path: _kept(path) for path in files.values()}  # before anything is written
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for row in papers:
            path = files[paper(row)]
            note = _note(row, claims.get(paper(row), []), keys[paper(row)], database.about)
            part = path.with_name(f"{path.name}.part")
            part.write_text(note + kept[path], encoding="utf-8")
            part.replace(path)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error}") from error
    return f"{counted(len(files), 'note')} in {folder}"


def _file_name(key: str) -> str:
    return _NOT_IN_NAMES.sub("-", key).strip(".-")[:_LONGEST_NAME] or "paper"


def _kept(path: Path) -> str:
    """What a reader wrote below the note."""
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "\n"
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    _, found, after = before.partition(_END)
    if not found:
        raise StoreError(f"{path}: is no note of claimgrid; move it, or name another folder")
    return after


def _note(row: _Row, claims: Sequence[_Row], key: str, about: Sequence[str]) -> str:
    title = readable(row["title"] or row["paper_id"])
    lines = ["---", *_front_matter(row, claims, key, title), "---", f"# {markdown_text(title)}", ""]
    byline = ", ".join(row["authors"] or ())
    lines += [markdown_text(" · ".join(filter(None, (byline, row["venue"], row["dated"])))), ""]
    lines += [
        "## Abstract",
        "",
        markdown_text(readable(row["abstract"] or "")),
        "",
        "## Claims",
        "",
    ]
    lines += _claims(claims) or ["No claims were found."]
    lines += ["", *(f"*{markdown_text(sentence)}*" for sentence in about), "", _END]
    return "\n".join(lines)


def _front_matter(row: _Row, claims: Sequence[_Row], key: str, title: str) -> Iterable[str]:
    """YAML, each value as JSON, which YAML reads as it is."""
    fields = {
        "title": title,
        "citekey": key,
        "authors": row["authors"],
        "year": row["year"],
        "date": row["date"],
        "venue": row["venue"],
        "doi": row["doi"],
        "arxiv": row["arxiv_id"],
        "url": row["url"],
        "paper_id": row["paper_id"],
        "benchmarks": _distinct(claims, "benchmark"),
        "models": _distinct(claims, "model"),
        "hardware": _distinct(claims, "device"),
        "claims": len(claims),
        "extracted_by": row["extracted_by"],
        "extracted_on": row["extracted_on"],
        "tags": ["claimgrid"],
    }
    for name, value in fields.items():
        if value not in (None, "", []):
            yield f"{name}: {json.dumps(value, ensure_ascii=False)}"


def _distinct(claims: Sequence[_Row], name: str) -> list[str]:
    return list(dict.fromkeys(words(row, name) for row in claims if row[name]))


def _claims(claims: Sequence[_Row]) -> list[str]:
    if not claims:
        return []
    lines = ["| system | value | of what | on | words |", "| --- | ---: | --- | --- | --- |"]
    for row in claims:
        cells = [row["subject"] or "", row["shown"] or "", words(row, "what"), words(row, "on")]
        quoted = f"“{row['quote']}”"
        made = (markdown_text(readable(cell)) for cell in (*cells, quoted))
        lines.append(f"| {' | '.join(made)} |")
    return lines
