"""Lays examples out as the tensors that the reader's network and its loss take. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from claimgrid.reader.features import MASK, Features, features
from claimgrid.reader.heads import BOUNDS, CHANNELS, FIELDS, LABELS, METRICS, OWN_LABELS, SLICES
from claimgrid.training.reader_examples import Example, Mark

IGNORED = -100
INPUTS = (
    "ids", "types", "attend", "everywhere", "first", "kinds", "in_title", "forms", "anchors",
    "relation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inputs:
    """The network's inputs of a batch, padded; in the order in which it takes them."""

    ids: Tensor
    types: Tensor
    attend: Tensor
    everywhere: Tensor
    first: Tensor
    kinds: Tensor
    in_title: Tensor
    forms: Tensor
    anchors: Tensor
    relation: Tensor

    def all(self) -> tuple[Tensor, ...]:
        """The tensors in the network's order."""
        return tuple(getattr(self, f.name) for f in fields(self))


@dataclass(frozen=True, slots=True)
class Targets:
    """What the outputs of a batch should be.

    `labels` [B,C,·] are probabilities. `points` are rows (abstract, anchor, channel) with the
    tokens that are right in `right` and a weight; `open` [B,T] are tokens that may be pointed at.
    `on` are rows (abstract, anchor) with the device's tokens and whether the device is meant.
    """

    labels: Tensor
    known: Tensor
    loss: Tensor
    background: Tensor
    metric: Tensor
    bound: Tensor
    points: Tensor
    right: Tensor
    weight: Tensor
    open: Tensor
    on: Tensor
    on_tokens: Tensor
    meant: Tensor


def inputs(rows: Sequence[Features], masked: float = 0.0) -> Inputs:
    """The padded inputs of a batch; `masked` is the share of tokens that is hidden."""
    # Sizes in steps: oneDNN prepares its kernels anew for each shape.
    batch, length = len(rows), _up(max(len(r.ids) for r in rows), 64)
    count = _up(max(len(r.questions) for r in rows), 16)
    ahead = _up(max(len(r.anchors) for r in rows), 4)
    zeros = torch.zeros
    ids, types = zeros(batch, length, dtype=torch.long), zeros(batch, length, dtype=torch.long)
    attend = zeros(batch, length)
    everywhere, first = zeros(batch, count, length), zeros(batch, count, length)
    kinds, titled, forms = (zeros(batch, count, dtype=torch.long) for _ in range(3))
    anchors = zeros(batch, ahead, dtype=torch.long)
    relation = zeros(batch, ahead, length, dtype=torch.long)
    for b, row in enumerate(rows):
        size = len(row.ids)
        given = torch.from_numpy(row.ids)
        if masked:
            hide = (torch.rand(size) < masked) & (given != 101) & (given != 102)
            given = torch.where(hide, torch.tensor(MASK), given)
        ids[b, :size], types[b, :size], attend[b, :size] = given, torch.from_numpy(row.types), 1
        here = len(row.questions)
        if here:
            kinds[b, :here] = torch.from_numpy(row.kinds)
            titled[b, :here] = torch.from_numpy(row.in_title)
            forms[b, :here] = torch.from_numpy(row.forms)
        for c in range(here):
            everywhere[b, c, list(row.everywhere[c])] = 1 / len(row.everywhere[c])
            first[b, c, list(row.first[c])] = 1 / len(row.first[c])
        if row.anchors:
            anchors[b, : len(row.anchors)] = torch.tensor(row.anchors)
            relation[b, : len(row.anchors), :size] = torch.from_numpy(row.relation)
    return Inputs(ids, types, attend, everywhere, first, kinds, titled, forms, anchors, relation)


