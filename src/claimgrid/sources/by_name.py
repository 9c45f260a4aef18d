"""Fetches papers by name: arXiv ids and categories, DOIs, OpenAlex works, Semantic Scholar papers.

Answers are in formats that files have too, and are read by the same readers. A DOI is asked of
Crossref, and of OpenAlex where Crossref has no abstract.
"""

from __future__ import annotations

import datetime
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

from claimgrid.errors import SourceError, UsageError
from claimgrid.sources import identifiers
from claimgrid.sources.guessed_columns import NamedColumns
from claimgrid.sources.identifiers import PaperName
from claimgrid.sources.jsonl import loads
from claimgrid.sources.lines import Problem
from claimgrid.sources.network import Network, NotThereError, Service
from claimgrid.sources.paper_fields import paper
from claimgrid.sources.record_shapes import read_record
from claimgrid.sources.xml_records import read_xml
from claimgrid.types.paper import Origin, Paper

_TOGETHER = 100  # arXiv ids in one request
_PAGE = 500  # results of a query in one request
_S2_FIELDS = "title,abstract,authors,year,publicationDate,venue,externalIds,url"
_CATEGORY = re.compile(r"cat:(?P<category>[A-Za-z-]+(?:\.[A-Za-z-]+)?)(?:\?(?P<query>.*))?")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")


def _is_feed(body: bytes) -> bool:
    return b"<feed" in body[:2000]


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


ARXIV = Service("arxiv", "https://export.arxiv.org/api/query", 3.0, _is_feed)
CROSSREF = Service("crossref", "https://api.crossref.org/works/", 0.2, _is_json)
OPENALEX = Service("openalex", "https://api.openalex.org/works/", 0.2, _is_json)
S2 = Service("s2", "https://api.semanticscholar.org/graph/v1/paper/", 1.1, _is_json)


class Asked:
    """Names that were asked for, each with the place where a person wrote it."""

    def __init__(self, name: PaperName, file: str, line: int) -> None:
        self.name, self.file, self.line = name, file, line

    def problem(self, message: str, *, whole: bool = False) -> Problem:
        """The paper of this name as one that could not be had."""
        return Problem(self.file, self.line, message, None, str(self.name), whole=whole)


def read_named(asked: Sequence[Asked], network: Network) -> Iterator[Paper | Problem]:
    """The papers of these names in their order; a name without a paper is a problem."""
    waiting: list[Asked] = []
    for one in asked:
        simple = one.name.service == "arxiv" and not one.name.id.startswith("cat:")
        if not simple or len(waiting) == _TOGETHER:
            yield from _arxiv_ids(waiting, network)
            waiting = []
        if simple:
            waiting.append(one)
        elif one.name.service == "arxiv":
            yield from _arxiv_category(one, network)
        else:
            yield _single(one, network)
    yield from _arxiv_ids(waiting, network)


def _arxiv_ids(asked: list[Asked], network: Network) -> Iterator[Paper | Problem]:
    if not asked:
        return
    names = list(dict.fromkeys(one.name.id for one in asked))
    query = {"id_list": ",".join(names), "max_results": str(len(names))}
    try:
        body = network.get(ARXIV, "", query, query_only=False)
        found = _by_id(read_xml(f"arxiv:{asked[0].name.id}", io.BytesIO(body)))
    except (SourceError, NotThereError) as error:
        for one in asked:
            yield one.problem(str(error) or "arXiv has no such paper", whole=True)
        return
    for one in asked:
        wanted = identifiers.arxiv_id(one.name.id)
        item = found.get(wanted.id) if wanted else None
        if item is None:
            yield one.problem("arXiv has no paper of this id; check its digits")
        else:
            yield _placed(item, one)


def _by_id(items: Iterator[Paper | Problem]) -> dict[str, Paper | Problem]:
    found: dict[str, Paper | Problem] = {}
    for item in items:
        if isinstance(item, Paper):
            found[str(item.arxiv_id)] = item
        elif match := re.match(r"arXiv (\S+?)(?:v[0-9]+)?: ", item.message):
            found[match[1]] = item
    return found


