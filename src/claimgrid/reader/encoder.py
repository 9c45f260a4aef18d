"""Reads an abstract in one pass of a small encoder: no server, no key, and a probability a claim.

The model's folder holds `model.onnx` (8-bit weights), `tokenizer.json` and `reader.json`
(thresholds and calibration). onnxruntime and tokenizers are imported when it is loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from claimgrid.decisions import candidates
from claimgrid.errors import SetupError
from claimgrid.reader.calibration import apply
from claimgrid.reader.findings import Finding
from claimgrid.reader.reading import Reading
from claimgrid.text import sentences

MODEL, TOKENIZER, SETTINGS = "model.onnx", "tokenizer.json", "reader.json"
KIND_OF = {
    "score": "benchmark", "delta": "benchmark", "share": "benchmark", "used": "name", "new": "name",
    "up": "speedup", "down": "speedup", "of": "speedup", "from": "speedup",
    "amount": "efficiency", "run": "hardware", "deploy": "hardware", "aim": "hardware",
    "size": "model_size", "active": "model_size",
}  # fmt: skip
_ROOM = 400  # tokens of an abstract that one pass reads for certain, beside the title


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model. It holds no state between abstracts: the same abstract, the same findings."""

    session: Any
    tokenizer: Any
    rules: Any
    maps: Mapping[str, Sequence[tuple[float, float]]]
    measured: Mapping[str, Any]
    version: str

    def read(self, title: str, abstract: str) -> Reading:
        """What the abstract claims, with the calibrated probability that each claim is right."""
        found: list[Finding] = []
        seen: set[str] = set()
        doubt = 0.0
        for low, high in self._windows(abstract):
            claims, missed = self._pass(title, abstract[low:high])
            doubt += missed
            for one in claims:
                question = one.question
                if question.about == "name" and question.shown in seen:
                    continue
                seen.add(question.shown)
                after = None if question.after is None else question.after + low
                moved = replace(
                    question, start=question.start + low, end=question.end + low, after=after
                )
                found.append(replace(one, question=moved))
                doubt += 1 - (one.confidence or 0.0)
        return Reading(tuple(found), round(doubt, 3))

    def _pass(self, title: str, abstract: str) -> tuple[list[Finding], float]:
        """The findings of one pass, and how many claims it expects to have missed."""
        from claimgrid.reader import decoding, features

        asked = candidates.candidates_of(abstract).questions
        if not asked:
            return [], 0.0
        row = features.features(self.tokenizer, title, abstract, asked)
        out = decoding.batch_of_one(self.session.run(None, features.arrays(row)))
        found, missed = decoding.findings(abstract, row, out, self.rules)
        return [self._calibrated(one) for one in found], missed

    def _calibrated(self, one: Finding) -> Finding:
        points = self.maps.get(KIND_OF[one.label])
        raw = one.confidence or 0.0
        return replace(one, confidence=round(apply(points, raw), 3) if points else raw)

    def _windows(self, abstract: str) -> Iterator[tuple[int, int]]:
        """The abstract, or runs of its sentences that one pass holds."""
        # A token has one character at least.
        if len(abstract) <= _ROOM:
            yield 0, len(abstract)
            return
        offsets = self.tokenizer.encode(abstract, add_special_tokens=False).offsets
        if len(offsets) <= _ROOM:
            yield 0, len(abstract)
            return
        spans = sentences.spans(abstract)
        first = tokens = 0
        at = 0
        for number, (_, end) in enumerate(spans):
            size = sum(1 for start, _ in offsets[at:] if start < end)
            at += size
            if tokens and tokens + size > _ROOM:
                yield spans[first][0], spans[number - 1][1]
                first, tokens = number, 0
            tokens += size
        yield spans[first][0], spans[-1][1]


@lru_cache(maxsize=2)
def load(folder: Path, threads: int | None = None) -> Reader:
    """Load a model from its folder.

    Raises:
        SetupError: onnxruntime or tokenizers is missing, or the folder holds no reader.
    """
    try:
        import onnxruntime
        from tokenizers import Tokenizer

        from claimgrid.reader.decoding import Rules
    except ImportError as error:
        raise SetupError(
            f"the local reader needs {error.name}: pip install 'claimgrid[reader]'"
        ) from error
    lacking = [name for name in (MODEL, TOKENIZER, SETTINGS) if not (folder / name).is_file()]
    if lacking:
        raise SetupError(f"{folder} holds no reader: {', '.join(lacking)} is missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or max(1, min(4, (os.cpu_count() or 2)))
    options.inter_op_num_threads = 1
    # Threads that wait do not spin: beside other work, spinning costs more than it saves.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(folder / MODEL), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    told = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    rules = Rules(told["claim"], told["none"], told["devices"])
    return Reader(session, tokenizer, rules, told["calibration"], told["measured"], told["version"])
