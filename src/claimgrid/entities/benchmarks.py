"""Copied words to the names of benchmarks and metrics; knows no claims and merges by table only.

Two names are one if they differ only in spelling (case, spaces, hyphens, quotes, LaTeX) or through
an alias in `data/*.toml`. Nothing is merged for looking similar: MMLU is not MMLU-Pro.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["benchmark", "benchmark_key", "metric", "plain", "same_benchmark"]

_LONGEST = 200  # characters: what is longer is no name, and is only cleaned of markup


def plain(words: str) -> str:
    r"""Copied words without LaTeX markup, outer quotes and doubled spaces.

    Markup goes, its content stays, `_` and `^` too: `\textbf{Foo}` ─► `Foo`, `$mAP_{50}$` ─►
    `mAP_50`, `A\_B` ─► `A_B`, `$\tau$-bench` ─► `τ-bench`. `plain(plain(x)) == plain(x)`.
    """
    return " ".join(_LATEX.sub(_unmark, words).split()).strip(_OUTER)


def benchmark(words: str) -> str:
    """The canonical name of a benchmark or data set, with the version, year and split that it has.

    A name that the table lacks stays as written, without articles before it and common nouns after
    it: "the FooBar dataset" ─► "FooBar". The noun stays where it belongs to the name: capitalised
    after several words ("Foo Bar Dataset"), or after a common noun ("sparse matrix dataset").
    """
    name = plain(words)
    if len(name) > _LONGEST:
        return name
    table = _benchmarks()
    while (known := _known(name, table)) is None:
        shorter = plain(_shorter(name, table))
        if shorter in ("", name):
            return name
        name = shorter
    return known


def same_benchmark(a: str, b: str) -> bool:
    """Whether two names are one benchmark: equal but for spelling, aliases and a last "dataset"."""
    return benchmark_key(a) == benchmark_key(b)


def benchmark_key(name: str) -> str:
    """What two names of one benchmark share: the canonical spelling, without a last "dataset"."""
    canonical = benchmark(name)
    if len(canonical) > _LONGEST or _known(canonical, _benchmarks()):
        return _fold(canonical)
    tokens = canonical.split()
    while count := _noun_at_end(tokens):
        del tokens[-count:]
    return _fold(" ".join(tokens))


def metric(words: str) -> str:
    """The canonical name of a metric; words that the table lacks are only cleaned of markup."""
    name = plain(words)
    if len(name) > _LONGEST:
        return name
    table = _metrics()
    bare = _PERCENT.sub("", name).removesuffix(".")
    singular = _PLURAL.sub(r"\1", bare)
    if known := table.names.get(_fold(bare)) or table.names.get(_fold(singular)):
        return known
    if (cut := _CUT.fullmatch(bare)) and (base := table.cuts.get(_fold(cut[1]))):
        return f"{base}@{cut[2].lower()}"
    return _both(bare, table.names) or name


def is_metric(words: str) -> bool:
    """Whether the table of metrics has these words."""
    table = _metrics()
    bare = plain(words)
    singular = _PLURAL.sub(r"\1", bare)
    return len(bare) <= _LONGEST and (_fold(bare) in table.names or _fold(singular) in table.names)


def is_benchmark(words: str) -> bool:
    """Whether the table of benchmarks has this name, whatever split, year or version it has."""
    name = plain(words)
    return len(name) <= _LONGEST and _known(benchmark(name), _benchmarks()) is not None


# LaTeX ───────────────────────────────────────────────────────────────────────────────────────────

_LATEX = re.compile(r"\\([A-Za-z]+)(\s?)|\\(.?)|[${}~]", re.DOTALL)
_FONT = re.compile(
    r"text[a-z]*|math[a-z]*|emph|bf|it|tt|sc|rm|sf|em|underline|mbox|operatorname|ensuremath"
    r"|left|right|bm|boldsymbol"
)
_SYMBOLS = {"infty": "∞", "times": "×", "pm": "±", "sim": "∼", "approx": "≈", "cdot": "·"}
_SPACES = frozenset(["quad", "qquad", "xspace", *",;: ~\\\n"])
_NOTHING = frozenset("!/-${}")
_OUTER = " \"'`´“”‘’«»"


def _unmark(match: re.Match[str]) -> str:
    command, space, escaped = match.groups()
    if command is None:
        mark = match[0] if escaped is None else escaped
        return " " if mark in _SPACES else "" if mark in _NOTHING else mark
    if _FONT.fullmatch(command):
        return ""
    if command in _SPACES:
        return " "
    # LaTeX swallows the space after a command, but abstracts mean it: `\method achieves`.
    return (_SYMBOLS.get(command) or _greek(command)) + space


def _greek(command: str) -> str:
    """The letter that a LaTeX command names; the command's own name if it names none."""
    case = "CAPITAL" if command[0].isupper() else "SMALL"
    letter = command.removeprefix("var").upper()
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {letter}")
    except KeyError:
        return command


