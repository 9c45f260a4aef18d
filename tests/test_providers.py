"""Anthropic and Google through their own clients, against servers that speak their dialects."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from claimgrid.errors import SetupError, UsageError
from claimgrid.extraction.prompt import build
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import Endpoint, endpoint
from claimgrid.types.answer import Answer, Usage
from server import Say, Server
from test_client import GOOD, PAPER, PROMPT

WRONG = {"speedups": [{"quote": 3}]}


def ask(at: Endpoint) -> Answer:
    async def main() -> Answer:
        async with Client(at, ResponseStores(), AskPolicy(live=True, attempts=1)) as client:
            return await client.ask(build(PAPER, PROMPT, model=at.model, mode=at.mode))

    return asyncio.run(main())


def anthropic(reply: dict[str, Any], body: Any) -> Say:
    content: dict[str, Any] = {"type": "text", "text": json.dumps(reply)}
    if "tools" in body:
        content = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": reply}
    return Say(
        {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [content],
         "stop_reason": "tool_use" if "tools" in body else "end_turn", "stop_sequence": None,
         "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4}}
    )  # fmt: skip


def google(reply: dict[str, Any], body: Any) -> Say:
    part: dict[str, Any] = {"text": json.dumps(reply)}
    if "tools" in body:
        name = body["tools"][0]["functionDeclarations"][0]["name"]
        part = {"functionCall": {"name": name, "args": reply}}
    return Say(
        {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
         "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 6}}
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["tools", "json"])
def test_anthropic_answers_and_is_asked_again(mode: Any) -> None:
    pytest.importorskip("anthropic", reason="pip install 'claimgrid[anthropic]'")
    with Server(lambda n, body: anthropic(GOOD if n else WRONG, body)) as server:
        url = server.url.removesuffix("/v1")
        answer = ask(endpoint("anthropic/x", mode=mode, base_url=url, key="k"))
    assert [item.value for item in answer.reply.speedups] == ["2.5x"]
    # Two replies; Anthropic counts what its cache read apart from the input.
    assert answer.usage == Usage(2, 2 * (10 + 4), 2 * 4, 2 * 5)
    assert server.requests[0]["system"]
    assert server.requests[0]["max_tokens"] == 100


@pytest.mark.parametrize("mode", ["tools", "json"])
def test_google_answers(mode: Any) -> None:
    pytest.importorskip("google.genai", reason="pip install 'claimgrid[google]'")
    with Server(lambda n, body: google(GOOD, body)) as server:
        url = server.url.removesuffix("/v1")
        answer = ask(endpoint("google/x", mode=mode, base_url=url, key="k"))
    assert [item.value for item in answer.reply.speedups] == ["2.5x"]
    assert answer.usage == Usage(1, 11, 0, 6)
    assert server.requests[0]["generationConfig"]["maxOutputTokens"] == 100


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anthropic", None)
    with pytest.raises(SetupError, match=r"claimgrid\[anthropic\]"):
        ask(endpoint("anthropic/x", key="k"))


@pytest.mark.parametrize(
    ("name", "provider", "model", "mode"),
    [
        ("openai/gpt-x", "openai", "gpt-x", "json_schema"),
        ("anthropic/claude-x", "anthropic", "claude-x", "tools"),
        ("google/gemini-x", "google", "gemini-x", "json"),
        ("meta-llama/Llama-3", "openai", "meta-llama/Llama-3", "json_schema"),
        ("plain", "openai", "plain", "json_schema"),
    ],
)
def test_names_of_models_say_whose_they_are(
    name: str, provider: str, model: str, mode: str
) -> None:
    at = endpoint(name)
    assert (at.provider, at.model, at.mode) == (provider, model, mode)


def test_a_server_on_this_machine_is_told_from_an_api() -> None:
    assert endpoint("m", base_url="http://localhost:8000/v1").origin == "local-server"
    assert endpoint("m", base_url="http://[::1]:8000/v1").origin == "local-server"
    assert endpoint("m", base_url="https://example.org/v1").origin == "api"
    assert endpoint("openai/m").origin == "api"
    with pytest.raises(UsageError):
        endpoint("openai/")