def _arxiv_category(asked: Asked, network: Network) -> Iterator[Paper | Problem]:
    """The papers of a category, oldest first, page by page."""
    search = _search(asked.name.id)
    start = 0
    while True:
        query = {
            "search_query": search,
            "start": str(start),
            "max_results": str(_PAGE),
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
        }
        try:
            body = network.get(ARXIV, "", query, query_only=True)
            items = list(read_xml(str(asked.name), io.BytesIO(body)))
        except (SourceError, NotThereError) as error:
            yield asked.problem(str(error), whole=True)
            return
        total = re.search(rb"totalResults[^>]*>\s*([0-9]+)", body)
        for item in items:
            yield _placed(item, asked)
        start += len(items)
        if not items or start >= int(total[1] if total else 0):
            break
    if not start:
        yield asked.problem("arXiv has no paper for this query; check the category and the date")


def _search(name: str) -> str:
    match = _CATEGORY.fullmatch(name)
    given = parse_qs(match["query"] or "") if match else {}
    if match is None or set(given) - {"since", "until"}:
        raise UsageError(
            f"arxiv:{name}: no such query; write arxiv:cat:cs.DC?since=2026-01 (and &until=2026-03)"
        )
    search = f"cat:{match['category']}"
    if not given:
        return search
    since = _day(given.get("since", ["1991-08"])[0], name, last=False)
    until = _day(given.get("until", ["2099-12"])[0], name, last=True)
    return f"{search} AND submittedDate:[{since}0000 TO {until}2359]"


def _day(text: str, name: str, *, last: bool) -> str:
    """The first or last day of a date that may be a month or a year, as arXiv writes days."""
    match = _DATE.fullmatch(text)
    no_date = f"arxiv:{name}: {text} is no date; write 2026, 2026-01 or 2026-01-31"
    if match is None:
        raise UsageError(no_date)
    try:
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        day = int(match[3] or 1)
        found = datetime.date(year, month, day)
    except ValueError as error:
        raise UsageError(no_date) from error
    if last and match[3] is None:
        found = (found.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
        found -= datetime.timedelta(days=1)
    return found.strftime("%Y%m%d")


def _single(asked: Asked, network: Network) -> Paper | Problem:
    if asked.name.service == "openalex":
        return _json(asked, network, OPENALEX, asked.name.id, {})
    if asked.name.service == "s2":
        return _json(asked, network, S2, asked.name.id, {"fields": _S2_FIELDS})
    first = _json(asked, network, CROSSREF, asked.name.id, {})
    if isinstance(first, Paper):
        return first
    second = _json(asked, network, OPENALEX, f"doi:{asked.name.id}", {})
    if isinstance(second, Paper):
        own = asked.name.id
        return second.model_copy(update={"paper_id": own, "doi": second.doi or own})
    return asked.problem(f"Crossref: {first.message}. OpenAlex: {second.message}")


def _json(
    asked: Asked, network: Network, service: Service, path: str, query: dict[str, str]
) -> Paper | Problem:
    try:
        value: Any = loads(network.get(service, path, query, query_only=False))
    except NotThereError:
        return asked.problem("the service has no paper of this name; check it")
    except SourceError as error:
        return asked.problem(str(error), whole=True)
    except json.JSONDecodeError as error:
        return asked.problem(f"the answer is no JSON: {error}", whole=True)
    if isinstance(value, dict) and isinstance(value.get("message"), dict):
        value = value["message"]
    record = read_record(value, NamedColumns(), asked.file, asked.line)
    return paper(record)


def _placed(item: Paper | Problem, asked: Asked) -> Paper | Problem:
    """The item at the place where its name was written."""
    if isinstance(item, Problem):
        return Problem(asked.file, asked.line, item.message, item.title, str(asked.name))
    return item.model_copy(update={"origin": Origin(file=asked.file, line=asked.line)})
