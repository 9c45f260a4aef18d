"""`python -m simulated`: the app on a loopback port that the system picks, its URL on stdout.

Runs until its standard input is closed, so that it never outlives what started it.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from simulated.app import RESET, App


class _Resettable(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol with an extension: ASGI itself has no way to drop a connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        app: Any = self.app  # type: ignore[has-type]

        async def extended(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), RESET: transport.abort}
            await app(scope, receive, send)

        self.app = extended


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="simulated", description=__doc__)
    parser.add_argument("--plan", default="sim:", help="plan of models whose name spells none")
    parser.add_argument(
        "--tls", action="store_true", help="HTTPS with a certificate that nobody trusts"
    )
    given = parser.parse_args()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    with tempfile.TemporaryDirectory() as folder:
        certificate = _certificate(Path(folder)) if given.tls else None
        server = uvicorn.Server(
            uvicorn.Config(
                App(given.plan),
                http=_Resettable,
                lifespan="off",
                log_level="critical",
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                ssl_certfile=certificate,
                ssl_keyfile=certificate,
            )
        )
        scheme = "https" if given.tls else "http"
        print(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)  # noqa: T201
        threading.Thread(target=_stop_when_stdin_ends, args=(server,), daemon=True).start()
        server.run(sockets=[listening])  # on uvloop where that is installed


def _stop_when_stdin_ends(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


def _certificate(folder: Path) -> Path:
    import trustme

    path = folder / "certificate.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return path


if __name__ == "__main__":
    main()
