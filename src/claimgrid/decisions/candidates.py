"""Lists what may be a claim in an abstract: each number, model size, device and name.

Pure. Everything that may be a claim is found by the lexer, the hardware registry and the shape of
names; a model only has to say which of it is one, of which kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from claimgrid.entities import hardware, model_sizes
from claimgrid.entities.device_counts import counts_in
from claimgrid.quantities.lexer import Quantity, lex
from claimgrid.text import sentences

CandidateKind = Literal["number", "size", "device", "name"]
Span = tuple[int, int]

_WORD = re.compile(r"\S+")
_AROUND = 3  # words on either side that a question shows
_TOKEN = re.compile(r"[^\s()\[\],;:!?\"“”]+")
_TAIL = re.compile(r"(?:['’]s)?[.'’]*\Z")
_MARKUP = re.compile(r"\\[a-z]+\{|[{}$~]")
_CAPITALIZED = re.compile(r"[A-Z][a-z]+")
_VERSION = re.compile(r"v?\d+(?:\.\d+)?[A-Za-z]?")
_CODE = re.compile(r"[a-z]{2,}[\w\\-]*(?:\d|\\_)[\w\\-]*")  # enwik9, wikitext-2, libero\_goal
_MOST_NAMES = 24  # an abstract with more is a list of names


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a claim: `text[start:end]` says it; `shown` is how a model sees it.

    `after` is where the later of two numbers begins ("from 61.0 to 64.5"), if there are two.
    """

    about: CandidateKind
    start: int
    end: int
    shown: str
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The questions of one abstract in the order in which they are answered, and its names."""

    abstract: str
    questions: tuple[Candidate, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that an answer may point at."""
        return tuple(q.shown for q in self.questions if q.about == "name")


def candidates_of(abstract: str) -> Candidates:
    """Find all candidates of an abstract: numbers, sizes and devices as they stand, then names."""
    devices = list(_devices(abstract))
    sizes = [(s.start, s.end) for s in model_sizes.sizes(abstract)]
    sizes = [span for span in sizes if not _meets(span, devices)]
    taken = [*devices, *sizes]
    borders = _borders(abstract)
    marked: list[tuple[Span, CandidateKind, int | None]] = [
        *(
            (span, "number", after)
            for span, after in _numbers(abstract)
            if not (_meets(span, sizes) or _inside(span, devices))
        ),
        *((span, "size", None) for span in sizes),
        *((span, "device", None) for span in devices),
    ]
    marked.sort(key=lambda mark: mark[0])
    found = [
        Candidate(about, *span, _shown(abstract, span, _sentence(borders, span)), after)
        for span, about, after in marked
    ]
    names: dict[str, Candidate] = {}
    for start, end in _names(abstract, {start for start, _ in borders}):
        if not _meets((start, end), taken):
            shown = " ".join(abstract[start:end].split())
            names.setdefault(shown, Candidate("name", start, end, shown))
    return Candidates(abstract, (*found, *list(names.values())[:_MOST_NAMES]))


def window(abstract: str, span: Span, left: int, right: int) -> Span:
    """The span with up to `left` and `right` words of its own sentence around it."""
    low, high = _sentence(_borders(abstract), span)
    words = [(m.start() + low, m.end() + low) for m in _WORD.finditer(abstract[low:high])]
    before = [start for start, end in words if end <= span[0]]
    inside = [(s, e) for s, e in words if s < span[1] and e > span[0]]
    after = [end for start, end in words if start >= span[1]]
    start = min([span[0], *(s for s, _ in inside)])
    end = max([span[1], *(e for _, e in inside)])
    start = before[-min(left, len(before))] if before and left else start
    end = after[min(right, len(after)) - 1] if after and right else end
    return start, end


@lru_cache(maxsize=4)
def _borders(abstract: str) -> list[Span]:
    return sentences.spans(abstract)


def _shown(text: str, span: Span, sentence: Span) -> str:
    before = text[sentence[0] : span[0]].split(" ")
    after = text[span[1] : sentence[1]].split(" ")
    # The first and last piece may be glued to the span.
    left = " ".join(before[-_AROUND - 1 :])
    right = " ".join(after[: _AROUND + 1])
    return " ".join(f"{left}[{text[span[0] : span[1]]}]{right}".split())


def _sentence(borders: list[Span], span: Span) -> Span:
    inside = [b for b in borders if b[0] < span[1] and b[1] > span[0]]
    return (inside[0][0], inside[-1][1]) if inside else span


def _meets(span: Span, others: Iterable[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _inside(span: Span, others: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _numbers(text: str) -> Iterator[tuple[Span, int | None]]:
    for quantity in lex(text):
        if quantity.reason is None:
            changes = quantity.form == "from_to"
            yield _with_unit(quantity), quantity.parts[-1].start if changes else None


def _with_unit(quantity: Quantity) -> Span:
    unit = quantity.unit_span
    # The unit may stand in a later number of the same list ("5 and 9 ms").
    if unit is None or unit[0] - quantity.end > 1:
        return quantity.start, quantity.end
    return min(quantity.start, unit[0]), max(quantity.end, unit[1])


def _devices(text: str) -> Iterator[Span]:
    """Each device once with each of its counts; where it is counted, if it is anywhere."""
    seen: dict[tuple[str, int | None], Span] = {}
    for mention in hardware.find(text):
        before = text[max(0, mention.start - 40) : mention.end]
        key = (mention.device.slug, counts_in(before).count)
        seen.setdefault(key, (mention.start, mention.end))
    counted = {slug for slug, count in seen if count is not None}
    for (slug, count), span in seen.items():
        if count is not None or slug not in counted:
            yield span


def _names(text: str, starts: set[int]) -> Iterator[Span]:
    """Runs of words that look like names: capitals inside, or digits after such a word."""
    run: Span | None = None
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        word = _TAIL.sub("", match[0])
        closed = word != match[0]
        end = start + len(word)
        bare = _MARKUP.sub("", word)
        starts_sentence = start in starts and _CAPITALIZED.fullmatch(bare) is not None
        capital = re.search(r"[A-Z]", bare) is not None and not word.startswith("$")
        fits = (
            (capital and not starts_sentence)
            or _CODE.fullmatch(bare) is not None
            or (run is not None and _VERSION.fullmatch(bare) is not None)
        )
        if run is not None and (not fits or text[run[1] : start].strip(" -")):
            yield run
            run = None
        if fits:
            run = (run[0] if run else start, end)
        if run is not None and closed:
            yield run
            run = None
    if run is not None:
        yield run
