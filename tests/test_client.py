"""The real client against a real server on loopback: every way that a reply can go wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimgrid.errors import (
    InvalidReplyError,
    NoRecordingError,
    RefusedError,
    SetupError,
    TransportError,
    TruncatedError,
    UsageError,
)
from claimgrid.extraction.prompt import Prompt, build
from claimgrid.llm import fast_path, providers
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.providers import endpoint
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.response_store import ReplyCache
from claimgrid.types.answer import Answer
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request
from server import Say, Server, completion

ROOT = Path(__file__).resolve().parents[1]
PAPER = Paper(paper_id="p1", title="Zephyr", abstract="Zephyr is 2.5x faster than Boreas.")
PROMPT = Prompt("t", 1, 0.0, 100, "Read.", "{title}\n{abstract}\n{fence}", (), "0" * 64)
GOOD = {"speedups": [{"quote": "2.5x faster", "value": "2.5x", "change": "up"}]}
BAD_ITEM = {"quote": "Zephyr", "change": "sideways"}


def request(model: str = "scripted") -> Request:
    return build(PAPER, PROMPT, model=model, mode="json_schema")


def ask(
    url: str | None, stores: ResponseStores | None = None, *, live: bool = True, **policy: Any
) -> Answer:
    async def main() -> Answer:
        at = endpoint("scripted", base_url=url or "http://127.0.0.1:1/v1")
        settled = AskPolicy(
            live=live, **({"attempts": 3, "reasks": 2, "timeout": 5.0, "backoff": 0.01} | policy)
        )
        async with Client(at, stores or ResponseStores(), settled) as client:
            return await client.ask(request())

    return asyncio.run(main())


def test_a_good_reply_comes_back_with_its_usage() -> None:
    with Server(lambda n, body: completion(json.dumps(GOOD))) as server:
        answer = ask(server.url)
    assert answer.reply.speedups[0].value == "2.5x"
    assert (answer.usage.requests, answer.usage.input_tokens, answer.usage.output_tokens) == (
        1,
        100,
        10,
    )
    assert (answer.source, answer.origin) == ("live", "local-server")
    sent = server.requests[0]
    assert sent["messages"][-1]["content"].startswith("Zephyr\nZephyr is 2.5x")
    assert sent["response_format"]["json_schema"]["name"] == "Reply"


def test_an_invalid_reply_is_asked_again_with_the_reason_and_the_chain_is_recorded(
    tmp_path: Path,
) -> None:
    folder = RecordingFolder(tmp_path)

    def script(n: int, body: Any) -> Say:
        return completion('{"speedups": [{"quote": 3}]}' if n == 0 else json.dumps(GOOD))

    with Server(script) as server:
        live = ask(server.url, ResponseStores(write=(folder,)))
    assert len(server.requests) == 2
    assert "speedups.0.quote" in server.requests[1]["messages"][-1]["content"]
    stored = folder.get("scripted", request().key)
    assert stored is not None
    assert len(stored.attempts) == 2
    assert "authorization" not in (tmp_path / "scripted" / f"{request().key}.json").read_text()

    replayed = ask(None, ResponseStores(read=(("recording", folder),)), live=False)
    assert replayed.reply == live.reply
    assert replayed.usage == live.usage
    assert replayed.source == "recording"


def test_valid_items_are_kept_when_the_re_asks_run_out() -> None:
    content = json.dumps(GOOD | {"hardware": [BAD_ITEM], "colours": [1]})
    with Server(lambda n, body: completion(content)) as server:
        answer = ask(server.url, reasks=1)
    assert len(server.requests) == 2
    assert [item.value for item in answer.reply.speedups] == ["2.5x"]
    assert [d.kind for d in answer.dropped] == ["hardware", None]
    assert "device" in answer.dropped[0].detail


@pytest.mark.parametrize(
    ("say", "error", "requests"),
    [
        (completion("not JSON at all"), InvalidReplyError, 3),
        (completion('["a", "list"]'), InvalidReplyError, 3),
        (completion(""), InvalidReplyError, 3),
        (Say({"choices": []}), InvalidReplyError, None),
        (Say(b"<html>ok</html>", headers={"content-type": "text/html"}), TransportError, 3),
        (completion(None, refusal="I cannot help with that."), RefusedError, 1),
        (completion("", finish="content_filter"), RefusedError, 1),
        (completion('{"speedups": [{"quo', finish="length"), TruncatedError, 1),
        (Say({"error": {"message": "no such model"}}, status=404), TransportError, 1),
        (Say({"error": {"message": "busy"}}, status=503), TransportError, 3),
    ],
)
def test_what_cannot_be_used_ends_the_paper_by_name(
    say: Say, error: type[Exception], requests: int | None
) -> None:
    with Server(lambda n, body: say) as server, pytest.raises(error) as caught:
        ask(server.url)
    assert requests is None or len(server.requests) == requests
    assert str(caught.value)


def test_the_refusal_and_the_advice_reach_the_reader() -> None:
    with (
        Server(lambda n, body: completion(None, refusal="I will not.")) as server,
        pytest.raises(RefusedError, match=r"I will not\."),
    ):
        ask(server.url)
    bad_key = Say({"error": {"message": "bad key"}}, status=401)
    with (
        Server(lambda n, body: bad_key) as server,
        pytest.raises(TransportError, match=r"401: bad key; check the API key"),
    ):
        ask(server.url)


def test_trouble_on_the_wire_is_retried_and_never_re_asked(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    troubles = [
        Say({"error": "slow down"}, 429, {"retry-after": "0"}),
        Say(drop=True),
        Say({}, 500),
    ]

    def script(n: int, body: Any) -> Say:
        return troubles[n] if n < len(troubles) else completion(json.dumps(GOOD))

    with Server(script) as server:
        answer = ask(server.url, ResponseStores(write=(folder,)), attempts=5)
    assert answer.reply.speedups
    assert all(body == server.requests[0] for body in server.requests)
    stored = folder.get("scripted", request().key)
    assert stored is not None
    assert len(stored.attempts) == 1


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    say = Say({}, 429, {"retry-after": "3600"})
    with (
        Server(lambda n, body: say) as server,
        pytest.raises(TransportError, match="asks to wait 3600 s"),
    ):
        ask(server.url)
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:1/.*could not be reached"):
        ask(None, attempts=1)


def test_a_slow_server_times_out() -> None:
    def script(n: int, body: Any) -> Say:
        return Say({}, delay=0.5)

    with Server(script) as server, pytest.raises(TransportError, match="could not be reached"):
        ask(server.url, attempts=1, timeout=0.1)


def test_without_recording_and_server_the_error_tells_the_ways_on(tmp_path: Path) -> None:
    with pytest.raises(NoRecordingError) as caught:
        ask(None, ResponseStores(read=(("recording", RecordingFolder(tmp_path)),)), live=False)
    for way in ("no recording for this paper", "OPENAI_API_KEY", "--base-url", "batch export"):
        assert way in str(caught.value)


def test_a_stale_recording_says_what_changed(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    with Server(lambda n, body: completion(json.dumps(GOOD))) as server:
        ask(server.url, ResponseStores(write=(folder,)))
    edited = PAPER.model_copy(update={"abstract": PAPER.abstract + " It is new."})

    async def main() -> Answer:
        at = endpoint("scripted", base_url="http://127.0.0.1:1/v1")
        stores = ResponseStores(read=(("recording", folder),))
        async with Client(at, stores, AskPolicy(live=False)) as client:
            return await client.ask(build(edited, PROMPT, model="scripted", mode="json_schema"))

    with pytest.raises(NoRecordingError, match="stale: abstract changed"):
        asyncio.run(main())


def test_an_invalid_recorded_reply_is_salvaged_without_a_server(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    content = json.dumps(GOOD | {"hardware": [BAD_ITEM]})
    with Server(lambda n, body: completion(content)) as server:
        live = ask(server.url, ResponseStores(write=(folder,)), reasks=0)
    replayed = ask(None, ResponseStores(read=(("recording", folder),)), live=False, reasks=2)
    assert replayed.reply == live.reply
    assert replayed.dropped == live.dropped


def test_the_cache_keeps_a_reply_over_a_restart(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite")
    with Server(lambda n, body: completion(json.dumps(GOOD))) as server:
        ask(server.url, ResponseStores(write=(cache,)))
    cache.close()
    again = ReplyCache(tmp_path / "replies.sqlite")
    answer = ask(None, ResponseStores(read=(("cache", again),)), live=False)
    again.close()
    assert (answer.source, answer.reply.speedups[0].value) == ("cache", "2.5x")


@pytest.mark.parametrize("mode", ["tools", "json", "md_json"])
def test_every_mode_goes_out_and_comes_back(mode: str) -> None:
    arguments = json.dumps(GOOD)

    def script(n: int, body: Any) -> Say:
        if mode == "tools":
            call = {"name": body["tools"][0]["function"]["name"], "arguments": arguments}
            calls = [{"id": "c1", "type": "function", "function": call}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            return Say({"id": "x", "object": "chat.completion", "created": 0, "model": "m",
                        "choices": [choice]})  # fmt: skip
        return completion(f"```json\n{arguments}\n```" if mode == "md_json" else arguments)

    async def main(url: str) -> Answer:
        at = endpoint("scripted", mode=mode, base_url=url)  # type: ignore[arg-type]
        async with Client(at, ResponseStores(), AskPolicy(live=True)) as client:
            return await client.ask(build(PAPER, PROMPT, model="scripted", mode=mode))

    with Server(script) as server:
        answer = asyncio.run(main(server.url))
    assert [item.value for item in answer.reply.speedups] == ["2.5x"]


@pytest.mark.slow
@given(st.text(), st.text())
@settings(max_examples=60)
def test_the_fast_path_sends_the_bytes_of_the_real_client(title: str, abstract: str) -> None:
    at = endpoint("scripted", base_url="http://127.0.0.1:1/v1", key="k")
    papers = [PAPER, Paper(paper_id="x", title=title, abstract=abstract)]
    first, other = (build(p, PROMPT, model="scripted", mode="json_schema") for p in papers)

    async def main() -> None:
        prepared = await fast_path.prepare(first, at)
        assert prepared is not None
        try:
            _, url, headers, body = await fast_path.capture(other, at)
        except UnicodeEncodeError:
            return  # lone surrogates: no client can send them, and no source lets them through
        assert prepared.body(other) == body
        assert prepared.url == url
        assert prepared.headers.keys() == headers.keys()

    asyncio.run(main())


@pytest.mark.parametrize(
    "contents",
    [
        [json.dumps(GOOD)],
        ["not JSON", json.dumps(GOOD)],
        ["not JSON", "nor this", json.dumps(GOOD)],
        [json.dumps(GOOD | {"hardware": [BAD_ITEM]})] * 3,
        [json.dumps(GOOD).replace('"up"', '"up", "metric": null, "baselines": "Boreas"')],
        ["{}"],
    ],
)
def test_both_paths_give_the_same_answers_and_recordings(
    contents: list[str], tmp_path: Path
) -> None:
    """The fast path and the vendor's client, fresh and replayed, against the same server."""
    seen = []
    for path in (True, False):
        folder = RecordingFolder(tmp_path / str(path))
        with Server(lambda n, body: completion(contents[n])) as server:
            live = ask(server.url, ResponseStores(write=(folder,)), fast=path)
        replayed = [
            ask(None, ResponseStores(read=(("recording", folder),)), live=False, fast=way)
            for way in (True, False)
        ]
        assert all(r.reply == live.reply and r.dropped == live.dropped for r in replayed)
        seen.append((live, server.requests, folder.get("scripted", request().key)))
    assert seen[0] == seen[1]


