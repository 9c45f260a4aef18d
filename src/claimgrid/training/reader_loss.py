"""Says how wrong the reader's network is on a batch: labels, details, pointers and devices."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name
from torch import Tensor

from claimgrid.reader.features import ABOUT
from claimgrid.reader.heads import BACKGROUND, BOUND, LABELS, LOSS, METRIC, SLICES
from claimgrid.training.reader_batches import IGNORED, Inputs, Targets

_SHUT = -1e4
_SMOOTHED = 0.02  # of a label's weight goes to the other labels of its kind
# How much each part counts; tuned on held-out abstracts only roughly.
_WEIGHTS = {"loss": 0.3, "background": 0.3, "metric": 0.5, "bound": 0.3, "points": 0.5, "on": 0.4}


def own_labels() -> Tensor:
    """For each kind of candidate, 0 at its labels and a large negative number elsewhere."""
    mask = torch.full((len(ABOUT), len(LABELS)), _SHUT)
    for row, about in enumerate(ABOUT):
        mask[row, SLICES[about]] = 0
    return mask


def losses(
    outputs: tuple[Tensor, Tensor, Tensor], due: Targets, given: Inputs
) -> dict[str, Tensor]:
    """The parts of a batch's loss, weighed, each in nats a candidate."""
    labels, details, pointers = (output.float() for output in outputs)
    count = due.known.sum().clamp(min=1)
    mask = own_labels()[given.kinds]
    own = (mask == 0).float()
    wanted = (1 - _SMOOTHED) * due.labels + _SMOOTHED * own / own.sum(-1, keepdim=True)
    logs = (labels + mask).log_softmax(-1)
    found = {"label": -((wanted * logs).sum(-1) * due.known).sum()}
    for name, part, target in (
        ("loss", LOSS, due.loss),
        ("background", BACKGROUND, due.background),
        ("metric", METRIC, due.metric),
        ("bound", BOUND, due.bound),
    ):
        found[name] = F.cross_entropy(
            details[..., part].flatten(0, 1),
            target.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
        )
    if len(due.points):
        # Any of the places where the words stand is right: their probabilities add up.
        logs = scores(pointers, due).log_softmax(-1)
        right = torch.logsumexp(logs.masked_fill(~due.right, _SHUT), -1)
        found["points"] = -(right * due.weight).sum()
    if len(due.on):
        abstract, anchor = due.on.T
        score = (pointers[abstract, anchor, :, -1] * due.on_tokens).sum(-1)
        found["on"] = F.binary_cross_entropy_with_logits(score, due.meant, reduction="sum")
    return {name: _WEIGHTS.get(name, 1.0) * value / count for name, value in found.items()}


def scores(pointers: Tensor, due: Targets) -> Tensor:
    """The scores of all tokens for each row of `due.points`."""
    abstract, anchor, channel = due.points.T
    picked = pointers.permute(0, 1, 3, 2)[abstract, anchor, channel]
    return picked.masked_fill(~due.open[abstract], _SHUT)
