"""`extract distill`: runs or gold ─► a LoRA adapter for a small embedded model."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Literal

from rich.console import Console

from claimgrid import prompt as prompts
from claimgrid import resources
from claimgrid.commands.session import RECORDINGS
from claimgrid.distill import pairs
from claimgrid.distill.train import Pair, Plan
from claimgrid.embedded import store
from claimgrid.errors import SetupError, UsageError
from claimgrid.llm.recordings import Folder

Form = Literal["decisions", "json"]
ADAPTER = "adapter.gguf"
_NEEDED = ("torch", "transformers", "peft", "gguf")


def distill(
    runs: tuple[str, ...],
    base: str,
    out: Path,
    plan: Plan,
    *,
    gold: Path | None = None,
    form: Form = "decisions",
    held_out: float = 0.05,
) -> int:
    """Train an adapter of `base`, or go on with one that was begun in `out`.

    Args:
        runs: folders of runs; with `gold`, sources of abstracts.
        base: a model of the catalogue, a GGUF file, or a folder that transformers reads.
        held_out: share of the abstracts that are only measured on.

    Raises:
        ClaimgridError: the extra is not installed, nothing can be learned from, or the base cannot
            be read.
    """
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise SetupError(
            f"distilling needs {', '.join(lacking)}: pip install 'claimgrid[train]' (on a machine "
            "without a GPU, install torch's CPU build first: it is ten times smaller)"
        )
    if gold is not None and form == "json":
        raise UsageError("--gold has claims and no replies: it goes with --form decisions")
    model = _base(base)
    learned, unseen = pairs.split(list(_pairs(runs, gold, form)), held_out)
    if not learned:
        raise UsageError("there is nothing to learn from: the runs hold no paper with a reply")
    console = Console(highlight=False)
    console.print(
        f"{len(learned)} abstracts to learn from, {len(unseen)} held out; "
        f"{out / 'log.jsonl'} has each step",
        soft_wrap=True,
    )
    # transformers prints bars and advice, which say nothing that a person here can act on.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from claimgrid.distill import adapter, train

    tuned = train.train(model, learned, unseen, out, plan)
    about = f"claimgrid adapter ({form}) of {model.name}"
    written = adapter.to_gguf(tuned, train.config(model), out / ADAPTER, about=about)
    console.print(_summary(out), soft_wrap=True)
    mode = " --mode decisions" if form == "decisions" else ""
    asked = base if store.is_embedded(base) else f"embedded:{model}"
    console.print(
        f"Wrote {written} ({written.stat().st_size / 1e6:.1f} MB). Use it with:\n"
        f"  extract run SOURCE --model {asked} --adapter {written}{mode}",
        soft_wrap=True,
    )
    return 0


def _base(name: str) -> Path:
    if store.is_embedded(name):
        return store.resolve(name).require()
    path = Path(name)
    if not path.exists():
        raise UsageError(
            f"--base {name}: no such file or folder; pass a GGUF, a folder that transformers "
            "reads, or embedded/NAME (extract models list)"
        )
    return path


def _pairs(runs: tuple[str, ...], gold: Path | None, form: Form) -> list[tuple[str, Pair]]:
    here = Path(RECORDINGS)
    recordings = Folder(here if here.is_dir() else resources.path(RECORDINGS))
    shipped = "prompts/decisions.md" if form == "decisions" else "prompts/claims.md"
    prompt = prompts.load(resources.path(shipped))
    found: list[tuple[str, Pair]] = []
    for run in runs:
        if gold is not None:
            found += pairs.of_gold(run, gold, prompt)
        elif form == "decisions":
            found += pairs.of_run(Path(run), prompt)
        else:
            found += pairs.of_replies(Path(run), prompt, recordings)
    return found


def _summary(out: Path) -> str:
    steps = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line["loss"] for line in steps if "loss" in line]
    measured = [line["held_out"] for line in steps if line.get("held_out") is not None]
    told = f"{len(losses)} steps, loss a token {losses[0]:.3f} to {losses[-1]:.3f} (nats)"
    return told + (f", held out {measured[-1]:.3f}" if measured else "")
