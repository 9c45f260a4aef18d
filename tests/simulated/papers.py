"""A number ─► an invented abstract with known claims, and back. Knows nothing of HTTP.

The system's name in an abstract spells the paper's number in syllables, so that a server finds out
which paper a request is about from the words that were sent, whatever prompt surrounds them.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SYLLABLES = tuple(c + v for c in "bdfgklmnprstvz" for v in "aeiou")
_LENGTH = 4
_NAMES: int = len(_SYLLABLES) ** _LENGTH
_STRIDE = 7_368_787  # coprime to _NAMES: neighbouring numbers get names that share nothing
_UNSTRIDE: int = pow(_STRIDE, -1, _NAMES)
_INTRODUCED = re.compile(r"We present ([A-Z][a-z]{7}), ")


@dataclass(frozen=True, slots=True)
class SimulatedPaper:
    """An abstract and the reply that a faultless model gives for it (the lists of `Reply`)."""

    number: int
    name: str
    title: str
    abstract: str
    reply: Mapping[str, list[dict[str, Any]]]

    @property
    def record(self) -> dict[str, str]:
        """The paper as a line of a JSON Lines source."""
        return {"id": f"sim-{self.number}", "title": self.title, "abstract": self.abstract}


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with one claim: its words and the item, with the same fields to fill in."""

    text: str
    kind: str
    item: Mapping[str, Any]


_SENTENCES = (
    _Sentence(
        "It runs {x}x faster than {base} on long inputs.",
        "speedups",
        {"quote": "runs {x}x faster than {base}", "value": "{x}x", "change": "up",
         "subject": "{name}", "baselines": ["{base}"], "workload": "long inputs"},
    ),
    _Sentence(
        "Tail latency falls by {percent}\\% on average.",
        "speedups",
        {"quote": "latency falls by {percent}\\% on average", "value": "{percent}\\%",
         "change": "down", "metric": "latency", "subject": "{name}", "bound": "average"},
    ),
    _Sentence(
        "Peak memory shrinks from {large} GB to {small} GB.",
        "speedups",
        {"quote": "memory shrinks from {large} GB to {small} GB",
         "value": "{large} GB to {small} GB", "change": "from_to", "metric": "memory",
         "subject": "{name}"},
    ),
    _Sentence(
        "Throughput improves by up to ${times}\\times$ over {other}.",
        "speedups",
        {"quote": "Throughput improves by up to ${times}\\times$", "value": "${times}\\times$",
         "change": "up", "metric": "throughput", "subject": "{name}", "baselines": ["{other}"],
         "bound": "up_to"},
    ),
    _Sentence(
        "Each query needs {share}% less energy than before.",
        "speedups",
        {"quote": "needs {share}% less energy", "value": "{share}%", "change": "down",
         "metric": "energy", "subject": "{name}"},
    ),
    _Sentence(
        "On {bench} it reaches an accuracy of {score}%.",
        "benchmarks",
        {"quote": "reaches an accuracy of {score}%", "value": "{score}%", "benchmark": "{bench}",
         "metric": "accuracy", "subject": "{name}"},
    ),
    _Sentence(
        "{name} surpasses {base} by {delta} points on {harder}.",
        "benchmarks",
        {"quote": "surpasses {base} by {delta} points on {harder}", "value": "{delta} points",
         "relation": "delta", "benchmark": "{harder}", "subject": "{name}",
         "baselines": ["{base}"]},
    ),
    _Sentence(
        "We also evaluate it on {named}.",
        "benchmarks",
        {"quote": "{named}", "role": "evaluated_on", "benchmark": "{named}"},
    ),
    _Sentence(
        "In production it sustains {rate} tokens/s.",
        "efficiencies",
        {"quote": "sustains {rate} tokens/s", "value": "{rate} tokens/s", "metric": "throughput",
         "subject": "{name}"},
    ),
    _Sentence(
        "Training takes {hours} hours.",
        "efficiencies",
        {"quote": "Training takes {hours} hours", "value": "{hours} hours",
         "metric": "training_time", "subject": "{name}", "workload": "Training"},
    ),
    _Sentence(
        "All experiments run on {count} {device} GPUs.",
        "hardware",
        {"quote": "{count} {device} GPUs", "device": "{device} GPUs", "count": "{count}"},
    ),
    _Sentence(
        "The largest model served is {family}-{billions}B.",
        "model_sizes",
        {"quote": "{family}-{billions}B", "model": "{family}-{billions}B", "total": "{billions}B"},
    ),
)  # fmt: skip
_THINGS = ("a scheduler", "a compiler", "a cache", "a runtime", "a sparse format", "a sampler")
_FIELDS = (
    "long conversations",
    "vector search",
    "code review",
    "robot planning",
    "video summaries",
)
_FILLERS = (
    "Earlier systems treat every request alike and pay for it when the load changes.",
    "The key idea is to decide late, when the cost of a decision is known.",
    "A small planner watches the queue and moves work to where it is cheapest.",
    "Its design needs no change to the model and no extra training.",
    "We describe the protocol, prove that it makes progress, and discuss where it fails.",
    "A study of the parts shows that most of the gain comes from the planner.",
    "Operators have little to set, and a wrong setting costs little.",
    "Requests that arrive together are grouped by what they share, not by when they came.",
    "When memory runs short, the oldest entries move to the host and come back on demand.",
    "Failures of a worker are hidden from clients, who see a longer wait and nothing else.",
    "The approach composes with quantization, with caching and with speculative execution.",
    "We also report what did not work, such as a learned policy that forgot rare cases.",
    "The code, the traces and the simulator are released for others to build on.",
)


