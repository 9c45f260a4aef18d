"""Builds a claim from a grounded item, or says why it makes none.

Everything with one right answer is computed here from the words that the model pointed at: values,
units, ratios, slugs, counts, parameter counts, canonical names, ids.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from claimgrid.entities import benchmark_mentions, hardware, metrics
from claimgrid.entities.device_counts import Counts, counts_in, names_pod, read_count
from claimgrid.entities.spelling import plain
from claimgrid.extraction.relative_change import relative_change
from claimgrid.extraction.size_fields import sizes_at
from claimgrid.quantities import values
from claimgrid.quantities.lexer import Quantity, unit_of
from claimgrid.types.claim import CLAIM, Claim, Evidence, Qualifier, Span, Value
from claimgrid.types.grounded import Grounded, Refusal
from claimgrid.types.paper import Paper
from claimgrid.types.reply import (
    BenchmarkItem,
    EfficiencyItem,
    HardwareItem,
    Item,
    ModelSizeItem,
    SpeedupItem,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What the items of one abstract share: paper, starts of sentences, quantities."""

    paper: Paper
    sentences: Sequence[int]
    quantities: Sequence[Quantity]

    @property
    def text(self) -> str:
        """The abstract as read."""
        return self.paper.abstract

    def sentence_at(self, span: Span) -> str:
        """The sentence that holds a span."""
        after = bisect_right(self.sentences, span.start)
        end = self.sentences[after] if after < len(self.sentences) else len(self.text)
        return self.text[self.sentences[after - 1] if after else 0 : end]


Fields = dict[str, Any]
_COMPUTERS = ("edge", "mobile", "mcu")  # devices that are a node by themselves
_MACHINE = re.compile(r"[\w -]{0,24}?\b(?:cluster|server|system|supercomputer|machine|node)\b")


def claim(grounded: Grounded, context: Context) -> Claim | Refusal:
    """The claim that a grounded item makes, or why it makes none."""
    fields = _BUILDERS[type(grounded.item)](grounded, context)
    if isinstance(fields, Refusal):
        return fields
    quote = grounded.quote
    subject = _copied(grounded, context, "subject")
    base: Fields = {
        "claim_id": _claim_id(grounded, context),
        "paper_id": context.paper.paper_id,
        "kind": grounded.kind,
        "subject": subject[0] if subject else None,
        "value": None,
        "qualifier": "exact",
        "stance": grounded.item.stance,
        "evidence": Evidence(
            quote=context.text[quote.start : quote.end], start=quote.start, end=quote.end
        ),
        "spans": {name: grounded.spans[name] for name in sorted(grounded.spans)},
        "grounding": grounded.grounding,
        "candidates": list(grounded.candidates),
    }
    return CLAIM.validate_python(base | fields)


def _benchmark(grounded: Grounded, context: Context) -> Fields | Refusal:
    item = cast("BenchmarkItem", grounded.item)
    metric = _copied(grounded, context, "metric")
    named = metrics.metric(metric[0]) if metric else None
    fields: Fields = {
        "role": item.role,
        "benchmark": _benchmark_name(grounded, context, named),
        "metric": named,
        "relation": None,
        "baselines": _copied(grounded, context, "baselines"),
    }
    if item.role != "result":
        return fields
    reading = _read(grounded, context, "value")
    if isinstance(reading, Refusal):
        return reading
    if item.relation == "absolute":
        reading = reading.result(context.text)
    if reading.apart or (reading.form == "from_to" and item.relation != "absolute"):
        return _refuse("several_numbers", grounded, f"{reading.text!r} is a change of two numbers")
    # "3.1 points better" is a bare score: points are the score's own unit.
    unit = "score" if reading.unit in ("", "point") else reading.unit
    return fields | {
        "relation": item.relation,
        "value": reading.value(unit),
        "qualifier": _qualifier(reading, item.bound, context),
    }


def _speedup(grounded: Grounded, context: Context) -> Fields | Refusal:
    item = cast("SpeedupItem", grounded.item)
    reading = _read(grounded, context, "value")
    if isinstance(reading, Refusal):
        return reading
    made = relative_change(item, reading, context.text, grounded.quote)
    if isinstance(made, str):
        detail = {
            "not_relative": f"{reading.text!r} is in {reading.unit or 'no unit'}, not a ratio",
            "no_ratio": f"{reading.text!r} {item.change} gives no finite ratio",
        }[made]
        return _refuse(made, grounded, detail)
    factor = made.factor
    return {
        "value": reading.value(made.unit),
        "qualifier": _qualifier(reading, item.bound, context, change=item.change == "from_to"),
        "ratio": {"low": factor[0], "high": factor[1]} if factor else None,
        "ambiguous": None if factor else "points_or_percent",
        "metric": item.metric,
        "baselines": _copied(grounded, context, "baselines"),
        **_setting(grounded, context),
    }