# Tables ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Benchmarks:
    names: dict[str, str]  # folded spelling ─► canonical name
    splits: dict[str, str]  # folded spelling ─► `val`, `test-dev` …
    dated: frozenset[str]  # canonical names that two digits after them date


@dataclass(frozen=True, slots=True)
class _Metrics:
    names: dict[str, str]  # folded spelling ─► canonical name
    cuts: dict[str, str]  # folded spelling ─► what stands before `@5`


@cache
def _benchmarks() -> _Benchmarks:
    data = _load("benchmarks.toml")
    names = {_fold(name): name for area in data["names"].values() for name in area}
    aliases, splits = _spellings(data["aliases"]), _spellings(data["splits"])
    return _Benchmarks(names | aliases, splits, frozenset(data["dated"]))


@cache
def _metrics() -> _Metrics:
    data = _load("metrics.toml")
    return _Metrics(_spellings(data["names"]), _spellings(data["cuts"]))


def _load(name: str) -> dict[str, Any]:
    text = files("claimgrid").joinpath("data", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def _spellings(table: dict[str, list[str]]) -> dict[str, str]:
    return {_fold(word): name for name, others in table.items() for word in (name, *others)}


# Spelling ────────────────────────────────────────────────────────────────────────────────────────

_SEPARATORS = re.compile(r"[\s_^'\"`´‘’“”\u2010-\u2015\u2212-]+")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9]) (?=[0-9])")
_BOTH = re.compile(r"(.+?) ?\((.+)\)")


def _fold(name: str) -> str:
    """The key of a spelling: without case, width, quotes and separators.

    A separator between two digits stays a separator, so that `M3-4` is not `M34`.
    """
    text = name.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", name).casefold()
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = _SEPARATORS.sub(" ", text).strip()
    return _BETWEEN_DIGITS.sub("-", text).replace(" ", "")


def _both(name: str, names: dict[str, str]) -> str | None:
    """The canonical name of `Long Name (LN)`, if the table has both for the same thing."""
    parts = _BOTH.fullmatch(name)
    if parts is None:
        return None
    first, second = names.get(_fold(parts[1])), names.get(_fold(parts[2]))
    return first if first == second else None


_PERCENT = re.compile(r" ?\((?:%|in %)\)$")
_PLURAL = re.compile(r"(rate|score|error|precision|recall)s$", re.I)
_CUT = re.compile(r"(.+?) ?@ ?([0-9]+(?:\.[0-9]+)?|[kn])", re.I)


# Benchmarks ──────────────────────────────────────────────────────────────────────────────────────

_ARTICLES = frozenset(["the", "a", "an", "our", "this", "these"])
_NOUNS = re.compile(
    r"data ?sets?|benchmarks?|corpus|corpora|suites?|collections?|(?:test|evaluation) sets?", re.I
)
_VERSION = re.compile(r"(.+?)[\s_,(-]*(v[0-9]+(?:\.[0-9]+)*)\)?", re.I)
_YEAR = re.compile(r"(.*[^0-9\s_,('’-])[\s_,('’-]*(20[0-9]{2}|[0-3][0-9])\)?")
_BREAK = re.compile(r"[\s_,:(/-]+")


def _known(name: str, table: _Benchmarks) -> str | None:
    """The canonical name, if the table has what is left without split, year and version."""
    split = year = version = ""
    for _ in range(4):
        base = table.names.get(_fold(name)) or _both(name, table.names)
        if base is not None:
            if len(year) == 2:
                if base not in table.dated:
                    return None
                year = f"20{year}"
            return " ".join(part for part in (base, version, year, split) if part)
        if not split and (found := _last_split(name, table)):
            name, split = found
        elif not year and (match := _YEAR.fullmatch(name)):
            name, year = match.groups()
        elif not version and (match := _VERSION.fullmatch(name)):
            name, version = match[1], match[2].lower()
    return None


def _last_split(name: str, table: _Benchmarks) -> tuple[str, str] | None:
    """`COCO 2017 val set` as its name and `val`; a split has three words at most."""
    for cut in list(_BREAK.finditer(name))[-3:]:
        if split := table.splits.get(_fold(name[cut.end() :].strip(")]"))):
            return name[: cut.start()], split
    return None


def _shorter(name: str, table: _Benchmarks) -> str:
    """The name without one common noun at its end, else without articles at its start."""
    tokens = name.split()
    if count := _noun_at_end(tokens):
        rest, last = " ".join(tokens[:-count]), tokens[-count - 1]
        if _known(rest, table):
            return rest
        named = any(char.isupper() or char.isdigit() or char == "_" for char in last)
        if (named or _NOUNS.fullmatch(last)) and (tokens[-count].islower() or " " not in rest):
            return rest
    while len(tokens) > 1 and tokens[0].lower() in _ARTICLES:
        tokens.pop(0)
    return " ".join(tokens).rstrip(".,;:")


def _noun_at_end(tokens: list[str]) -> int:
    """How many of the last words make one "dataset" or "test set"; a name always stays before."""
    for count in (2, 1):
        if count < len(tokens) and _NOUNS.fullmatch(" ".join(tokens[-count:])):
            return count
    return 0
