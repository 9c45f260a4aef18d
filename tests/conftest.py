"""What every test runs under: no keys, loopback alone, the same examples, the usual signals."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

for name in list(os.environ):
    if name.endswith("_API_KEY") or name.startswith(("OPENAI_", "ANTHROPIC_", "CLAIMGRID_")):
        del os.environ[name]

# A background shell starts its children with Ctrl-C ignored, and they would pass that on.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Derandomized: a red run is red again. A slow machine must not fail a property. CI tries four times
# as many examples as a contributor's short run; `pytest --hypothesis-profile ci` does the same.
for profile, examples in (("short", 25), ("ci", 100)):
    settings.register_profile(
        profile,
        derandomize=True,
        deadline=None,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("ci" if os.environ.get("CI") else "short")

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_connect = socket.socket.connect


def _guarded(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
        raise AssertionError(f"a test tried to reach {address}")
    _connect(self, address)


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """What a module leaves open warns in that module, not in whichever test the collector meets."""
    yield
    gc.collect()
    gc.freeze()  # what is alive now is not looked at again: a collection takes a second otherwise


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded)
