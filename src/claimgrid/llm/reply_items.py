"""Turns a JSON value into the claims that it states; a bad field costs only itself.

The value may be wrapped, its lists may be spelled in another way, and a field may have another
type than it should. What has one meaning only is read; a field whose meaning is not clear is left
out with the reason, and an item without a field that it needs is dropped with the reason.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from claimgrid.llm.tolerant_json import NumberText, values
from claimgrid.types.answer import Dropped
from claimgrid.types.reply import LISTS, Item, Reply

_DEPTH = 4
_SPELLINGS = {
    "benchmark": "benchmarks", "speedup": "speedups", "efficiency": "efficiencies",
    "modelsize": "model_sizes", "modelsizes": "model_sizes", "hardwares": "hardware",
    **{name.replace("_", ""): name for name in LISTS},
}  # fmt: skip
_CHANGES = {
    "up": ("increase", "increased", "increases", "higher", "faster", "gain", "improvement",
           "improved", "improves", "rise", "rises_by", "more", "+"),
    "down": ("decrease", "decreased", "decreases", "reduction", "reduced", "reduces", "lower",
             "less", "slower", "saving", "savings", "saves", "falls_by", "-"),
    "from_to": ("fromto", "from/to"),
}  # fmt: skip
_CHANGE = {word: label for label, words in _CHANGES.items() for word in words}
_Kind = Literal["text", "words", "label", "flag"]


class _UnclearError(Exception):
    """The value of a field has no clear meaning; the message says why."""


@dataclass(frozen=True, slots=True)
class ReadReply:
    """A reply, and what could not be read of it.

    `whole`: no claim was lost. Another request may bring the others; a lost field does not call
    for one.
    """

    reply: Reply
    dropped: tuple[Dropped, ...] = ()
    whole: bool = True


def find(value: Any, depth: int = _DEPTH) -> dict[str, Any] | None:
    """The object with a reply's lists in a value, however it is wrapped; None if there is none."""
    if isinstance(value, NumberText) or not depth:
        return None
    if isinstance(value, str):
        inside = [found for one in values(value) if (found := find(one, depth - 1)) is not None]
        return inside[-1] if inside else None
    if isinstance(value, list):
        return _in_list(value, depth)
    if not isinstance(value, dict):
        return None
    named = {_list_name(name): one for name, one in value.items()}
    if named.keys() & LISTS.keys() and "quote" not in value:
        return {n: one for n, one in named.items() if n not in LISTS or not _is_schema(one)}
    if not value:
        return {}
    inside = [found for one in value.values() if (found := find(one, depth - 1)) is not None]
    return inside[0] if len(inside) == 1 else None


def _in_list(value: list[Any], depth: int) -> dict[str, Any] | None:
    """The reply in a list: of one reply, of parts of it, or of claims that name their kind."""
    kinds = [_kind_of(one) for one in value]
    if value and all(kinds):
        made: dict[str, Any] = {}
        for kind, one in zip(kinds, value, strict=True):
            made.setdefault(str(kind), []).append(one)
        return made
    inside = [found for one in value if (found := find(one, depth - 1)) is not None]
    if not inside or len(inside) < len(value):
        return None
    parts: dict[str, Any] = {}
    for found in inside:
        if parts.keys() & found.keys():
            return None  # two replies: nobody can say which one is meant
        parts |= found
    return parts


def _kind_of(value: Any) -> str | None:
    if not isinstance(value, dict) or "quote" not in value:
        return None
    for name in ("kind", "type", "claim_type", "category"):
        found = _list_name(str(value.get(name, "")))
        if found in LISTS:
            return found
    return None


def _list_name(name: object) -> str:
    plain = re.sub(r"[^a-z]", "", str(name).lower())
    return _SPELLINGS.get(plain.removesuffix("claims"), str(name))


def _is_schema(value: Any) -> bool:
    """Whether a list's value is a piece of the JSON Schema that the model repeats."""
    return isinstance(value, dict) and value.get("type") == "array" and "items" in value


def read(found: Mapping[str, Any]) -> ReadReply:
    """The claims in an object with a reply's lists."""
    kept: dict[str, list[Item]] = {}
    dropped: list[Dropped] = []
    whole = True
    for name, value in found.items():
        if name not in LISTS:
            dropped.append(Dropped(None, {name: value}, f"there is no list {name!r} in a reply"))
            whole = whole and not _holds_claims(value)
            continue
        for raw in _raw_items(value):
            item, lost = _item(LISTS[name], raw)
            dropped += [Dropped(name, raw, why, field) for field, why in lost]
            if item is None:
                whole = False
            else:
                kept.setdefault(name, []).append(item)
    return ReadReply(Reply.model_validate(kept), tuple(dropped), whole)


