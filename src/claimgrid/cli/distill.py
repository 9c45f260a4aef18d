"""`extract distill`: trains the local reader, or a LoRA adapter, on runs or gold."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click
from rich.console import Console

from claimgrid.cli.options import PATH
from claimgrid.engines.session import RECORDINGS
from claimgrid.errors import SetupError, UsageError
from claimgrid.extraction import prompt as prompts
from claimgrid.io import shipped_files
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.local import model_files
from claimgrid.text.counted import counted
from claimgrid.training import training_pairs
from claimgrid.training.lora import Pair, TrainingPlan

LabelForm = Literal["decisions", "json"]
ADAPTER = "adapter.gguf"
_NEEDED = ("torch", "transformers", "peft", "gguf")
_READER_NEEDS = ("torch", "onnx", "onnxscript", "onnxruntime", "safetensors", "tokenizers")


class ReaderSettings(NamedTuple):
    """How a reader is trained, as far as the command line says."""

    epochs: float
    rate: float
    seed: int


def distill(
    runs: tuple[str, ...],
    base: str,
    out: Path,
    plan: TrainingPlan,
    *,
    gold: Path | None = None,
    form: LabelForm = "decisions",
    held_out: float = 0.05,
) -> int:
    """Train an adapter of `base`, or go on with one that was begun in `out`.

    Args:
        runs: folders of runs; with `gold`, sources of abstracts too.
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
    learned, unseen = training_pairs.split(list(_pairs(runs, gold, form)), held_out)
    if not learned:
        raise UsageError("there is nothing to learn from: the runs hold no paper with a reply")
    console = Console(highlight=False)
    console.print(
        f"{counted(len(learned), 'abstract')} to learn from, {len(unseen)} held out; "
        f"{out / 'log.jsonl'} has each step",
        soft_wrap=True,
    )
    # transformers prints bars and advice, which say nothing that a person here can act on.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from claimgrid.training import adapter, lora

    tuned = lora.train(model, learned, unseen, out, plan)
    about = f"claimgrid adapter ({form}) of {model.name}"
    written = adapter.to_gguf(tuned, lora.config(model), out / ADAPTER, about=about)
    console.print(_summary(out), soft_wrap=True)
    mode = " --mode decisions" if form == "decisions" else ""
    asked = base if model_files.is_embedded(base) else f"embedded:{model}"
    console.print(
        f"Wrote {written} ({written.stat().st_size / 1e6:.1f} MB). Use it with:\n"
        f"  extract run SOURCE --model {asked} --adapter {written}{mode}",
        soft_wrap=True,
    )
    return 0


def _base(name: str) -> Path:
    if model_files.is_embedded(name):
        return model_files.resolve(name).require()
    path = Path(name)
    if not path.exists():
        raise UsageError(
            f"--base {name}: no such file or folder; pass a GGUF, a folder that transformers "
            "reads, or embedded/NAME (extract models list)"
        )
    return path


def _pairs(runs: tuple[str, ...], gold: Path | None, form: LabelForm) -> list[tuple[str, Pair]]:
    here = Path(RECORDINGS)
    recordings = RecordingFolder(here if here.is_dir() else shipped_files.path(RECORDINGS))
    shipped = "prompts/decisions.md" if form == "decisions" else "prompts/claims.md"
    prompt = prompts.load(shipped_files.path(shipped))
    found: list[tuple[str, Pair]] = []
    for run in runs:
        if form == "decisions":
            found += training_pairs.of_known(run, gold, prompt)
        else:
            found += training_pairs.of_replies(Path(run), prompt, recordings)
    return found


def _summary(out: Path) -> str:
    steps = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line["loss"] for line in steps if "loss" in line]
    measured = [line["held_out"] for line in steps if line.get("held_out") is not None]
    told = (
        f"{counted(len(losses), 'step')}, loss a token {losses[0]:.3f} to {losses[-1]:.3f} (nats)"
    )
    return told + (f", held out {measured[-1]:.3f}" if measured else "")


