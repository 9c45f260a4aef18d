"""Reads papers in XML: PubMed's and JATS articles, and the Atom feeds of arXiv's API.

An article is read when its element ends and is then forgotten, so memory does not grow with the
file. No entity is resolved and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from claimgrid.errors import SourceError
from claimgrid.sources import identifiers, jats
from claimgrid.sources.dates import loose_date, month_number
from claimgrid.sources.lines import ByteStream, Problem, printable, unreadable
from claimgrid.sources.paper_fields import Record, date_of_parts, paper
from claimgrid.types.paper import Paper

_ROOTS = re.compile(
    rb"<(?:[\w-]+:)?(PubmedArticleSet|PubmedArticle|pmc-articleset|articles|article|feed|OAI-PMH)\b"
)
_TAGS = ("PubmedArticle", "{*}article", "{*}entry")
_OTHER_ABSTRACTS = ("graphical", "teaser", "toc", "key-points", "plain-language-summary", "video")


def begins_xml(head: bytes) -> bool:
    """Whether these bytes begin an XML document of papers."""
    return bool(_ROOTS.search(head[:4096]))


def read_xml(name: str, stream: ByteStream) -> Iterator[Paper | Problem]:
    """The paper of each article or entry.

    Raises:
        SourceError: the document breaks off, or is no XML; at the line where it happens.
    """
    from lxml import etree

    file = printable(name)
    try:
        context = etree.iterparse(
            stream, events=("end",), tag=_TAGS, resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False,
        )  # fmt: skip
        for _, element in context:
            if element.getparent() is not None and _name(element.getparent()) in (
                "related-object",
            ):
                continue
            record = _RECORDS[_name(element)](element, file)
            if record is not None:
                yield paper(record)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        line = error.lineno or None
        raise SourceError(f"the XML breaks off: {error.msg}", path=file, line=line) from error
    except (OSError, EOFError) as error:
        raise unreadable(error, name) from error


def _pubmed(article: Any, file: str) -> Record | None:
    citation = article.find("MedlineCitation")
    body = citation.find("Article") if citation is not None else None
    if body is None:
        return None
    ids = {
        one.get("IdType"): (one.text or "").strip()
        for one in article.iterfind("PubmedData/ArticleIdList/ArticleId")
    }
    doi = ids.get("doi") or next(
        (one.text for one in body.iterfind("ELocationID") if one.get("EIdType") == "doi"), None
    )
    pmid = citation.findtext("PMID") or ids.get("pubmed")
    fields = {
        "id": pmid,
        "title": _text(body.find("ArticleTitle")),
        "abstract": _sections(body.find("Abstract")),
        "authors": _pubmed_authors(body),
        "date": _pubmed_date(body),
        "doi": doi,
        "venue": body.findtext("Journal/Title"),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
    }
    extra = {"pmid": pmid} if pmid else {}
    return Record(file, article.sourceline or 1, fields, extra, label=f"PMID {pmid}")


def _sections(abstract: Any) -> str | None:
    """The sections of an abstract in their order, each with its label: `METHODS: …`."""
    if abstract is None:
        return None
    lines = []
    for part in abstract.iterfind("AbstractText"):
        text = _text(part)
        label = part.get("Label")
        if text:
            lines.append(f"{label}: {text}" if label else text)
    return "\n".join(lines) or None


def _pubmed_authors(body: Any) -> tuple[str, ...]:
    found = []
    for author in body.iterfind("AuthorList/Author"):
        name = author.findtext("CollectiveName") or " ".join(
            part for part in (author.findtext("ForeName"), author.findtext("LastName")) if part
        )
        found.append(name)
    return tuple(name for name in found if name)


def _pubmed_date(body: Any) -> str | None:
    for path in ("ArticleDate", "Journal/JournalIssue/PubDate"):
        date = body.find(path)
        if date is None:
            continue
        year, month = date.findtext("Year"), date.findtext("Month") or ""
        parts = [year, month_number(month), date.findtext("Day")]
        found = date_of_parts(parts) if year else loose_date(date.findtext("MedlineDate"))
        if found:
            return found
    return None


def _jats(article: Any, file: str) -> Record | None:
    meta = article.find("{*}front/{*}article-meta")
    if meta is None:
        meta = article.find("{*}front-stub")
    if meta is None:
        return None
    ids = {one.get("pub-id-type"): _text(one) for one in meta.iterfind("{*}article-id")}
    doi = ids.get("doi")
    own = doi or ids.get("pmcid") or ids.get("pmc") or ids.get("pmid")
    fields = {
        "id": own,
        "title": _text(meta.find("{*}title-group/{*}article-title")),
        "abstract": _jats_abstract(meta),
        "authors": _jats_authors(meta),
        "date": _jats_date(meta),
        "doi": doi,
        "venue": _text(article.find(".//{*}journal-title")),
    }
    extra = {"pmid": ids["pmid"]} if ids.get("pmid") else {}
    return Record(
        file, article.sourceline or 1, fields, extra, label=f"article {own or ''}".strip()
    )


def _jats_abstract(meta: Any) -> str | None:
    for abstract in meta.iterfind("{*}abstract"):
        if abstract.get("abstract-type") not in _OTHER_ABSTRACTS:
            return jats.abstract_text(abstract) or None
    return None


def _jats_authors(meta: Any) -> tuple[str, ...]:
    found = []
    for one in meta.iterfind("{*}contrib-group/{*}contrib"):
        if one.get("contrib-type", "author") != "author":
            continue
        parts = (one.findtext("{*}name/{*}given-names"), one.findtext("{*}name/{*}surname"))
        name = " ".join(part for part in parts if part) or _text(one.find("{*}collab"))
        found.append(name or "")
    return tuple(name for name in found if name)


def _jats_date(meta: Any) -> str | None:
    dates = [
        date_of_parts([date.findtext(f"{{*}}{part}") or "" for part in ("year", "month", "day")])
        for date in meta.iterfind("{*}pub-date")
    ]
    return max(filter(None, dates), key=len, default=None)


def _atom(entry: Any, file: str) -> Record | None:
    named = entry.findtext("{*}id") or ""
    title = _text(entry.find("{*}title"))
    label = f"arXiv {named.rpartition('/abs/')[2]}"
    if "/api/errors" in named:
        message = _text(entry.find("{*}summary"))
        return Record(file, 1, {"title": title}, label=f"arXiv says: {message}")
    arxiv = identifiers.arxiv_id(named)
    if arxiv is None or not title:
        return None
    comment = _text(entry.find("{http://arxiv.org/schemas/atom}comment"))
    summary = entry.findtext("{*}summary") or ""
    fields = {
        "id": arxiv.id,
        "title": title,
        "abstract": summary.strip(),
        "authors": tuple(_text(one) or "" for one in entry.iterfind("{*}author/{*}name")),
        "categories": tuple(one.get("term") for one in entry.iterfind("{*}category")),
        "date": (entry.findtext("{*}published") or "")[:10] or None,
        "arxiv_id": arxiv.id,
        "arxiv_version": arxiv.version,
        "doi": entry.findtext("{http://arxiv.org/schemas/atom}doi"),
        "venue": _text(entry.find("{http://arxiv.org/schemas/atom}journal_ref")),
        "url": f"https://arxiv.org/abs/{arxiv.id}",
    }
    updated = (entry.findtext("{*}updated") or "")[:10]
    extra = {"update_date": updated, "comments": comment}
    kept = {name: value for name, value in extra.items() if value}
    record = Record(file, entry.sourceline or 1, fields, kept, label=label)
    if comment and "withdrawn" in comment.lower():
        record.warnings.append(f"{label}: its authors comment: {comment}")
    return record


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: Any) -> str | None:
    return " ".join("".join(element.itertext()).split()) if element is not None else None


_RECORDS = {"PubmedArticle": _pubmed, "article": _jats, "entry": _atom}
