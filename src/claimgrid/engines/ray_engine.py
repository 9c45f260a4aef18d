"""Runs a source on a Ray cluster: Ray Data reads, maps and writes, and knows which papers are done.

The driver reads the source and stages its papers as Parquet in the run's folder, which all nodes
must see; Ray Data maps them over `PaperWorker` actors and writes the outcomes, with its own
checkpoint of the paper ids. When the last one is written, the driver puts the outcomes in the order
of the source into the same files that a local run writes. Below it all lies the ledger's reply
store: Ray redoes a task after a crash, and no reply that was stored is paid for again.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from claimgrid import settings
from claimgrid.engines import ray_cluster
from claimgrid.engines.ray_cluster import TASK_CPUS, RayOptions
from claimgrid.engines.ray_ledger import Ledger
from claimgrid.engines.ray_staging import FOLDER, StagedSource, in_order, stage
from claimgrid.engines.run_setup import (
    FinishedRun,
    MakeWatcher,
    RunSetup,
    finish,
    has_claims,
    nothing_came,
    prepare,
)
from claimgrid.engines.run_summary import RunAccount, RunSummary
from claimgrid.errors import ClaimgridError, SetupError, StoreError, UsageError
from claimgrid.io import run_folder
from claimgrid.llm.budget import SpendLimits
from claimgrid.sources import SourceItem
from claimgrid.types.answer import Usage
from claimgrid.types.outcome import Outcome

_POLL = 1.0  # seconds between two looks at the ledger
_MAPPINGS = 3  # times that the mapping is begun where nodes die
_DIED = re.compile(r"died|crashed|Died|NodeAffinity|node .{0,40}dead")
_MOST_CALLS = 100_000  # under way at the ledger; papers that wait for their turn wait there


def run_source(
    source: str,
    out: Path | None,
    given: settings.Settings,
    *,
    items: Iterator[SourceItem] | None = None,
    ray_options: RayOptions,
    limits: SpendLimits | None = None,
    watcher: MakeWatcher,
    tell: Callable[[str], None],
) -> FinishedRun:
    """Extract the claims of a source into the folder `out`, as `local_engine.run_source` does.

    Raises:
        SetupError: the extra `[ray]` is not installed, or the cluster is not there.
        ClaimgridError: the run cannot begin, or its folder cannot be written.
    """
    ray = ray_cluster.library()
    began = time.monotonic()
    limits = limits or SpendLimits()
    setup = prepare(source, out, given, items, limits, tell)
    _refuse_what_one_process_does(setup)
    setup.folder.mkdir(parents=True, exist_ok=True)
    staged = stage(setup)
    summary = RunSummary()
    with (
        ray_cluster.joined(ray, ray_options) as workers,
        _ledger(ray, setup) as ledger,
    ):
        facts = _Facts(ray, ledger, setup, staged.read, began)
        interrupted = False
        try:
            with watcher(facts.told) as shown, facts.followed(shown, limits.minutes):
                _map_through(ray, lambda: _map(ray, setup, staged, ledger, workers), tell)
        except KeyboardInterrupt:
            interrupted = True
            ray.get(ledger.stop.remote("Ctrl-C"))
        except ray.exceptions.RayError as error:
            raise _ours(error) from error
        state = ray.get(ledger.state.remote())
    asked: Counter[str] = Counter()
    with run_folder.RunWriter(setup.folder) as writer:
        for outcome in in_order(staged):
            writer.add(outcome)
            summary.add(outcome)
            if outcome.paper.stage != "source":
                asked[_asked(outcome)] += 1
        writer.keep_earlier = nothing_came(summary) and has_claims(setup.folder)
    account = RunAccount(
        source=source,
        read=staged.read,
        source_ended=True,
        asked=asked,
        http=state["http"],
        adapted=tuple(state["adapted"]),
        spent=state["spent"],
        seconds=round(time.monotonic() - began, 3),
        interrupted=interrupted,
        stopped_by=state["stopped_by"],
    )
    done = finish(setup, summary, account, kept_earlier=writer.keep_earlier)
    if not interrupted:
        shutil.rmtree(setup.folder / FOLDER, ignore_errors=True)
    return done


def _refuse_what_one_process_does(setup: RunSetup) -> None:
    session = setup.session
    if session.endpoint.embedded is not None:
        raise UsageError(
            "--engine ray asks a server; an embedded model answers in one process: leave out "
            "--engine ray, or serve the model and pass --base-url"
        )
    if session.given.pack > 1:
        raise UsageError(
            "--pack does not go with --engine ray: which papers share a pack would depend on the "
            "tasks, and their replies would be paid for again after a crash"
        )


@contextmanager
def _ledger(ray: Any, setup: RunSetup) -> Iterator[Any]:
    """The actor that all workers share, on this node: its disk holds the replies."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    actor = ray.remote(Ledger).options(
        num_cpus=0,
        max_concurrency=_MOST_CALLS,
        scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=here, soft=False),
    )
    store = (setup.folder / run_folder.REPLIES).resolve()
    ledger = actor.remote(setup.session, store, setup.limits)
    try:
        yield ledger
    finally:
        with suppress(ray.exceptions.RayError):
            ray.get(ledger.close.remote(), timeout=60)


