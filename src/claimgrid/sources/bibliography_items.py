"""Reads the items of bibliographies in JSON: Zotero and Better BibTeX, CSL-JSON and Crossref."""

from __future__ import annotations

import re
from typing import Any

from claimgrid.sources import jats
from claimgrid.sources.dates import loose_date
from claimgrid.sources.paper_fields import Record, date_of_parts, people

_KEY_LINE = re.compile(r"^\s*(?:citation key|bibtex)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ARXIV_LINE = re.compile(r"^\s*arxiv\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ISSUED = ("issued", "published", "published-online", "published-print", "posted", "created")


def zotero(item: dict[str, Any], file: str, line: int) -> Record:
    """An item as Zotero's API and Better BibTeX's JSON export have it."""
    note = str(item.get("extra") or "")
    key = item.get("citationKey") or item.get("citekey") or citation_key_in(note)
    archive = str(item.get("archiveID") or item.get("number") or "")
    creators = item.get("creators")
    fields = {
        "id": key or item.get("key") or item.get("itemKey") or item.get("itemID"),
        "title": item.get("title"),
        "abstract": item.get("abstractNote"),
        "authors": people(
            person
            for person in (creators if isinstance(creators, list) else [])
            if isinstance(person, dict) and person.get("creatorType", "author") == "author"
        ),
        "date": loose_date(item.get("date")),
        "citation_key": key,
        "doi": item.get("DOI"),
        "arxiv_id": archive if archive.lower().startswith("arxiv") else arxiv_id_in(note),
        "venue": next((item[name] for name in _ZOTERO_VENUES if item.get(name)), None),
        "url": item.get("url"),
    }
    return Record(file, line, fields)


_ZOTERO_VENUES = (
    "publicationTitle", "proceedingsTitle", "conferenceName", "bookTitle", "repository", "university",
)  # fmt: skip


def citation_key_in(note: str) -> str | None:
    """The citation key in the `extra` field of Zotero, where Better BibTeX pins it."""
    match = _KEY_LINE.search(note)
    return match[1] if match else None


def arxiv_id_in(note: str) -> str | None:
    """The arXiv id in the `extra` field of Zotero."""
    match = _ARXIV_LINE.search(note)
    return match[1] if match else None


def csl(item: dict[str, Any], file: str, line: int) -> Record:
    """An item of CSL-JSON or a work of Crossref, whose abstract may be in JATS markup."""
    doi = item.get("DOI")
    key = item.get("citation-key")
    own = item.get("id")
    if key is None and isinstance(own, str) and re.fullmatch(r"[^\s/:]+", own):
        key = own
    abstract = item.get("abstract")
    if isinstance(abstract, str) and jats.is_markup(abstract):
        abstract = jats.text_of(abstract)
    authors = item.get("author")
    fields = {
        "id": key or own or doi,
        "title": jats.plain_title(_first(item.get("title"))),
        "abstract": abstract,
        "authors": people(authors if isinstance(authors, list) else []),
        "date": _issued(item),
        "citation_key": key,
        "doi": doi,
        "arxiv_id": item.get("number") if _is_arxiv(item) else None,
        "venue": _first(item.get("container-title")) or _first(item.get("event-title")),
        "url": item.get("URL") or item.get("url"),
    }
    return Record(file, line, fields)


def _is_arxiv(item: dict[str, Any]) -> bool:
    number = item.get("number")
    return isinstance(number, str) and number.lower().startswith("arxiv")


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _issued(item: dict[str, Any]) -> str | None:
    for name in _ISSUED:
        date = item.get(name)
        if not isinstance(date, dict):
            continue
        parts = date.get("date-parts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list):
            found = date_of_parts(parts[0])
        else:
            found = loose_date(date.get("raw") or date.get("literal"))
        if found:
            return found
    return None
