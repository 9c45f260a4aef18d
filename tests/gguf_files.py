"""GGUF files for tests, written by the specification: headers of any model, and LoRA adapters."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_F32 = 0
_ALIGNMENT = 32


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, list) and isinstance(value[0], str):
        head = struct.pack("<IIQ", 9, 8, len(value))
        return head + b"".join(_string(text) for text in value)
    if isinstance(value, list):
        return struct.pack(f"<IIQ{len(value)}I", 9, 4, len(value), *value)
    return struct.pack("<II", 4, value)


def write(
    path: Path, said: Mapping[str, Any], tensors: Mapping[str, tuple[int, int, float]] | None = None
) -> Path:
    """A GGUF of these key-value pairs and tensors: columns, rows, and the number in every place."""
    tensors = tensors or {}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(said))
    head += b"".join(_string(name) + _value(value) for name, value in said.items())
    data = b""
    for name, (columns, rows, number) in tensors.items():
        head += _string(name) + struct.pack("<IQQIQ", 2, columns, rows, _F32, len(data))
        data += struct.pack("<f", number) * (columns * rows)
        data += b"\0" * (-len(data) % _ALIGNMENT)
    head += b"\0" * (-len(head) % _ALIGNMENT)
    path.write_bytes(head + data)
    return path


def model(path: Path, **said: Any) -> Path:
    """A model's header: 30 layers, 3 KV heads of 64 numbers, 8,192 tokens; `said` replaces."""
    pairs = {
        "general.architecture": "llama",
        "general.type": "model",
        "llama.context_length": 8192,
        "llama.block_count": 30,
        "llama.embedding_length": 576,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
        "tokenizer.ggml.tokens": ["a", "b"],
    }
    changed = {name.replace("__", "."): value for name, value in said.items()}
    return write(path, pairs | changed, {"t": (32, 32, 1.0)})


def adapter(path: Path, *, number: float, architecture: str = "llama") -> Path:
    """A LoRA of rank 1 on one matrix of SmolLM2-135M; 0 changes nothing."""
    said = {
        "general.architecture": architecture,
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 1.0,
    }
    name = "blk.0.attn_q.weight"
    return write(path, said, {f"{name}.lora_a": (576, 1, number), f"{name}.lora_b": (1, 576, 1.0)})
