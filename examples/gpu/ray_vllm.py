"""Reads the abstracts of a source with a model on GPUs of one's own: Ray Data and vLLM.

    pip install 'claimgrid[ray]' 'ray[llm]'
    python examples/gpu/ray_vllm.py papers.jsonl outputs/papers Qwen/Qwen3-8B 4
    extract run papers.jsonl --model Qwen/Qwen3-8B --replay only --out outputs/papers

The first command asks the model, on 4 GPUs here, and stores its replies in the run's folder. The
second makes the run of them: it asks nobody. A command that was stopped starts over.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ray
from ray.data.llm import build_processor, vLLMEngineProcessorConfig

from claimgrid import Paper, sources
from claimgrid.engines.model_stages import ModelStages
from claimgrid.extraction.pipeline import without_abstract
from claimgrid.llm.response_store import Recording, ReplyCache


def papers(source: str) -> Iterator[dict[str, Any]]:
    """The papers of a source that a model can be asked about, as rows."""
    for item in sources.read(source):
        if isinstance(item, Paper) and without_abstract(item) is None:
            yield {"paper": item.model_dump_json()}


def main(source: str, out: Path, model: str, gpus: int) -> None:
    """Ask the model about every paper, and store what it says."""
    stages = ModelStages(model)
    config = vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={"max_model_len": 16_384, "enable_prefix_caching": True},
        concurrency=gpus,
        batch_size=64,
    )
    processor = build_processor(config, preprocess=stages.render, postprocess=stages.read)
    out.mkdir(parents=True, exist_ok=True)
    statuses: Counter[str] = Counter()
    with closing(ReplyCache(out / "replies.sqlite")) as replies:
        for row in processor(ray.data.from_items(list(papers(source)))).iter_rows():
            replies.put(Recording.model_validate_json(row["recording"]))
            statuses[row["status"]] += 1
    print(dict(statuses))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
