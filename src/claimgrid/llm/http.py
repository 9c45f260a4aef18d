"""Sends HTTP requests: one pool of connections, retries, and the run's rate limiter.

It uses aiohttp and not httpx because aiohttp takes a third of the CPU time for a request
(benchmarks/), and a bulk run spends its time here. The vendors' clients and the fast path both
send through this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from claimgrid.errors import TransportError
from claimgrid.llm import server_errors
from claimgrid.llm.http_reply import HttpReply
from claimgrid.llm.local_route import LocalRoute
from claimgrid.llm.rate_limiter import HttpOutcome, Limiter
from claimgrid.llm.reply_body import usage_of

_LONGEST_WAIT = 120.0  # seconds; a server that asks for more is not waited for
_LONGEST_REPLY = 8 * 2**20  # bytes; no reply to an abstract is longer, and memory is bounded
_DROPPED = ("connection", "host", "keep-alive", "content-length", "accept-encoding")


class _AgainError(Exception):
    def __init__(self, why: str, reply: HttpReply | None = None) -> None:
        super().__init__(why)
        self.reply = reply


class HttpClient:
    """Sends requests. Use as an async context manager, within one event loop.

    Args:
        timeout: seconds for one try, from connecting to the last byte.
        attempts: tries in all.
        backoff: seconds, at most, of the first wait between tries.
        local: the server that requests go to, if it is an embedded model's. It is closed
            with this client.
    """

    def __init__(
        self,
        limiter: Limiter,
        *,
        timeout: float,
        attempts: int,
        backoff: float,
        local: LocalRoute | None = None,
    ) -> None:
        self.limiter = limiter
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

        Tries again on 408, 409, 429, 5xx, time-outs, dropped connections, and where a gateway
        passes such an error on under another status. Waits as long as the server says, else a
        jittered exponential time of 30 s at most. When the tries run out, the last answer is
        returned as it is.

        Raises:
            TransportError: no answer came, the server asks for a wait of more than two minutes, or
                its certificate or its reply cannot be accepted.
            StoppedError: the run stopped before a try.
            UsageError, SetupError: an embedded model cannot be started.
        """
        if self._local is not None:
            url, headers = await self._local.route(url, headers)
        kept = {name: value for name, value in headers.items() if name.lower() not in _DROPPED}
        retries = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            sleep=self.limiter.sleep,
            retry=retry_if_exception_type(_AgainError),
            reraise=True,
        )
        try:
            async for attempt in retries:
                with attempt:
                    return await self._limited(method, url, kept, content)
        except _AgainError as last:
            if last.reply is not None:
                return last.reply
            raise TransportError(f"{url} could not be reached: {last}") from last
        raise AssertionError("tenacity either returns or raises")

    async def _limited(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        # Four bytes a token, the usual rule of thumb for English; corrected by the reply's usage.
        ticket = await self.limiter.enter(len(content) / 4)
        began = self.limiter.clock()
        outcome: HttpOutcome = "trouble"
        used = None
        came = "nothing"
        try:
            reply = await self._once(method, url, headers, content)
            came = f"HTTP {reply.status}"
            error = server_errors.read(reply)
            if reply.status < 500:
                outcome = "throttled" if reply.status == 429 else "ok"
            if error is None and self.limiter.tokens is not None:
                tokens = usage_of(reply.body)
                used = (tokens.input_tokens + tokens.output_tokens) or None
            # Before the place is given on: the next request must not go where it is sure to fail.
            self.limiter.heed(reply.headers, ticket)
            if error is not None and error.certain and error.same_for_all:
                self.limiter.close(error.same_for_all)
            wait = reply.retry_after if error is not None and error.passing else None
            if wait is not None and wait <= _LONGEST_WAIT:
                self.limiter.pause(wait)
        finally:
            self.answers[came] += 1
            seconds = self.limiter.clock() - began
            self.limiter.leave(ticket, outcome, seconds=seconds, used=used)
        if error is None or not error.passing:
            return reply
        if wait is not None and wait > _LONGEST_WAIT:
            raise TransportError(
                f"{url} answered {reply.status} and asks to wait {wait:.0f} s; run the same "
                "command again later"
            )
        raise _AgainError(f"HTTP {reply.status}", reply)

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> HttpReply:
        if self._session is None:
            # The rate limiter bounds the connections. trust_env: proxies are set there by
            # convention, and none of them leads to a server of this process.
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
        wait = None
        if isinstance(error, _AgainError) and error.reply is not None:
            wait = error.reply.retry_after
        return self._jittered(state) if wait is None else wait
