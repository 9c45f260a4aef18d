"""Finds the provider of a model and makes its client: OpenAI-compatible, Anthropic or Google.

Each vendor's library is imported when its models are asked for; anthropic and google are extras.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from claimgrid import settings
from claimgrid.errors import SetupError, UsageError
from claimgrid.llm.local_route import PLACEHOLDER
from claimgrid.llm.response_store import OriginName
from claimgrid.local import model_files
from claimgrid.local.model_files import ModelFile
from claimgrid.local.server import ServerOptions
from claimgrid.modes import MODES, Mode
from claimgrid.types.request import Request

Provider = Literal["openai", "anthropic", "google", "embedded", "in-process"]

# What each vendor does best through instructor 1.17: Gemini has no json_schema mode there.
_DEFAULT_MODE: dict[Provider, Mode] = {
    "openai": "json_schema",
    "anthropic": "tools",
    "google": "json",
    "embedded": "json_schema",
    "in-process": "decisions",
}
_HEADER_VALUE = re.compile(r"[!-~]+")  # printable ASCII
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked: provider, bare model name, reply mode, base URL and key.

    `embedded` is the model on this machine, for the provider of this name, and `options` how it is
    to be served; its server, base URL and key come into being with the first request.
    """

    provider: Provider
    model: str
    mode: Mode
    base_url: str | None
    api_key: str | None
    embedded: ModelFile | None = None
    options: ServerOptions = field(default_factory=ServerOptions)

    @property
    def speaks_openai(self) -> bool:
        """Whether it is asked in OpenAI's dialect, through OpenAI's client."""
        return self.provider in ("openai", "embedded")

    @property
    def origin(self) -> OriginName:
        """Whether a live reply comes from a server on this machine or from an API."""
        if self.provider in ("embedded", "in-process"):
            return "local-server"
        host = urlsplit(self.base_url or "").hostname
        return "local-server" if host in _LOOPBACK else "api"


def endpoint(
    name: str,
    *,
    mode: Mode | None = None,
    base_url: str | None = None,
    key: str | None = None,
    options: ServerOptions | None = None,
) -> Endpoint:
    """Split `provider/model`; a name without a known provider is asked of an OpenAI-compatible one.

    `embedded/NAME` and `embedded:PATH` are models on this machine, which take no base URL; what
    `options` says is for them alone.

    Raises:
        UsageError: the model's name is empty or unknown, the provider has no such mode, or the base
            URL is none.
        SetupError: the file of an embedded model cannot be read.
    """
    if model_files.is_embedded(name):
        return _embedded(name, mode, options or ServerOptions())
    first, slash, rest = name.partition("/")
    provider: Provider = "openai"
    model = name
    if slash and first in _DEFAULT_MODE:
        provider, model = first, rest
    if not model:
        raise UsageError(f"--model {name!r} names no model; write openai/NAME or anthropic/NAME")
    chosen = mode or _DEFAULT_MODE[provider]
    if provider == "google" and chosen not in ("tools", "json"):
        raise UsageError(f"google does not support --mode {chosen}; use tools or json")
    if base_url and not _names_a_server(base_url):
        raise UsageError(
            f"--base-url {base_url!r} names no server; write http://HOST:PORT/v1 or "
            "https://HOST/v1 (it may also come from OPENAI_BASE_URL, CLAIMGRID_BASE_URL or "
            "claimgrid.toml)"
        )
    return Endpoint(provider, model, chosen, base_url, key)


def _embedded(name: str, mode: Mode | None, options: ServerOptions) -> Endpoint:
    model = model_files.resolve(name, options.adapter)
    own = cast("Mode | None", model.mode)
    if own is not None and own not in MODES:
        raise UsageError(f"{name} is asked in mode {own!r}, which this version does not know")
    chosen = mode or own or _DEFAULT_MODE["embedded"]
    return Endpoint("embedded", model.name, chosen, None, None, model, options)


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Each raises a ValueError of its own: no number or too high a one, an empty or long label.
        port, host = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url
    return plain and parts.scheme in ("http", "https") and bool(host) and port != 0


def http_module(at: Endpoint) -> ModuleType:
    """The HTTP library that the vendor's client speaks.

    Raises:
        SetupError: the vendor's extra, which brings it, is not installed.
    """
    try:
        return importlib.import_module("httpx2" if at.speaks_openai else "httpx")
    except ImportError as error:
        raise no_extra(at.provider) from error


def connect(at: Endpoint, http_client: Any) -> Any:
    """An async instructor client whose every byte goes through `http_client`.

    Raises:
        SetupError: the vendor's extra is not installed, or no HTTP header can hold the key.
    """
    import instructor

    # instructor logs each failed attempt as an error; here it is a row in papers.jsonl instead.
    logging.getLogger("instructor").addHandler(logging.NullHandler())
    logging.getLogger("instructor").propagate = False
    mode = {
        "json_schema": instructor.Mode.JSON_SCHEMA,
        "tools": instructor.Mode.TOOLS,
        "json": instructor.Mode.JSON,
        "md_json": instructor.Mode.MD_JSON,
    }[at.mode]
    # A key is never sent on replay, yet the clients refuse to start without one.
    key = at.api_key or "none"
    if not _HEADER_VALUE.fullmatch(key):
        name = " or ".join(settings.KEY_NAMES[at.provider])
        raise SetupError(
            f"{name} holds a blank, a line break or a character beyond ASCII, which no key has and "
            "no HTTP header can hold; copy the key again"
        )
    if at.speaks_openai:
        from openai import AsyncOpenAI

        base_url = at.base_url or "https://api.openai.com/v1"
        if at.provider == "embedded":
            base_url = PLACEHOLDER
        client = AsyncOpenAI(api_key=key, base_url=base_url, http_client=http_client, max_retries=0)
        return instructor.from_openai(client, mode=mode)
    try:
        if at.provider == "anthropic":
            anthropic = importlib.import_module("anthropic")
            client = anthropic.AsyncAnthropic(
                api_key=key, base_url=at.base_url, http_client=http_client, max_retries=0
            )
            return instructor.from_anthropic(client, mode=mode)
        genai = importlib.import_module("google.genai")
    except ImportError as error:
        raise no_extra(at.provider) from error
    options = genai.types.HttpOptions(httpx_async_client=http_client, base_url=at.base_url)
    return instructor.from_genai(
        genai.Client(api_key=key, http_options=options), mode=mode, use_async=True
    )


def messages(at: Endpoint, request: Request) -> list[dict[str, str]]:
    """A request's messages as this vendor's client takes them: Gemini's assistant is a "model"."""
    roles = {"assistant": "model"} if at.provider == "google" else {}
    return [
        {**message, "role": roles.get(message["role"], message["role"])}
        for message in request.messages
    ]


def no_extra(provider: str) -> SetupError:
    """The error where the library of a vendor's models is not installed."""
    return SetupError(f"{provider} models need an extra: pip install 'claimgrid[{provider}]'")


def arguments(at: Endpoint) -> Callable[[Request], dict[str, Any]]:
    """How a request's sampling is spelled for this endpoint."""
    limit = "max_tokens"
    # api.openai.com refuses max_tokens for its reasoning models; other servers may not know the
    # newer name.
    if at.provider == "openai" and at.base_url is None:
        limit = "max_completion_tokens"

    def spelled(request: Request) -> dict[str, Any]:
        sampling = request.sampling
        given = {"temperature": sampling.temperature, limit: sampling.max_tokens}
        return {name: value for name, value in given.items() if value is not None}

    return spelled
