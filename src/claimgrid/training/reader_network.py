"""The reader's network: a small BERT encoder with heads on candidates and pointers to words.

Needs torch, for training and export alone. The encoder's layers are written out, so that it exports
to a small ONNX graph and trains in bfloat16 where the processor has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name
from torch import Tensor, nn

from claimgrid.reader.features import ABOUT, FORMS, RELATIONS, TYPES
from claimgrid.reader.heads import BOUNDS, CHANNELS, LABELS, METRICS

_KIND, _TITLE, _FORM = 32, 16, 16


_pool: dict[tuple[float, torch.dtype], Tensor] = {}


def dropped(x: Tensor, share: float, training: bool) -> Tensor:
    """Dropout with masks cut from a pool: drawing fresh ones is a tenth of a step on a CPU."""
    if not training or not share:
        return x
    count, key = x.numel(), (share, x.dtype)
    if key not in _pool or _pool[key].numel() < 2 * count:
        kept = torch.rand(max(2 * count + 1, 1 << 23)) > share
        _pool[key] = (kept.float() / (1 - share)).to(x.dtype)
    at = int(torch.randint(0, _pool[key].numel() - count, (1,)))
    return x * _pool[key][at : at + count].view_as(x)


class _Layer(nn.Module):
    def __init__(self, width: int, inner: int, heads: int, drop: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, drop
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1 = nn.LayerNorm(width, eps=1e-12)
        self.norm2 = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """One layer of self-attention."""
        batch, length, width = x.shape
        split = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        # Written out: on a CPU, torch's fused attention takes three times as long backwards.
        q = q * (width // self.heads) ** -0.5
        scores = q @ k.transpose(-1, -2) + mask.to(q.dtype)
        seen = (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2)
        seen = seen.reshape(batch, length, width)
        x = self.norm1(x + dropped(self.out(seen), self.drop, self.training))
        made: Tensor = self.norm2(
            x + dropped(self.down(F.gelu(self.up(x))), self.drop, self.training)
        )
        return made


class Encoder(nn.Module):
    """BERT's encoder; the types of tokens say which kind of candidate a token belongs to."""

    def __init__(self, config: dict[str, Any], drop: float) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.drop = drop
        self.words = nn.Embedding(config["vocab_size"], width)
        self.places = nn.Embedding(config["max_position_embeddings"], width)
        self.types = nn.Embedding(TYPES, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(
            _Layer(width, config["intermediate_size"], config["num_attention_heads"], drop)
            for _ in range(config["num_hidden_layers"])
        )

    def load(self, weights: Path) -> None:
        """Take over the weights of a BERT model in safetensors format."""
        from safetensors.torch import load_file

        given = {k.removeprefix("bert."): v.float() for k, v in load_file(str(weights)).items()}
        with torch.no_grad():
            self.words.weight.copy_(given["embeddings.word_embeddings.weight"])
            self.places.weight.copy_(given["embeddings.position_embeddings.weight"])
            plain = given["embeddings.token_type_embeddings.weight"][0]
            self.types.weight.copy_(plain + 0.02 * torch.randn_like(self.types.weight))
            self.types.weight[:2] = plain
            for part in ("weight", "bias"):
                getattr(self.norm, part).copy_(given[f"embeddings.LayerNorm.{part}"])
                for number, layer in enumerate(self.layers):
                    at = f"encoder.layer.{number}."
                    heads = [
                        given[f"{at}attention.self.{name}.{part}"]
                        for name in ("query", "key", "value")
                    ]
                    getattr(layer.qkv, part).copy_(torch.cat(heads))
                    for mine, theirs in (
                        ("out", "attention.output.dense"),
                        ("norm1", "attention.output.LayerNorm"),
                        ("up", "intermediate.dense"),
                        ("down", "output.dense"),
                        ("norm2", "output.LayerNorm"),
                    ):
                        getattr(getattr(layer, mine), part).copy_(given[f"{at}{theirs}.{part}"])

    def forward(self, ids: Tensor, types: Tensor, attend: Tensor) -> Tensor:
        """A vector for each token."""
        summed = self.words(ids) + self.places.weight[: ids.shape[1]] + self.types(types)
        x: Tensor = dropped(self.norm(summed), self.drop, self.training)
        mask = ((1.0 - attend) * -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x


def _two_layers(inputs: int, outputs: int, inner: int, drop: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, inner), nn.GELU(), nn.Dropout(drop), nn.Linear(inner, outputs)
    )


class Network(nn.Module):
    """Encoder, heads on candidates, and for each anchor a score of each token as a field's edge."""

    def __init__(self, config: dict[str, Any], drop: float = 0.1, pointer: int = 128) -> None:
        super().__init__()
        self.encoder = Encoder(config, drop)
        width = config["hidden_size"]
        self.drop = drop
        self.kind = nn.Embedding(len(ABOUT), _KIND)
        self.title = nn.Embedding(2, _TITLE)
        self.form = nn.Embedding(FORMS, _FORM)
        whole = 3 * width + _KIND + _TITLE + _FORM
        self.label = _two_layers(whole, len(LABELS), 256, drop)
        self.detail = _two_layers(whole, 4 + len(METRICS) + len(BOUNDS), 256, drop)
        self.anchor = nn.Linear(whole, 2 * pointer)
        self.token = nn.Linear(width, 2 * pointer)
        self.relation = nn.Embedding(RELATIONS, pointer)
        self.near = nn.Embedding(RELATIONS, len(CHANNELS))
        self.point = nn.Linear(2 * pointer, len(CHANNELS))
        self.shape = nn.Linear(len(LABELS), pointer)
        nn.init.normal_(self.relation.weight, std=0.3)
        nn.init.zeros_(self.near.weight)

    def forward(
        self,
        ids: Tensor,
        types: Tensor,
        attend: Tensor,
        everywhere: Tensor,
        first: Tensor,
        kinds: Tensor,
        in_title: Tensor,
        forms: Tensor,
        anchors: Tensor,
        relation: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Labels [B,C,·], details [B,C,·] and pointers [B,A,T,channel].

        `everywhere` and `first` [B,C,T] average the tokens of a candidate; `anchors` [B,A] are
        candidates; `relation` [B,A,T] is a word of the vocabulary of relations.
        """
        x = self.encoder(ids, types, attend)
        everywhere, first = everywhere.to(x.dtype), first.to(x.dtype)
        count = everywhere.shape[1]
        known = torch.cat([self.kind(kinds), self.title(in_title), self.form(forms)], -1)
        each = torch.cat(
            [everywhere @ x, first @ x, x[:, :1].expand(-1, count, -1), known.to(x.dtype)], -1
        )
        each = dropped(each, self.drop, self.training)
        labels, details = self.label(each), self.detail(each)
        at = anchors[..., None]
        mine = torch.gather(each, 1, at.expand(-1, -1, each.shape[-1]))
        told = torch.gather(labels, 1, at.expand(-1, -1, labels.shape[-1]))
        # What a number is decides what belongs to it; labels learn from labels alone.
        shape = self.shape(told.detach().float().softmax(-1).to(x.dtype))
        a1, a2 = self.anchor(mine).chunk(2, -1)
        t1, t2 = self.token(dropped(x, self.drop, self.training)).chunk(2, -1)
        added = F.gelu((a1 + shape)[:, :, None] + t1[:, None] + self.relation(relation).to(x.dtype))
        times = a2[:, :, None] * t2[:, None]
        both = dropped(torch.cat([added, times], -1), self.drop, self.training)
        pointers = self.point(both) + self.near(relation)
        return labels, details, pointers
