"""Trains a LoRA adapter of a small causal model on pairs of request and reply.

LoRA: Hu et al. 2021, arXiv 2106.09685, through peft. Needs the extra `train`.
A training that was stopped continues; it runs on a CPU or a GPU.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claimgrid.errors import UsageError

_BUCKET = 64  # pairs that are sorted by length together, so that little of a batch is padding
_STEP = 64  # tokens
_OUTSIDE = 0.1  # weight of reply tokens that a grammar forces anyway


@dataclass(frozen=True, slots=True)
class Pair:
    """One request's messages and its reply; `weighed` are the characters of the reply that the
    model is free to choose (None: all of them)."""

    messages: Sequence[Mapping[str, str]]
    reply: str
    weighed: Sequence[tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train. `batch` pairs make one step; `micro` of them run at once."""

    rank: int = 16
    alpha: int = 32
    rate: float = 1e-3
    epochs: float = 3.0
    batch: int = 8
    micro: int = 4
    warmup: float = 0.05
    held_out_every: int = 50
    seed: int = 7
    longest: int = 2048


@dataclass(frozen=True, slots=True)
class _Encoded:
    ids: list[int]
    first: int  # where the reply begins
    weights: list[float]  # of the reply's tokens


def load(base: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a GGUF file or of a folder that transformers reads, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {}
    folder = base
    if base.is_file():
        folder, where = base.parent, {"gguf_file": base.name}
    tokenizer = AutoTokenizer.from_pretrained(str(folder), **where)
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32, **where)
    return model, tokenizer


def config(base: Path) -> Any:
    """The configuration of a base, as transformers reads it."""
    from transformers import AutoConfig

    if base.is_file():
        return AutoConfig.from_pretrained(str(base.parent), gguf_file=base.name)
    return AutoConfig.from_pretrained(str(base))


