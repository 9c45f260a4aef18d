"""Trains the reader's network on examples; a stopped training continues where it was.

Needs the extra `train`. On a CPU that has it, matrix products run in bfloat16.
"""

from __future__ import annotations

import copy
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from claimgrid.training import reader_batches, reader_examples
from claimgrid.training.reader_examples import Example
from claimgrid.training.reader_loss import losses, own_labels, scores
from claimgrid.training.reader_network import Network

STATE, LOG = "state.pt", "log.jsonl"
_BUCKET = 250  # characters by which the order by length is shaken
_AVERAGED = 0.99  # share that the moving average keeps at each step


@dataclass(frozen=True, slots=True)
class ReaderPlan:
    """How to train: `rate` is the encoder's learning rate, `head_rate` that of what is new.

    `varied` is the share of names and digits that are swapped and of abstracts that get a sentence
    of another one; `hidden` is that of tokens that are masked. The state is written every
    `kept_every` steps.
    """

    epochs: float = 9.0
    batch: int = 8
    rate: float = 2e-4
    head_rate: float = 1e-3
    warmup: int = 60
    varied: float = 0.25
    hidden: float = 0.08
    dropout: float = 0.1
    kept_every: int = 50
    seed: int = 7


def train(
    base: Path,
    tokenizer: Any,
    learned: Sequence[Example],
    unseen: Sequence[Example],
    out: Path,
    plan: ReaderPlan,
) -> Network:
    """Train, or go on with what was begun in `out`; returns the averaged network.

    `out/log.jsonl` gets a line for each step, and one with the held-out loss for each epoch.

    Args:
        base: folder of a BERT model (`config.json`, `model.safetensors`).
    """
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    torch.manual_seed(plan.seed)
    network = Network(config, plan.dropout)
    network.encoder.load(base / "model.safetensors")
    for table in (network.encoder.words, network.encoder.places):
        table.weight.requires_grad = False
    average = copy.deepcopy(network).eval()
    optimizer = _optimizer(network, plan)
    per_epoch = math.ceil(len(learned) / plan.batch)
    steps = max(1, round(per_epoch * plan.epochs))
    out.mkdir(parents=True, exist_ok=True)
    done = _resume(out / STATE, network, average, optimizer)
    _forget_after(out / LOG, done)
    pool, mixed = reader_examples.roles(learned), reader_examples.asides(learned)
    with (out / LOG).open("a", encoding="utf-8") as log:
        if not done:
            begun = {"plan": asdict(plan), "abstracts": len(learned), "steps": steps}
            log.write(json.dumps(begun) + "\n")
        began = time.monotonic()
        for step, batch in enumerate(_batches(learned, plan, steps), 1):
            if step <= done:
                continue
            share = min(1, step / plan.warmup) * max(0.02, 1 - step / steps)
            for group in optimizer.param_groups:
                group["lr"] = group["full"] * share
            torch.manual_seed(plan.seed * 1_000_003 + step)
            chance = random.Random(plan.seed * 1_000_003 + step)  # noqa: S311 variation, no secret
            varied = [reader_examples.vary(one, pool, chance, plan.varied, mixed) for one in batch]
            loss = _step(network, optimizer, tokenizer, varied, plan)
            _average(average, network, step)
            line: dict[str, Any] = {"step": step, "epoch": step / per_epoch, "loss": loss}
            if step == steps or step % per_epoch == 0:
                line["held_out"], line["right"] = measure(average, tokenizer, unseen)
                line["seconds"] = round(time.monotonic() - began, 1)
            if step == steps or step % plan.kept_every == 0:
                _keep(out / STATE, step, network, average, optimizer)
            log.write(json.dumps(line) + "\n")
            log.flush()
    return average


def measure(
    network: Network, tokenizer: Any, unseen: Sequence[Example]
) -> tuple[float | None, dict[str, tuple[int, int]]]:
    """Loss a candidate on held-out examples; labels and first words of fields: right, of."""
    network.eval()
    total, count = 0.0, 0.0
    right: dict[str, tuple[int, int]] = {}

    def add(name: str, hits: Any) -> None:
        before = right.get(name, (0, 0))
        right[name] = (before[0] + int(hits.sum()), before[1] + hits.numel())

    with torch.no_grad():
        for at in range(0, len(unseen), 8):
            batch = unseen[at : at + 8]
            rows = [reader_batches.encode(tokenizer, one) for one in batch]
            given = reader_batches.inputs(rows)
            due = reader_batches.targets(batch, rows, given)
            outputs = _forward(network, given)
            weight = float(due.known.sum())
            total += weight * float(sum(losses(outputs, due, given).values()))
            count += weight
            seen = due.known > 0
            guess = outputs[0].float() + own_labels()[given.kinds]
            add("labels", (guess.argmax(-1) == due.labels.argmax(-1))[seen])
            if len(due.points):
                best = scores(outputs[2].float(), due).argmax(-1)
                add("pointers", due.right[torch.arange(len(best)), best])
    return (total / count if count else None), right


def _forward(network: Network, given: reader_batches.Inputs) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return network(*given.all())


def _step(
    network: Network,
    optimizer: Any,
    tokenizer: Any,
    batch: Sequence[Example],
    plan: ReaderPlan,
) -> float:
    rows = [reader_batches.encode(tokenizer, one) for one in batch]
    given = reader_batches.inputs(rows, plan.hidden)
    due = reader_batches.targets(batch, rows, given)
    network.train()
    loss = sum(losses(_forward(network, given), due, given).values(), torch.zeros(()))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    return round(float(loss.detach()), 4)


def _optimizer(network: Network, plan: ReaderPlan) -> Any:
    encoder: list[Any] = []
    heads: list[Any] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (encoder if name.startswith("encoder.") else heads).append(parameter)
    groups = [
        {"params": encoder, "full": plan.rate},
        {"params": heads, "full": plan.head_rate},
    ]
    return torch.optim.AdamW(groups, lr=plan.rate, weight_decay=0.01)


def _batches(learned: Sequence[Example], plan: ReaderPlan, steps: int) -> Iterator[list[Example]]:
    """`steps` batches of about one length, the same ones for the same seed."""
    chance = random.Random(plan.seed)  # noqa: S311 an order of training, no secret
    given = 0
    while True:
        order = sorted(learned, key=lambda one: len(one.abstract) + chance.random() * _BUCKET)
        batches = [order[at : at + plan.batch] for at in range(0, len(order), plan.batch)]
        chance.shuffle(batches)
        for batch in batches:
            if given == steps:
                return
            given += 1
            yield batch


def _average(average: Network, network: Network, step: int) -> None:
    kept = min(_AVERAGED, step / (step + 10))
    with torch.no_grad():
        for mine, theirs in zip(average.parameters(), network.parameters(), strict=True):
            if theirs.requires_grad:
                mine.lerp_(theirs, 1 - kept)


def _keep(path: Path, step: int, network: Network, average: Network, optimizer: Any) -> None:
    state = {
        "step": step,
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _resume(path: Path, network: Network, average: Network, optimizer: Any) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _forget_after(log: Path, step: int) -> None:
    """Drop the lines of steps that a stopped training made and did not keep."""
    if log.exists():
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if step else []
        kept = [line for line in lines if json.loads(line).get("step", 0) <= step]
        log.write_text("".join(kept), encoding="utf-8")
