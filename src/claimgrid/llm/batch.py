"""Requests ─► an OpenAI Batch input file; a Batch output file ─► recordings.

Each line's `custom_id` is the request's key, so that a batch reply and an online reply are stored
under the same name. The body of a line is captured from the real client, not written anew: it is
what an online call would have sent. Beside the file lies a manifest that says what each key asks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
import jsonlines
from instructor.core.exceptions import InstructorError

from claimgrid.errors import SourceError, StoreError, UsageError
from claimgrid.llm import providers
from claimgrid.llm.recordings import Attempt, Recording
from claimgrid.prompt import Request
from claimgrid.reply import Reply

_URL = "/v1/chat/completions"
_ASKED = (
    "key",
    "model",
    "mode",
    "prompt",
    "prompt_sha256",
    "schema_sha256",
    "paper_id",
    "title",
    "abstract_sha256",
)


class _CapturedError(Exception):
    def __init__(self, body: bytes) -> None:
        super().__init__("captured")
        self.body = body


class _Capture(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise _CapturedError(await request.aread())


def bodies(requests: Iterable[Request], at: providers.Endpoint) -> Iterator[tuple[Request, Any]]:
    """Each request with the JSON body that the client would send for it.

    Raises:
        UsageError: the endpoint is not OpenAI-compatible.
    """
    if at.provider != "openai":
        raise UsageError(f"the Batch file format is OpenAI's; {at.provider} models do not take it")
    client = providers.connect(at, httpx2.AsyncClient(transport=_Capture()))
    spelled = providers.arguments(at)
    with asyncio.Runner() as runner:
        for request in requests:
            yield request, json.loads(runner.run(_body(client, request, spelled(request))))


async def _body(client: Any, request: Request, arguments: dict[str, Any]) -> bytes:
    try:
        await client.chat.completions.create(
            model=request.model,
            messages=[dict(message) for message in request.messages],
            response_model=Reply,
            max_retries=0,
            **arguments,
        )
    except InstructorError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, _CapturedError):
                return cause.body
            cause = cause.__cause__
        raise
    raise AssertionError("the capturing transport never answers")


def write(path: Path, lines: Iterable[tuple[Request, Any]]) -> int:
    """Write requests and their manifest; a key is written once. Returns how many there are.

    Raises:
        StoreError: the file cannot be written.
    """
    seen: set[str] = set()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with jsonlines.open(path, "w") as requests, jsonlines.open(manifest(path), "w") as asked:
            for request, body in lines:
                if request.key in seen:
                    continue
                seen.add(request.key)
                requests.write(
                    {"custom_id": request.key, "method": "POST", "url": _URL, "body": body}
                )
                whole = asdict(request)
                asked.write({name: whole[name] for name in _ASKED})
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error
    return len(seen)


def manifest(path: Path) -> Path:
    """The manifest that belongs to a file of requests."""
    return path.with_name(path.name + ".manifest")


def recordings(results: Path, requests: Path, recorded: str) -> Iterator[Recording | str]:
    """The replies of a Batch output file as recordings; a line that holds none gives its reason.

    Args:
        recorded: ISO 8601 date to record them under.

    Raises:
        SourceError: a file cannot be read, or a line is not JSON.
    """
    asked = {line["key"]: line for _, line in _lines(manifest(requests))}
    for number, line in _lines(results):
        where = f"{results}:{number}"
        key = line.get("custom_id")
        response = line.get("response")
        if key not in asked:
            yield f"{where}: custom_id {key!r} is not among the requests of {requests}"
        elif line.get("error") or not isinstance(response, dict):
            yield f"{where}: the request failed: {line.get('error')}"
        elif response.get("status_code") != 200 or not isinstance(response.get("body"), dict):
            yield f"{where}: status {response.get('status_code')}: {response.get('body')}"
        else:
            attempt = Attempt(status=200, body=response["body"])
            yield Recording(
                **asked[key], origin="batch-file", recorded=recorded, attempts=(attempt,)
            )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with jsonlines.open(path) as reader:
            yield from enumerate(reader.iter(type=dict, skip_empty=True), 1)
    except jsonlines.InvalidLineError as error:
        raise SourceError(
            f"not a JSON object: {error}", path=str(path), line=error.lineno
        ) from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=str(path)) from error
