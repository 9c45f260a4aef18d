"""Turns an abstract into what the reader's network sees: tokens, candidates and where they stand.

Everything here is found by code: the candidates are those of `decisions.questions`, and how a token
stands to a number (sentence, distance, numbers between) is put into words of a small vocabulary.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from claimgrid.decisions.candidates import Candidate
from claimgrid.entities import hardware
from claimgrid.text import sentences

CLS, SEP, MASK = 101, 102, 103
LONGEST = 512  # tokens that the base model reads at once
_TITLE = 80  # tokens of the title
ABOUT = ("number", "size", "device", "name")
FORMS = 13  # what `_form` tells apart
_NEAR = (1, 2, 4, 8, 16)  # tokens: up to which distance two places fall together
_SIDES = 2 * (len(_NEAR) + 1) + 1
_BETWEEN = 3
RELATIONS = _SIDES * _BETWEEN + 6  # other sentences: title, before, earlier, next, later, none
TYPES = 2 + len(ABOUT)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Features:
    """One abstract, or one window of it, as numbers.

    `offsets` are the characters of each token in the abstract, (-1, -1) outside it. `anchors` are
    the candidates that have fields (numbers and sizes); `relation[a, t]` tells how token `t` stands
    to anchor `a`. `devices` are mentions of devices: slug and tokens.
    """

    ids: np.ndarray[Any, Any]
    types: np.ndarray[Any, Any]
    offsets: tuple[Span, ...]
    questions: tuple[Candidate, ...]
    everywhere: tuple[tuple[int, ...], ...]
    first: tuple[tuple[int, ...], ...]
    kinds: np.ndarray[Any, Any]
    in_title: np.ndarray[Any, Any]
    forms: np.ndarray[Any, Any]
    anchors: tuple[int, ...]
    relation: np.ndarray[Any, Any]
    sentence_of: np.ndarray[Any, Any]
    devices: tuple[tuple[str, Span, tuple[int, ...]], ...]

    def tokens(self, start: int, end: int) -> tuple[int, ...]:
        """The tokens that share a character with `abstract[start:end]`."""
        return tuple(i for i, (s, e) in enumerate(self.offsets) if s < end and e > start)


def features(
    tokenizer: Any,
    title: str,
    abstract: str,
    questions: Sequence[Candidate],
    devices: Sequence[tuple[str, int, int]] | None = None,
) -> Features:
    """What the network sees of an abstract; candidates beyond its last token are not read."""
    head = tokenizer.encode(title, add_special_tokens=False)
    body = tokenizer.encode(abstract, add_special_tokens=False)
    title_ids = head.ids[:_TITLE]
    room = LONGEST - 3 - len(title_ids)
    body_ids, body_offsets = body.ids[:room], body.offsets[:room]
    ids = [CLS, *title_ids, SEP, *body_ids, SEP]
    outside = (-1, -1)
    first_body = len(title_ids) + 2
    offsets = (*[outside] * first_body, *body_offsets, outside)
    starts = [start for start, _ in body_offsets]
    ends = [end for _, end in body_offsets]

    def tokens(start: int, end: int) -> list[int]:
        low, high = bisect_right(ends, start), bisect_right(starts, end - 1)
        return list(range(first_body + low, first_body + high))

    title_spans = head.offsets[:_TITLE]
    types = np.zeros(len(ids), np.int64)
    everywhere, first, in_title, forms = [], [], [], []
    for question in questions:
        mine = tokens(question.start, question.end)
        everyone = list(mine)
        titled = mentioned = 0
        if question.about == "name":
            for start, end in mentions(abstract, question.shown):
                mentioned += 1
                everyone += tokens(start, end) if start != question.start else []
            for start, end in mentions(title, question.shown):
                titled = 1
                everyone += [1 + i for i, (s, e) in enumerate(title_spans) if s < end and e > start]
        types[everyone] = 2 + ABOUT.index(question.about)
        first.append(tuple(mine) or (0,))
        everywhere.append(tuple(sorted(set(everyone))) or (0,))
        in_title.append(titled)
        forms.append(
            min(4, max(1, mentioned))
            if question.about == "name"
            else _form(abstract[question.start : question.end], question.after)
            if question.about == "number"
            else 0
        )
    borders = [start for start, _ in sentences.spans(abstract)]
    sentence_of = np.full(len(ids), -1, np.int64)
    for index, start in enumerate(starts):
        sentence_of[first_body + index] = bisect_right(borders, start)
    anchors = tuple(i for i, q in enumerate(questions) if q.about in ("number", "size"))
    if devices is None:
        devices = [(m.device.slug, m.start, m.end) for m in hardware.find(abstract)]
    return Features(
        ids=np.array(ids, np.int64),
        types=types,
        offsets=offsets,
        questions=tuple(questions),
        everywhere=tuple(everywhere),
        first=tuple(first),
        kinds=np.array([ABOUT.index(q.about) for q in questions], np.int64),
        in_title=np.array(in_title, np.int64),
        forms=np.array(forms, np.int64),
        anchors=anchors,
        relation=_relation([first[a] for a in anchors], sentence_of),
        sentence_of=sentence_of,
        devices=tuple(
            (slug, (start, end), tuple(at))
            for slug, start, end in devices
            if (at := tokens(start, end))
        ),
    )


def mentions(text: str, shown: str) -> Iterator[Span]:
    """Where a name stands in a text as a word of its own."""
    pattern = re.escape(shown).replace(r"\ ", r"\s+")
    for match in re.finditer(pattern, text):
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not (re.match(r"\w", before) or re.match(r"\w", after)):
            yield match.start(), match.end()


def _relation(
    anchors: Sequence[tuple[int, ...]], sentence_of: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """How each token stands to each anchor."""
    count = len(sentence_of)
    begins = np.zeros(count + 1, np.int64)
    for at in anchors:
        begins[at[0]] += 1
    so_far = np.cumsum(begins)
    place = np.arange(count)
    out = np.zeros((len(anchors), count), np.int64)
    edges = np.array(_NEAR)
    for row, at in enumerate(anchors):
        low, high = at[0], at[-1]
        left, right = low - place, place - high
        between = np.where(
            left > 0,
            so_far[low - 1] - so_far[place],
            np.where(right > 0, so_far[place] - so_far[high], 0),
        )
        between = np.clip(between, 0, _BETWEEN - 1)
        far = np.maximum(np.maximum(left, right), 0)
        near = np.searchsorted(edges, far) + 1
        side = np.where(left > 0, near, np.where(right > 0, near + len(_NEAR) + 1, 0))
        mine = sentence_of[low]
        apart = sentence_of - mine
        other = np.select(
            [sentence_of < 0, apart == -1, apart < -1, apart == 1, apart > 1], [0, 1, 2, 3, 4], 5
        )
        out[row] = np.where(
            (apart == 0) & (sentence_of >= 0), side * _BETWEEN + between, _SIDES * _BETWEEN + other
        )
        out[row, 0] = _SIDES * _BETWEEN + 5  # the first token stands for "none"
    return out


_TIMES = re.compile(r"\\times|×|[\dX]\$?\s?x\b|times|fold|x\b")
_COMMAND = re.compile(r"\\[a-z]+")


def _form(words: str, after: int | None) -> int:
    """What a number looks like: from-to, percent, times, words, money, unit, decimal, whole."""
    if after:
        return 5
    if "%" in words or "percent" in words:
        return 6
    if _TIMES.search(words):
        return 7
    if not re.search(r"\d", words):
        return 8
    if "usd" in words.lower() or words.startswith(("\\$", "€")):
        return 12
    if re.search(r"[A-Za-z]", _COMMAND.sub("", words)):
        return 9
    return 10 if "." in words else 11


def arrays(row: Features) -> dict[str, np.ndarray[Any, Any]]:
    """The network's inputs for one abstract, by name, as a batch of one."""
    length, count = len(row.ids), len(row.questions)
    everywhere = np.zeros((1, count, length), np.float32)
    first = np.zeros((1, count, length), np.float32)
    for c in range(count):
        everywhere[0, c, list(row.everywhere[c])] = 1 / len(row.everywhere[c])
        first[0, c, list(row.first[c])] = 1 / len(row.first[c])
    # A graph has at least one anchor; one that is not there is read and not looked at.
    anchors = row.anchors or (0,)
    relation = row.relation if row.anchors else np.zeros((1, length), np.int64)
    return {
        "ids": row.ids[None],
        "types": row.types[None],
        "attend": np.ones((1, length), np.float32),
        "everywhere": everywhere,
        "first": first,
        "kinds": row.kinds[None],
        "in_title": row.in_title[None],
        "forms": row.forms[None],
        "anchors": np.array([anchors], np.int64),
        "relation": relation[None],
    }