def _efficiency(grounded: Grounded, context: Context) -> Fields | Refusal:
    item = cast("EfficiencyItem", grounded.item)
    reading = _read(grounded, context, "value")
    if isinstance(reading, Refusal):
        return reading
    reading = reading.result(context.text)
    if reading.apart:
        return _refuse("several_numbers", grounded, f"{reading.text!r} is a change of two numbers")
    unit = reading.unit
    apart = grounded.spans.get("unit")
    if apart and ("/" not in unit):
        words = unit_of(context.text[apart[0].start : apart[0].end])
        # The words apart may be only the period of a unit that stands with the number.
        unit = words if not unit or words.startswith(unit) else unit
    after = context.text[reading.span.end : grounded.quote.end]
    return {
        "value": reading.value(values.rate(unit, after) or "score"),
        "qualifier": _qualifier(reading, item.bound, context),
        "metric": item.metric,
        **_setting(grounded, context),
    }


def _hardware(grounded: Grounded, context: Context) -> Fields | Refusal:
    item = cast("HardwareItem", grounded.item)
    span = grounded.spans["device"][0]
    words = context.text[span.start : span.end]
    device = hardware.resolve(words)
    count, nodes, per_node, vague = _counts(grounded, span, context)
    stated = grounded.spans.get("count", ())
    if stated and not _says(stated[0], {count, nodes, per_node}, context):
        # The phrase has a count, but the words that the model points at say another number.
        count = nodes = per_node = None
    return {
        "device": device.slug,
        "vendor": device.vendor,
        "category": device.category,
        "known": device.known,
        "count": count,
        "nodes": nodes,
        "per_node": per_node,
        "role": item.role,
        "value": Value(text=vague, low=None, high=None, unit="device") if vague else None,
        "qualifier": _bound_at(stated[0], context) if stated else "exact",
    }


def _counts(
    grounded: Grounded, device: Span, context: Context
) -> tuple[int | None, int | None, int | None, str | None]:
    """Devices in all, nodes, devices a node, and the words of a vague count.

    The phrase is parsed as a whole; the words that the model points at decide where the phrase
    names several counts, and fill what it leaves open.
    """
    stated = {name: _copied(grounded, context, name) for name in ("count", "nodes", "per_node")}
    if stated["count"] and _counts_the_machine(grounded, device, context):
        stated["count"] = []
    phrase = _phrase(grounded, device, context)
    if names_pod(context.text[device.start : device.end + 10]) and counts_in(phrase).count is None:
        pods = read_count(stated["count"][0]) if stated["count"] else None
        nodes = read_count(stated["nodes"][0]) if stated["nodes"] else pods
        return None, nodes, None, None
    found = counts_in(phrase)
    if found.nodes is not None and found.per_node is not None:
        return found.count, found.nodes, found.per_node, None
    stated = {
        name: [] if _measures(grounded, context, name) else words for name, words in stated.items()
    }
    count, nodes, per_node = (read_count(w[0]) if w else None for w in stated.values())
    nodes = found.nodes if nodes is None else nodes
    if count is not None and count != found.count:
        systems = hardware.find(context.text[device.start : device.end])
        # "4 DGX A100" are 32 devices; "16 GPUs in DGX A100" are 16.
        own = hardware.find(stated["count"][0])
        count *= systems[0].multiplier if systems and not own else 1
    elif count is None and not stated["count"]:
        count = found.count
    if (found.nodes or 0) > 1 and found == Counts(None, found.nodes, None):
        # "20 A100 nodes" are nodes; "6 Raspberry Pi nodes" are also devices.
        kind = hardware.resolve(context.text[device.start : device.end]).category
        count = found.nodes if kind in _COMPUTERS else None if count == found.nodes else count
    if count is None and nodes is not None and per_node is not None:
        count = nodes * per_node
    vague = stated["count"][0] if stated["count"] and count is None else None
    return count, nodes, per_node, vague


