"""A scripted Hugging Face hub on loopback: one file, ranges, and connections that break off."""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    """Serves `content` under any name. `break_after`: bytes after which the first answer ends.

    Use as a context manager; `ranges` are the Range headers of the downloads, in order.
    """

    def __init__(self, content: bytes, *, break_after: int | None = None) -> None:
        self.ranges: list[str | None] = []
        etag = hashlib.sha256(content).hexdigest()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._head(200, len(content))

            def do_GET(self) -> None:
                if "/resolve/" not in self.path:  # huggingface_hub asks more than it is told to
                    self.send_error(404)
                    return
                asked = self.headers.get("range")
                outer.ranges.append(asked)
                found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
                begin = int(found[1]) if found else 0
                end = int(found[2]) + 1 if found and found[2] else len(content)
                extra = {"content-range": f"bytes {begin}-{end - 1}/{len(content)}"}
                self._head(206 if found else 200, end - begin, extra if found else {})
                if break_after is not None and len(outer.ranges) == 1:
                    self.wfile.write(content[:break_after])
                    self.wfile.flush()
                    self.close_connection = True
                    return
                self.wfile.write(content[begin:end])

            def _head(self, status: int, length: int, extra: dict[str, str] | None = None) -> None:
                self.send_response(status)
                headers = {
                    "content-length": str(length),
                    "etag": f'"{etag}"',
                    "x-repo-commit": "0" * 40,
                    "accept-ranges": "bytes",
                }
                for name, value in (headers | (extra or {})).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