def paper(number: int) -> SimulatedPaper:
    """The paper with this number (0 ≤ number < 24,010,000): always the same, 2 to 6 claims."""
    name = _name(number)
    rng = random.Random(number)
    fields = {"name": name} | _values(rng)
    claims = rng.sample(_SENTENCES, rng.randint(2, 6))
    fillers = rng.sample(_FILLERS, 9)
    thing, field = rng.choice(_THINGS), rng.choice(_FIELDS)
    told = [*(sentence.text.format(**fields) for sentence in claims), *fillers[1:-1]]
    rng.shuffle(told)
    words = [fillers[0], f"We present {name}, {thing} for {field}.", *told, fillers[-1]]
    reply: dict[str, list[dict[str, Any]]] = {}
    for sentence in claims:
        reply.setdefault(sentence.kind, []).append(_filled(sentence.item, fields))
    return SimulatedPaper(
        number=number,
        name=name,
        title=f"{name}: {thing[2:].capitalize()} for {field.title()}",
        abstract=" ".join(words),
        reply=reply,
    )


def mentioned(texts: Iterable[str]) -> int | None:
    """The number of the paper that is introduced last in these texts; None if there is none."""
    names = [name for text in texts for name in _INTRODUCED.findall(text)]
    numbers = [number for name in names if (number := _number(name)) is not None]
    return numbers[-1] if numbers else None


def _values(rng: random.Random) -> dict[str, str]:
    large = rng.randint(40, 99)
    return {
        "x": f"{rng.uniform(1.1, 9.9):.1f}",
        "times": f"{rng.uniform(1.05, 6.5):.2f}",
        "percent": str(rng.randint(11, 68)),
        "share": f"{rng.uniform(10, 70):.1f}",
        "large": str(large),
        "small": str(rng.randint(6, large // 2)),
        "score": f"{rng.uniform(51, 98):.1f}",
        "delta": f"{rng.uniform(1.1, 8.9):.1f}",
        "rate": f"{rng.randint(1_000, 9_999):,}",
        "hours": str(rng.randint(3, 90)),
        "count": str(rng.choice((2, 4, 8, 16, 32, 64, 128))),
        "billions": str(rng.choice((3, 7, 13, 34, 70))),
        "device": rng.choice(("A100", "H100", "V100", "L40S")),
        "base": rng.choice(("Tarnserve", "Quillcore", "Hollowcast")),
        "other": rng.choice(("Brindle", "Mossline", "FlatQueue")),
        "bench": rng.choice(("PlumBench", "KettleQA", "OrrinSet")),
        "harder": rng.choice(("FernExam", "Ledgerwalk", "StoneBench")),
        "named": rng.choice(("TideSuite", "CaskBench", "WillowSet")),
        "family": rng.choice(("Heron", "Marlin", "Sparrow")),
    }


def _filled(value: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**fields)
    if isinstance(value, list):
        return [_filled(part, fields) for part in value]
    return {name: _filled(part, fields) for name, part in value.items()}


def _name(number: int) -> str:
    rest = number * _STRIDE % _NAMES
    parts = []
    for _ in range(_LENGTH):
        rest, digit = divmod(rest, len(_SYLLABLES))
        parts.append(_SYLLABLES[digit])
    return "".join(parts).capitalize()


@functools.cache
def _digits() -> dict[str, int]:
    return {syllable: digit for digit, syllable in enumerate(_SYLLABLES)}


def _number(name: str) -> int | None:
    parts = [name.lower()[at : at + 2] for at in range(0, 2 * _LENGTH, 2)]
    if not all(part in _digits() for part in parts):
        return None
    value: int = sum(_digits()[part] * len(_SYLLABLES) ** place for place, part in enumerate(parts))
    return value * _UNSTRIDE % _NAMES
