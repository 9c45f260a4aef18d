"""Reads the names that papers have: DOIs, arXiv ids with their version, ids of OpenAlex and S2."""

from __future__ import annotations

import re
from typing import NamedTuple

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>{}|\\^`]+", re.IGNORECASE)
_DOI_URL = re.compile(r"(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*", re.IGNORECASE)
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)", re.IGNORECASE)
# Since April 2007 `YYMM.NNNN`, five digits since 2015; before, `archive.XX/YYMMNNN`.
_NEW = r"[0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5}"
_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?/[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3}"
_ARXIV = re.compile(rf"(?P<id>{_NEW}|{_OLD})(?:v(?P<version>[1-9][0-9]*))?")
_ARXIV_PREFIX = re.compile(
    r"(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/|arxiv:\s*", re.IGNORECASE
)
_ARXIV_WITHIN = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html)/|arxiv:\s*)((?:{_NEW}|{_OLD})(?:v[0-9]+)?)", re.IGNORECASE
)
_SPEC = re.compile(r"(?P<service>arxiv|doi|openalex|s2):(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_ARXIV_PAGE = re.compile(
    rf"https?://(?:www\.|export\.)?(?:arxiv\.org/(?:abs|pdf|html)|huggingface\.co/papers)/"
    rf"(?P<id>(?:{_NEW}|{_OLD})(?:v[0-9]+)?)(?:\.pdf|\.md)?/?(?:[?#].*)?"
)
_DOI_PAGE = re.compile(rf"https?://(?:dx\.)?doi\.org/(?P<id>{_DOI.pattern})", re.IGNORECASE)
_OPENALEX_PAGE = re.compile(
    r"https?://(?:api\.)?openalex\.org/(?:works/)?(?P<id>W[0-9]+)/?", re.IGNORECASE
)
_S2_PAGE = re.compile(
    r"https?://(?:www\.)?semanticscholar\.org/paper/(?:[^/]+/)?(?P<id>[0-9a-f]{40})/?",
    re.IGNORECASE,
)
_PAGES = {"arxiv": _ARXIV_PAGE, "doi": _DOI_PAGE, "openalex": _OPENALEX_PAGE, "s2": _S2_PAGE}


class ArxivId(NamedTuple):
    """An arXiv id without its version, and the version where one is said."""

    id: str
    version: int | None


class PaperName(NamedTuple):
    """A paper, or with arXiv a query, as a service on the network knows it."""

    service: str  # arxiv, doi, openalex or s2
    id: str

    def __str__(self) -> str:
        return f"{self.service}:{self.id}"


def doi(text: str) -> str | None:
    """A bare DOI; None if the text is none.

    >>> doi("https://doi.org/10.1145/3651890.3672274")
    '10.1145/3651890.3672274'
    """
    bare = _DOI_URL.sub("", text.strip(), count=1).rstrip(".,;")
    return bare if _DOI.fullmatch(bare) else None


def arxiv_id(text: str) -> ArxivId | None:
    """An arXiv id, with or without `arXiv:` or a URL before it; None if the text is none.

    >>> arxiv_id("arXiv:2410.21465v2")
    ArxivId(id='2410.21465', version=2)
    """
    bare = _ARXIV_PREFIX.sub("", text.strip(), count=1)
    bare = re.sub(r"(?:\.pdf)?(?:\s*\[[^\]]*\])?$", "", bare)
    match = _ARXIV.fullmatch(bare)
    if match is None:
        return None
    return ArxivId(match["id"], int(match["version"]) if match["version"] else None)


def arxiv_within(text: str) -> ArxivId | None:
    """The arXiv id in a longer text, such as `arXiv preprint arXiv:2410.21465` or a DOI of arXiv's."""
    if match := _ARXIV_DOI.search(text):
        return arxiv_id(match[1])
    match = _ARXIV_WITHIN.search(text)
    return arxiv_id(match[1]) if match else None


def paper_name(text: str) -> PaperName | None:
    """What a service's name for a paper says: `arxiv:…`, `doi:…`, `openalex:…`, `s2:…` or a page.

    >>> paper_name("https://arxiv.org/abs/2410.21465v1")
    PaperName(service='arxiv', id='2410.21465v1')
    """
    text = text.strip()
    for service, page in _PAGES.items():
        if match := page.fullmatch(text):
            return _named(service, match["id"])
    if match := _SPEC.fullmatch(text):
        return _named(match["service"].lower(), match["rest"].strip())
    return None


def bare_name(text: str) -> PaperName | None:
    """As `paper_name`, and also an id without its service, as a list of ids has it."""
    text = text.partition("#")[0].strip() if " #" in text or text.startswith("#") else text.strip()
    if found := paper_name(text):
        return found
    if found_id := arxiv_id(text):
        return PaperName("arxiv", _with_version(found_id))
    if found_doi := doi(text):
        return _named("doi", found_doi)
    if re.fullmatch(r"W[0-9]{4,12}", text):
        return PaperName("openalex", text)
    return None


def _named(service: str, rest: str) -> PaperName | None:
    if service == "arxiv":
        if rest.startswith("cat:"):
            return PaperName("arxiv", rest)
        found = arxiv_id(rest)
        return PaperName("arxiv", _with_version(found)) if found else None
    if service == "doi":
        bare = doi(rest)
        if bare is None:
            return None
        own = _ARXIV_DOI.fullmatch(bare)
        found = arxiv_id(own[1]) if own else None
        return PaperName("arxiv", _with_version(found)) if found else PaperName("doi", bare)
    if service == "openalex":
        match = re.fullmatch(r"(?:https?://openalex\.org/)?(W[0-9]+)", rest, re.IGNORECASE)
        return PaperName("openalex", match[1].upper()) if match else None
    return PaperName("s2", rest) if re.fullmatch(r"[\w:./-]+", rest) else None


def _with_version(found: ArxivId) -> str:
    return found.id if found.version is None else f"{found.id}v{found.version}"
