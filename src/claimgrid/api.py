"""The Python interface: extract claims from abstracts, read papers, load runs.

Defaults, the order of models that answer, and recordings are those of `extract run`, which calls
the same engine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, overload

from anyio.from_thread import BlockingPortal, start_blocking_portal

from claimgrid import results, settings, sources
from claimgrid.engines import agreement_runs, model_choice
from claimgrid.engines.in_process import ReadingClient
from claimgrid.engines.local_engine import run_source
from claimgrid.engines.run_setup import Unwatched
from claimgrid.engines.session import open_session
from claimgrid.errors import UsageError
from claimgrid.evaluate import run_diff
from claimgrid.evaluate.run_diff import RunDiff
from claimgrid.llm.budget import SpendLimits
from claimgrid.llm.client import Client
from claimgrid.llm.response_store import ReplyCache
from claimgrid.results import Extraction, Run
from claimgrid.sources.records import paper_of
from claimgrid.types.paper import Paper, slug

Papers = Iterable[Paper | sources.Problem | Mapping[str, Any] | str]
Models = str | Sequence[str] | None

_LOG = logging.getLogger("claimgrid")
_GIVEN = "papers given in Python"  # what run.json calls their source
_FILE_LIKE = 4096  # characters; no path is longer


@overload
def extract(
    abstract: str | Paper,
    model: Models = None,
    *,
    title: str | None = None,
    base_url: str | None = None,
    replay: settings.ReplayMode | None = None,
    samples: int = 1,
    **options: Any,
) -> Extraction: ...


@overload
def extract(
    abstract: Papers,
    model: Models = None,
    *,
    title: None = None,
    base_url: str | None = None,
    replay: settings.ReplayMode | None = None,
    samples: int = 1,
    **options: Any,
) -> Run: ...


def extract(
    abstract: str | Paper | Papers,
    model: Models = None,
    *,
    title: str | None = None,
    base_url: str | None = None,
    replay: settings.ReplayMode | None = None,
    samples: int = 1,
    **options: Any,
) -> Extraction | Run:
    """Extract the claims of one abstract, or of many papers.

    It works in a script, in a notebook and inside a running event loop.

    Args:
        abstract: the text of one abstract, or a `Paper`; or several papers: what `read` gives, or
            any mix of `Paper`, texts, and mappings with `abstract`, `title`, `id` and the like.
        model: `openai/NAME`, `anthropic/NAME`, `google/NAME`, `embedded/NAME`, or the name that the
            server behind `base_url` knows. None takes the first that can answer: the provider
            whose key is in the environment, recordings, a model on this machine. A list asks
            several models; each claim then has `support`, the share of them that make it.
        title: the title of the one paper. It is context, and never evidence.
        base_url: an OpenAI-compatible server.
        replay: `auto` takes stored replies where there are any; `only` never asks; `refresh` asks
            and records anew; `off` asks and reads nothing stored. None is `auto`.
        samples: how often each model is asked; with more than one, claims have `support` too.
        options: for several papers `out`, the folder of the run (None: a temporary one); for one
            `cache`, as `Extractor` has it; and any setting of `Settings` by its name, such as
            `temperature`, `concurrency` or `max_tokens`.

    Returns:
        An `Extraction` for one abstract. It may have failed: see its `status`, or call
        `raise_for_status`. A `Run` for several papers.

    Raises:
        UsageError: an argument or a setting is wrong.
        SetupError: nothing can answer: no key, no server, no stored reply, no local model.
    """
    given = {"base_url": base_url, "replay": replay, **options}
    if not isinstance(abstract, str | Paper):
        if title is not None:
            raise UsageError("title= goes with one abstract; give several papers their own titles")
        return _off_the_loop(lambda: _extract_all(abstract, model, samples, **given))
    if isinstance(model, str | None) and samples == 1:
        with Extractor(model, **given) as extractor:
            return extractor.extract(abstract, title=title)
    alone = [_paper(abstract, title)]
    return _off_the_loop(lambda: _extract_all(alone, model, samples, **given)).one()


async def aextract(
    abstract: str | Paper,
    model: str | None = None,
    *,
    title: str | None = None,
    base_url: str | None = None,
    replay: settings.ReplayMode | None = None,
    **options: Any,
) -> Extraction:
    """Extract the claims of one abstract without blocking the event loop; see `extract`."""
    async with Extractor(model, base_url=base_url, replay=replay, **options) as extractor:
        return await extractor.aextract(abstract, title=title)


class Extractor:
    """Extracts many abstracts over one client, as a context manager or an async one.

    Its connections, rate limits and reply cache are shared by all calls, which may come from
    several threads or tasks at once.

    Args:
        model: as for `extract`.
        base_url: as for `extract`.
        replay: as for `extract`.
        cache: file that keeps live replies, so that no reply is paid for twice. None is
            `replies.sqlite` in the user's cache folder (CLAIMGRID_CACHE sets another folder).
        options: any setting of `Settings` by its name.

    Raises:
        UsageError: a setting is wrong.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        replay: settings.ReplayMode | None = None,
        cache: str | Path | None = None,
        **options: Any,
    ) -> None:
        self._given = settings.load(model=model, base_url=base_url, replay=replay, **options)
        self._session = open_session(self._given)
        self._cache = Path(cache) if cache else settings.cache_folder() / "replies.sqlite"
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._lock: asyncio.Lock | None = None
        self._client: Client | ReadingClient | None = None
        self._replies: ReplyCache | None = None

    def __enter__(self) -> Extractor:
        # The client lives on a loop of its own, so that calls work inside any other loop too.
        portal = self._stack.enter_context(start_blocking_portal())
        self._stack.callback(portal.call, self._close)
        self._portal = portal
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._portal = None
        self._stack.close()

    async def __aenter__(self) -> Extractor:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    @property
    def model(self) -> str:
        """The model that is asked, or whose recordings answer."""
        return self._session.endpoint.model

    def extract(self, abstract: str | Paper, *, title: str | None = None) -> Extraction:
        """Extract the claims of one abstract; see `claimgrid.extract`."""
        return self._open().call(self._one, _paper(abstract, title))

    async def aextract(self, abstract: str | Paper, *, title: str | None = None) -> Extraction:
        """Extract the claims of one abstract without blocking the event loop."""
        started = self._open().start_task_soon(self._one, _paper(abstract, title))
        return await asyncio.wrap_future(started)

    def _open(self) -> BlockingPortal:
        if self._portal is None:
            raise UsageError("an Extractor is a context manager: with claimgrid.Extractor() as e:")
        return self._portal

    async def _one(self, paper: Paper) -> Extraction:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            if self._client is None:
                self._client = self._made(paper)
        return Extraction.of(await self._session.extract(paper, self._client.ask))

    def _made(self, paper: Paper) -> Client | ReadingClient:
        """The client, once the first paper has told which model answers."""
        self._session, _ = model_choice.choose(
            self._session, iter([paper]), self._cache, _LOG.warning
        )
        self._session.require_replies(self._cache)
        if self._session.live:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
        if self._session.live or self._cache.exists():
            self._replies = ReplyCache(self._cache)
        return self._session.client(self._session.stores(self._replies))

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.__aexit__()
        if self._replies is not None:
            self._replies.close()


