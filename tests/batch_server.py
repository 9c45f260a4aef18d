"""A simulated Batch API: files, batches, their statuses, limits and mishaps, on loopback or in
process.

`Provider` holds the rules; `serve` puts it behind a real socket for the command line, `Wires` right
under the client for tests that cut the wire at a chosen call. Time passes by looking: a batch gets
one status further with each retrieve.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

Answer = tuple[int, Any]
NOW = 2_000_000_000  # the provider's clock; later than ours, so that skew is always tried


def good(content: dict[str, Any] | str, *, finish: str = "stop") -> Answer:
    text = content if isinstance(content, str) else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": None}
    return 200, {
        "id": "chatcmpl-batch",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


class Provider:
    """Rules and memory of the provider. Change its attributes to make things go wrong.

    Args:
        answer: what a model says to a body: a status and the body of the reply. None: the request
            is not reached before the batch expires.
    """

    def __init__(self, answer: Callable[[Any], Answer | None]) -> None:
        self.answer = answer
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []  # the last message of each request that was run, and so paid
        self.calls: list[str] = []
        self.steps = ["validating", "in_progress", "completed"]
        self.token_limit: int | None = None  # characters of requests under way
        self.max_requests = 50_000
        self.faults: dict[str, list[tuple[int, Any]]] = {}  # "GET /files/content": replies first
        self.tamper: Callable[[str, bytes], bytes] = lambda kind, content: content
        self.refuse: Callable[[list[Any]], list[dict[str, Any]]] = lambda lines: []
        self._lock = threading.Lock()

    def handle(self, method: str, url: str, headers: Any, body: bytes) -> tuple[int, Any]:
        with self._lock:
            parts = urlsplit(url)
            path = parts.path.split("/v1", 1)[1].strip("/").split("/")
            kind = f"{method} /{path[0]}" + (f"/{path[2]}" if len(path) > 2 else "")
            kind += "/ID" if len(path) == 2 else ""
            self.calls.append(kind)
            if self.faults.get(kind):
                return self.faults[kind].pop(0)
            return self._route(kind, path, parse_qs(parts.query), headers, body)

    def _route(self, kind: str, path: list[str], query: Any, headers: Any, body: bytes) -> Any:
        match kind:
            case "POST /files":
                name, content = _upload(headers["content-type"], body)
                return 200, self._file(self._store(name, content))
            case "GET /files":
                return 200, self._page([self._file(i) for i in reversed(self.files)], query)
            case "GET /files/content":
                if path[1] not in self.files:
                    return 404, _error("no such file")
                return 200, self.files[path[1]][1]
            case "POST /batches":
                return self._create(json.loads(body))
            case "GET /batches":
                return 200, self._page(list(reversed(self.batches.values())), query)
            case "GET /batches/ID":
                self._advance(self.batches[path[1]])
                return 200, self.batches[path[1]]
            case "POST /batches/cancel":
                return self._cancel(self.batches[path[1]])
        return 404, _error(f"no such call: {kind}")

    def _store(self, name: str, content: bytes) -> str:
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = (name, content)
        return file_id

    def _file(self, file_id: str) -> dict[str, Any]:
        name, content = self.files[file_id]
        return {
            "id": file_id, "object": "file", "bytes": len(content), "created_at": NOW,
            "filename": name, "purpose": "batch", "status": "processed",
        }  # fmt: skip

    def _page(self, items: list[dict[str, Any]], query: Any) -> dict[str, Any]:
        """Two a page, whatever was asked for: paging is always tried."""
        after = query.get("after", [None])[0]
        start = next((n + 1 for n, item in enumerate(items) if item["id"] == after), 0)
        shown = items[start : start + 2]
        return {
            "object": "list",
            "data": shown,
            "has_more": start + 2 < len(items),
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
        }

    def _create(self, asked: Any) -> tuple[int, Any]:
        if asked["input_file_id"] not in self.files:
            return 400, _error("cannot find the file", param="input_file_id")
        lines = self._lines(asked["input_file_id"])
        batch = {
            "id": f"batch_{len(self.batches)}",
            "object": "batch",
            "endpoint": asked["endpoint"],
            "completion_window": asked["completion_window"],
            "created_at": NOW,
            "input_file_id": asked["input_file_id"],
            "metadata": asked.get("metadata"),
            "status": "validating",
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self.batches[batch["id"]] = batch
        return 200, batch

    def _lines(self, file_id: str) -> list[Any]:
        return [json.loads(line) for line in self.files[file_id][1].splitlines()]

    def _size(self, batch: Any) -> int:
        return len(self.files[batch["input_file_id"]][1])

    def _advance(self, batch: dict[str, Any]) -> None:
        status = batch["status"]
        if status == "cancelling":
            self._finish(batch, "cancelled")
        elif status == "validating":
            self._validate(batch)
        elif status in self.steps[:-1]:
            following = self.steps[self.steps.index(status) + 1]
            batch["status"] = following
            if following in ("completed", "expired"):
                self._finish(batch, following)

    def _validate(self, batch: dict[str, Any]) -> None:
        lines = self._lines(batch["input_file_id"])
        errors = self.refuse(lines)
        if len(lines) > self.max_requests:
            errors = [{"code": "too_many_tasks", "message": "too many requests in the file"}]
        if len({line["custom_id"] for line in lines}) != len(lines):
            errors = [{"code": "duplicate_custom_id", "message": "custom ids must be unique"}]
        others = [b for b in self.batches.values() if b["status"] == "in_progress"]
        used = sum(map(self._size, others)) + self._size(batch)
        if self.token_limit is not None and used // 3 > self.token_limit:
            errors = [{
                "code": "token_limit_exceeded",
                "message": "Enqueued token limit reached for scripted in organization org-x. "
                f"Limit: {self.token_limit:,} enqueued tokens. Please try again once some "
                "in_progress batches have been completed.",
            }]  # fmt: skip
        batch["status"] = "failed" if errors else "in_progress"
        if errors:
            batch["errors"] = {"object": "list", "data": errors}

    def _cancel(self, batch: dict[str, Any]) -> tuple[int, Any]:
        if batch["status"] in ("completed", "failed", "expired", "cancelled"):
            return 400, _error(f"cannot cancel a batch that is {batch['status']}")
        batch["status"] = "cancelling"
        return 200, batch

    def _finish(self, batch: dict[str, Any], status: str) -> None:
        batch["status"] = status
        output, errors = [], []
        for line in self._lines(batch["input_file_id"]):
            answer = self.answer(line["body"]) if status != "cancelled" else None
            told = {"id": "r", "custom_id": line["custom_id"], "response": None, "error": None}
            if answer is None:
                code = "batch_cancelled" if status == "cancelled" else "batch_expired"
                errors.append(told | {"error": {"code": code, "message": f"{code}: not run"}})
                continue
            self.asked.append(line["body"]["messages"][-1]["content"])
            told["response"] = {"status_code": answer[0], "request_id": "q", "body": answer[1]}
            (output if answer[0] == 200 else errors).append(told)
        counts = batch["request_counts"]
        counts["completed"], counts["failed"] = len(output), len(errors)
        for kind, lines in (("output", output), ("error", errors)):
            if lines:
                content = "".join(json.dumps(line) + "\n" for line in lines).encode()
                batch[f"{kind}_file_id"] = self._store(f"{kind}.jsonl", self.tamper(kind, content))


class CutError(BaseException):
    """The process dies here. Not an Exception: nothing may catch it and go on."""


class Wires(httpx2.AsyncBaseTransport):
    """A transport right above a provider. Dies at call number `cut`, before or after it is done."""

    def __init__(self, provider: Provider, *, cut: int = -1, after: bool = False) -> None:
        self._provider = provider
        self._cut = cut
        self._after = after
        self.count = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        number, self.count = self.count, self.count + 1
        if number == self._cut and not self._after:
            raise CutError
        body = await request.aread()
        status, content = self._provider.handle(
            request.method, str(request.url), request.headers, body
        )
        if number == self._cut:
            raise CutError
        if isinstance(content, Exception):
            raise content
        if isinstance(content, bytes):
            return httpx2.Response(status, content=content, request=request)
        return httpx2.Response(status, json=content, request=request)


@contextmanager
def serve(provider: Any) -> Iterator[str]:
    """The provider behind a socket; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, content, *more = provider.handle(self.command, self.path, self.headers, body)
            sent = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            kind = "octet-stream" if isinstance(content, bytes) else "json"
            self.send_header("content-type", f"application/{kind}")
            self.send_header("content-length", str(len(sent)))
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = _do  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None} | more}


def _upload(content_type: str, body: bytes) -> tuple[str, bytes]:
    message = BytesParser().parsebytes(b"content-type: " + content_type.encode() + b"\n\n" + body)
    for part in message.get_payload():  # type: ignore[union-attr]
        name = part.get_filename()  # type: ignore[union-attr]
        if name:
            return name, part.get_payload(decode=True)  # type: ignore[union-attr,return-value]
    raise AssertionError("an upload without a file")
