"""Recognises the records that well-known services give as JSON, and reads their fields.

The arXiv metadata snapshot, OpenAlex works, Semantic Scholar papers and Hugging Face daily papers
are known by their keys; `bibliography_items` reads Zotero's, CSL's and Crossref's. Any other object
is read by `guessed_columns`.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from claimgrid.sources import bibliography_items, identifiers
from claimgrid.sources.guessed_columns import NamedColumns, record_of
from claimgrid.sources.latex_names import without_latex
from claimgrid.sources.paper_fields import Record, people

_Reader = Callable[[dict[str, Any], str, int], Record]
GENERIC = "JSON records"


def read_record(value: dict[str, Any], told: NamedColumns, file: str, line: int) -> Record:
    """The fields of one JSON object, whichever service made it."""
    value = _unwrapped(value)
    if told == NamedColumns():
        reader = _READERS.get(shape_of(value))
        if reader is not None:
            return reader(value, file, line)
    return record_of(value, told, file, line)


def shape_of(value: dict[str, Any]) -> str:
    """The name of the service or format whose record this is, as a person reads it."""
    value = _unwrapped(value)
    if isinstance(value.get("title"), list) and "DOI" in value:
        return "Crossref"
    return _shape(tuple(value))


@lru_cache(maxsize=1024)
def _shape(names: tuple[str, ...]) -> str:
    keys = set(names)
    known = (
        ("OpenAlex", "abstract_inverted_index" in keys or {"authorships", "ids"} <= keys),
        ("Semantic Scholar", bool(keys & {"paperId", "externalIds", "externalids"})),
        ("Semantic Scholar", {"corpusid", "abstract"} <= keys),
        ("Hugging Face papers", {"summary", "publishedAt", "id"} <= keys),
        ("arXiv snapshot", {"update_date", "categories"} <= keys or "authors_parsed" in keys),
        ("Zotero items", "itemType" in keys),
        ("CSL-JSON", bool(keys & {"issued", "container-title", "citation-key"})),
    )
    return next((name for name, fits in known if fits), GENERIC)


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """The record within an envelope: Hugging Face's `paper`, Zotero's `data`."""
    inner = value.get("paper")
    if isinstance(inner, dict) and "summary" in inner:
        return {"publishedAt": value.get("publishedAt"), "title": value.get("title")} | inner
    inner = value.get("data")
    if isinstance(inner, dict) and "itemType" in inner:
        return inner
    return value


def _arxiv(value: dict[str, Any], file: str, line: int) -> Record:
    versions = value.get("versions")
    versions = [v for v in versions if isinstance(v, dict)] if isinstance(versions, list) else []
    first = _rfc_date(versions[0].get("created")) if versions else None
    newest = str(versions[-1].get("version", "")) if versions else ""
    authors = value.get("authors")
    fields = {
        "id": value.get("id"),
        "title": without_latex(value.get("title")),
        "abstract": value.get("abstract"),
        "authors": without_latex(authors),
        "categories": value.get("categories"),
        "date": first or value.get("update_date"),
        "arxiv_id": value.get("id"),
        "arxiv_version": int(newest[1:]) if re.fullmatch(r"v[1-9][0-9]{0,3}", newest) else None,
        "doi": _first_word(value.get("doi")),
        "venue": value.get("journal-ref"),
    }
    kept = ("update_date", "comments", "license", "report-no")
    return Record(file, line, fields, {key: value[key] for key in kept if value.get(key)})


def _rfc_date(text: Any) -> str | None:
    try:
        return email.utils.parsedate_to_datetime(text).date().isoformat()
    except (TypeError, ValueError, IndexError):
        return None


def _first_word(text: Any) -> str | None:
    return text.split()[0] if isinstance(text, str) and text.strip() else None


def _openalex(value: dict[str, Any], file: str, line: int) -> Record:
    ids = _object(value.get("ids"))
    authorships = [_object(one) for one in _items(value.get("authorships"))]
    place = _object(value.get("primary_location"))
    locations = [place, *map(_object, _items(value.get("locations")))]
    pages = [str(one.get("landing_page_url") or "") for one in locations]
    doi = value.get("doi") or ids.get("doi")
    arxiv = next(filter(None, map(identifiers.arxiv_within, [*pages, str(doi or "")])), None)
    abstract = value.get("abstract")
    fields = {
        "id": str(value.get("id") or ids.get("openalex") or "").rpartition("/")[2] or None,
        "title": value.get("title") or value.get("display_name"),
        "abstract": inverted(value.get("abstract_inverted_index")) or abstract,
        "authors": people(_object(one.get("author")) for one in authorships),
        "organizations": tuple(
            dict.fromkeys(people(i for a in authorships for i in _items(a.get("institutions"))))
        ),
        "date": value.get("publication_date"),
        "year": value.get("publication_year"),
        "doi": doi,
        "arxiv_id": arxiv.id if arxiv else None,
        "arxiv_version": arxiv.version if arxiv else None,
        "venue": _object(place.get("source")).get("display_name"),
        "url": pages[0] or None,
    }
    kept = ("language", "type", "cited_by_count", "is_retracted")
    return Record(file, line, fields, {key: value[key] for key in kept if value.get(key)})


def inverted(index: Any) -> str | None:
    """The text of an inverted index: each word with its places. Words may also come as JSON.

    >>> inverted({"is": [1], "Kite": [0], "fast": [2]})
    'Kite is fast'
    """
    if isinstance(index, str):
        try:
            index = json.loads(index)
        except ValueError:
            return None
    if not isinstance(index, dict):
        return None
    if isinstance(index.get("InvertedIndex"), dict):
        index = index["InvertedIndex"]
    words = [
        (place, str(word))
        for word, places in index.items()
        if isinstance(places, list)
        for place in places
        if isinstance(place, int)
    ]
    return " ".join(word for _, word in sorted(words)) or None


def _semantic_scholar(value: dict[str, Any], file: str, line: int) -> Record:
    ids = _object(value.get("externalIds") or value.get("externalids"))
    journal = _object(value.get("journal")).get("name")
    info = _object(_object(value.get("openaccessinfo")).get("externalids"))
    corpus = value.get("corpusid") or ids.get("CorpusId")
    fields = {
        "id": value.get("paperId") or (f"CorpusId:{corpus}" if corpus else None),
        "title": value.get("title"),
        "abstract": value.get("abstract"),
        "authors": people(_items(value.get("authors"))),
        "date": value.get("publicationDate") or value.get("publicationdate"),
        "year": value.get("year"),
        "doi": ids.get("DOI") or info.get("DOI"),
        "arxiv_id": ids.get("ArXiv") or info.get("ArXiv"),
        "venue": value.get("venue") or journal,
        "url": value.get("url"),
    }
    kept = ("corpusId", "corpusid", "citationCount", "citationcount", "fieldsOfStudy")
    return Record(file, line, fields, {key: value[key] for key in kept if value.get(key)})


def _hugging_face(value: dict[str, Any], file: str, line: int) -> Record:
    fields = {
        "id": value.get("id"),
        "title": value.get("title"),
        "abstract": value.get("summary"),
        "authors": people(_items(value.get("authors"))),
        "date": value.get("publishedAt"),
        "arxiv_id": value.get("id"),
    }
    kept = ("upvotes", "githubRepo", "projectPage")
    return Record(file, line, fields, {key: value[key] for key in kept if value.get(key)})


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_READERS: dict[str, _Reader] = {
    "arXiv snapshot": _arxiv,
    "OpenAlex": _openalex,
    "Semantic Scholar": _semantic_scholar,
    "Hugging Face papers": _hugging_face,
    "Zotero items": bibliography_items.zotero,
    "CSL-JSON": bibliography_items.csl,
    "Crossref": bibliography_items.csl,
}
