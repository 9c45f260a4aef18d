"""Finds the JSON values in a text that a model wrote, as far as they are beyond doubt.

Models wrap their JSON in thoughts, prose, fences and quotes, and write trailing commas, comments
and Python's None. All of that is read. Nothing is guessed: a value that was cut short is not
closed, and where `json-repair` had to mend the form, the result counts only if every word of it
stands in the text and no digit was lost, added or changed.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_DEPTH = 4  # JSON in a JSON string in a JSON string … no server has more
_STARTS = 200  # brackets that are tried as the start of a value: prose may hold many
_LONGEST_SCAN = 1_000_000  # characters that are looked through for the ends of values
_LONGEST_MENDED = 200_000  # characters; mending is slow, and no reply is longer
_INVISIBLE = "\ufeff\u200b\u2060\x00"
_TAGS = "(?:seed:)?(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad)"
# Where the model's thoughts end; servers that put the opening tag into the prompt send this alone.
_THOUGHT_END = re.compile(
    rf"</{_TAGS}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|message\|>", re.I
)
_BAD_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9A-Fa-f]{4})|)')
_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9A-Fa-f]{4})')
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|(?m:^\s*#[^\n]*)', re.S)
_DIGITS = re.compile(r"\d")


class NumberText(str):
    """A JSON number as it was written: 2.40 stays 2.40."""

    __slots__ = ()


def values(text: str, depth: int = _DEPTH) -> list[Any]:
    """The JSON values in a text, in its order; numbers as `NumberText`."""
    text = text.strip().strip(_INVISIBLE).strip()
    found = _strict(text)
    if found is not None and not isinstance(found, str):
        return [found]
    if isinstance(found, str):
        return values(found, depth - 1) if depth and found != text else []
    if '{"' not in text and (inner := _unquoted(text)):
        return inner
    ends = [found.end() for found in _THOUGHT_END.finditer(text)]
    told = text[ends[-1] :] if ends else text
    return list(_found(told)) or (list(_found(text)) if ends else [])


def _unquoted(text: str) -> list[Any]:
    """JSON that was escaped once too often: `{\\"a\\": 1}` or `{&quot;a&quot;: 1}`."""
    if '{\\"' in text:
        inner = (
            _strict(f'"{text[text.index("{") : text.rindex("}") + 1]}"') if "}" in text else None
        )
        return list(_found(inner)) if isinstance(inner, str) else []
    if "{&quot;" in text or "{&#34;" in text:
        return list(_found(html.unescape(text)))
    return []


def _found(text: str) -> Iterator[Any]:
    """The objects and lists that begin somewhere in a text."""
    text = _BAD_ESCAPE.sub(lambda m: m[0] if m[1] else r"\\", text)
    at, left = 0, _LONGEST_SCAN
    for _ in range(_STARTS):
        start = min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)
        if start < 0:
            return
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = _end(text, start) if left > 0 else None
            left -= (end or len(text)) - start
            value = _mended(text[start:end]) if end else None
            if value is None and text[start] == "{":
                value, end = _last_brace(text, start)
            if value is None:
                at = start + 1
                continue
            at = end or len(text)
        yield value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a list that is written twice counts with both of its parts."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if isinstance(value, list) and isinstance(made.get(name), list):
            made[name] = made[name] + value
        else:
            made[name] = value
    return made


_DECODER = json.JSONDecoder(
    strict=False,
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=NumberText,
    object_pairs_hook=_pairs,
)


def _strict(text: str) -> Any | None:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _end(text: str, start: int) -> int | None:
    """Where the value that begins here is closed; None where it is not."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{[":
            depth += 1
        elif not quoted and sign in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


def _last_brace(text: str, start: int) -> tuple[Any | None, int | None]:
    """An object whose lists are all whole and whose own last brace alone is missing."""
    rest = re.sub(r"(?:```|<[|/][^>]*>|\s)+$", "", text[start:])
    if not rest.endswith("]"):
        return None, None
    return _strict(rest + "}"), len(text)


def _mended(text: str) -> Any | None:
    """A value in an unusual form, if nothing of it had to be guessed."""
    if len(text) > _LONGEST_MENDED:
        return None
    plain = _COMMENT.sub(lambda m: m[1] or "", text)
    value = _strict(re.sub(r",(\s*[}\]])", r"\1", plain))
    if value is not None:
        return value
    import json_repair

    try:
        value = json_repair.repair_json(
            plain, return_objects=True, skip_json_loads=True, strict=True
        )
    except (ValueError, RecursionError, IndexError, TypeError):
        return None
    said = _ESCAPE.sub(lambda m: _PLAIN.get(m[1]) or _character(m[1]), plain)
    told = list(_scalars(value))
    verbatim = all(one in said or one in plain for one in told)
    whole = _digits(told) == _digits([said])
    return _as_text(value) if isinstance(value, (dict, list)) and verbatim and whole else None


def _character(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else escape


def _digits(texts: Iterable[str]) -> list[str]:
    return sorted(_DIGITS.findall("".join(texts)))


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _scalars(one)
    elif isinstance(value, list):
        for one in value:
            yield from _scalars(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return NumberText(value)
    return value