def test_replaying_clean_replies_needs_no_client(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    with Server(lambda n, body: completion(json.dumps(GOOD))) as server:
        ask(server.url, ResponseStores(write=(folder,)))
    code = (
        "import asyncio, sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path; import test_client as t\n"
        "before = set(sys.modules)\n"
        "for name in [n for n in sys.modules if n.split('.')[0] in ('openai', 'instructor')]:\n"
        "    del sys.modules[name]\n"
        f"folder = t.RecordingFolder(Path({str(tmp_path)!r}))\n"
        "t.ask(None, t.ResponseStores(read=(('recording', folder),)), live=False)\n"
        "print([n for n in ('openai', 'instructor') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("headers", [
    {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.2.3s"},
    {"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"},
])  # fmt: skip
def test_a_malformed_header_costs_no_reply(headers: dict[str, str]) -> None:
    def script(n: int, body: Any) -> Say:
        if n == 0 and "retry-after" in headers:
            return Say({}, 503, headers)
        return Say(completion(json.dumps(GOOD)).body, headers=headers)

    with Server(script) as server:
        assert ask(server.url).reply.speedups


@pytest.mark.parametrize("key", ["sk-é", "sk-a b", "sk-a\n", "\u201csk\u201d"])
@pytest.mark.parametrize("mode", ["json_schema", "tools"])
def test_a_key_that_no_header_holds_is_named_and_not_shown(key: str, mode: Any) -> None:
    async def main() -> None:
        at = endpoint("scripted", mode=mode, base_url="http://127.0.0.1:1/v1", key=key)
        async with Client(at, ResponseStores(), AskPolicy(live=True)) as client:
            await client.ask(build(PAPER, PROMPT, model="scripted", mode=mode))

    with pytest.raises(SetupError, match="OPENAI_API_KEY holds") as caught:
        asyncio.run(main())
    assert key not in str(caught.value)


def test_a_client_that_builds_no_request_says_what_to_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(at: object) -> Any:
        return lambda request: {"temperature": float("nan")}  # no JSON

    monkeypatch.setattr(providers, "arguments", refuse)
    with pytest.raises(SetupError, match=r"OPENAI_API_KEY and the base URL, http://127\.0\.0\.1:1"):
        ask(None)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "http://", "https:///v1", "ftp://host/v1", "http://[::1/v1",
     "http://host:99999/v1", "http://host:port/v1", "http://a b/v1", "http://host/v1\n",
     "http://a..b/v1", f"http://{'a' * 64}/v1"],
)  # fmt: skip
def test_a_base_url_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="write http://HOST:PORT/v1"):
        endpoint("m", base_url=url)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/v1", "https://example.org", "http://[::1]:8000/v1", "HTTP://HOST/v1",
     "https://user:word@example.org/v1/", "http://zephyr.example./v1", "http://höst.example/v1"],
)  # fmt: skip
def test_a_base_url_that_names_a_server_is_taken(url: str) -> None:
    assert endpoint("m", base_url=url).base_url == url
