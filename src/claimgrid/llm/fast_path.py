"""Builds the body of a request without the vendor's client, at a fraction of its CPU time.

openai's client and instructor rebuild schema, tool and request on every call; all of that is the
same for every paper of a run but the last message. So the body is captured once from the real
client, and only the last message's text is put in anew. A reply that cannot be read is left to the
full path (`vendor_client`), which asks again through the real client. A differential test holds
both paths to the same bytes, claims and recordings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from claimgrid.errors import SetupError
from claimgrid.llm import providers
from claimgrid.types.request import Request


@dataclass(frozen=True, slots=True)
class Prepared:
    """An HTTP request with a gap where the last message's text goes."""

    url: str
    headers: Mapping[str, str]
    before: bytes
    after: bytes

    def body(self, request: Request) -> bytes:
        """The request's body, byte for byte as the client would send it."""
        return self.before + _escaped(request.messages[-1]["content"]) + self.after


def suits(at: providers.Endpoint) -> bool:
    """Whether the fast path can ask this endpoint: chat completions with a JSON schema."""
    return at.speaks_openai and at.mode == "json_schema"


async def prepare(request: Request, at: providers.Endpoint) -> Prepared | None:
    """Capture what the real client sends for `request`; None where its text cannot be found."""
    method, url, headers, body = await capture(request, at)
    text = _escaped(request.messages[-1]["content"])
    before, found, after = body.rpartition(text)
    if method != "POST" or not found:
        return None
    return Prepared(url, headers, before, after)


async def capture(
    request: Request, at: providers.Endpoint
) -> tuple[str, str, Mapping[str, str], bytes]:
    """Method, URL, headers and body that the real client would send, and nothing sent.

    Raises:
        SetupError: the client refuses to build a request for this endpoint.
    """
    import httpx2
    from instructor.core.exceptions import InstructorError

    caught: list[httpx2.Request] = []

    async def catch(sent: httpx2.Request) -> httpx2.Response:
        await sent.aread()
        caught.append(sent)
        return httpx2.Response(400, json={}, request=sent)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(catch)) as http:
        client = providers.connect(at, http)
        refused: InstructorError | None = None
        try:
            await client.chat.completions.create(
                model=request.model,
                messages=providers.messages(at, request),
                response_model=request.reply_model,
                max_retries=0,
                **providers.arguments(at)(request),
            )
        except InstructorError as error:  # as a rule because the answer is made up
            refused = error
    if not caught:
        raise SetupError(
            f"the client cannot build a request: {refused}; check OPENAI_API_KEY and "
            f"the base URL, {at.base_url or 'which is the default one'}"
        ) from refused
    sent = caught[0]
    return sent.method, str(sent.url), dict(sent.headers), sent.content


def _escaped(text: str) -> bytes:
    """A text inside a JSON string, escaped as openai's client does it."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
