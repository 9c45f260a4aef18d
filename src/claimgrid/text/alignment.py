r"""Finds the places of copied words in the original abstract.

Words are looked for verbatim first, then with only spelling folded (see `folding`). There is no
edit distance: what differs in one letter or digit is not found. A place is refused when it
begins or ends inside a token (`7B` in `67B`) or when it runs over the border of a sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from claimgrid.text.normalized_text import NormalizedText, fold
from claimgrid.text.sentences import spans
from claimgrid.text.token_boundaries import cuts_command, cuts_token

MOST_MATCHES = 64  # of one copied text; more say nothing that a user could act on
_MOST_TRIES = 4096  # places looked at for one copied text; only hostile texts need more

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_MASK = "\x1e"  # white space in any text, so never in a folded one
_ROOM = 48  # characters of markup that a slice may grow over on one side
_DEPTH = 8  # delimiters that a slice may grow over
_OPENER = re.compile(r"\\[A-Za-z]{1,32}\{\Z")
_ABOUT = re.compile(r"(?:[~∼˜～]|\\sim)[\s${}~]{0,8}\Z")
_DELIMITER = re.compile(r"[${}]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)

Reason = Literal["empty", "crosses_sentence", "altered_number", "not_in_abstract"]


@dataclass(frozen=True, slots=True)
class Document:
    """An abstract made ready for search: its text, its folded form, where its sentences begin.

    It remembers what was looked for: the claims of one abstract share subjects and quotes.
    """

    text: str
    folded: NormalizedText
    sentences: tuple[int, ...]
    _known: dict[str, list[Match]] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """One place of the words: `text[start:end]`; `exact` when that is the words, verbatim."""

    start: int
    end: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The place that was decided on, or the first of `candidates` when nothing decides."""

    start: int
    end: int
    grounding: Literal["exact", "aligned", "ambiguous"]
    candidates: tuple[tuple[int, int], ...] = ()


def read(text: str) -> Document:
    """Make an abstract ready for search, once; linear in its length."""
    return Document(text, fold(text), tuple(start for start, _ in spans(text)))


def matches(doc: Document, words: str) -> Sequence[Match]:
    """All places of the words, leftmost first: the exact ones alone if there is any.

    Places do not overlap. At most `MOST_MATCHES` are returned. Words that are empty or only
    markup have no place.
    """
    known = doc._known.get(words)
    if known is None:
        known = doc._known[words] = _places(doc, words, bordered=True)
    return known


def locate(
    doc: Document,
    words: str,
    *,
    inside: tuple[int, int] | None = None,
    near: Sequence[tuple[int, int]] = (),
) -> Found | None:
    """The one place that is meant, or None if there is none (`why_not` then says why).

    Of several places those inside `inside` (the claim's evidence) win, then the one nearest to
    any span of `near` (its other fields). Where these do not decide, the grounding is `ambiguous`
    and the candidates are the places that are left.
    """
    places = matches(doc, words)
    if not places:
        return None
    if inside is not None:
        start, end = inside
        places = [p for p in places if start <= p.start and p.end <= end] or places
    if near and len(places) > 1:
        gaps = [min(_gap(place, span) for span in near) for place in places]
        places = [p for p, gap in zip(places, gaps, strict=True) if gap == min(gaps)]
    first = places[0]
    if len(places) > 1:
        return Found(first.start, first.end, "ambiguous", tuple((p.start, p.end) for p in places))
    return Found(first.start, first.end, "exact" if first.exact else "aligned")


def why_not(doc: Document, words: str) -> Reason:
    """Why the words have no place, as a reason code for `rejected.jsonl`.

    `crosses_sentence`: they would be found if sentences had no borders. `altered_number`: they
    would be found with another number, or with a part of one.
    """
    needle = fold(words.strip()).text.strip(" ")
    if not needle:
        return "empty"
    if _places(doc, words, bordered=False):
        return "crosses_sentence"
    if _differs_in_number(doc.folded, needle):
        return "altered_number"
    return "not_in_abstract"


def _differs_in_number(folded: NormalizedText, needle: str) -> bool:
    """Whether the text has the needle's words with any numbers in the places of its numbers."""
    masked = _NUMBER.sub(_MASK, needle)
    if masked == needle:
        return False
    hay: list[str] = []
    origin: list[int] = []  # of each masked character, in the folded text
    done = 0
    for number in _NUMBER.finditer(folded.text):
        hay += folded.text[done : number.start()], _MASK
        origin += range(done, number.start() + 1)
        done = number.end()
    hay.append(folded.text[done:])
    origin += range(done, len(folded.text) + 1)
    ends = ((origin[at], origin[at + len(masked)]) for at in _finds("".join(hay), masked))
    return any(not (_in_letters(folded, a) or _in_letters(folded, b)) for a, b in ends)


def _in_letters(folded: NormalizedText, at: int) -> bool:
    inner = 0 < at < len(folded.text) and at not in folded.gaps
    return inner and folded.text[at - 1 : at + 1].isalpha()


def _places(doc: Document, words: str, *, bordered: bool) -> list[Match]:
    words = words.strip()
    exact = _exact(doc, words, bordered) if words else []
    if exact:
        return exact
    form = fold(words)
    needle = form.text.strip(" ")
    if not needle:
        return []
    lead = len(form.text) - len(form.text.lstrip(" "))
    around = words[: form.starts[lead]], words[form.ends[lead + len(needle) - 1] :]
    return _aligned(doc, needle, around, bordered)