def train(
    base: Path, pairs: Sequence[Pair], held_out: Sequence[Pair], out: Path, plan: TrainingPlan
) -> Path:
    """Train, or go on where a stopped run of the same plan left off; returns peft's folder.

    `out/log.jsonl` gets one line a step: step, epoch, rate, loss, and now and then held_out. What
    is held out is measured, and the state kept, every `held_out_every` steps and at the end.

    Raises:
        UsageError: what was begun in `out` has another rank.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(plan.seed)
    model, tokenizer = load(base)
    # The base is frozen, so half precision costs nothing but digits; what is learned stays float32.
    model.to(torch.bfloat16)
    tuned = get_peft_model(
        model, LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules="all-linear")
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tuned.to(device)
    learned = [p for p in tuned.parameters() if p.requires_grad]
    for parameter in learned:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(learned, lr=plan.rate, weight_decay=0.01)
    encoded = [e for e in (_encode(tokenizer, p) for p in pairs) if len(e.ids) <= plan.longest]
    unseen = [e for e in (_encode(tokenizer, p) for p in held_out) if len(e.ids) <= plan.longest]
    per_epoch = math.ceil(len(encoded) / plan.batch)
    steps = max(1, round(per_epoch * plan.epochs))
    out.mkdir(parents=True, exist_ok=True)
    state = out / "state.pt"
    done = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        if saved.get("rank", plan.rank) != plan.rank:
            raise UsageError(
                f"{out} holds a training of rank {saved['rank']}, not {plan.rank}: go on with that "
                "rank, or pass another --out"
            )
        done = saved["step"]
        optimizer.load_state_dict(saved["optimizer"])
        named = dict(tuned.named_parameters())
        with torch.no_grad():
            for name, value in saved["weights"].items():
                named[name].copy_(value)
    log_file = out / "log.jsonl"
    _forget_after(log_file, done)
    with log_file.open("a", encoding="utf-8") as log:
        if not done:
            begun = {
                "plan": asdict(plan),
                "pairs": len(encoded),
                "too_long": len(pairs) - len(encoded),
                "steps": steps,
            }
            log.write(json.dumps(begun) + "\n")
        for step, batch in enumerate(_batches(encoded, plan, steps), 1):
            if step <= done:
                continue
            rate = plan.rate * _schedule(step / steps, plan.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            tuned.train()
            total = 0.0
            weight = sum(sum(e.weights) for e in batch)
            for at in range(0, len(batch), plan.micro):
                loss = _loss(tuned, batch[at : at + plan.micro], device) / weight
                loss.backward()
                total += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            line: dict[str, Any] = {
                "step": step,
                "epoch": step / per_epoch,
                "rate": rate,
                "loss": total,
            }
            last = step == steps
            if last or step % plan.held_out_every == 0:
                line["held_out"] = _held_out(tuned, unseen, plan, device)
                tuned.save_pretrained(str(out / f"step-{step}"))
                weights = {n: p.detach() for n, p in tuned.named_parameters() if p.requires_grad}
                kept = {
                    "step": step,
                    "rank": plan.rank,
                    "optimizer": optimizer.state_dict(),
                    "weights": weights,
                }
                torch.save(kept, state.with_suffix(".new"))
                state.with_suffix(".new").replace(state)
            log.write(json.dumps(line) + "\n")
            log.flush()
    return out / f"step-{max(done, steps)}"


def _forget_after(log: Path, step: int) -> None:
    """Drop the lines of steps that a stopped run made and did not keep; they are made again."""
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if step else []
    kept = [line for line in lines if json.loads(line).get("step", 0) <= step]
    log.write_text("".join(kept), encoding="utf-8")


def _encode(tokenizer: Any, pair: Pair) -> _Encoded:
    prompt = tokenizer.apply_chat_template(
        list(pair.messages), add_generation_prompt=True, tokenize=False
    )
    head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    tail = tokenizer(pair.reply, add_special_tokens=False, return_offsets_mapping=True)
    weights = [
        1.0
        if pair.weighed is None or any(s < end and start < e for s, e in pair.weighed)
        else _OUTSIDE
        for start, end in tail["offset_mapping"]
    ]
    ids = [*head, *tail["input_ids"], tokenizer.eos_token_id]
    return _Encoded(ids, len(head), [*weights, 1.0 if pair.weighed is None else _OUTSIDE])


def _batches(
    encoded: Sequence[_Encoded], plan: TrainingPlan, steps: int
) -> Iterator[list[_Encoded]]:
    """`steps` batches, the same ones for the same seed: a resumed run sees what it would have."""
    chance = random.Random(plan.seed)  # noqa: S311 an order of training, no secret
    given = 0
    while True:
        order = list(encoded)
        chance.shuffle(order)
        buckets = [order[i : i + _BUCKET] for i in range(0, len(order), _BUCKET)]
        batches = []
        for bucket in buckets:
            bucket.sort(key=lambda e: len(e.ids))
            batches += [bucket[i : i + plan.batch] for i in range(0, len(bucket), plan.batch)]
        chance.shuffle(batches)
        for batch in batches:
            if given == steps:
                return
            given += 1
            yield batch


def _schedule(done: float, warmup: float) -> float:
    """Share of the full rate: linear up, then half a cosine down to a twentieth."""
    if done < warmup:
        return done / warmup
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _loss(tuned: Any, batch: Sequence[_Encoded], device: str) -> Any:
    """Weighed sum of the reply tokens' cross-entropy, in nats."""
    import torch

    # Lengths in steps: oneDNN prepares its kernels anew for each shape.
    longest = -(-max(len(e.ids) for e in batch) // _STEP) * _STEP
    # Causal attention never looks right, so padding on the right needs no mask.
    ids = torch.tensor([e.ids + [0] * (longest - len(e.ids)) for e in batch], device=device)
    inner = tuned.get_base_model()
    with torch.autocast(device, dtype=torch.bfloat16):
        hidden = inner.model(input_ids=ids, use_cache=False).last_hidden_state
        picked = torch.cat([hidden[i, e.first - 1 : len(e.ids) - 1] for i, e in enumerate(batch)])
        logits = inner.lm_head(picked)
    wanted = torch.tensor([t for e in batch for t in e.ids[e.first :]], device=device)
    weights = torch.tensor([w for e in batch for w in e.weights], device=device)
    losses = torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="none")
    return (losses * weights).sum()


def _held_out(
    tuned: Any, unseen: Sequence[_Encoded], plan: TrainingPlan, device: str
) -> float | None:
    """Mean loss a weighed token on pairs that are never trained on."""
    import torch

    if not unseen:
        return None
    tuned.eval()
    order = sorted(unseen, key=lambda e: len(e.ids))
    with torch.no_grad():
        total = sum(
            float(_loss(tuned, order[i : i + plan.micro], device))
            for i in range(0, len(order), plan.micro)
        )
    return total / sum(sum(e.weights) for e in order)
