r"""Restores LaTeX commands that a model escaped too little or too much in its JSON.

A model that copies `$2\times$` may write the JSON string `"$2\times$"`, which is a tab and "imes",
or `"$2\\\\times$"`, which has one backslash too many. The command is restored only where the text
that the model was given has it, so nothing that the abstract does not say can come of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_EATEN = {"\t": "t", "\b": "b", "\f": "f", "\n": "n", "\r": "r"}
_CONTROL = re.compile(r"([\t\x08\f\n\r])([A-Za-z]*)")
_DOUBLED = re.compile(r"\\{2,}([A-Za-z]+|[^A-Za-z\s\\])")
_ACCENT = re.compile(r'(?<!\\)"(?=(\{?[A-Za-z]))')
_COMMANDS = re.compile(r"\\([A-Za-z]+)")


@lru_cache(maxsize=16)
def _commands(source: str) -> frozenset[str]:
    return frozenset(_COMMANDS.findall(source))


def restored(value: Any, source: str) -> Any:
    """A JSON value whose strings have the commands that `source` has."""
    if "\\" not in source:
        return value
    if isinstance(value, str):
        made = _text(value, source)
        return type(value)(made) if made != value else value
    if isinstance(value, list):
        return [restored(one, source) for one in value]
    if isinstance(value, dict):
        return {name: restored(one, source) for name, one in value.items()}
    return value


def _text(text: str, source: str) -> str:
    commands = _commands(source)

    def eaten(found: re.Match[str]) -> str:
        name = _EATEN[found[1]] + found[2]
        return f"\\{name}" if name in commands else found[0]

    def doubled(found: re.Match[str]) -> str:
        token = found[1]
        if found[0] in source:
            return found[0]
        known = token in commands if token[0].isalpha() else f"\\{token}" in source
        return f"\\{token}" if known else found[0]

    def accent(found: re.Match[str]) -> str:
        return '\\"' if f'\\"{found[1]}' in source else found[0]

    return _ACCENT.sub(accent, _DOUBLED.sub(doubled, _CONTROL.sub(eaten, text)))
