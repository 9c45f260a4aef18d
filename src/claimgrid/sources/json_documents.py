"""Reads JSON documents: an array of records, or an object that holds one, element by element.

The records of APIs lie in an array under `results`, `items`, `data` or `message`. Elements are cut
out by their braces before they are parsed, so that memory does not grow with the document and a
damaged element costs itself alone.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from claimgrid.sources.guessed_columns import NamedColumns
from claimgrid.sources.jsonl import json_paper, loads
from claimgrid.sources.lines import (
    BROKEN,
    LONGEST_LINE,
    NOT_UTF_8,
    ByteStream,
    Problem,
    SourceLine,
    decoded,
    printable,
    unreadable,
)
from claimgrid.types.paper import Paper

_KEYS = ("results", "items", "data", "papers", "works", "message")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
_STRING_END = re.compile(r'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LIST = re.compile(rf'"(?:{"|".join(_KEYS)})"\s*:\s*\[')
_WITHIN = re.compile(rf'"(?:{"|".join(_KEYS)})"\s*:\s*[\[{{]')
_CHUNK = 1 << 16  # bytes; the list of records begins in the first so many
_STARTS = re.compile(r"\s*(?:\[\s*(?:[{\]]|$)|\{\s*(?:[\"}]|$))")


def begins_array(text: str) -> bool:
    """Whether a text begins as an array of objects; `[Context] We …` does not."""
    return text.lstrip().startswith("[") and bool(_STARTS.match(text))


def begins_object(text: str) -> bool:
    """Whether a text begins as a JSON object; `{\\rtf1` does not."""
    return text.lstrip().startswith("{") and bool(_STARTS.match(text))


def holds_list(text: str) -> bool:
    """Whether the beginning of an object names an array or object that APIs give records in."""
    return bool(_WITHIN.search(text))


def read_document(
    name: str, stream: ByteStream, told: NamedColumns | None = None
) -> Iterator[Paper | Problem]:
    """The paper of each record of a document, and a problem for each that is damaged.

    Raises:
        SourceError: the stream breaks off.
    """
    told = told or NamedColumns()
    file = printable(name)
    chunks = _chunks(name, stream)
    first = next(chunks, _Chunk("", ()))
    if begins_array(first.text):
        skip = first.text.index("[") + 1
    elif match := _LIST.search(first.text):
        skip = match.end()
    else:
        yield _single(file, first, chunks, told)
        return
    count = 0
    for count, element in enumerate(_Cutter(file).cut(first, chunks, skip), 1):
        yield _of_element(element, count, told)
    if not count:
        yield SourceLine(file, 1, first.text).problem("the list holds no record")


@dataclass(frozen=True, slots=True)
class _Chunk:
    text: str
    warnings: tuple[str, ...]


def _chunks(name: str, stream: ByteStream) -> Iterator[_Chunk]:
    """The text of a stream in pieces of a bounded size, whatever its lines are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while raw := stream.read(_CHUNK):
            left = decoder.getstate()[0]
            try:
                yield _Chunk(decoder.decode(raw).removeprefix("\ufeff"), ())
            except UnicodeDecodeError:
                decoder.reset()
                yield _Chunk(decoded(left + raw), (NOT_UTF_8,))
    except BROKEN as error:
        raise unreadable(error, name) from error


def _single(
    file: str, first: _Chunk, rest: Iterator[_Chunk], told: NamedColumns
) -> Paper | Problem:
    """A document that is one record, or holds one."""
    parts, size = [first.text], len(first.text)
    at = SourceLine(file, 1, first.text)
    for chunk in rest:
        parts.append(chunk.text)
        size += len(chunk.text)
        if size > LONGEST_LINE:
            return at.problem(f"the document is longer than {LONGEST_LINE} bytes, with no list")
    try:
        value = loads("".join(parts))
    except ValueError as error:
        return at.problem(f"no JSON: {error}")
    for key in ("message", "data"):
        if isinstance(value, dict) and isinstance(value.get(key), dict) and "title" in value[key]:
            value = value[key]
    if not isinstance(value, dict):
        return at.problem("no JSON object")
    return json_paper(value, told, at)


