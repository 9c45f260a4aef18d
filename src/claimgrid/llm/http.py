"""HTTP request ─► HTTP reply over aiohttp: one pool, one retry ladder, one Gate for a run.

aiohttp and not httpx because its client costs a third of the CPU a request (benchmarks/), and the
network is where a bulk run spends it. Knows nothing of models; vendors' clients and the lean path
both send through here.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from claimgrid.errors import TransportError
from claimgrid.llm.limit_headers import date
from claimgrid.llm.local_route import LocalRoute
from claimgrid.llm.rate_limiter import HttpOutcome, RateLimiter
from claimgrid.llm.reply_reader import usage_of
from claimgrid.llm.response_store import body_of

_LONGEST_WAIT = 120.0  # seconds; a server that asks for more is not waited for
_LONGEST_REPLY = 8 * 2**20  # bytes; no reply to an abstract is longer, and memory is bounded
_AGAIN = (408, 409, 429)
# Gateways pass an upstream's error on under status 200.
_ERROR = re.compile(rb'\s*\{\s*"error"\s*:\s*[^\sn]')
_DROPPED = ("connection", "host", "keep-alive", "content-length", "accept-encoding")


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply: status, lower-case header names, and the body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class _AgainError(Exception):
    def __init__(self, why: str, sent: HttpReply | None = None) -> None:
        super().__init__(why)
        self.sent = sent


class HttpClient:
    """Sends requests. Use as an async context manager, within one event loop.

    Args:
        timeout: seconds for one try, from connecting to the last byte.
        attempts: tries in all.
        backoff: seconds, at most, of the first wait between tries.
        local: the server that requests go to, if it is an embedded model's; closed with the link.
    """

    def __init__(
        self,
        gate: RateLimiter,
        *,
        timeout: float,
        attempts: int,
        backoff: float,
        local: LocalRoute | None = None,
    ) -> None:
        self.gate = gate
        self._local = local
        self.answers: Counter[str] = Counter()  # every try: "HTTP 200", "HTTP 503", "nothing"
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(15.0, timeout))
        self._attempts = attempts
        self._jittered = wait_random_exponential(multiplier=backoff, max=30)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self._local is not None:
            await self._local.close()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        """Send until an answer is final.

        Tries again on 408, 409, 429, 5xx, time-outs and dropped connections. Waits as long as
        `Retry-After` says, else a jittered exponential time, 30 s at most. When the tries run out,
        the last answer is returned as it is.

        Raises:
            TransportError: no answer came, the server asks for a wait of more than two minutes, or
                its certificate or its reply cannot be accepted.
            StoppedError: the gate was closed before a try.
            UsageError, SetupError: an embedded model cannot be started.
        """
        if self._local is not None:
            url, headers = await self._local.route(url, headers)
        kept = {name: value for name, value in headers.items() if name.lower() not in _DROPPED}
        ladder = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            sleep=self.gate.sleep,
            retry=retry_if_exception_type(_AgainError),
            reraise=True,
        )
        try:
            async for attempt in ladder:
                with attempt:
                    return await self._gated(method, url, kept, content)
        except _AgainError as last:
            if last.sent is not None:
                return last.sent
            raise TransportError(f"{url} could not be reached: {last}") from last
        raise AssertionError("tenacity either returns or raises")

    async def _gated(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        # Four bytes a token, the usual rule of thumb for English; corrected by the reply's usage.
        ticket = await self.gate.enter(len(content) / 4)
        began = self.gate.clock()
        outcome: HttpOutcome = "trouble"
        used = None
        came = "nothing"
        try:
            sent = await self._once(method, url, headers, content)
            came = f"HTTP {sent.status}"
            if sent.status < 500:
                outcome = "throttled" if sent.status == 429 else "ok"
            if sent.status == 200 and self.gate.tokens is not None:
                tokens = usage_of(body_of(sent.content))
                used = (tokens.input_tokens + tokens.output_tokens) or None
            # Before the place is given on: the next request must not go where it is sure to fail.
            self.gate.heed(sent.headers, ticket)
            asked = retry_after(sent.headers) if _to_be_repeated(sent) else None
            if asked is not None and asked <= _LONGEST_WAIT:
                self.gate.pause(asked)
        finally:
            self.answers[came] += 1
            seconds = self.gate.clock() - began
            self.gate.leave(ticket, outcome, seconds=seconds, used=used)
        if _to_be_repeated(sent):
            if asked is not None and asked > _LONGEST_WAIT:
                raise TransportError(
                    f"{url} answered {sent.status} and asks to wait {asked:.0f} s; run the same "
                    "command again later"
                )
            raise _AgainError(f"HTTP {sent.status}", sent)
        return sent

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        if self._session is None:
            # The gate bounds the connections. trust_env: proxies are set there by convention, and
            # none of them leads to a server of this process.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=self._timeout,
                trust_env=self._local is None,
            )
        try:
            async with self._session.request(
                method, url, headers=headers, data=content, allow_redirects=False
            ) as response:
                received = bytearray()
                async for chunk in response.content.iter_any():
                    received += chunk
                    if len(received) > _LONGEST_REPLY:
                        raise TransportError(f"{url} sent more than {_LONGEST_REPLY >> 20} MiB")
                names = {name.lower(): value for name, value in response.headers.items()}
                return HttpReply(response.status, names, bytes(received))
        except (aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
            raise TransportError(f"{url} cannot be trusted or read: {error}") from error
        except TimeoutError as error:
            raise _AgainError(f"no whole answer within {self._timeout.total:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _AgainError(f"{type(error).__name__}: {error}") from error

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = None
        if isinstance(error, _AgainError) and error.sent is not None:
            asked = retry_after(error.sent.headers)
        return self._jittered(state) if asked is None else asked


def _to_be_repeated(sent: HttpReply) -> bool:
    if sent.status == 200:
        return _ERROR.match(sent.content) is not None
    return sent.status in _AGAIN or sent.status >= 500


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110: a number of seconds, or a date).

    A date is read against the server's own `Date`, so that a wrong clock on either side does not
    matter. None where it is malformed.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    then, now = date(value), date(headers.get("date", ""))
    if then is None:
        return None
    now = now or datetime.datetime.now(datetime.UTC)
    return max(0.0, (then - now).total_seconds())