def _map_through(ray: Any, once: Callable[[], None], tell: Callable[[str], None]) -> None:
    """Run the mapping, again where a node took a task of Ray's own with it.

    Ray asks nodes that it has not missed yet; what is read and stored is not read again.
    """
    for left in reversed(range(_MAPPINGS)):
        try:
            once()
        except ray.exceptions.RayError as error:
            ours = _ours(error)
            if not left or isinstance(ours, StoreError) or not _DIED.search(str(error)):
                raise
            tell("a node of the cluster died with a task of Ray; the run goes on without it")
        else:
            return


def _map(ray: Any, setup: RunSetup, staged: StagedSource, ledger: Any, workers: int) -> None:
    """Ask about every paper that the checkpoint does not have, and write what comes of each."""
    from ray.data import ActorPoolStrategy
    from ray.data.checkpoint import CheckpointConfig

    from claimgrid.engines.ray_worker import PaperWorker

    if not staged.papers:
        return
    folder = staged.folder.resolve()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    config = CheckpointConfig(id_column="checkpoint", checkpoint_path=str(folder / "done"))
    # A gigabyte is set aside for it by default, which a small node does not have.
    config.checkpoint_actor_memory_bytes = 64 << 20
    config.checkpoint_actor_pool_max_size = 1
    context.checkpoint_config = config
    files = sorted(str(path) for path in (folder / "papers").iterdir())
    papers = ray.data.read_json(files, override_num_blocks=len(files), num_cpus=TASK_CPUS)
    outcomes = papers.map_batches(
        PaperWorker,
        fn_constructor_args=(setup.session, ledger),
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=workers),
        num_cpus=TASK_CPUS,
    )
    outcomes.write_parquet(str(folder / "outcomes"), ray_remote_args={"num_cpus": TASK_CPUS})


def _asked(outcome: Outcome) -> str:
    """Where a paper's reply came from, or should have."""
    return outcome.source or "live"


def _ours(error: Exception) -> ClaimgridError:
    """The error of ours that ended a worker or the ledger, else what Ray says of it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClaimgridError):
            return StoreError(str(getattr(cause, "cause", cause)))
        cause = getattr(cause, "cause", None) or cause.__cause__
    first = str(error).strip().partition("\n")[0]
    return SetupError(
        f"Ray ended the run: {first}; the same command continues and pays for no reply twice"
    )


class _Facts:
    """What the ledger says of the run, for its progress and its time limit."""

    def __init__(self, ray: Any, ledger: Any, setup: RunSetup, read: int, began: float) -> None:
        self._ray = ray
        self._ledger = ledger
        self._usd = setup.session.usd
        self._read = read
        self._began = began
        self._state: dict[str, Any] = {}
        self._over = threading.Event()

    def told(self) -> dict[str, Any]:
        """The state of the run, as a local one tells it."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        state, papers = self._state, Counter(self._state.get("papers", {}))
        used: Usage = state.get("spent", Usage())
        rate = papers["papers"] / seconds
        left = self._read - papers["papers"]
        return {
            "papers": papers["papers"],
            "total": self._read,
            "papers_per_s": round(rate, 2),
            "eta_s": round(left / rate, 1) if rate else None,
            "claims": papers["claims"],
            "tokens": used.input_tokens + used.output_tokens,
            "cost_usd": self._usd(used),
            "failed": papers["failed"],
            "errors": {},
            "http": state.get("http", {}),
            "under_way": state.get("under_way", 0),
            "allowed": int(state.get("allowed", 0)),
            "throttled": state.get("throttled", 0),
            "workers": state.get("workers", 0),
        }

    @contextmanager
    def followed(self, shown: Any, minutes: float | None) -> Iterator[None]:
        """Look at the ledger now and then in a thread; end the run when its time is over."""
        thread = threading.Thread(target=self._follow, args=(shown, minutes), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _follow(self, shown: Any, minutes: float | None) -> None:
        with suppress(self._ray.exceptions.RayError):  # the run itself says what is wrong
            while not self._over.wait(_POLL):
                self._state = self._ray.get(self._ledger.state.remote())
                if minutes is not None and time.monotonic() - self._began > minutes * 60:
                    self._ray.get(self._ledger.stop.remote(f"--max-minutes {minutes:g}"))
                shown.moved()
