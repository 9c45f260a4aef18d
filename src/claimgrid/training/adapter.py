"""Turns the LoRA folder that peft writes into the GGUF adapter that llama.cpp loads.

Names, metadata and the order of the rows follow llama.cpp's `convert_lora_to_gguf.py` and
`convert_hf_to_gguf.py`. Needs the extra `train`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError

_LAYER = re.compile(r".*\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight")
_NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
# Architectures of which all of a layer's linear maps are the ones above, by transformers' name.
_ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}


def to_gguf(tuned: Path, config: Any, out: Path, *, about: str) -> Path:
    """Write the adapter in half precision.

    Args:
        tuned: peft's folder (`adapter_config.json`, `adapter_model.safetensors`).
        config: the base model's transformers configuration.
        about: one line of what the adapter is, kept in the file's metadata.

    Raises:
        SetupError: the base's architecture, or a layer that was tuned, is not known here.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    architecture = _ARCHITECTURES.get(str(config.model_type))
    if architecture is None:
        known = ", ".join(_ARCHITECTURES)
        raise SetupError(f"a base of type {config.model_type} has no adapter here; known: {known}")
    settings = json.loads((tuned / "adapter_config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(out), architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(settings["lora_alpha"]))
    writer.add_name(about)
    for name, tensor in sorted(load_file(tuned / "adapter_model.safetensors").items()):
        match = _LAYER.fullmatch(name)
        if match is None or match[2] not in _NAMES:
            raise SetupError(f"{tuned}: {name} is no layer that llama.cpp can adapt")
        values = tensor.astype(np.float32)
        if architecture == "llama" and match[3] == "B":
            heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
            if match[2] in heads:
                values = _interleaved(values, heads[match[2]])
        target = f"blk.{match[1]}.{_NAMES[match[2]]}.weight.lora_{match[3].lower()}"
        writer.add_tensor(target, np.ascontiguousarray(values.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _interleaved(rows: Any, heads: int) -> Any:
    """Rows of a query or key map as llama.cpp's rotary embedding wants them: the two halves of each
    head, which transformers keeps apart, in turn."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
