"""Opens sources as streams of bytes: files, standard input, URLs; unpacked by their content.

gzip, Zstandard and zip archives are known by their first bytes. What unpacks to far more than any
text does is refused, and so are members of an archive whose names lead out of it.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, cast

from claimgrid.errors import SetupError, SourceError
from claimgrid.sources.lines import BROKEN, ByteStream, Problem, printable, unreadable

HEAD_LINES = 32  # lines that decide the format of a text
_HEAD = 1 << 16  # bytes
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_SMALL = 64 << 20  # bytes that may come of any archive
_RATIO = 200  # of bytes out to bytes in; text packs to a twentieth at best, a bomb to a thousandth
_MOST_MEMBERS = 10_000
_SPOOLED = 16 << 20  # bytes of standard input or a URL that are kept in memory
_BOMB = "unpacks to more than 200 times its size: refused as a zip bomb"
_OFFICE = ("[Content_Types].xml", "mimetype", "xl/workbook.xml")


class Opened(io.RawIOBase):
    """A stream of bytes whose beginning can be looked at before it is read."""

    def __init__(self, name: str, stream: ByteStream, path: Path | None = None) -> None:
        super().__init__()
        self.name = name
        self.path = path  # where the very bytes lie as a file of their own
        self._stream = stream
        self._head = b""
        while len(self._head) < _HEAD and self._head.count(b"\n") < HEAD_LINES:
            line = stream.readline(_HEAD - len(self._head))
            if not line:
                break
            self._head += line
        self.head = self._head

    def readable(self) -> bool:
        """It can be read, as `io` asks."""
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line, or its first `size` bytes."""
        limit = -1 if size is None or size < 0 else size
        if not self._head:
            return self._stream.readline(limit)
        end = self._head.find(b"\n") + 1 or len(self._head)
        end = end if limit < 0 else min(end, limit)
        line, self._head = self._head[:end], self._head[end:]
        if not self._head and not line.endswith(b"\n") and len(line) != limit:
            line += self._stream.readline(limit - len(line) if limit >= 0 else -1)
        return line

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer, as `io` asks."""
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)

    def as_file(self, stack: ExitStack) -> Path:
        """The bytes as a file, for libraries that read nothing else; a copy if it must be."""
        if self.path is not None:
            return self.path
        suffix = Path(self.name).suffix
        copy = stack.enter_context(tempfile.NamedTemporaryFile(suffix=suffix))  # noqa: SIM115
        shutil.copyfileobj(io.BufferedReader(self), copy)
        copy.flush()
        return Path(copy.name)


def is_url(source: str) -> bool:
    """Whether a source is a URL of a file, and no path."""
    return bool(_URL.match(source))


def open_all(source: str, stdin: ByteStream | None) -> Iterator[Opened | Problem]:
    """The streams that a source holds: one, or those of an archive's members in their order.

    Each is to be read before the next is asked for.

    Raises:
        SourceError: it cannot be opened or unpacked, or is refused.
    """
    with ExitStack() as stack:
        try:
            if stdin is not None:
                first = Opened(source, stdin)
            else:
                raw = stack.enter_context(_open(source))
                first = Opened(source, raw, None if is_url(source) else Path(source))
            yield from _unpacked(first, stack)
        except BROKEN as error:
            raise unreadable(error, source) from error


@contextmanager
def _open(source: str) -> Iterator[ByteStream]:
    if not is_url(source):
        with Path(source).open("rb") as file:
            yield file
        return
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise SetupError("URLs need fsspec: pip install 'claimgrid[remote]'") from error
    with _Remote(fsspec, source) as stream:
        yield stream


class _Remote:
    """A file behind a URL. Each protocol has errors of its own; here they all are `OSError`."""

    def __init__(self, fsspec: Any, source: str) -> None:
        self._file: Any = None
        # Not every fsspec file takes a size in `readline`; a buffer around it does.
        self._file = self._try(lambda: io.BufferedReader(fsspec.open(source, "rb").open()))

    def __enter__(self) -> _Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._try(lambda: self._file.read(size))
        return data

    def readline(self, size: int = -1, /) -> bytes:
        line: bytes = self._try(lambda: self._file.readline(size))
        return line

    @staticmethod
    def _try(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (ImportError, OSError) as error:
            raise OSError(str(error) or type(error).__name__) from error
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


def _unpacked(
    first: Opened, stack: ExitStack, *, within: bool = False
) -> Iterator[Opened | Problem]:
    if first.head.startswith(_GZIP):
        counted = _Counted(first)
        with gzip.GzipFile(fileobj=counted) as unzipped:
            yield _guarded(first.name, cast("io.RawIOBase", unzipped), counted)
    elif first.head.startswith(_ZSTD):
        counted = _Counted(first)
        yield _guarded(first.name, _zstd(counted), counted)
    elif first.head.startswith(_ZIP) and not within:
        yield from _members(first, stack)
    elif first.name.lower().endswith((".gz", ".zst")):
        what = "gzip" if first.name.lower().endswith(".gz") else "Zstandard"
        raise SourceError(
            f"cannot be read: it is no {what}; give it the suffix of what it is", path=first.name
        )
    else:
        yield first


class _Counted(io.RawIOBase):
    """Counts the packed bytes that are read."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read(len(buffer))
        self.count += len(data)
        buffer[: len(data)] = data
        return len(data)


