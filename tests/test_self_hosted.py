"""The two recipes for models of one's own: vLLM's batch files, and the stages around Ray's vLLM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claimgrid import Paper, sources
from claimgrid.engines.model_stages import OUTCOME, ModelStages
from claimgrid.llm.response_store import Recording, ReplyCache
from simulated import paper
from test_cli import extract, jsonl, lines

MODEL = "Qwen/Qwen3-8B"
# What vLLM's chat endpoint takes of a body: a field that it does not know is an error there.
KNOWN = {
    "messages", "model", "max_completion_tokens", "max_tokens", "temperature", "response_format",
    "tools", "tool_choice", "seed", "top_p",
}  # fmt: skip


def completion(number: int) -> dict[str, Any]:
    """A completion as vLLM writes it, with the fields that OpenAI's lacks."""
    message = {
        "role": "assistant",
        "content": json.dumps(paper(number).reply),
        "reasoning_content": None,
        "tool_calls": [],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_715_633_336,
        "model": MODEL,
        "choices": [choice | {"stop_reason": None}],
        "usage": {"prompt_tokens": 4_000, "total_tokens": 4_100, "completion_tokens": 100},
        "prompt_logprobs": None,
    }


def answered(requests: Path, *, wrapped: bool) -> Iterator[dict[str, Any]]:
    """The lines of `vllm run-batch`: as its program writes them, or as its documentation shows."""
    for number, line in enumerate(lines(requests)):
        body = completion(number)
        response = {"status_code": 200, "request_id": f"vllm-batch-{number}", "body": body}
        yield {
            "id": f"vllm-{number}",
            "custom_id": line["custom_id"],
            "response": response if wrapped else body,
            "error": None,
        }


@pytest.mark.parametrize("wrapped", [True, False])
def test_vllm_s_batch_runner_takes_our_lines_and_we_take_its(tmp_path: Path, wrapped: bool) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(number).record for number in range(3)))
    requests, out = tmp_path / "requests.jsonl", tmp_path / "out"
    recordings = {"CLAIMGRID_RECORDINGS": str(tmp_path / "recordings")}
    done = extract("batch", "export", source, "--model", MODEL, "--out", requests, **recordings)
    assert done.returncode == 0, done.stderr
    for line in lines(requests):
        assert set(line) == {"custom_id", "method", "url", "body"}
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
        assert line["body"]["model"] == MODEL
        assert set(line["body"]) <= KNOWN
        assert {tuple(message) for message in line["body"]["messages"]} == {("role", "content")}
        held = line["body"]["response_format"]
        assert held["type"] == "json_schema"
        assert held["json_schema"]["schema"]["type"] == "object"
    failed = {"id": "vllm-x", "custom_id": "x", "response": None, "error": {"message": "too long"}}
    results = jsonl(tmp_path / "results.jsonl", *answered(requests, wrapped=wrapped), failed)
    taken = extract("batch", "import", results, "--requests", requests, **recordings)
    assert "3" in taken.stdout
    again = extract("run", source, "--model", MODEL, "--replay", "only", "--out", out, **recordings)
    assert again.returncode == 0, again.stderr
    assert [line["status"] for line in lines(out / "papers.jsonl")] == ["claims"] * 3


@pytest.fixture
def stages() -> ModelStages:
    return ModelStages(MODEL)


def row(number: int) -> dict[str, Any]:
    made = paper(number)
    return {
        "paper": Paper(
            paper_id=f"p{number}", title=made.title, abstract=made.abstract
        ).model_dump_json(),
        "place": number,
    }


def test_a_row_is_rendered_as_the_engine_takes_it(stages: ModelStages) -> None:
    made = stages.render(row(7))
    assert made["place"] == 7
    assert made["messages"][0]["role"] == "system"
    assert paper(7).abstract in made["messages"][-1]["content"]
    sampling = made["sampling_params"]
    assert sampling["temperature"] == 0
    assert sampling["max_tokens"] >= 1024
    assert "benchmarks" in json.dumps(sampling["structured_outputs"]["json"])


def test_what_the_engine_writes_is_read_as_a_stored_reply_is(
    stages: ModelStages, tmp_path: Path
) -> None:
    source = jsonl(tmp_path / "papers.jsonl", *(paper(number).record for number in range(3)))
    outcomes: dict[str, list[str]] = {}
    (tmp_path / "out").mkdir()
    with closing(ReplyCache(tmp_path / "out/replies.sqlite")) as replies:
        for item in sources.read(source):
            assert isinstance(item, Paper)
            number = int(item.paper_id.removeprefix("sim-"))
            written = {
                "generated_text": json.dumps(paper(number).reply),
                "num_input_tokens": 5,
                "num_generated_tokens": 9,
            }
            made = stages.read(stages.render({"paper": item.model_dump_json()}) | written)
            assert set(made) == {"paper", "status", "outcome", "recording"}
            outcome = OUTCOME.validate_json(made["outcome"])
            assert outcome.usage.input_tokens == 5
            outcomes[item.paper_id] = [claim.claim_id for claim in outcome.claims]
            replies.put(Recording.model_validate_json(made["recording"]))
    done = extract("run", source, "--model", MODEL, "--replay", "only", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert [line["status"] for line in lines(tmp_path / "out/papers.jsonl")] == ["claims"] * 3
    for claim in lines(tmp_path / "out/claims.jsonl"):
        assert outcomes[claim["paper_id"]].pop(0) == claim["claim_id"]
    assert not any(outcomes.values())


@pytest.mark.parametrize(
    ("written", "tokens", "status"),
    [
        ("{", 9, "invalid"),
        ('{"benchmarks": [', 4096, "truncated"),
        ("no claims here", 9, "invalid"),
    ],
)
def test_a_text_that_is_no_reply_is_a_failed_paper(
    stages: ModelStages, written: str, tokens: int, status: str
) -> None:
    made = stages.read(row(1) | {"generated_text": written, "num_generated_tokens": tokens})
    outcome = OUTCOME.validate_json(made["outcome"])
    assert outcome.claims == ()
    assert made["status"] == outcome.paper.status == status
    assert outcome.paper.reason
