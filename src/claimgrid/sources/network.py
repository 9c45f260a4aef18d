"""Asks the services that know papers by name: politely, with retries, and nothing twice.

Every answer is kept in a folder on disk. An answer about a paper stays there until the folder is
deleted, an answer to a query for a day. Each service is asked at most as often as it wishes.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from claimgrid import settings
from claimgrid.errors import SourceError

_DAY = 86_400.0
_TRIES = 5
_TIMEOUT = 60.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_LONGEST_WAIT = 120.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service on the network.

    Args:
        name: as settings know it; `CLAIMGRID_<NAME>_URL` sets another address.
        url: its address.
        pause: seconds between two requests, as its terms of use or its documentation ask.
        is_answer: whether a body is what was asked for, and no error page.
    """

    name: str
    url: str
    pause: float
    is_answer: Callable[[bytes], bool]


class _AskAgainError(Exception):
    """The service was busy; `wait` are the seconds that it asks to be left alone for."""

    def __init__(self, told: str, wait: float | None = None) -> None:
        super().__init__(told)
        self.wait = wait


class NotThereError(Exception):
    """The service has no such paper."""


@dataclass(slots=True)
class Network:
    """Asks services and remembers what they said."""

    folder: Path = field(default_factory=settings.source_cache)
    _last: dict[str, float] = field(default_factory=dict)
    _client: Any = None

    def get(self, service: Service, path: str, query: dict[str, str], *, query_only: bool) -> bytes:
        """The body of an answer, from disk where it is there.

        Args:
            query_only: the answer is to a query and changes from day to day.

        Raises:
            NotThereError: the service has no such paper.
            SourceError: it cannot be reached, or gives no usable answer.
        """
        base = settings.source_url(service.name) or service.url
        url = f"{base}{quote(path, safe='/:')}" + (f"?{urlencode(query)}" if query else "")
        kept = self.folder / f"{hashlib.sha256(url.encode()).hexdigest()}.answer"
        with suppress(OSError):
            if not query_only or time.time() - kept.stat().st_mtime < _DAY:
                return kept.read_bytes()
        body = self._asked(service, url)
        self._keep(kept, body)
        return body

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _asked(self, service: Service, url: str) -> bytes:
        import tenacity

        pause = settings.source_pause(service.pause)

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = error.wait if isinstance(error, _AskAgainError) else None
            return min(_LONGEST_WAIT, pause * 2**state.attempt_number if told is None else told)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_AskAgainError),
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=wait,
            reraise=True,
        )
        try:
            return retrying(self._once, service, url, pause)
        except _AskAgainError as error:
            raise SourceError(
                f"{error}, after {_TRIES} tries; run the same command again later: what was "
                "answered is kept",
                path=url,
            ) from error

    def _once(self, service: Service, url: str, pause: float) -> bytes:
        import httpx2

        if self._client is None:
            mail = settings.source_mail()
            agent = f"claimgrid (mailto:{mail})" if mail else "claimgrid"
            self._client = httpx2.Client(
                timeout=_TIMEOUT, follow_redirects=True, headers={"User-Agent": agent}
            )
        since = time.monotonic() - self._last.get(service.name, float("-inf"))
        if since < pause:
            time.sleep(pause - since)
        try:
            answer = self._client.get(url, headers=_key_headers(service))
        except httpx2.HTTPError as error:
            raise _AskAgainError(f"cannot be reached: {error}") from error
        finally:
            self._last[service.name] = time.monotonic()
        if answer.status_code in _AGAIN:
            wait = _seconds(answer.headers.get("retry-after"))
            raise _AskAgainError(f"answers with status {answer.status_code}", wait)
        if answer.status_code == 404:
            raise NotThereError
        if answer.status_code >= 400:
            raise SourceError(
                f"{service.name} answers with status {answer.status_code}: {answer.text[:200]}",
                path=url,
            )
        if not service.is_answer(answer.content):
            start = " ".join(answer.text[:80].split())
            raise _AskAgainError(f"gives no answer that can be read ({start!r})")
        return bytes(answer.content)

    def _keep(self, path: Path, body: bytes) -> None:
        # A cache that cannot be written costs time later, and no paper now.
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as part:
                part.write(body)
            Path(part.name).replace(path)


def _key_headers(service: Service) -> dict[str, str]:
    key = settings.s2_key() if service.name == "s2" else None
    return {"x-api-key": key} if key else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.strip().isdecimal() else None
