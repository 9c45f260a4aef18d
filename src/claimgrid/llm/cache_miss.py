"""Explains why a request has no stored reply: what changed since, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.response_store import ResponseStore
from claimgrid.types.request import Request

_COMPARED = {
    "abstract": "abstract_sha256",
    "title": "title",
    "prompt": "prompt_sha256",
    "schema": "schema_sha256",
    "mode": "mode",
}


def missing(request: Request, stores: Sequence[ResponseStore]) -> str:
    """What to tell a user whose request has no stored reply."""
    near = [
        r
        for store in stores
        if isinstance(store, RecordingFolder)
        for r in store.about(request.model, request.abstract_sha256, request.paper_id)
    ]
    if not near:
        why = f"model {request.model} has no recording for this paper"
    else:
        changed = [
            what
            for what, field in _COMPARED.items()
            if all(getattr(old, field) != getattr(request, field) for old in near)
        ]
        why = (
            f"the recording of model {request.model} for this paper is stale: "
            f"{' and '.join(changed) or 'the sampling'} changed since"
        )
    return (
        f"{why}. Set OPENAI_API_KEY or --base-url and pass --model, or use a model on this machine "
        "(extract models list) or `extract batch export`"
    )
