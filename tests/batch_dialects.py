"""Simulated Batch APIs of Anthropic and Gemini, each in its own dialect; `batch_server.serve` puts
one behind a socket. Time passes by looking: a batch gets one status further with each retrieve.
"""

from __future__ import annotations

import datetime
import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from batch_server import Answer

NOW = datetime.datetime(2033, 5, 18, tzinfo=datetime.UTC)  # later than ours: skew is always tried


class Dialect:
    """What both have in common. Change the attributes to make things go wrong.

    Args:
        answer: what a model says to a request: a status and a body. None: the batch expires first.
    """

    def __init__(self, answer: Callable[[Any], Answer | None]) -> None:
        self.answer = answer
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: list[Any] = []  # the requests that were run, and so paid
        self.calls: list[str] = []
        self.patience = 1  # looks at a batch before it ends
        self.faults: dict[str, list[tuple[int, Any]]] = {}  # replies to give instead
        self.lies: dict[str, list[tuple[int, Any]]] = {}  # replies to give after the call was done
        self._lock = threading.Lock()

    def handle(self, method: str, url: str, headers: Any, body: bytes) -> tuple[Any, ...]:
        with self._lock:
            parts = urlsplit(url)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            called, routed = self.route(method, parts.path, query, headers)
            self.calls.append(called)
            if self.faults.get(called):
                return self.faults[called].pop(0)
            done = routed(body)
            return self.lies[called].pop(0) if self.lies.get(called) else done

    def route(self, method: str, path: str, query: Any, headers: Any) -> tuple[str, Any]:
        raise NotImplementedError

    def run(self, batch: dict[str, Any], *, cancelled: bool = False) -> None:
        """Ends a batch: each of its requests is answered, fails or expires."""
        batch["answers"] = []
        for key, request in batch["requests"]:
            answer = None if cancelled else self.answer(request)
            if answer is not None:
                self.asked.append(request)
            batch["answers"].append((key, answer))
        batch["ended"] = "cancelled" if cancelled else "ended"

    def look(self, batch: dict[str, Any]) -> None:
        if batch["ended"]:
            return
        batch["looks"] += 1
        if batch["cancelling"]:
            self.run(batch, cancelled=True)
        elif batch["looks"] > self.patience:
            self.run(batch)

    def begin(self, name: str, requests: list[tuple[str, Any]], **more: Any) -> dict[str, Any]:
        known = {"id": name, "requests": requests, "looks": 0, "cancelling": False, "ended": ""}
        self.batches[name] = known | more
        return self.batches[name]


class Anthropic(Dialect):
    def route(self, method: str, path: str, query: Any, headers: Any) -> tuple[str, Any]:
        name, _, step = path.removeprefix("/v1/messages/batches").strip("/").partition("/")
        assert headers["x-api-key"]
        match (method, bool(name), step):
            case ("POST", False, _):
                return "create", self._create
            case ("GET", False, _):
                return "list", lambda _: (200, self._page(query))
            case ("GET", True, ""):
                return "retrieve", lambda _: (200, self._looked(self.batches[name]))
            case ("GET", True, "results"):
                return "results", lambda _: (200, self._results(self.batches[name]))
            case ("POST", True, "cancel"):
                return "cancel", lambda _: self._cancel(self.batches[name])
        raise AssertionError(path)

    def _create(self, body: bytes) -> tuple[int, Any]:
        requests = [(one["custom_id"], one["params"]) for one in json.loads(body)["requests"]]
        ids = {key for key, _ in requests}
        assert len(ids) == len(requests)
        assert all(0 < len(key) <= 64 and key.replace("_", "").replace("-", "").isalnum()
                   for key in ids)  # fmt: skip
        return 200, self._told(self.begin(f"msgbatch_{len(self.batches)}", requests))

    def _looked(self, batch: dict[str, Any]) -> Any:
        self.look(batch)
        return self._told(batch)

    def _cancel(self, batch: dict[str, Any]) -> tuple[int, Any]:
        if batch["ended"]:
            error = {"type": "invalid_request_error", "message": "it has ended"}
            return 400, {"type": "error", "error": error}
        batch["cancelling"] = True
        return 200, self._told(batch)

    def _page(self, query: Any) -> Any:
        """One a page: paging is always tried."""
        names = list(reversed(self.batches))
        start = names.index(query["after_id"]) + 1 if "after_id" in query else 0
        shown = names[start : start + 1]
        return {
            "data": [self._told(self.batches[name]) for name in shown],
            "has_more": start + 1 < len(names),
            "first_id": shown[0] if shown else None,
            "last_id": shown[-1] if shown else None,
        }

    def _told(self, batch: dict[str, Any]) -> Any:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if not batch["ended"]:
            counts["processing"] = len(batch["requests"])
        for _, answer in batch["answers"] if batch["ended"] else ():
            counts[self._kind(batch, answer)] += 1
        under_way = "canceling" if batch["cancelling"] else "in_progress"
        results = f"{self.url}/v1/messages/batches/{batch['id']}/results"
        return {
            "id": batch["id"], "type": "message_batch", "request_counts": counts,
            "processing_status": "ended" if batch["ended"] else under_way,
            "created_at": NOW.isoformat(), "expires_at": NOW.isoformat(), "archived_at": None,
            "ended_at": None, "cancel_initiated_at": None,
            "results_url": results if batch["ended"] else None,
        }  # fmt: skip

    url = ""

    @staticmethod
    def _kind(batch: dict[str, Any], answer: Answer | None) -> str:
        if answer is None:
            return "canceled" if batch["ended"] == "cancelled" else "expired"
        return "succeeded" if answer[0] == 200 else "errored"

    def _results(self, batch: dict[str, Any]) -> bytes:
        lines = []
        for key, answer in reversed(batch["answers"]):  # in no particular order
            result: dict[str, Any] = {"type": self._kind(batch, answer)}
            if answer is not None:
                result["message" if answer[0] == 200 else "error"] = answer[1]
            lines.append(json.dumps({"custom_id": key, "result": result}) + "\n")
        return "".join(lines).encode()

    @staticmethod
    def error(kind: str, message: str) -> Any:
        return {"type": "error", "error": {"type": kind, "message": message}}


