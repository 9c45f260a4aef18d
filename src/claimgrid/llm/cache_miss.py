"""A request without a recording ─► what to tell a person: what changed, and the ways on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from claimgrid.llm.response_store import RecordingFolder, ResponseStore
from claimgrid.types.request import Request


def missing(request: Request, stores: Sequence[ResponseStore]) -> str:
    """What to tell a person whose request has no recording: what changed, and the ways on."""
    near = [
        r
        for store in stores
        if isinstance(store, RecordingFolder)
        for r in store.of_model(request.model)
        if r.abstract_sha256 == request.abstract_sha256 or r.paper_id == request.paper_id
    ]
    if not near:
        why = f"model {request.model} has no recording for this paper"
    else:
        now = {
            "abstract": request.abstract_sha256,
            "title": request.title,
            "prompt": request.prompt_sha256,
            "schema": request.schema_sha256,
            "mode": request.mode,
        }
        then = [
            {
                "abstract": r.abstract_sha256,
                "title": r.title,
                "prompt": r.prompt_sha256,
                "schema": r.schema_sha256,
                "mode": r.mode,
            }
            for r in near
        ]
        changed = [what for what in now if all(old[what] != now[what] for old in then)]
        why = (
            f"the recording of model {request.model} for this paper is stale: "
            f"{' and '.join(changed) or 'the sampling'} changed since"
        )
    return (
        f"{why}. Ways on: set OPENAI_API_KEY and pass --model; or point --base-url at an "
        "OpenAI-compatible server (vLLM, Ollama, llama.cpp) and pass --model; or ask a model on "
        "this machine (extract models list, --model embedded/NAME); or write the requests to a "
        "file with `extract batch export`, have them answered and bring the answers back with "
        "`extract batch import`"
    )
