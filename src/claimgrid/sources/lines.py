"""A stream of bytes ─► numbered lines of text, one at a time. Does not know what the lines mean.

Lines end with LF or CR LF. Bytes are read as UTF-8; each byte that is none is read as Windows-1252
on its own, so a single bad byte does not garble the rest of its line. NUL becomes U+FFFD. Both
leave a warning on the line, which the paper made of it passes on.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from claimgrid.errors import SourceError

LONGEST_LINE = 4 << 20  # bytes; what follows on such a line is skipped, so memory stays bounded
_EXCERPT = 80  # characters
_FALLBACK = "claimgrid.windows-1252"
_NOT_TEXT = {
    b"\x1f\x8b": "is gzip: give the file a name that ends in .gz, or pipe it through `gzip -dc`",
    b"%PDF-": "is a PDF: give its title and abstract as text",
    codecs.BOM_UTF16_LE: "is UTF-16: save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16: save it as UTF-8",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One paper that could not be read, and why. It costs no other paper."""

    file: str
    line: int
    message: str
    title: str | None
    excerpt: str


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


def read_lines(path: str, stream: IO[bytes] | None = None) -> Iterator[SourceLine]:
    """The lines of a file (gunzipped if its name ends in `.gz`), or of `stream`, named `path`.

    Raises:
        SourceError: it cannot be opened, is no text, or breaks off; at the line where it happens.
    """
    number = 0
    name = printable(path)
    try:
        with _open(path) if stream is None else contextlib.nullcontext(stream) as source:
            while raw := source.readline(LONGEST_LINE):
                number += 1
                cut = _skip_rest(source, raw)
                yield _decoded(name, number, _without_mark(name, raw) if number == 1 else raw, cut)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SourceError(f"cannot be read: {reason}", path=name, line=number or None) from error


def printable(path: str) -> str:
    """A path as papers name it: file names need not be UTF-8, what is written of papers must be."""
    return path.encode(errors="replace").decode()


def _open(path: str) -> IO[bytes]:
    if path.lower().endswith(".gz"):
        return io.BufferedReader(gzip.open(path, "rb"))
    return Path(path).open("rb")


def _skip_rest(source: IO[bytes], raw: bytes) -> bool:
    """Read up to the line's end if `raw` is only its start; whether anything was skipped."""
    skipped = False
    while len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
        raw = source.readline(LONGEST_LINE)
        skipped = skipped or bool(raw.strip())
    return skipped


def _without_mark(path: str, raw: bytes) -> bytes:
    for start, message in _NOT_TEXT.items():
        if raw.startswith(start):
            raise SourceError(message, path=path, line=1)
    return raw.removeprefix(codecs.BOM_UTF8)


def _decoded(path: str, number: int, raw: bytes, cut: bool) -> SourceLine:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    warnings = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode(errors=_FALLBACK)
        warnings.append(f"line {number}: not all of it is UTF-8; read as Windows-1252 there")
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
        warnings.append(f"line {number}: NUL bytes replaced by U+FFFD")
    return SourceLine(path, number, text, tuple(warnings), cut)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_FALLBACK, _as_windows_1252)
