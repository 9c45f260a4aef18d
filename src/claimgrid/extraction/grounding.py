"""Finds the words of each reply item in the abstract, or says why the item is refused.

Every copied field becomes a span of the original text. The words that carry a claim (its quote, its
number, its device, its benchmark's name) must be found or the item is refused; another field that
cannot be found costs only itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from claimgrid.text import alignment
from claimgrid.types.claim import Kind, Span
from claimgrid.types.grounded import Grounded, Refusal
from claimgrid.types.reply import (
    BenchmarkItem,
    EfficiencyItem,
    HardwareItem,
    Item,
    ModelSizeItem,
    Reply,
    SpeedupItem,
)

# The fields that hold copied words; the first ones carry the claim and must be found.
_FIELDS: dict[type[Item], tuple[tuple[str, ...], tuple[str, ...]]] = {
    BenchmarkItem: (("value",), ("benchmark", "metric", "subject", "baselines")),
    SpeedupItem: (("value",), ("subject", "baselines", "workload", "hardware")),
    EfficiencyItem: (("value",), ("unit", "subject", "workload", "hardware")),
    HardwareItem: (("device",), ("count", "nodes", "per_node")),
    ModelSizeItem: (("total",), ("active", "context", "model")),
}
# Words that stand inside the evidence by their nature; the others may stand anywhere.
_INSIDE = frozenset({"value", "device", "total", "active", "context", "count", "nodes", "per_node"})


def items(reply: Reply) -> Iterator[tuple[Kind, Item]]:
    """Every item of a reply with its kind, in the reply's order."""
    for item in reply.benchmarks:
        yield "benchmark", item
    for speedup in reply.speedups:
        yield "speedup", speedup
    for efficiency in reply.efficiencies:
        yield "efficiency", efficiency
    for device in reply.hardware:
        yield "hardware", device
    for size in reply.model_sizes:
        yield "model_size", size


class Grounder:
    """Grounds the items of one reply, one after the other.

    It remembers which occurrence of a repeated number was taken ("1.5x and 1.5x on A and B"), so
    that the next claim of the same words takes the next one.
    """

    def __init__(self, doc: alignment.Document) -> None:
        self._doc = doc
        self._taken: set[tuple[Kind, Span]] = set()

    def ground(self, kind: Kind, item: Item) -> Grounded | Refusal:
        """Find all words of one item, or say why it is refused."""
        quoted = self._quote(item)
        if isinstance(quoted, Refusal):
            return quoted
        quote = Span(quoted.start, quoted.end)
        required, others = _FIELDS[type(item)]
        lost: list[Refusal] = []
        if isinstance(item, BenchmarkItem) and item.role != "result":
            # A name without a score carries itself; a new benchmark may have no name.
            named = item.role == "evaluated_on" or item.benchmark
            required = ("benchmark",) if named else ()
            others = ("metric", "subject", "baselines") + (() if required else ("benchmark",))
            if item.value is not None:
                detail = f"the role is {item.role}, so the value {item.value!r} is no result"
                lost.append(Refusal("value_without_result", detail, "value", item.value))
        spans: dict[str, list[Span]] = {}
        for field in required:
            words = _words(item, field)
            if not words:
                return Refusal(f"no_{field}", f"the item has no {field}", field)
            found = self._locate(kind, words[0], quote, field)
            if isinstance(found, Refusal):
                return found
            spans[field] = [found]
        for field in others:
            for words_ in _words(item, field):
                found = self._locate(kind, words_, quote, field)
                if isinstance(found, Refusal):
                    lost.append(found)
                else:
                    spans.setdefault(field, []).append(found)
        for field in _INSIDE & spans.keys():
            # Evidence must show its number: words of the same sentence widen it.
            start = min([quote.start, *(span.start for span in spans[field])])
            quote = Span(start, max([quote.end, *(span.end for span in spans[field])]))
        self._taken.update((kind, span) for field in required for span in spans[field])
        candidates = tuple(Span(*pair) for pair in quoted.candidates)
        return Grounded(kind, item, quote, spans, quoted.grounding, candidates, tuple(lost))

    def _quote(self, item: Item) -> alignment.Found | Refusal:
        found = alignment.locate(self._doc, item.quote)
        if found is None:
            return self._refuse(item.quote, "quote")
        if not found.candidates:
            return found
        anchors = [
            (match.start, match.end)
            for field in (*_FIELDS[type(item)][0], *_FIELDS[type(item)][1])
            for words in _words(item, field)
            if len(places := alignment.matches(self._doc, words)) == 1
            for match in places
        ]
        return alignment.locate(self._doc, item.quote, near=anchors) or found

    def _locate(self, kind: Kind, words: str, quote: Span, field: str) -> Span | Refusal:
        found = alignment.locate(self._doc, words, inside=quote, near=[quote])
        if found is None:
            return self._refuse(words, field)
        span = Span(found.start, found.end)
        if field in _INSIDE and not self._same_sentence(span, quote):
            return Refusal(
                "outside_quote",
                f"{field} {words!r} does not stand in the quoted sentence",
                field,
                words,
            )
        if (kind, span) in self._taken and found.candidates:
            spare = (Span(*c) for c in found.candidates if (kind, Span(*c)) not in self._taken)
            span = next((s for s in spare if quote.start <= s.start and s.end <= quote.end), span)
        return span

    def _same_sentence(self, span: Span, quote: Span) -> bool:
        starts = self._doc.sentences
        first, last = min(span.start, quote.start), max(span.end, quote.end) - 1
        return bisect_right(starts, first) == bisect_right(starts, last)

    def _refuse(self, words: str, field: str) -> Refusal:
        reason = alignment.why_not(self._doc, words)
        detail = {
            "empty": f"the {field} has no words",
            "crosses_sentence": f"the {field} runs over the end of a sentence",
            "altered_number": f"the abstract has the {field} {words!r} with another number",
        }.get(reason, f"the abstract does not hold the {field} {words!r}")
        return Refusal(reason, detail, field, words)


def _words(item: Item, field: str) -> list[str]:
    value = getattr(item, field)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
