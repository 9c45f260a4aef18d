"""Recognises the format of an opened source by its content, and reads its papers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePath

from claimgrid.errors import SourceError
from claimgrid.sources import (
    bibtex,
    columnar_files,
    delimited,
    id_lists,
    json_documents,
    ris,
    workbook,
    xml_records,
)
from claimgrid.sources.guessed_columns import NamedColumns, columns_of
from claimgrid.sources.jsonl import loads, read_jsonl
from claimgrid.sources.lines import Problem, SourceLine, printable, read_lines
from claimgrid.sources.listing import parse_header, read_listing
from claimgrid.sources.network import Network
from claimgrid.sources.plain import read_plain
from claimgrid.sources.record_shapes import GENERIC, shape_of
from claimgrid.sources.streams import HEAD_LINES, Opened
from claimgrid.types.paper import Paper

JSONL = (".jsonl", ".ndjson")
PACKED = (".gz", ".zst")
STRUCTURED = (
    *JSONL, ".json", ".bib", ".bibtex", ".ris", ".csv", ".tsv", ".xml", ".nxml", ".xlsx", ".xls",
    ".ods", ".parquet", ".arrow", ".feather", ".zip",
)  # fmt: skip
PROSE = (".txt", ".text", ".md", ".tex", ".abs", "")
_BINARY = {
    b"%PDF-": "is a PDF: give its arXiv id (arxiv:…) or DOI (doi:…), or its title and abstract as text",
    b"SQLite format 3": "is a database: export the library as BibTeX or CSV and give that",
    b"{\\rtf": "is a rich text document: save it as plain text",
    b"\x89PNG": "is a picture: give the abstract as text",
    b"Rar!": "is an archive that is not read: unpack it",
    b"7z\xbc\xaf": "is an archive that is not read: unpack it",
}
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_BIBTEX_KIND = re.compile(
    r"article|book|inbook|incollection|inproceedings|conference|misc|online|phdthesis|thesis|"
    r"mastersthesis|techreport|report|unpublished|proceedings|manual|dataset|software|patent|"
    r"string|comment|preamble|booklet|collection|electronic|periodical",
    re.IGNORECASE,
)
Items = Iterator[Paper | Problem]


@dataclass(slots=True)
class Recognised:
    """What a file was taken for, and which columns or keys hold which fields, where these vary."""

    file: str
    format: str
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Recogniser:
    """Reads opened sources in whatever format they are; `note` is told which."""

    told: NamedColumns
    network: Network
    note: Callable[[Recognised], None]

    def read(self, opened: Opened) -> Items:
        """The papers of one stream.

        Raises:
            SourceError: it is nothing that can be read; at the first step.
        """
        name, head = opened.name, opened.head
        self._refuse(name, head)
        if (binary := _binary(opened)) is not None:
            kind, read = binary
            self._say(name, kind)
            with ExitStack() as stack:
                yield from read(name, opened.as_file(stack), self.told)
            return
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and xml_records.begins_xml(head):
            self._say(name, _xml_kind(head))
            yield from xml_records.read_xml(name, opened)
            return
        text = head.decode("utf-8", "replace").removeprefix("\ufeff")
        if self._is_document(name, text):
            self._say(name, _document_kind(text))
            yield from json_documents.read_document(name, opened, self.told)
            return
        yield from self._text(name, read_lines(name, opened))

    @staticmethod
    def _refuse(name: str, head: bytes) -> None:
        fault = next((told for start, told in _BINARY.items() if head.startswith(start)), None)
        if fault is None and _HTML.match(head):
            fault = "is a web page: give the paper's arXiv id or DOI, or a file of papers"
        if fault is not None:
            raise SourceError(fault, path=printable(name), line=1)

    def _is_document(self, name: str, text: str) -> bool:
        """Whether a text is one JSON document, and no JSON Lines and no prose."""
        if json_documents.begins_array(text):
            return True
        if not json_documents.begins_object(text) or _suffix(name) in JSONL:
            return False
        first, _, rest = text.lstrip().partition("\n")
        try:
            value = loads(first)
        except ValueError:
            return not rest.lstrip().startswith("{") or json_documents.holds_list(first)
        return not rest.strip() and "abstract" not in value and json_documents.holds_list(first)

    def _text(self, name: str, lines: Iterator[SourceLine]) -> Items:
        lines = itertools.dropwhile(lambda line: line.is_blank, lines)
        start = list(itertools.islice(lines, HEAD_LINES))
        if not start:
            yield Problem(
                printable(name), 1, "there is no text in it", title=None, excerpt="", whole=True
            )
            return
        kind, read = self._text_format(name, start)
        self._say(name, kind, _columns(kind, start, self.told))
        yield from read(itertools.chain(start, lines))

    def _text_format(
        self, name: str, start: list[SourceLine]
    ) -> tuple[str, Callable[[Iterator[SourceLine]], Items]]:
        """The format of a text that starts so, and its reader."""
        suffix = _suffix(name)
        first = start[0].text
        if suffix in JSONL or json_documents.begins_object(first):
            return _lines_kind(first), lambda lines: read_jsonl(lines, self.told)
        if suffix in (".bib", ".bibtex") or _begins_bibtex(start):
            return "BibTeX", bibtex.read_bibtex
        if suffix == ".ris" or ris.START.match(first):
            return "RIS", ris.read_ris
        if suffix in (".csv", ".tsv") or self._is_table(start):
            return "CSV", lambda lines: delimited.read_delimited(lines, self.told)
        if id_lists.is_id_list(start):
            return "list of ids", lambda lines: id_lists.read_id_list(lines, self.network)
        if any(parse_header(line.text) for line in start):
            return "listing", read_listing
        if suffix[1:].isalpha() and suffix not in PROSE:
            raise SourceError(
                f"is nothing that {suffix} files hold; give a bibliography, a table, JSON or plain "
                "text (docs/sources.md lists the formats)",
                path=printable(name),
            )
        return "one abstract", read_plain

    def _is_table(self, start: list[SourceLine]) -> bool:
        first = next((line.text for line in start if not line.text.startswith("sep=")), "")
        return delimited.delimiter_of(first, self.told) is not None

    def _say(self, name: str, kind: str, columns: dict[str, str] | None = None) -> None:
        self.note(Recognised(printable(name), kind, columns or {}))


def is_source_name(name: str) -> bool:
    """Whether a file in a folder has the name of a source."""
    return _suffix(name) in (*STRUCTURED, ".txt")


def _suffix(name: str) -> str:
    lower = name.lower()
    for packed in PACKED:
        lower = lower.removesuffix(packed)
    return PurePath(lower).suffix


def _binary(opened: Opened) -> tuple[str, Callable[..., Items]] | None:
    head = opened.head
    if head.startswith(b"PAR1"):
        return "Parquet", columnar_files.read_parquet
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "Arrow", columnar_files.read_arrow
    if head.startswith((b"PK\x03\x04", _OLD_OFFICE)):
        return "spreadsheet", workbook.read_workbook
    return None


def _begins_bibtex(start: list[SourceLine]) -> bool:
    matches = filter(None, (bibtex.START.match(line.text) for line in start))
    return any(_BIBTEX_KIND.fullmatch(match[1]) for match in matches)


def _xml_kind(head: bytes) -> str:
    if b"<Pubmed" in head:
        return "PubMed XML"
    return "arXiv Atom feed" if b"<feed" in head else "JATS XML"


def _document_kind(text: str) -> str:
    first = re.search(r"[\[,]\s*(\{.*)", text, re.DOTALL)
    for part in (text, first[1] if first else ""):
        keys = dict.fromkeys(re.findall(r'"([\w-]+)"\s*:', part[:20_000]))
        kind = shape_of(keys)
        if kind == "CSL-JSON" and '"DOI"' in part and re.search(r'"title"\s*:\s*\[', part):
            return "Crossref"
        if kind != GENERIC:
            return kind
    return GENERIC


def _lines_kind(first: str) -> str:
    try:
        value = loads(first)
    except ValueError:
        return "JSON Lines"
    kind = shape_of(value) if isinstance(value, dict) else GENERIC
    return "JSON Lines" if kind == GENERIC else f"{kind} (JSON Lines)"


def _columns(kind: str, start: list[SourceLine], told: NamedColumns) -> dict[str, str]:
    if kind == "CSV":
        header = next((line.text for line in start if not line.text.startswith("sep=")), "")
        return columns_of(tuple(delimited.columns_in(header)), told)
    if kind == "JSON Lines":
        try:
            value = loads(start[0].text)
        except ValueError:
            return {}
        return columns_of(tuple(value), told) if isinstance(value, dict) else {}
    return {}