@dataclass(slots=True)
class _Element:
    """The text of one record, and the line on which it begins."""

    file: str
    line: int
    text: str = ""
    fault: str = ""
    warnings: list[str] = field(default_factory=list)


def _of_element(element: _Element, count: int, told: NamedColumns) -> Paper | Problem:
    line = SourceLine(element.file, element.line, element.text, tuple(element.warnings))
    if element.fault:
        return line.problem(f"record {count}: {element.fault}")
    try:
        value: Any = loads(element.text)
    except ValueError as error:
        return line.problem(f"record {count}: no JSON: {error}")
    found = json_paper(value, told, line)
    if isinstance(found, Problem):
        return line.problem(f"record {count}: {found.message}", title=found.title)
    return found


class _Cutter:
    """Cuts the objects of an array out of a text, however they lie on lines."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._line = 1
        self._depth = 0
        self._element: _Element | None = None
        self._text = ""  # what is not done with: the element's text up to now, or a cut string
        self._at = 0  # where in it the next token is looked for
        self._ended = False
        self._in_string = False  # within a string too long to be kept

    def cut(self, first: _Chunk, rest: Iterator[_Chunk], skip: int) -> Iterator[_Element]:
        """The elements after the first `skip` characters, where the array's bracket is passed."""
        self._line += first.text.count("\n", 0, skip)
        yield from self._add(first.text[skip:], first.warnings)
        for chunk in rest:
            if self._ended:
                return
            yield from self._add(chunk.text, chunk.warnings)
        if self._element is not None and not self._ended:
            self._element.text = self._text
            self._element.fault = "the document ends within it"
            yield self._element

    def _add(self, text: str, warnings: tuple[str, ...]) -> Iterator[_Element]:
        self._text += text
        if self._in_string and not self._past_string():
            return
        started = 0
        for token in _TOKEN.finditer(self._text, self._at):
            self._at = token.end()
            mark = token[0]
            if mark == '"':
                self._at = token.start()
                break
            if mark in "{[":
                self._depth += 1
                if self._depth == 1 and mark == "{":
                    self._line += self._text.count("\n", started, token.start())
                    started = token.start()
                    self._element = _Element(self._file, self._line)
            elif mark in "}]":
                self._depth -= 1
                if self._depth < 0:
                    self._ended = True
                    return
                if self._depth == 0 and self._element is not None:
                    done, self._element = self._element, None
                    done.text = done.text or self._text[started : token.end()]
                    done.warnings = [f"record on line {done.line}: {told}" for told in warnings]
                    self._line += self._text.count("\n", started, token.end())
                    started = token.end()
                    yield done
        else:
            self._at = len(self._text)
        self._drop(started)

    def _drop(self, started: int) -> None:
        """Forget what is done with, and what is too long to be a record."""
        kept = started if self._element is not None else min(self._at, len(self._text))
        self._line += self._text.count("\n", started, kept)
        self._text, self._at = self._text[kept:], self._at - kept
        if len(self._text) <= LONGEST_LINE:
            return
        if self._element is not None:
            self._element.text = self._element.text or self._text[:200]
            self._element.fault = f"it is longer than {LONGEST_LINE} characters"
        self._in_string = self._at < len(self._text)
        self._line += self._text.count("\n")
        self._text, self._at = "", 0

    def _past_string(self) -> bool:
        """Go on to the end of a string that is too long; whether it is there already."""
        end = _STRING_END.match(self._text)
        if end is not None:
            self._in_string, self._at = False, end.end()
            return True
        cut = len(self._text) - len(self._text.rstrip("\\"))
        self._line += self._text.count("\n")
        self._text = "\\" * (cut % 2)
        return False
