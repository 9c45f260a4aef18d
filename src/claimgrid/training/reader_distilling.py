"""Makes a reader of runs or gold: examples, training, export, thresholds and calibration, card.

Needs the extra `train`. Each step leaves its result in the folder, so that a stopped one continues.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from claimgrid.decisions import candidates
from claimgrid.errors import UsageError
from claimgrid.reader import encoder, features
from claimgrid.training import reader_examples, reader_export, reader_fitting, reader_loop
from claimgrid.training.reader_fitting import Known
from claimgrid.training.reader_loop import LOG, ReaderPlan

CARD = "README.md"
_BASE = ("config.json", "model.safetensors", "tokenizer.json")
# An invented abstract with two numbers, a size and a device: what the graph is traced with.
_TRACED = (
    "On FooBench, Widget reaches 91.2% accuracy, 2.3 points better than Gadget. It is up to 3.5x "
    "faster than Gizmo on an NVIDIA A100 GPU with a 7B model."
)


def distill(
    base: Path,
    learned: Sequence[Known],
    unseen: Sequence[Known],
    out: Path,
    plan: ReaderPlan,
    weights: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Train a reader in `out`, or go on with one; returns what was measured on `unseen`.

    Args:
        base: folder of a BERT model with its tokenizer.
        weights: how much an abstract counts, by its hash, where that is not 1.

    Raises:
        UsageError: the base lacks a file.
    """
    lacking = [name for name in _BASE if not (base / name).is_file()]
    if lacking:
        raise UsageError(f"--base {base}: {', '.join(lacking)} is missing; pass a BERT's folder")
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(base / encoder.TOKENIZER, out / encoder.TOKENIZER)
    tokenizer = Tokenizer.from_file(str(out / encoder.TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    given = weights or {}
    made = [
        [
            reader_examples.example(paper, known, given.get(paper.abstract_sha256, 1.0))
            for paper, known in side
        ]
        for side in (learned, unseen)
    ]
    examples = [[one for one in side if one.questions] for side in made]
    network = reader_loop.train(base, tokenizer, examples[0], examples[1], out, plan)
    asked = candidates.candidates_of(_TRACED).questions
    traced = features.features(tokenizer, "Widget: an invented system", _TRACED, asked)
    reader_export.to_onnx(network, traced, out / encoder.MODEL)
    about = {"base": base.name, "abstracts": len(learned), "epochs": plan.epochs}
    measured = reader_fitting.fit(out, unseen, about)
    (out / CARD).write_text(card(out, about, measured), encoding="utf-8")
    return measured


def card(folder: Path, about: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """The model card: what it was made of, what was measured, and the learning curve."""
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    curve = [line for line in map(json.loads, lines) if "held_out" in line]
    rows = [f"| {one['epoch']:.1f} | {one['loss']:.3f} | {one['held_out']:.3f} |" for one in curve]
    size = (folder / encoder.MODEL).stat().st_size / 1e6
    return "\n".join(
        [
            "# A claimgrid reader",
            "",
            f"Base {about['base']}, {about['abstracts']} abstracts, {about['epochs']:g} epochs; "
            f"{size:.1f} MB with 8-bit weights.",
            "",
            f"On {measured['abstracts']} held-out abstracts: F1 {measured['f1']:.3f} by kind and "
            f"key, {measured['whole']:.3f} where every field must be right; calibration error "
            f"{measured['ece']:.3f}. Thresholds and calibration were chosen on the same abstracts.",
            "",
            "| epoch | loss of the last step | held-out loss |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )
