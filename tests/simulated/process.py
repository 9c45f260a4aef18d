"""The simulated server in a process of its own, so that it takes no time from what is tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import quote

_TESTS = Path(__file__).resolve().parents[1]


class Simulated:
    """Use as a context manager; `url` is the base URL that an OpenAI client takes."""

    def __init__(self, plan: str = "sim:", *, tls: bool = False) -> None:
        self._command = [sys.executable, "-m", "simulated", "--plan", plan]
        self._command += ["--tls"] if tls else []

    def __enter__(self) -> Simulated:
        self._process = subprocess.Popen(
            self._command,
            cwd=_TESTS,
            env=os.environ | {"PYTHONPATH": str(_TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"{' '.join(self._command)} did not start; is uvicorn installed?")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def requests(self, model: str) -> dict[int, int]:
        """How often each paper was asked about under this model's name, by paper number."""
        page = f"{self.url.removesuffix('/v1')}/requests?model={quote(model)}"
        with urllib.request.urlopen(page, timeout=10) as response:
            return {int(number): count for number, count in json.load(response).items()}