def read(*names: str | os.PathLike[str], **options: Any) -> Iterator[Paper | sources.Problem]:
    """Read papers as they come, from files, folders, URLs and services.

    Args:
        names: files (BibTeX, RIS, CSV, Parquet, JSON Lines and others, recognised by content),
            folders, URLs, `-` for standard input, `arxiv:ID`, `doi:…`, `openalex:…`, `s2:…`.
        options: which papers: `where`, `limit`, `sample`, `seed`, `select`, `keep_versions`,
            `title_column`, `abstract_column`; `claimgrid.sources.read` says what they mean.

    Raises:
        SourceError: there is no such source, or the only one cannot be read at all.
        UsageError: an option is wrong.
    """
    return sources.read(*names, **options)


def load(*outs: str | os.PathLike[str], min_confidence: float | None = None) -> Run:
    """Read the folders of finished runs, with the decisions of a review applied.

    Args:
        outs: folders, or globs of folders such as `outputs/*`.
        min_confidence: leave out claims of a lower confidence, and those without any.

    Raises:
        UsageError: no folder was named, or a glob matches no run.
        StoreError: a folder is no finished run; names file and line.
    """
    return results.load(*outs, min_confidence=min_confidence)


def diff(before: Run, after: Run, ignore: Collection[str] = ()) -> RunDiff:
    """The claims that were added, removed or changed from one run to another.

    Claims are joined by abstract and evidence. The result is true if anything differs; `ignore`
    names fields that make no difference, such as `quote`.
    """
    first, second = (run_diff.RunSide(run.papers, run.claims) for run in (before, after))
    return run_diff.diff(first, second, ignore)


def _extract_all(
    papers: Papers, model: Models, samples: int, *, out: str | Path | None = None, **given: Any
) -> Run:
    models = [model] if isinstance(model, str | None) else list(model)
    loaded = settings.load(model=models[0] if len(models) == 1 else None, **given)
    temporary = _TemporaryFolder() if out is None else None
    folder = Path(temporary.name if temporary else out or "")
    told: dict[str, Any] = {"watcher": Unwatched, "tell": _LOG.warning}
    if samples * len(models) == 1:
        done = run_source(_GIVEN, folder, loaded, items=_items(papers), **told)
    else:
        listed = list(_items(papers))
        done = agreement_runs.run_source(
            _GIVEN, folder, agreement_runs.samples_of(loaded, models, samples),
            read=lambda: iter(listed), least=loaded.min_confidence, engine=run_source,
            limits=SpendLimits(), announce=_LOG.info, **told,
        )  # fmt: skip
    return results.load(done.folder, keep=temporary)


class _TemporaryFolder:
    """A folder that is deleted when nothing refers to it any more."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="claimgrid-")
        weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)


def _off_the_loop(work: Callable[[], Run]) -> Run:
    """Do `work` here, or in a thread of its own where this one runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with start_blocking_portal() as portal:
        return portal.call(asyncio.to_thread, work)


def _items(papers: Papers) -> Iterator[Paper | sources.Problem]:
    def each() -> Iterator[Paper | sources.Problem]:
        for number, given in enumerate(papers, 1):
            if isinstance(given, str):
                yield _paper(given, None)
            elif isinstance(given, Mapping):
                yield paper_of(given, where="papers given in Python", number=number)
            else:
                yield given

    return sources.with_own_ids(each())


def _paper(abstract: str | Paper, title: str | None) -> Paper:
    if isinstance(abstract, Paper):
        return abstract.model_copy(update={"title": title}) if title is not None else abstract
    if not abstract.strip():
        raise UsageError("the abstract is empty; pass its text, or papers from claimgrid.read")
    if len(abstract) < _FILE_LIKE and "\n" not in abstract and os.path.exists(abstract):  # noqa: PTH110 False for what is no path
        raise UsageError(
            f"{abstract} is a file or folder and not an abstract; "
            f"use claimgrid.extract(claimgrid.read({abstract!r}))"
        )
    title = title or ""
    return Paper(paper_id=slug(title or abstract[:200]), title=title, abstract=abstract.rstrip())
