"""Chooses the model that answers a run without --model.

In this order: the provider whose key is in the environment; recordings, if they answer any of the
papers; the reader that comes with this package; an embedded model that is installed; else an error
that names the ways on.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from itertools import chain, islice
from pathlib import Path

from claimgrid import settings, sources
from claimgrid.engines import in_process
from claimgrid.engines.session import NOTHING, Session, open_session
from claimgrid.errors import SetupError
from claimgrid.llm.response_store import ReplyCache
from claimgrid.local import machine, model_files, server
from claimgrid.types.paper import Paper

_LOOKED_AT = 1000  # papers that are looked up before recordings count as those of other papers
_CLIENTS = {"openai": "openai", "anthropic": "anthropic", "google": "google.genai"}


def choose(
    session: Session,
    items: Iterator[sources.SourceItem],
    cache: Path,
    tell: Callable[[str], None],
) -> tuple[Session, Iterator[sources.SourceItem]]:
    """The session with the model that is to answer, and the items as they came.

    Args:
        cache: the reply cache of the run's folder, which may not be there yet.
        tell: takes a sentence for a person: which model is asked, and why.

    Raises:
        SetupError: nothing can answer.
    """
    given = session.given
    if given.model is not None or given.replay == "only":
        return session, items
    named = _with_a_key(given)
    if named is not None:
        key = " or ".join(settings.KEY_NAMES[named.partition("/")[0]])
        return _asking(session, named, f"{key} is set", tell), items
    if given.replay == "auto":
        found, items = _recorded(session, items, cache)
        if found:
            return session, items
    if given.base_url is not None:
        raise SetupError(
            f"{given.base_url} is to be asked, but which model? pass --model NAME as the server "
            "knows it (the URL may come from OPENAI_BASE_URL, CLAIMGRID_BASE_URL or claimgrid.toml)"
        )
    if in_process.available():
        tell("no --model given, no key, no recordings: the local model reader reads")
        return open_session(given.model_copy(update={"model": in_process.READER})), items
    entry = best() if server.available() else None
    if entry is None:
        raise SetupError(NOTHING)
    return _asking(session, f"{model_files.PREFIX}/{entry}", "no key, no recordings", tell), items


def best() -> str | None:
    """The installed model to take where nobody says: the highest measured F1, to a tenth, then the
    largest, of those that the free memory holds."""
    free = machine.look().free_bytes
    fit = [e for e in model_files.installed() if free is None or e.ram_bytes <= free]
    ranked = sorted(fit, key=lambda e: (round(e.f1 or 0.0, 1), e.size_bytes))
    return ranked[-1].name if ranked else None


def _with_a_key(given: settings.Settings) -> str | None:
    if given.base_url is not None:
        return None  # nobody knows what a server of one's own calls its models
    for provider, model in settings.DEFAULT_MODELS.items():
        if settings.api_key(provider) and _importable(_CLIENTS[provider]):
            return f"{provider}/{model}"
    return None


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # its parent is missing
        return False


def _asking(session: Session, model: str, why: str, tell: Callable[[str], None]) -> Session:
    tell(f"no --model given, {why}: {model} is asked")
    return open_session(session.given.model_copy(update={"model": model}))


def _recorded(
    session: Session, items: Iterator[sources.SourceItem], cache: Path
) -> tuple[bool, Iterator[sources.SourceItem]]:
    """Whether a stored reply answers any of the first papers."""
    read: list[sources.SourceItem] = []
    papers = 0
    # Looking must not make a cache.
    with closing(ReplyCache(cache)) if cache.exists() else nullcontext() as kept:
        for item in islice(items, _LOOKED_AT):
            read.append(item)
            if not isinstance(item, Paper):
                continue
            papers += 1
            request = session.request(item)
            for stored in (kept, session.recordings):
                if stored is not None and stored.get(request.model, request.key) is not None:
                    return True, chain(read, items)
    # A source without a readable paper is the run's to report.
    return not papers, chain(read, items)
