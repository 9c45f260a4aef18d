"""Reads a stream of bytes as numbered lines of text, one at a time.

Lines end with LF or CR LF. Bytes are read as UTF-8; each byte that is none is read as Windows-1252
on its own, so a single bad byte does not garble the rest of its line. NUL becomes U+FFFD. Both
leave a warning on the line, which the paper made of it passes on.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from claimgrid.errors import SourceError

LONGEST_LINE = 4 << 20  # bytes; what follows on such a line is skipped, so memory stays bounded
_EXCERPT = 80  # characters
_FALLBACK = "claimgrid.windows-1252"
# What a damaged or vanishing file raises while it is read.
BROKEN = (OSError, EOFError, zlib.error, SourceError)
NOT_UTF_8 = "not all of it is UTF-8; read as Windows-1252 there"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ByteStream(Protocol):
    """What bytes are read from: a file, standard input, a member of an archive."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, or all that is left."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line with its end, or its first `size` bytes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One paper that could not be read, and why. It costs no other paper.

    `duplicate_of` is the id of the paper that stands for it, where it is the same paper again and
    so no fault. `whole` says that it is about a file or a source and not about one record of it.
    """

    file: str
    line: int
    message: str
    title: str | None
    excerpt: str
    duplicate_of: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line without its end, where it stands (1-based), and what was odd about its bytes.

    `cut` says that the line was longer than `LONGEST_LINE` and that `text` is only its start.
    """

    file: str
    number: int
    text: str
    warnings: tuple[str, ...] = ()
    cut: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether the line holds nothing but white space."""
        return not self.text or self.text.isspace()

    def problem(self, message: str, *, title: str | None = None) -> Problem:
        """The paper on this line as a failure."""
        return Problem(self.file, self.number, message, title, self.text.strip()[:_EXCERPT])


def read_lines(path: str, stream: ByteStream) -> Iterator[SourceLine]:
    """The lines of a stream, named `path`.

    Raises:
        SourceError: it is UTF-16 or breaks off; at the line where it happens.
    """
    number = 0
    name = printable(path)
    try:
        while raw := stream.readline(LONGEST_LINE):
            number += 1
            cut = _skip_rest(stream, raw)
            yield _decoded(name, number, _without_mark(name, raw) if number == 1 else raw, cut)
    except BROKEN as error:
        raise unreadable(error, path, line=number or None) from error


def unreadable(error: Exception, path: str, line: int | None = None) -> SourceError:
    """What to say of a file that cannot be opened, or that breaks off."""
    if isinstance(error, SourceError):
        return SourceError(error.message, path=error.path, line=error.line or line)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return SourceError(f"cannot be read: {reason}", path=printable(path), line=line)


def printable(path: str) -> str:
    """A path as papers name it: file names need not be UTF-8, what is written of papers must be."""
    return path.encode(errors="replace").decode()


def _skip_rest(source: ByteStream, raw: bytes) -> bool:
    """Read up to the line's end if `raw` is only its start; whether anything was skipped."""
    skipped = False
    while len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
        raw = source.readline(LONGEST_LINE)
        skipped = skipped or bool(raw.strip())
    return skipped


def _without_mark(path: str, raw: bytes) -> bytes:
    if raw.startswith(_UTF_16):
        raise SourceError("is UTF-16: save it as UTF-8", path=path, line=1)
    return raw.removeprefix(codecs.BOM_UTF8)


def decoded(raw: bytes) -> str:
    """Bytes as UTF-8, and as Windows-1252 where they are none."""
    return raw.decode(errors=_FALLBACK)


def _decoded(path: str, number: int, raw: bytes, cut: bool) -> SourceLine:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    warnings = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = decoded(raw)
        warnings.append(f"line {number}: {NOT_UTF_8}")
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
        warnings.append(f"line {number}: NUL bytes replaced by U+FFFD")
    return SourceLine(path, number, text, tuple(warnings), cut)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_FALLBACK, _as_windows_1252)