class _Unpacking(io.RawIOBase):
    """Reads what is unpacked, and refuses a bomb."""

    def __init__(self, name: str, stream: io.RawIOBase, packed: _Counted) -> None:
        super().__init__()
        self._name, self._stream, self._packed, self._out = name, stream, packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        count = self._stream.readinto(buffer) or 0
        self._out += count
        if self._out > _SMALL and self._out > _RATIO * self._packed.count:
            raise SourceError(_BOMB, path=printable(self._name))
        return count


def _guarded(name: str, stream: io.RawIOBase, packed: _Counted) -> Opened:
    return Opened(name, io.BufferedReader(_Unpacking(name, stream, packed), 1 << 16))


def _zstd(packed: _Counted) -> io.RawIOBase:
    import zstandard

    class Unpacked(io.RawIOBase):
        """Zstandard's own reader ends without a word where a file is cut short; this one tells."""

        def __init__(self) -> None:
            self._reader = zstandard.ZstdDecompressor()
            self._frame = self._reader.decompressobj()
            self._left, self._begun = b"", False

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            while not self._left:
                # Little at a time: a bomb's two kilobytes may become tens of megabytes.
                data = self._frame.unused_data if self._frame.eof else packed.read(2048)
                if self._frame.eof:
                    data = data or packed.read(2048)
                    self._frame, self._begun = self._reader.decompressobj(), False
                if not data:
                    if self._begun:
                        raise EOFError("the Zstandard file is cut short")
                    return 0
                self._begun = True
                try:
                    self._left = self._frame.decompress(data)
                except zstandard.ZstdError as error:
                    raise OSError(f"it is damaged: {error}") from error
            count = min(len(buffer), len(self._left))
            buffer[:count], self._left = self._left[:count], self._left[count:]
            return count

    return Unpacked()


def _members(archive: Opened, stack: ExitStack) -> Iterator[Opened | Problem]:
    """What an archive holds; a workbook is an archive too, and is read as a whole."""
    path = archive.as_file(stack)
    try:
        opened = stack.enter_context(zipfile.ZipFile(path))
    except zipfile.BadZipFile as error:
        raise SourceError(f"cannot be read: {error}", path=printable(archive.name)) from error
    infos = [info for info in opened.infolist() if not info.is_dir()]
    packed = max(1, path.stat().st_size)
    is_office = any(info.filename in _OFFICE for info in infos)
    # A workbook is unpacked as a whole; of other archives each member is judged by itself.
    bomb = is_office and _is_bomb(sum(info.file_size for info in infos), packed)
    if bomb or len(infos) > _MOST_MEMBERS:
        raise SourceError(_BOMB, path=printable(archive.name))
    if is_office:
        yield Opened(archive.name, stack.enter_context(path.open("rb")), path)
        return
    for info in infos:
        if _is_hidden(info.filename):
            continue
        name = f"{archive.name}/{printable(info.filename)}"
        fault = _fault(info)
        if fault:
            yield Problem(printable(name), 1, fault, title=None, excerpt="", whole=True)
            continue
        try:
            with opened.open(info) as member:
                yield from _unpacked(Opened(name, cast("ByteStream", member)), stack, within=True)
        except (*BROKEN, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            told = unreadable(error, name)
            yield Problem(told.path, told.line or 1, told.message, None, "", whole=True)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in name.split("/"))


def _is_bomb(out: int, packed: int) -> bool:
    return out > _SMALL and out > _RATIO * packed


def _fault(info: zipfile.ZipInfo) -> str | None:
    """Why a member of an archive is refused."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", info.filename):
        return "its name leads out of the archive: refused; unpack it yourself if you trust it"
    if info.flag_bits & 1:
        return "is encrypted: unpack it yourself"
    if info.filename.lower().endswith((".zip", ".tar", ".tgz", ".7z", ".rar")):
        return "an archive within an archive is not read: unpack it yourself"
    return _BOMB if _is_bomb(info.file_size, max(1, info.compress_size)) else None