def _exact(doc: Document, words: str, bordered: bool) -> list[Match]:
    """Places where the text is the words, verbatim."""
    found: list[Match] = []
    folded, free = doc.folded, 0
    for start in _finds(doc.text, words):
        end = start + len(words)
        if start < free or (bordered and _crosses(doc, start, end)):
            continue
        first, stop = bisect_left(folded.starts, start), bisect_left(folded.starts, end)
        if folded.text[first:stop].strip(" ") == "":
            continue  # only markup
        if _overhangs(folded, first, start) or _overhangs(folded, stop, end):
            continue  # it cuts what is one sign in the original: `times` in `\times`
        if cuts_command(doc.text, start) or cuts_command(doc.text, end):
            continue
        if _whole(doc, first, stop):
            found.append(Match(start, end, exact=True))
            free = end
            if len(found) == MOST_MATCHES:
                break
    return found


def _aligned(doc: Document, needle: str, around: tuple[str, str], bordered: bool) -> list[Match]:
    """Places where the text folds to what the words fold to."""
    found: list[Match] = []
    folded, free = doc.folded, 0
    for first in _finds(folded.text, needle):
        stop = first + len(needle)
        if first < free or not _whole(doc, first, stop):
            continue
        start, end = _balanced(doc, first, stop, around)
        if bordered and _crosses(doc, start, end):
            continue
        found.append(Match(start, end, exact=False))
        free = stop
        if len(found) == MOST_MATCHES:
            break
    return found


def _finds(hay: str, needle: str) -> Iterator[int]:
    """Each index of the needle, overlaps too; gives up where a hostile text would cost n * m."""
    tries = min(_MOST_TRIES, MOST_MATCHES + 16 * len(hay) // len(needle))
    at = hay.find(needle)
    while at >= 0 and tries:
        yield at
        tries -= 1
        at = hay.find(needle, at + 1)


def _overhangs(folded: NormalizedText, at: int, offset: int) -> bool:
    """Whether the sign before folded index `at` reaches over an offset of the original."""
    return at > 0 and folded.ends[at - 1] > offset


def _whole(doc: Document, first: int, stop: int) -> bool:
    """Whether folded indices `first` to `stop` hold whole tokens."""
    return (
        first < stop
        and not cuts_token(doc.text, doc.folded, first, closing=False)
        and not cuts_token(doc.text, doc.folded, stop, closing=True)
    )


def _crosses(doc: Document, start: int, end: int) -> bool:
    return bisect_right(doc.sentences, start) != bisect_right(doc.sentences, end - 1)


def _gap(place: Match, span: tuple[int, int]) -> int:
    """Characters between a place and a span; 0 if they touch or overlap."""
    return max(0, span[0] - place.end, place.start - span[1])


def _balanced(doc: Document, first: int, stop: int, around: tuple[str, str]) -> tuple[int, int]:
    """The least slice that holds the folded words, grown over markup that it would leave open.

    When the words were copied with markup `around` them, the markup around the place is taken in.
    """
    text, folded = doc.text, doc.folded
    start, end = folded.starts[first], folded.ends[stop - 1]
    low = folded.ends[first - 1] if first else 0
    high = folded.starts[stop] if stop < len(folded.starts) else len(text)
    low, high = max(low, start - _ROOM), min(high, end + _ROOM)
    marked = any(around)
    if _ABOUT.search(around[0]) and (sign := _ABOUT.search(text, max(0, start - _ROOM), start)):
        start = sign.start()
    elif around[0].endswith("$") and text.endswith("\\$", 0, start):
        start -= 2  # not math, but dollars
    for _ in range(_DEPTH):
        inside = text[start:end]
        if not marked and not _DELIMITER.search(inside):
            break
        left, right = text[low:start].rstrip(), text[end:high].lstrip()
        opened, closed = _unclosed(inside)
        in_math = _in_math(doc, start)
        if left.endswith("$") and in_math and (marked or "$" in inside):
            start = low + len(left) - 1
        elif right.startswith("$") and in_math != _is_odd(inside) and (marked or "$" in inside):
            end = high - len(right) + 1
        elif left.endswith("{") and (closed or (marked and right.startswith("}"))):
            start = low + len(left)
            command = _OPENER.search(text, max(0, start - _ROOM), start)
            start = command.start() if command else start - 1
        elif right.startswith("}") and opened:
            end = high - len(right) + 1
        else:
            break
    return start, end


def _unclosed(text: str) -> tuple[int, int]:
    """How many braces are left open in a slice, and how many close what it did not open."""
    opened = closed = 0
    for mark in _BRACE.finditer(text):
        if mark.group() == "{":
            opened += 1
        elif mark.group() == "}":
            closed, opened = (closed, opened - 1) if opened else (closed + 1, 0)
    return opened, closed


def _is_odd(text: str) -> bool:
    return (text.count("$") - text.count("\\$")) % 2 == 1


def _in_math(doc: Document, at: int) -> bool:
    """Whether a `$` is open at an offset, going by the sentence that it is in."""
    sentence = bisect_right(doc.sentences, at)
    start = doc.sentences[sentence - 1] if sentence else 0
    return _is_odd(doc.text[start:at])
