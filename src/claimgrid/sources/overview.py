"""Looks through sources before anything is paid for: what they hold and how it was read."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from claimgrid.sources.lines import Problem
from claimgrid.types.paper import Paper

_SHOWN = 3
_LOOKED_AT = 600  # characters of an abstract that tell its language


@dataclass(slots=True)
class Overview:
    """What a source holds, in figures, with its first papers and problems."""

    papers: int = 0
    merged: int = 0
    without_abstract: int = 0
    problems: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    having: Counter[str] = field(default_factory=Counter)
    first: list[Paper] = field(default_factory=list)
    first_problems: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if every record is a paper, or a paper without an abstract; 1 if something is broken."""
        return int(self.problems > 0)


def look(items: Iterable[Paper | Problem]) -> Overview:
    """Read a source to its end and count what it holds."""
    seen = Overview()
    for item in items:
        if isinstance(item, Paper):
            seen.papers += 1
            seen.merged += len(item.extra.get("merged", ())) if "kept_because" in item.extra else 0
            seen.languages[language(item.abstract)] += 1
            seen.having.update(name for name in _COUNTED if getattr(item, name))
            if len(seen.first) < _SHOWN:
                seen.first.append(item)
            continue
        if item.duplicate_of is not None:
            seen.merged += 1
            continue
        if "`abstract` is" in item.message:
            seen.without_abstract += 1
        else:
            seen.problems += 1
        if len(seen.first_problems) < _SHOWN:
            seen.first_problems.append(item)
    return seen


_COUNTED = ("title", "authors", "date", "citation_key", "doi", "arxiv_id", "venue", "url")


def language(text: str) -> str:
    """The language of a text by its script, or by the commonest short words; `?` if unsure."""
    start = text[:_LOOKED_AT]
    scripts = Counter(unicodedata.name(c, "?").split()[0] for c in start if c.isalpha())
    script = scripts.most_common(1)[0][0] if scripts else ""
    if script != "LATIN":
        return _data()["scripts"].get(script, "?")
    words = set(start.lower().split())
    found = {code: len(words & set(common.split())) for code, common in _data()["words"].items()}
    best = max(found, key=lambda code: found[code])
    return best if found[best] else "?"


@cache
def _data() -> dict[str, dict[str, str]]:
    text = files("claimgrid").joinpath("data/languages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