def _holds_claims(value: Any) -> bool:
    members = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and "quote" in one for one in members)


def _raw_items(value: Any) -> list[Any]:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        inside = values(value)
        value = inside[0] if len(inside) == 1 else value
    if value is None or value == "":
        return []
    if isinstance(value, dict) and value and "quote" not in value:
        members = list(value.values())
        return members if all(isinstance(one, dict) for one in members) else [value]
    return value if isinstance(value, list) else [value]


def _item(model: type[Item], raw: Any) -> tuple[Item | None, list[tuple[str | None, str]]]:
    """An item with the fields that can be read, and the others with the reason.

    A lost field without a name means that the whole item is lost.
    """
    if not isinstance(raw, dict):
        return None, [(None, "a claim is an object with a quote")]
    given = {re.sub(r"[^a-z]", "", str(name).lower()): value for name, value in raw.items()}
    made: dict[str, Any] = {}
    lost: list[tuple[str | None, str]] = []
    for name, field in model.model_fields.items():
        value = given.get(name.replace("_", ""))
        if value is None:
            continue
        try:
            made[name] = _READ[_kinds(model)[name][0]](name, value, _kinds(model)[name][1])
        except _UnclearError as error:
            if field.default is PydanticUndefined:
                return None, [(None, f"{name}: {error}")]
            lost.append((name, str(error)))
    try:
        return model.model_validate({n: v for n, v in made.items() if v is not None}), lost
    except ValidationError as error:
        return None, [(None, brief(error))]


@cache
def _kinds(model: type[Item]) -> dict[str, tuple[_Kind, tuple[str, ...]]]:
    """How each field of an item is read, and the labels that it may have."""
    return {name: _kind(field.annotation) for name, field in model.model_fields.items()}


def _kind(annotation: Any) -> tuple[_Kind, tuple[str, ...]]:
    if annotation is bool:
        return "flag", ()
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _kind(next(one for one in get_args(annotation) if one is not type(None)))
    if origin is Literal:
        return "label", get_args(annotation)
    return ("words" if origin is list else "text"), ()


def _text(_name: str, value: Any, _labels: object) -> str | None:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and len(value) <= 1:
        return _text(_name, value[0], _labels) if value and value[0] is not None else None
    if isinstance(value, dict):
        named = (value.get(name) for name in ("text", "value", "name", "quote", "words"))
        words = [one for one in named if isinstance(one, str)]
        if len(words) == 1:
            return words[0]
    raise _UnclearError(f"one piece of text is due, and the reply has {_told(value)}")


def _words(name: str, value: Any, _labels: object) -> list[str]:
    if isinstance(value, str) and value.startswith("["):
        inside = values(value)
        value = inside[0] if len(inside) == 1 else value
    members = value if isinstance(value, list) else [value]
    words = (_text(name, one, ()) for one in members if one is not None)
    return [word for word in words if word]


def _label(name: str, value: Any, labels: tuple[str, ...]) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise _UnclearError(f"a label is due, and the reply has {_told(value)}")
    plain = re.sub(r"[\s-]+", "_", value.strip().lower()) if len(value) > 1 else value
    if name == "change":
        plain = _CHANGE.get(plain, plain)
    if plain in labels:
        return plain
    inside = [one for one in labels if re.search(rf"(?:^|_){one}(?:_|$)", plain)]
    if len(inside) == 1 and name == "metric":
        return inside[0]
    raise _UnclearError(f"{value[:60]!r} is none of {', '.join(labels)}")


def _flag(_name: str, value: Any, _labels: object) -> bool:
    told = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    found = value if isinstance(value, bool) else told.get(str(value).strip().lower())
    if found is None:
        raise _UnclearError(f"true or false is due, and the reply has {_told(value)}")
    return found


_READ: dict[_Kind, Any] = {"text": _text, "words": _words, "label": _label, "flag": _flag}


def _told(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    return names.get(type(value), "a number")


def brief(error: ValidationError) -> str:
    """What is wrong with an item, in one line."""
    return "; ".join(_problems(error))


def _problems(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        yield f"{'.'.join(str(part) for part in one['loc']) or 'item'}: {one['msg']}"