def _model_size(grounded: Grounded, context: Context) -> Fields | Refusal:
    total = sizes_at(grounded.spans["total"][0], context.text, context.quantities, "total")
    if isinstance(total, str):
        detail = {
            "several_numbers": "several parameter counts stand at these words",
            "unread_number": "these words hold a number besides the count",
        }.get(total, "no parameter count stands at these words")
        return _refuse(total, grounded, detail)
    sizes: dict[str, int | None] = {}
    for field in ("active", "context"):
        spans = grounded.spans.get(field)
        found = sizes_at(spans[0], context.text, context.quantities, field) if spans else None
        sizes[field] = found if isinstance(found, int) else None
    model = _copied(grounded, context, "model")
    span = grounded.spans["total"][0]
    words = context.text[slice(*span)]
    return {
        "model": plain(model[0]) if model else None,
        "params": total,
        "active_params": sizes["active"],
        "context_tokens": sizes["context"],
        "value": Value(text=words, low=float(total), high=float(total), unit="params"),
        "qualifier": _bound_at(span, context),
    }


_BUILDERS: dict[type[Item], Callable[[Grounded, Context], Fields | Refusal]] = {
    BenchmarkItem: _benchmark,
    SpeedupItem: _speedup,
    EfficiencyItem: _efficiency,
    HardwareItem: _hardware,
    ModelSizeItem: _model_size,
}


def _copied(grounded: Grounded, context: Context, field: str) -> list[str]:
    return [context.text[span.start : span.end] for span in grounded.spans.get(field, ())]


def _benchmark_name(grounded: Grounded, context: Context, metric: str | None) -> str | None:
    found = grounded.spans.get("benchmark")
    if not found:
        return None
    return benchmark_mentions.name_at(
        context.text, found[0], metric, next(iter(grounded.spans.get("value", ())), None)
    )


def _setting(grounded: Grounded, context: Context) -> Fields:
    workload = _copied(grounded, context, "workload")
    devices = [hardware.resolve(words).slug for words in _copied(grounded, context, "hardware")]
    return {
        "workload": workload[0] if workload else None,
        "hardware": list(dict.fromkeys(devices)),
    }


def _read(grounded: Grounded, context: Context, field: str) -> values.Reading | Refusal:
    span = grounded.spans[field][0]
    reading = values.read(context.text, context.quantities, span)
    if isinstance(reading, str):
        words = context.text[span.start : span.end]
        return Refusal(reading, f"{field} {words!r}: {reading.replace('_', ' ')}", field, words)
    return reading


def _qualifier(
    reading: values.Reading, labelled: Qualifier, context: Context, *, change: bool = False
) -> Qualifier:
    return values.qualifier(reading, labelled, context.sentence_at(reading.span), change=change)


def _bound_at(span: Span, context: Context) -> Qualifier:
    reading = values.read(context.text, context.quantities, span)
    return "exact" if isinstance(reading, str) else reading.bound


def _counts_the_machine(grounded: Grounded, device: Span, context: Context) -> bool:
    """Whether an article counts what holds the device: "an A100 server" says nothing of A100s."""
    count = grounded.spans["count"][0]
    article = context.text[count.start : count.end].lower() in ("a", "an")
    return article and _MACHINE.match(context.text, device.end) is not None


def _says(span: Span, counts: set[int | None], context: Context) -> bool:
    """Whether the words say one of the counts; words without digits say nothing against them."""
    first = bisect_right(context.quantities, span.start, key=lambda quantity: quantity.end)
    stop = bisect_left(context.quantities, span.end, key=lambda quantity: quantity.start)
    said = {
        part.value
        for quantity in context.quantities[first:stop]
        if quantity.reason is None
        for part in quantity.parts
    }
    return not said or not said.isdisjoint(counts)


def _measures(grounded: Grounded, context: Context, name: str) -> bool:
    """Whether a field's number measures: the 7k of "7k A100 GPU hours" counts hours."""
    for span in grounded.spans.get(name, ()):
        reading = values.read(context.text, context.quantities, span)
        if isinstance(reading, values.Reading) and "_" in reading.unit:
            return True
    return False


def _phrase(grounded: Grounded, device: Span, context: Context) -> str:
    """The words that may count a device: the quote, from where others before it have ended."""
    quote = grounded.quote
    words = context.text[quote.start : quote.end]
    others = [m for m in hardware.find(words) if quote.start + m.end <= device.start]
    return context.text[quote.start + others[-1].end : device.end] if others else words


def _refuse(reason: str, grounded: Grounded, detail: str) -> Refusal:
    return Refusal(reason, f"{grounded.item.quote!r}: {detail}")


def _claim_id(grounded: Grounded, context: Context) -> str:
    key = [context.paper.abstract_sha256, grounded.kind, *map(str, grounded.quote)]
    for field in ("value", "device", "total", "benchmark"):
        key += [f"{span.start}-{span.end}" for span in grounded.spans.get(field, ())[:1]]
    return hashlib.sha256("|".join(key).encode()).hexdigest()[:16]
