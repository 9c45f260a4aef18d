"""Reads the claims out of a server's reply, in every mode and for every vendor.

It is the one reader of replies: live, stored and batch replies all go through it, before anybody
decides to ask again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import ValidationError

from claimgrid.llm import reply_items
from claimgrid.llm.latex_repair import restored
from claimgrid.llm.reply_body import ending, texts, thoughts, without_surrogates
from claimgrid.llm.reply_items import ReadReply
from claimgrid.llm.tolerant_json import NumberText, values
from claimgrid.types.reply import LISTS, Reply
from claimgrid.types.request import Request


def read(body: Any, request: Request) -> ReadReply | None:
    """The claims in a reply's body; None where it holds no whole JSON of a reply.

    The reply is read although it was cut at the token limit, if its JSON is whole.
    """
    if ending(body) == "refused":
        return None
    written = [text for text in texts(body) if text and text.strip()]
    if len(written) == 1 and (clean := _clean(written[0], request)) is not None:
        return ReadReply(clean)
    source = request.messages[-1]["content"]
    # What the model says comes before its thoughts, which only count where it says nothing else.
    for text in (*written, *(() if written else thoughts(body))):
        found = _object(text)
        if found is not None:
            return reply_items.read(restored(without_surrogates(found), source))
    return None


def wants_another(body: Any, request: Request) -> bool:
    """Whether the model may do better if it is told what is wrong with its reply."""
    if body is None or ending(body) != "complete":
        return False
    found = read(body, request)
    return found is None or not found.whole


def _clean(text: str, request: Request) -> Reply | None:
    """A reply as it should be. None where another look at it is due: form, LaTeX, double lists."""
    if "\\" in text and "\\" in request.messages[-1]["content"]:
        return None
    if any(text.count(f'"{name}"') > 1 for name in LISTS if name != "hardware"):
        return None
    try:
        return Reply.model_validate_json(text)
    except ValueError:
        return None


def _object(text: str) -> dict[str, Any] | None:
    """The object with a reply's lists in a text; the last one, where a draft comes before it."""
    told = values(text)
    found = [one for value in told if (one := reply_items.find(value)) is not None]
    if len(told) > 1:
        found = [one for one in found if one]  # braces in prose are no empty reply
    if len(found) > 1 and len({name for one in found for name in one}) == sum(map(len, found)):
        return {name: value for one in found for name, value in one.items()}
    return found[-1] if found else None


def read_pack(body: Any, papers: int, source: str = "") -> dict[int, Reply]:
    """The valid replies in the body of a packed request, by the number of their paper.

    Numbers that come twice are left out: nobody can say which is meant. A number that is not of
    1 … `papers` voids them all: the model has counted otherwise, and any part may be another's.
    `source` is the text about the papers, which LaTeX commands are restored from.
    """
    if ending(body) != "complete":
        return {}
    parts = _parts(body)
    numbers = [part.get("id") if isinstance(part, dict) else None for part in parts]
    known = {str(number): number for number in range(1, papers + 1)}
    # A number as it is written: JSON's true is no 1, and 1.0 is none either.
    if not all(isinstance(number, NumberText) and number in known for number in numbers):
        return {}
    times = Counter(numbers)
    made = {}
    for number, part in zip(numbers, parts, strict=True):
        if times[number] == 1:
            lists = {name: value for name, value in part.items() if name != "id"}
            try:
                Reply.model_validate(dict.fromkeys(lists, ()))  # unknown lists void a part
            except ValidationError:
                continue
            one = reply_items.read(restored(without_surrogates(lists), source))
            if one.whole:
                made[known[str(number)]] = one.reply
    return made


def _parts(body: Any) -> list[Any]:
    for text in texts(body):
        for value in values(text):
            parts = value.get("papers") if isinstance(value, dict) else None
            if isinstance(parts, list):
                return parts
    return []
