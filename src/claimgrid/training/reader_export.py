"""Writes a trained reader as an ONNX graph with 8-bit weights; needs torch, onnx, onnxruntime."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from claimgrid.reader import features
from claimgrid.training.reader_network import Network

_OUTPUTS = ("labels", "details", "pointers")


def to_onnx(network: Network, example: features.Features, out: Path) -> Path:
    """Export the network and quantize its weights; `example` needs two candidates and anchors."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    given = {name: torch.from_numpy(array) for name, array in features.arrays(example).items()}
    length, count, anchors = Dim("T", max=512), Dim("C", max=1024), Dim("A", max=1024)
    shapes: dict[str, Any] = {name: {1: length} for name in ("ids", "types", "attend")} | {
        name: {1: count, 2: length} for name in ("everywhere", "first")
    }
    shapes |= {name: {1: count} for name in ("kinds", "in_title", "forms")}
    shapes |= {"anchors": {1: anchors}, "relation": {1: anchors, 2: length}}
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared = Path(folder) / "plain.onnx", Path(folder) / "prepared.onnx"
        torch.onnx.export(
            network.eval(),
            tuple(given.values()),
            str(plain),
            input_names=list(given),
            output_names=list(_OUTPUTS),
            dynamic_shapes=tuple(shapes[name] for name in given),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(
            str(prepared),
            str(out),
            weight_type=QuantType.QInt8,
            per_channel=True,
            # Sums of products with 8-bit weights saturate where the processor lacks VNNI, so that
            # the same abstract would give other claims there.
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
    return out