def distill_reader(
    runs: tuple[str, ...],
    base: str,
    out: Path,
    plan: ReaderSettings,
    *,
    gold: Path | None = None,
    held_out: float = 0.05,
) -> int:
    """Train a reader on the claims of runs or of gold, or go on with one that was begun in `out`.

    Raises:
        ClaimgridError: the extra is not installed, or nothing can be learned from.
    """
    lacking = [name for name in _READER_NEEDS if importlib.util.find_spec(name) is None]
    if lacking:
        raise SetupError(
            f"distilling a reader needs {', '.join(lacking)}: pip install 'claimgrid[train]'"
        )
    known: list[tuple[str, Any]] = []
    for run in runs:
        found = training_pairs.known_of(run, gold)
        known += [(paper.abstract_sha256, (paper, claims)) for paper, claims in found]
    learned, unseen = training_pairs.split(known, held_out)
    if not learned or not unseen:
        raise UsageError(
            f"{counted(len(learned), 'abstract')} to learn from and {len(unseen)} held out are too "
            "few; pass more runs, or another --held-out"
        )
    console = Console(highlight=False)
    console.print(
        f"{counted(len(learned), 'abstract')} to learn from, {len(unseen)} held out; "
        f"{out / 'log.jsonl'} has each step",
        soft_wrap=True,
    )
    from claimgrid.training import reader_distilling
    from claimgrid.training.reader_loop import ReaderPlan

    reader_plan = ReaderPlan(epochs=plan.epochs, rate=plan.rate, seed=plan.seed)
    told = reader_distilling.distill(Path(base), learned, unseen, out, reader_plan)
    console.print(
        f"F1 {told['f1']:.3f}, {told['whole']:.3f} with every field right, calibration error "
        f"{told['ece']:.3f} on {told['abstracts']} held-out abstracts.\n"
        f"Use it with:\n  extract run SOURCE --model reader:{out}",
        soft_wrap=True,
    )
    return 0


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option(
    "--kind",
    type=click.Choice(["reader", "lora"]),
    default="reader",
    show_default=True,
    help="reader: an encoder that reads an abstract in one pass. lora: an adapter of a language "
    "model that llama.cpp runs.",
)
@click.option(
    "--base",
    required=True,
    metavar="MODEL",
    help="What is tuned. reader: the folder of a small BERT (config.json, model.safetensors, "
    "tokenizer.json). lora: embedded/NAME, a GGUF file, or a folder that transformers reads.",
)
@click.option(
    "-o", "--out", type=PATH, required=True, help="Folder of the training; continues there."
)
@click.option(
    "--gold",
    type=PATH,
    metavar="FILE",
    help="Learn from gold claims too: each RUN… that is no run's folder is then a source of "
    "abstracts, as for extract run.",
)
@click.option(
    "--form",
    type=click.Choice(["decisions", "json"]),
    default="decisions",
    show_default=True,
    help="decisions: one short decision a candidate, which suits small models. json: the stored "
    "replies as they are.",
)
@click.option("--epochs", type=float, metavar="N", help="Default: 9 for a reader, 3 for lora.")
@click.option("--rank", type=int, default=16, show_default=True, metavar="N", help="LoRA's rank.")
@click.option("--rate", type=float, help="Highest learning rate. Default: 2e-4 and 1e-3.")
@click.option("--held-out", type=float, default=0.05, show_default=True, metavar="SHARE")
@click.option(
    "--seed", type=int, default=7, show_default=True, metavar="N", help="Of the order of training."
)
def command(
    runs: tuple[str, ...],
    kind: str,
    base: str,
    out: Path,
    gold: Path | None,
    form: str,
    epochs: float | None,
    rank: int,
    rate: float | None,
    held_out: float,
    seed: int,
) -> None:
    """Tune a small model on the claims or replies of the runs RUN… (extra `train`).

    Writes a reader's folder, or a LoRA adapter that llama.cpp loads. A training that was stopped
    continues with the same command. Takes an hour or two for a thousand abstracts on two cores.
    """
    if kind == "reader":
        settings = ReaderSettings(epochs or 9.0, rate or 2e-4, seed)
        sys.exit(distill_reader(runs, base, out, settings, gold=gold, held_out=held_out))
    epochs, rate = epochs or 3.0, rate or 1e-3
    plan = TrainingPlan(rank=rank, alpha=2 * rank, rate=rate, epochs=epochs, seed=seed)
    told = distill(runs, base, out, plan, gold=gold, form=form, held_out=held_out)  # type: ignore[arg-type]
    sys.exit(told)
