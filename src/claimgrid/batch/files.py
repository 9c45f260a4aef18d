"""Writes requests as OpenAI Batch files, and reads Batch output files as recordings.

Each line's `custom_id` is the request's key, so that a batch reply and an online reply are stored
under the same name. The body of a line is captured from the real client, not written anew: it is
what an online call would have sent. Beside the file lies a manifest that says what each key asks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import jsonlines
from instructor.core.exceptions import InstructorError
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from claimgrid.errors import SourceError, StoreError, UsageError
from claimgrid.llm import providers
from claimgrid.llm.reply_body import ending, texts
from claimgrid.llm.response_store import Attempt, Recording
from claimgrid.types.reply import Reply
from claimgrid.types.request import Request

URL: Literal["/v1/chat/completions"] = "/v1/chat/completions"


class _CapturedError(Exception):
    def __init__(self, body: bytes) -> None:
        super().__init__("captured")
        self.body = body


_REPLIES: ContextVar[Iterator[Any]] = ContextVar("_REPLIES")


def _capture(http: ModuleType) -> Any:
    """A transport for httpx or httpx2 that answers from the replies so far; what is asked after
    them is not sent but caught."""

    class Capture(http.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            for body in _REPLIES.get():
                return http.Response(200, json=body, request=request)
            raise _CapturedError(await request.aread())

    return Capture()


class RequestBodies:
    """What the client sends for a request, first and after replies that it must refuse.

    Raises:
        UsageError: no Batch API takes requests of this mode.
        SetupError: the vendor's extra is not installed, or no HTTP header can hold the key.
    """

    def __init__(self, at: providers.Endpoint) -> None:
        if at.mode == "decisions":
            raise UsageError(
                "mode decisions needs a server that can be held to a grammar, which no Batch API "
                "can: ask with extract run, or leave --mode out"
            )
        http = providers.http_module(at)
        self._at = at
        self._client = providers.connect(at, http.AsyncClient(transport=_capture(http)))
        self._arguments = providers.arguments(at)
        self._last: tuple[Request, Any] | None = None

    async def first(self, request: Request) -> Any:
        """The JSON body that an online call would send."""
        if self._last is not None:
            made = _rewritten(*self._last, request)
            if made is not None:
                return made
        body = await self._captured(request, ())
        self._last = (request, body)
        return body

    async def following(self, request: Request, replies: Sequence[Any]) -> Any | None:
        """The re-ask that an online call would send after these replies' bodies.

        None where it would send none: the last reply is valid, refused, cut short, or such that
        the client gives up.
        """
        last = replies[-1]
        if ending(last) != "complete" or _plainly_valid(last):
            return None
        return await self._captured(request, replies)

    async def _captured(self, request: Request, replies: Sequence[Any]) -> Any | None:
        token = _REPLIES.set(iter(replies))
        retries = AsyncRetrying(
            stop=stop_after_attempt(len(replies) + 1),
            retry=retry_if_exception_type((ValidationError, ValueError)),
            reraise=True,
        )
        try:
            await self._client.chat.completions.create(
                model=request.model,
                messages=providers.messages(self._at, request),
                response_model=Reply,
                max_retries=retries,
                strict=False,
                **self._arguments(request),
            )
        except InstructorError as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, _CapturedError):
                    return json.loads(cause.body)
                cause = cause.__cause__
            if not replies:
                raise
        finally:
            _REPLIES.reset(token)
        return None


def _rewritten(known: Request, body: Any, request: Request) -> Any | None:
    """`body` of a known request, made that of one that differs in its last message alone.

    None where it differs in more, or where the client does not send that message as it is.
    Saves running the whole client (6 ms of CPU) for each of the tens of thousands of a file.
    """
    *before, last = request.messages
    *known_before, known_last = known.messages
    same = (known.model, known.sampling, known.mode) == (
        request.model,
        request.sampling,
        request.mode,
    )
    if not same or before != known_before:
        return None
    for name, sent in (("messages", dict), ("contents", _gemini)):
        if body.get(name, ())[-1:] == [sent(known_last)]:
            return body | {name: [*body[name][:-1], sent(last)]}
    return None


def _gemini(message: Mapping[str, str]) -> dict[str, Any]:
    """A user's message as Gemini's client sends it."""
    return {"parts": [{"text": message["content"]}], "role": "user"}


def _plainly_valid(body: Any) -> bool:
    """Whether the client would take the reply as it is; spares it the asking where it is clear."""
    for text in texts(body):
        try:
            Reply.model_validate_json(text)
        except ValidationError:
            return False
        return True
    return False


def bodies(requests: Iterable[Request], at: providers.Endpoint) -> Iterator[tuple[Request, Any]]:
    """Each request with the JSON body that the client would send for it.

    Raises:
        UsageError: the endpoint is not OpenAI-compatible.
    """
    if at.provider != "openai":
        raise UsageError(f"the Batch file format is OpenAI's; {at.provider} models do not take it")
    bodies_of = RequestBodies(at)
    with asyncio.Runner() as runner:
        for request in requests:
            yield request, runner.run(bodies_of.first(request))


def request_line(key: str, body: Any) -> dict[str, Any]:
    """One line of a Batch input file."""
    return {"custom_id": key, "method": "POST", "url": URL, "body": body}


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
                requests.write(request_line(request.key, body))
                asked.write(request.identity)
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
        elif isinstance(response.get("choices"), list):
            # Some releases of vLLM write the completion itself, and neither status nor body.
            attempt = Attempt(status=200, body=response)
            yield Recording(
                **asked[key], origin="batch-file", recorded=recorded, attempts=(attempt,)
            )
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
