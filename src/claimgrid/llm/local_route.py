"""Starts the server of an embedded model at the first request, and sends requests to it.

Requests for embedded models are built for a placeholder address; `http` has them routed here. So
nothing is started while stores answer, and everything else is as with any other server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from claimgrid.local import server
from claimgrid.local.model_files import ModelFile
from claimgrid.local.server import RunningServer, ServerOptions

PLACEHOLDER = "http://embedded.localhost/v1"


class LocalRoute:
    """One embedded model's server, for one run and one event loop."""

    def __init__(self, model: ModelFile, options: ServerOptions) -> None:
        self._model = model
        self._options = options
        self._starting: asyncio.Task[RunningServer] | None = None

    async def route(self, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The real URL and headers of a request; starts the server for the first one.

        Raises:
            UsageError, SetupError: the server cannot be started; every later request says so too.
        """
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        running = await asyncio.shield(self._starting)
        kept = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        return (
            url.replace(PLACEHOLDER, running.base_url, 1),
            kept | {"authorization": f"Bearer {running.api_key}"},
        )

    async def _start(self) -> RunningServer:
        return await asyncio.to_thread(server.start, self._model, self._options)

    async def close(self) -> None:
        """Stop the server, if it was started."""
        if self._starting is None:
            return
        # A start under way cannot be called off; it is waited for, so that nothing is left running.
        (running,) = await asyncio.gather(self._starting, return_exceptions=True)
        if isinstance(running, RunningServer):
            await asyncio.to_thread(running.close)