def _up(size: int, step: int) -> int:
    """A size rounded up to whole steps, one step at least."""
    return max(1, -(-size // step)) * step


def targets(examples: Sequence[Example], rows: Sequence[Features], given: Inputs) -> Targets:
    """What the network should say of a batch."""
    batch, count = given.kinds.shape
    length = given.ids.shape[1]
    labels = torch.zeros(batch, count, len(LABELS))
    known = torch.zeros(batch, count)
    loss, background, metric, bound = (torch.full((batch, count), IGNORED) for _ in range(4))
    points: list[tuple[int, int, int]] = []
    right: list[Sequence[int]] = []
    weight: list[float] = []
    on: list[tuple[int, int]] = []
    on_tokens: list[Sequence[int]] = []
    meant: list[float] = []
    for b, (one, row) in enumerate(zip(examples, rows, strict=True)):
        for c, (question, mark) in enumerate(zip(one.questions, one.marks, strict=True)):
            if row.first[c] == (0,):
                continue  # beyond the last token that the network sees
            known[b, c] = one.weight
            labels[b, c] = _label(question.about, mark)
            loss[b, c] = IGNORED if mark.loss is None else int(mark.loss)
            background[b, c] = IGNORED if mark.label == "no" else int(mark.background)
            metric[b, c] = METRICS.index(mark.metric) if mark.metric else IGNORED
            bound[b, c] = BOUNDS.index(mark.bound) if mark.bound else IGNORED
        for a, c in enumerate(row.anchors):
            mark = one.marks[c]
            for name, values in mark.fields.items():
                for edge, ends in (("start", 0), ("end", -1)):
                    for places in values or [None]:
                        tokens = _edges(row, places, ends)
                        if tokens:
                            points.append((b, a, CHANNELS.index(f"{name}:{edge}")))
                            right.append(tokens)
                            weight.append(one.weight / max(1, len(values)))
            if mark.hardware is not None:
                for slug, _, tokens_ in row.devices:
                    on.append((b, a))
                    on_tokens.append(tokens_)
                    meant.append(float(slug in mark.hardware))
    open_ = torch.zeros(batch, length, dtype=torch.bool)
    for b, row in enumerate(rows):
        open_[b, : len(row.ids)] = torch.from_numpy(row.sentence_of >= 0)
        open_[b, 0] = True
    return Targets(
        labels, known, loss, background, metric, bound,
        torch.tensor(points, dtype=torch.long).reshape(-1, 3), _mask(right, length, bool_=True),
        torch.tensor(weight), open_, torch.tensor(on, dtype=torch.long).reshape(-1, 2),
        _mask(on_tokens, length, bool_=False), torch.tensor(meant),
    )  # fmt: skip


def encode(tokenizer: Any, one: Example) -> Features:
    """What the network sees of an example; only anchors that something is known of are kept."""
    row = features(tokenizer, one.title, one.abstract, one.questions, one.devices)
    kept = [
        a
        for a, c in enumerate(row.anchors)
        if one.marks[c].fields or one.marks[c].hardware is not None
    ]
    return replace(row, anchors=tuple(row.anchors[a] for a in kept), relation=row.relation[kept])


def _label(about: str, mark: Mark) -> Tensor:
    out = torch.zeros(len(LABELS))
    if mark.soft is not None:
        out[SLICES[about]] = torch.tensor(mark.soft)
    else:
        out[SLICES[about].start + OWN_LABELS[about].index(mark.label)] = 1
    return out


def _edges(row: Features, places: Any, end: int) -> list[int]:
    """The first or last tokens of the places; the token of "none" where there is no place."""
    if places is None:
        return [0]
    found = []
    for start, stop in places:
        tokens = row.tokens(start, stop)
        if tokens:
            found.append(tokens[end])
    return found


def _mask(rows: Sequence[Sequence[int]], length: int, *, bool_: bool) -> Tensor:
    out = torch.zeros(len(rows), length, dtype=torch.bool if bool_ else torch.float)
    for index, tokens in enumerate(rows):
        out[index, list(tokens)] = True if bool_ else 1 / len(tokens)
    return out


assert set(FIELDS) == {name.split(":")[0] for name in CHANNELS[:-1]}
