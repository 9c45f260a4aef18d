"""The pure stages before and after a model that someone else runs: Ray Data's vLLM stage, say.

    papers.map(stages.render)  →  {"messages": …, "sampling_params": …}  →  the model  →
    {"generated_text": …}  →  map(stages.read)  →  the outcome, and the reply as it is stored

A row keeps its other columns. What the model wrote goes through the one client that also reads
stored replies, so that a refused, cut or broken reply comes to the same as anywhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from claimgrid import settings
from claimgrid.engines.session import open_session
from claimgrid.extraction import pipeline
from claimgrid.llm.client import ResponseStores
from claimgrid.llm.response_store import Attempt, Recording
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.request import reply_schema

OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
_MOST_TOKENS = 4096  # of a reply, if neither settings nor prompt say it; engines stop at 16
Row = dict[str, Any]


class ModelStages:
    """`render` and `read` for one model and prompt; a row's `paper` is a paper as JSON.

    Args:
        model: its name, as the engine loads it.
        options: any setting of `Settings` by its name.

    Raises:
        UsageError: a setting is wrong.
    """

    def __init__(self, model: str, **options: Any) -> None:
        self._session = open_session(settings.load(model=model, replay="only", **options))

    def render(self, row: Mapping[str, Any]) -> Row:
        """The row with the chat to complete, and how: held to the reply's JSON schema."""
        request = self._session.request(Paper.model_validate_json(row["paper"]))
        sampling = {
            "temperature": request.sampling.temperature or 0.0,
            "max_tokens": request.sampling.max_tokens or _MOST_TOKENS,
            "structured_outputs": {"json": json.loads(reply_schema())},
        }
        return {**row, "messages": list(map(dict, request.messages)), "sampling_params": sampling}

    def read(self, row: Mapping[str, Any]) -> Row:
        """The row with what the generated text came to, and without what only the model needs.

        Returns:
            `outcome` and `recording` as JSON, and `status`, beside the columns that `render` got.
        """
        paper = Paper.model_validate_json(row["paper"])
        request = self._session.request(paper)
        recording = Recording(
            **request.identity,
            origin="local-server",
            recorded=datetime.now(UTC).date().isoformat(),
            attempts=(Attempt(status=200, body=_body(row, request.sampling.max_tokens)),),
        )
        stores = ResponseStores(read=[("live", _OneReply(recording))])
        client = self._session.client(stores)
        outcome = asyncio.run(pipeline.extract(paper, self._session.request, client.ask))
        kept = {name: value for name, value in row.items() if name not in _OF_THE_MODEL}
        return kept | {
            "status": outcome.paper.status,
            "outcome": OUTCOME.dump_json(outcome).decode(),
            "recording": recording.model_dump_json(),
        }


_OF_THE_MODEL = {
    "messages", "sampling_params", "prompt", "prompt_token_ids", "tokenized_prompt",
    "num_input_tokens", "generated_tokens", "generated_text", "num_generated_tokens",
    "embeddings", "metrics", "logprobs", "prompt_logprobs", "request_id", "time_taken_llm",
}  # fmt: skip


class _OneReply:
    """A store that holds one reply."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def get(self, model: str, key: str) -> Recording | None:
        mine = (self._recording.model, self._recording.key) == (model, key)
        return self._recording if mine else None

    def put(self, recording: Recording) -> None:
        raise NotImplementedError(recording.key)

    async def keep(self, recording: Recording) -> None:
        raise NotImplementedError(recording.key)


def _body(row: Mapping[str, Any], most: int | None) -> dict[str, Any]:
    """The reply as a chat completion; the engine does not say why it stopped, its counts do."""
    written = int(row.get("num_generated_tokens") or 0)
    cut = written >= (most or _MOST_TOKENS)
    message = {"role": "assistant", "content": row["generated_text"]}
    read = int(row.get("num_input_tokens") or 0)
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "length" if cut else "stop"}],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        },
    }
