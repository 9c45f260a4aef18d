"""A claim is rebuilt here from the words that a person selected in the abstract.

Nothing is typed in: a field is a span of the abstract, and its value is computed by the same code
that computes a model's. What that code refuses is refused here too, with its reason.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import ValidationError

from claimgrid.extraction import claim_builder
from claimgrid.quantities import values
from claimgrid.quantities.lexer import lex
from claimgrid.quantities.ratios import ratio
from claimgrid.text import alignment
from claimgrid.types.claim import Claim, Kind, PaperLine, Span, SpeedupClaim
from claimgrid.types.grounded import Grounded, Refusal
from claimgrid.types.paper import Paper
from claimgrid.types.reply import (
    AbsoluteMetric,
    BenchmarkItem,
    Bound,
    EfficiencyItem,
    HardwareItem,
    Item,
    ModelSizeItem,
    RelativeMetric,
    SpeedupItem,
)

_ITEMS: dict[Kind, type[Item]] = {
    "benchmark": BenchmarkItem,
    "speedup": SpeedupItem,
    "efficiency": EfficiencyItem,
    "hardware": HardwareItem,
    "model_size": ModelSizeItem,
}
FIELDS: dict[Kind, tuple[str, ...]] = {
    "benchmark": ("value", "benchmark", "metric", "subject", "baselines"),
    "speedup": ("value", "subject", "baselines", "workload", "hardware"),
    "efficiency": ("value", "unit", "subject", "workload", "hardware"),
    "hardware": ("device", "count", "nodes", "per_node"),
    "model_size": ("total", "active", "context", "model"),
}
"""The fields of each kind that are words of the abstract; the first one carries the claim."""

_STANCES = ("own", "background")
LABELS: dict[Kind, dict[str, tuple[str, ...]]] = {
    "benchmark": {
        "role": ("result", "evaluated_on", "introduced"),
        "relation": ("absolute", "delta", "ratio"),
        "stance": _STANCES,
    },
    "speedup": {
        "change": ("up", "down", "of", "from_to"),
        "better": ("yes", "no"),
        "metric": get_args(RelativeMetric),
        "stance": _STANCES,
    },
    "efficiency": {
        "metric": tuple(m for part in get_args(AbsoluteMetric) for m in get_args(part) or (part,)),
        "stance": _STANCES,
    },
    "hardware": {"role": ("evaluation", "deployment", "target"), "stance": _STANCES},
    "model_size": {"stance": _STANCES},
}
"""What a person chooses from a list, because no words of the abstract say it."""

_LISTS = frozenset({"baselines", "hardware"})
_NUMBERS = frozenset(
    {"value", "device", "total", "active", "context", "count", "nodes", "per_node"}
)
# A field that a claim has without a span (from another program) stays when it is not edited.
_KEPT = ("subject", "benchmark", "metric", "baselines", "workload", "hardware", "model")
_FALLS = ("reduc", "less", "lower", "decreas", "sav", "cut", "fewer", "shrink", "drop", "smaller")


@dataclass(frozen=True, slots=True)
class Change:
    """What a person changed: the spans of some fields (none clears a field) and some labels.

    The field `quote` is the evidence itself.
    """

    spans: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def edited(paper: PaperLine, claim: Claim, change: Change) -> Claim | Refusal:
    """The claim with the change, or why it makes no claim."""
    context, doc = _context(paper)
    spans = {name: list(found) for name, found in claim.spans.items()}
    for name, found in change.spans.items():
        spans.pop(name, None)
        if found:
            spans[name] = list(found)
    quote = Span(claim.evidence.start, claim.evidence.end)
    labels = _labels(claim, context)
    if "value" in change.spans:
        labels.pop("bound", None)  # "up to" bound the other number
    made = _build(claim.kind, spans, quote, labels | dict(change.labels), doc, context)
    if isinstance(made, Refusal):
        return made
    kept = {
        name: getattr(claim, name)
        for name in _KEPT
        if hasattr(made, name)
        and name not in claim.spans
        and name not in change.spans
        and not (name in change.labels or getattr(made, name))
    }
    return made.model_copy(update=kept)


def added(paper: PaperLine, kind: Kind, change: Change) -> Claim | Refusal:
    """A claim that the run missed, made of selected words; its evidence is their sentence."""
    context, doc = _context(paper)
    spans = {name: list(found) for name, found in change.spans.items() if found}
    anchor = next((found[0] for name, found in spans.items() if name != "quote"), None)
    if anchor is None:
        return Refusal("empty", "no words were selected", FIELDS[kind][0])
    wrong = _misplaced(doc, "words", anchor)
    if wrong is not None:
        return wrong
    quote = spans["quote"][0] if "quote" in spans else _sentence(context, anchor)
    sentence = context.sentence_at(anchor).lower()
    falls = any(word in sentence for word in _FALLS)
    percent = "%" in context.text[anchor.start : anchor.end]
    labels = {"change": "down" if falls and percent else "up"} if kind == "speedup" else {}
    return _build(kind, spans, quote, labels | dict(change.labels), doc, context)


def _build(
    kind: Kind,
    spans: dict[str, list[Span]],
    quote: Span,
    labels: dict[str, Any],
    doc: alignment.Document,
    context: claim_builder.Context,
) -> Claim | Refusal:
    quote = spans.pop("quote", [quote])[0]
    unknown = [name for name in spans if name not in FIELDS[kind]]
    if unknown:
        return Refusal("unknown_field", f"a {kind} claim has no field {unknown[0]}", unknown[0])
    for name, found in (("quote", [quote]), *spans.items()):
        for span in found:
            wrong = _misplaced(doc, name, span)
            if wrong is not None:
                return wrong
    for name in _NUMBERS & spans.keys():
        start = min(quote.start, *(span.start for span in spans[name]))
        end = max(quote.end, *(span.end for span in spans[name]))
        if bisect_right(doc.sentences, start) != bisect_right(doc.sentences, end - 1):
            return Refusal("outside_quote", f"{name} stands in another sentence", name)
        quote = Span(start, end)
    item = _item(kind, spans, quote, labels, context.text)
    if isinstance(item, Refusal):
        return item
    made = claim_builder.claim(Grounded(kind, item, quote, spans, "exact", (), ()), context)
    if isinstance(made, Refusal):
        return made
    if made.kind != "model_size" or made.active_params is not None or "active" not in spans:
        return made
    return Refusal("no_parameter_count", "no parameter count stands at these words", "active")


def _item(
    kind: Kind, spans: Mapping[str, Sequence[Span]], quote: Span, labels: dict[str, Any], text: str
) -> Item | Refusal:
    wrong = next((name for name in labels if name not in {*LABELS[kind], "bound"}), None)
    if wrong is not None:
        return Refusal("unknown_field", f"a {kind} claim has no {wrong} to choose", wrong)
    words: dict[str, Any] = {
        name: [text[s.start : s.end] for s in found] for name, found in spans.items()
    }
    given = {name: w if name in _LISTS else w[0] for name, w in words.items()}
    if "better" in labels:
        labels = labels | {"better": labels["better"] in (True, "yes")}
    if FIELDS[kind][0] not in spans and not (kind == "benchmark" and "benchmark" in spans):
        return Refusal("empty", f"no words were selected for {FIELDS[kind][0]}", FIELDS[kind][0])
    if kind == "benchmark" and labels.get("role", "result") == "result" and "value" not in spans:
        return Refusal("no_value", "a result needs its number", "value")
    try:
        return _ITEMS[kind].model_validate(
            {"quote": text[quote.start : quote.end], **given, **labels}
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else None
        return Refusal("invalid", f"{name}: {first['msg']}", name)


def _labels(claim: Claim, context: claim_builder.Context) -> dict[str, Any]:
    """The labels that make a claim what it is, as a model would have given them."""
    found: dict[str, Any] = {
        name: getattr(claim, name)
        for name in LABELS[claim.kind]
        if getattr(claim, name, None) is not None
    }
    if claim.kind in ("benchmark", "speedup", "efficiency") and claim.qualifier in get_args(Bound):
        found["bound"] = claim.qualifier
    if isinstance(claim, SpeedupClaim):
        found |= _direction(claim, context)
    return found


def _direction(claim: SpeedupClaim, context: claim_builder.Context) -> dict[str, Any]:
    """The change and its sense that give a claim's ratio; a claim line does not keep them."""
    spans = claim.spans.get("value")
    reading = values.read(context.text, context.quantities, spans[0]) if spans else "no_number"
    if isinstance(reading, str) or claim.ratio is None:
        return {"change": "up", "better": True}
    wanted = (claim.ratio.low, claim.ratio.high)
    unit = reading.unit if reading.unit == "%" else "x"
    for better in (True, False):
        for change in ("up", "down", "of", "from_to"):
            if ratio(reading.ends, unit, change, better=better) == wanted:
                return {"change": change, "better": better}
    return {"change": "up", "better": True}


