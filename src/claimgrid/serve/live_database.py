"""A database over a run that is loaded anew when the run's files or its corrections change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from claimgrid.tables import views
from claimgrid.tables.views import Database


class LiveDatabase:
    """Gives cursors on a run as it is now. `stamp()` tells whether its files have changed."""

    def __init__(self, folder: str, stamp: Callable[[], tuple[Any, ...]]) -> None:
        self._folder, self._stamp = folder, stamp
        self._lock = threading.Lock()
        self._seen = stamp()
        self._database = views.connect([folder])

    def cursor(self) -> Database:
        """Another connection to the views, for another thread."""
        with self._lock:
            now = self._stamp()
            if now != self._seen:
                self._database, self._seen = views.connect([self._folder]), now
            return self._database.cursor()
