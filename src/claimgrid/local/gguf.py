"""Reads the header of a GGUF file: architecture, context, size of its cache.

Format: the GGUF specification of ggml, version 2 and 3 (little endian). llama.cpp only says that it
could not load a file; this says why, before a server is started for it.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from claimgrid.errors import SetupError

# By GGUF's type numbers.
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
            11: "<q", 12: "<d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
_KV_BYTES = 2  # of a number in the KV cache: llama.cpp keeps it as f16


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a model says of itself. `kv_bytes` is the cache's memory for one token of context."""

    architecture: str
    kind: str  # "model" or "adapter"
    context: int
    kv_bytes: int


class _BadError(Exception):
    """The file is not what it should be; the text says how."""


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def take(self, count: int) -> bytes:
        if count > self._size:
            raise _BadError("its header is damaged")
        data = self._file.read(count)
        if len(data) != count:
            raise _BadError("it is cut short")
        return data

    def scalar(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def skip(self, count: int) -> None:
        if count > self._size:
            raise _BadError("its header is damaged")
        self._file.seek(count, os.SEEK_CUR)

    def string(self) -> str:
        return self.take(self.scalar("<Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """A value; of an array of strings (a vocabulary) only its length is kept."""
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            raise _BadError(f"its header holds a value of unknown type {kind}")
        inner, count = self.scalar("<I"), self.scalar("<Q")
        if count > self._size:
            raise _BadError("its header is damaged")
        if inner == _STRING:
            for _ in range(count):
                self.skip(self.scalar("<Q"))
            return count
        if inner not in _SCALARS:
            raise _BadError(f"its header holds an array of unknown type {inner}")
        code = _SCALARS[inner][1]
        return struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize(code)))


def header(path: Path) -> GgufHeader:
    """Read a GGUF file's header.

    Raises:
        SetupError: the file cannot be read, is no GGUF, or is shorter than its header says.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _header(_Reader(file, size), file, size)
    except OSError as error:
        raise SetupError(f"{path}: the model cannot be read: {error.strerror}") from error
    except (_BadError, struct.error, MemoryError) as error:
        raise SetupError(
            f"{path}: not a whole GGUF model: {error}; fetch it again (for a model of the "
            "catalogue: extract models remove NAME, extract models pull NAME)"
        ) from error


def _header(read: _Reader, file: BinaryIO, size: int) -> GgufHeader:
    if size < 24 or read.take(4) != b"GGUF":
        raise _BadError("it does not begin with GGUF")
    version = read.scalar("<I")
    if version not in (2, 3):
        raise _BadError(f"it is of GGUF version {version}, and only 2 and 3 are known")
    tensors, pairs = read.scalar("<Q"), read.scalar("<Q")
    said: dict[str, Any] = {}
    for _ in range(pairs):
        name = read.string()
        said[name] = read.value(read.scalar("<I"))
    last = 0
    for _ in range(tensors):
        read.string()
        dimensions = read.scalar("<I")
        read.skip(8 * dimensions + 4)
        last = max(last, read.scalar("<Q"))
    # The last tensor begins there; its own size depends on its type, which llama.cpp checks.
    aligned = int(said.get("general.alignment", 32)) or 32
    if tensors and -(-file.tell() // aligned) * aligned + last >= size:
        raise _BadError("it is cut short")
    arch = str(said.get("general.architecture", ""))
    return GgufHeader(
        architecture=arch,
        kind=str(said.get("general.type", "model")),
        context=int(said.get(f"{arch}.context_length", 0)),
        kv_bytes=_kv_bytes(said, arch),
    )


def _kv_bytes(said: dict[str, Any], arch: str) -> int:
    def number(name: str, otherwise: int = 0) -> int:
        value = said.get(f"{arch}.{name}", otherwise)
        return int(value) if isinstance(value, (int, float)) else otherwise

    layers = number("block_count")
    heads = number("attention.head_count", 1) or 1
    kv_heads = said.get(f"{arch}.attention.head_count_kv", heads)
    # Some models have as many KV heads as they please in each layer.
    total = sum(kv_heads) if isinstance(kv_heads, tuple) else layers * int(kv_heads)
    each = number("embedding_length") // heads
    width = number("attention.key_length", each) + number("attention.value_length", each)
    return total * width * _KV_BYTES