def _context(paper: PaperLine) -> tuple[claim_builder.Context, alignment.Document]:
    doc = alignment.read(paper.abstract)
    read = Paper(paper_id=paper.paper_id, title=paper.title, abstract=paper.abstract)
    return claim_builder.Context(read, doc.sentences, lex(paper.abstract)), doc


def _misplaced(doc: alignment.Document, name: str, span: Span) -> Refusal | None:
    """Why a span cannot be words of a field: it lies outside the text, or cuts a word or number."""
    if not 0 <= span.start < span.end <= len(doc.text):
        return Refusal("not_in_abstract", f"{name} lies outside the abstract", name)
    words = doc.text[span.start : span.end]
    if any((place.start, place.end) == span for place in alignment.matches(doc, words)):
        return None
    if words != words.strip():
        return Refusal("edge", f"{name} {words!r} begins or ends with a space", name, words)
    return Refusal(
        "cuts_word", f"{name} {words!r} cuts a word, a number or a sentence", name, words
    )


def _sentence(context: claim_builder.Context, span: Span) -> Span:
    after = bisect_right(context.sentences, span.start)
    start = context.sentences[after - 1] if after else 0
    words = context.sentence_at(span)
    lead = len(words) - len(words.lstrip())
    return Span(start + lead, start + len(words.rstrip()))