class Google(Dialect):
    def __init__(self, answer: Callable[[Any], Answer | None]) -> None:
        super().__init__(answer)
        self.files: dict[str, tuple[str, bytes]] = {}
        self._named = ""

    url = ""

    def route(self, method: str, path: str, query: Any, headers: Any) -> tuple[str, Any]:
        assert headers["x-goog-api-key"] or "put" in query  # an upload's address is secret itself
        assert method in ("GET", "POST")
        if path.startswith("/upload"):
            return ("begin upload", self._begin) if "put" not in query else ("upload", self._upload)
        name = re.sub(r"^/v1(beta)?/", "", path)
        if name.endswith(":batchGenerateContent"):
            return "create", self._create
        if name == "files":
            return "list files", lambda _: (200, self._files(query))
        if name.endswith(":download"):
            return "results", lambda _: self._download(name.removesuffix(":download"))
        if name == "batches":
            return "list", lambda _: (200, self._page(query))
        if name.endswith(":cancel"):
            return "cancel", lambda _: self._cancel(self.batches[name.removesuffix(":cancel")])
        return "retrieve", lambda _: (200, self._looked(self.batches[name]))

    def _begin(self, body: bytes) -> tuple[Any, ...]:
        self._named = json.loads(body)["file"]["display_name"]
        return 200, {}, {"x-goog-upload-url": f"{self.url}/upload/v1beta/files?put=1"}

    def _upload(self, body: bytes) -> tuple[Any, ...]:
        name = f"files/in{len(self.files)}"
        self.files[name] = (self._named, body)
        file = {"name": name, "displayName": self._named}
        return 200, {"file": file}, {"x-goog-upload-status": "final"}

    def _files(self, query: Any) -> Any:
        named = [{"name": name, "displayName": told} for name, (told, _) in self.files.items()]
        return self._paged("files", named, query)

    @staticmethod
    def _paged(what: str, items: list[Any], query: Any) -> Any:
        """One a page: paging is always tried."""
        start = int(query.get("pageToken", 0))
        more = {"nextPageToken": str(start + 1)} if start + 1 < len(items) else {}
        return {what: items[start : start + 1]} | more

    def _create(self, body: bytes) -> tuple[int, Any]:
        batch = json.loads(body)["batch"]
        content = self.files[batch["inputConfig"]["fileName"]][1]
        lines = [json.loads(line) for line in content.splitlines()]
        requests = [(line["key"], line["request"]) for line in lines]
        made = self.begin(f"batches/{len(self.batches)}", requests, named=batch["displayName"])
        return 200, self._told(made)

    def _looked(self, batch: dict[str, Any]) -> Any:
        self.look(batch)
        return self._told(batch)

    def _cancel(self, batch: dict[str, Any]) -> tuple[int, Any]:
        if batch["ended"]:
            return 400, self.error(400, "it has ended")
        batch["cancelling"] = True
        return 200, {}

    def _page(self, query: Any) -> Any:
        newest = [self._told(batch) for batch in reversed(self.batches.values())]
        return self._paged("operations", newest, query)

    def _told(self, batch: dict[str, Any]) -> Any:
        state = {"": "RUNNING", "ended": "SUCCEEDED", "cancelled": "CANCELLED"}[batch["ended"]]
        metadata = {"state": f"BATCH_STATE_{state}", "displayName": batch["named"],
                    "createTime": NOW.isoformat()}  # fmt: skip
        if state == "SUCCEEDED":
            metadata["output"] = {"responsesFile": f"files/{batch['id'].replace('/', '-')}"}
        return {"name": batch["id"], "metadata": metadata}

    def _download(self, name: str) -> tuple[int, Any]:
        batch = self.batches[name.removeprefix("files/").replace("-", "/")]
        lines = []
        for key, answer in batch["answers"]:
            told: dict[str, Any] = {"key": key}
            if answer is None:
                told["error"] = {"code": 4, "message": "the deadline expired"}
            else:
                told["response" if answer[0] == 200 else "error"] = answer[1]
            lines.append(json.dumps(told) + "\n")
        return 200, "".join(lines).encode()

    @staticmethod
    def error(code: int, message: str) -> Any:
        return {"error": {"code": code, "message": message, "status": "SAID"}}
