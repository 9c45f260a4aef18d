"""Benchmarks and data sets have one canonical name each, by the table `data/benchmarks.toml`.

Two names are one if they differ only in spelling (case, spaces, hyphens, quotes, LaTeX) or through
an alias in the table. Nothing is merged because it looks similar: MMLU is not MMLU-Pro. An alias
leads to one name and no further, so that merges are never chained.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, lru_cache

from claimgrid.entities.spelling import LONGEST, fold, in_both, load, plain, spellings

__all__ = ["Benchmark", "benchmark", "benchmark_key", "find", "names", "same_benchmark"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An entry of the table: what it is called, what it measures, and its known parts."""

    name: str
    task: str
    aliases: tuple[str, ...]
    versions: tuple[str, ...]
    splits: tuple[str, ...]


@lru_cache(maxsize=4096)  # papers share their benchmarks
def benchmark(words: str, metric: str | None = None) -> str:
    """The canonical name of a benchmark or data set, with the version, year and split that it has.

    A name that the table lacks stays as written, without articles before it and common nouns after
    it: "the FooBar dataset" is FooBar. The noun stays where it belongs to the name: capitalised
    after several words ("Foo Bar Dataset"), or after a common noun ("sparse matrix dataset").

    Args:
        words: as the abstract has them.
        metric: the canonical metric of the result, where it tells two boards of one data set
            apart: perplexity on Penn Treebank is of words, bits per character of characters.
    """
    name = plain(words)
    if len(name) > LONGEST:
        return name
    table = _table()
    while (known := _known(name, table)) is None:
        shorter = plain(_shorter(name, table))
        if shorter in ("", name):
            return name
        name = shorter
    return table.by_metric.get((known, metric), known) if metric else known


def same_benchmark(a: str, b: str) -> bool:
    """Whether two names are one benchmark: equal but for spelling, aliases and a last "dataset".

    A name without a board and the same name with one (Penn Treebank, word level) are not told
    apart.
    """
    one, other = benchmark_key(a), benchmark_key(b)
    boards = _table().boards
    return one == other or boards.get(one) == other or boards.get(other) == one


def benchmark_key(name: str) -> str:
    """What two names of one benchmark share: the canonical spelling, without a last "dataset"."""
    canonical = benchmark(name)
    if len(canonical) > LONGEST or _known(canonical, _table()):
        return fold(canonical)
    tokens = canonical.split()
    while count := _noun_at_end(tokens):
        del tokens[-count:]
    return fold(" ".join(tokens))


@lru_cache(maxsize=4096)
def find(name: str) -> Benchmark | None:
    """The entry of the table that a name belongs to, whatever its version and split; else None."""
    table = _table()
    known = _parts(plain(name), table) if len(name) <= LONGEST else None
    return table.entries.get(known.base) if known else None


def may_end_name(word: str) -> bool:
    """Whether a name of the table, with its version, languages and split, can end in this word.

    A quick test before `find`: it may say yes to a word that ends no name, but never no to one
    that does.
    """
    return not word.isalpha() or fold(word) in _endings()


def may_continue(words: str, following: str) -> bool:
    """Whether a name that begins with these words may go on with the word after them.

    A quick test before `find`: it may say yes where the table has no longer name, but never no
    where it has one.
    """
    table = _table()
    last = fold(words.rpartition(" ")[2])
    if not following.isalpha() or last in table.splits or last in table.languages:
        return True
    if _JOINS.search(words):
        return True
    first = fold(following)
    whole = fold(words)
    if first in _split_starts() or (first in table.languages and whole.startswith(_paired())):
        return True
    begins = whole + first
    every = _sorted_names()
    at = bisect_left(every, begins)
    return at < len(every) and every[at].startswith(begins)


def takes_pair(entry: Benchmark) -> bool:
    """Whether a pair of languages belongs to the entry's name, as in WMT14 English-German."""
    return entry.name in _table().paired


def takes_year(entry: Benchmark) -> bool:
    """Whether each year has its own edition of the entry, as AIME has."""
    return entry.name in _table().dated


@cache
def _endings() -> frozenset[str]:
    """Every ending of a folded name, split or language: folding joins the words of a name."""
    table = _table()
    folded = {*table.names, *table.splits, *table.languages}
    return frozenset(name[at:] for name in folded for at in range(len(name)))


@cache
def _split_starts() -> frozenset[str]:
    """The folded first word of each split: what may follow a whole name."""
    return frozenset(
        fold(spelling.split()[0])
        for name, others in load("benchmarks.toml")["splits"].items()
        for spelling in (name, *others)
    )


@cache
def _paired() -> tuple[str, ...]:
    """The folded spellings of names that a pair of languages follows."""
    table = _table()
    return tuple(folded for folded, name in table.names.items() if name in table.paired)


@cache
def _split_ends() -> frozenset[str]:
    """The folded last piece of each split, with the brackets that may close it."""
    folded = {
        fold(_BREAK.split(spelling)[-1])
        for name, others in load("benchmarks.toml")["splits"].items()
        for spelling in (name, *others)
    }
    return frozenset(f"{piece}{end}" for piece in folded for end in ("", ")", "]"))


@cache
def _sorted_names() -> list[str]:
    return sorted(_table().names)


def names() -> tuple[Benchmark, ...]:
    """Every entry of the table."""
    return tuple(_table().entries.values())


# The table ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Table:
    names: dict[str, str]  # folded spelling to canonical name
    splits: dict[str, str]  # folded spelling to `val`, `test-dev` …
    dated: frozenset[str]  # canonical names that two digits after them date
    paired: frozenset[str]  # canonical names that a pair of languages follows
    languages: dict[str, str]  # folded name or code to the language's name
    implied: dict[str, frozenset[str]]  # canonical name to the version and split it means alone
    tasks: re.Pattern[str]  # words after a name that say what is done with the data
    by_metric: dict[tuple[str, str], str]
    boards: dict[str, str]  # folded name of a board to that of its data set
    entries: dict[str, Benchmark]


@dataclass(frozen=True, slots=True)
class _Parts:
    base: str
    version: str = ""
    year: str = ""
    pair: str = ""
    split: str = ""


@cache
def _table() -> _Table:
    data = load("benchmarks.toml")
    listed = {name: task for task, area in data["names"].items() for name in area}
    aliases, versions, splits = data["aliases"], data["versions"], data["splits_of"]
    entries = {
        name: Benchmark(name, task.replace("_", " "), *(tuple(part.get(name, ()))
                        for part in (aliases, versions, splits)))
        for name, task in listed.items()
    }  # fmt: skip
    boards = {
        (name, metric): board
        for name, by_metric in data["by_metric"].items()
        for metric, board in by_metric.items()
    }
    return _Table(
        {fold(name): name for name in listed} | spellings(aliases),
        spellings(data["splits"]),
        frozenset(data["dated"]),
        frozenset(data["paired"]),
        spellings(data["languages"]),
        {name: frozenset(parts) for name, parts in data["implied"].items()},
        re.compile(rf"(?:{'|'.join(data['tasks']['words'])})s?", re.I),
        dict(boards),
        {fold(board): fold(name) for (name, _), board in boards.items()},
        entries,
    )


# Version, year, languages, split ─────────────────────────────────────────────────────────────────

_ARTICLES = frozenset(["the", "a", "an", "our", "this", "these"])
_NOUNS = re.compile(
    r"data ?sets?|benchmarks?|corpus|corpora|suites?|collections?"
    r"|(?:evaluation )?(?:test|evaluation) sets?",
    re.I,
)
_VERSION = re.compile(r"(.+?)[\s_,(-]*(v[0-9]+(?:\.[0-9]+)*)\)?", re.I)
_YEAR = re.compile(r"(.*[^0-9\s_,('’-])[\s_,('’-]*(20[0-9]{2}|[0-3][0-9])\)?")
_YEAR_FIRST = re.compile(r"(20[0-9]{2}) (.+)")
_BREAK = re.compile(r"[\s_,:(/-]+")
_LAST_PIECE = re.compile(r"[^\s_,:(/-]+\Z")
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER_ENDS = tuple("0123456789)")  # of a year or a version
_PAIR = re.compile(
    r"(.+?)[\s_,:(-]+([A-Za-z]{2,20})(?:\s?(?:-+>?|–|→|↔|/)\s?(?:to(?:-|\s))?|\s(?:to|into)\s)"
    r"([A-Za-z]{2,20})\)?"
)
_JOINS = re.compile(r" (?:of|from|in|on) ")
_SPLIT_BEFORE = re.compile(r"([A-Za-z-]+(?: [a-z]+)?) (?:of|from|in|on) (?:the )?(.+)")


def _known(name: str, table: _Table) -> str | None:
    """The canonical name, if the table has what is left without split, year and version."""
    found = _parts(name, table)
    if found is None:
        return None
    implied = table.implied.get(found.base, frozenset())
    parts = (found.version, found.year, found.pair, found.split)
    whole = " ".join([found.base, *(part for part in parts if part and part not in implied)])
    return table.names.get(fold(whole), whole)


def _parts(name: str, table: _Table) -> _Parts | None:
    split = year = version = pair = ""
    for _ in range(5):
        base = table.names.get(fold(name)) or in_both(name, table.names)
        if base is not None:
            if len(year) == 2:
                if base not in table.dated:
                    return None
                year = f"20{year}"
            return _Parts(base, version, year, pair, split)
        if not split and (found := _last_split(name, table) or _first_split(name, table)):
            name, split = found
        elif not pair and (found := _last_pair(name, table)):
            name, pair = found
        elif not year and (match := _YEAR_FIRST.fullmatch(name)):
            year, name = match.groups()
        elif not name.endswith(_NUMBER_ENDS):
            return None
        elif not year and (match := _YEAR.fullmatch(name)):
            name, year = match.groups()
        elif not version and (match := _VERSION.fullmatch(name)):
            name, version = match[1], match[2].lower()
        else:
            return None
    return None


def _last_split(name: str, table: _Table) -> tuple[str, str] | None:
    """`COCO 2017 val set` as its name and `val`; a split has three words at most."""
    last = _LAST_PIECE.search(name)
    if last is None or fold(last[0]) not in _split_ends():
        return None
    for cut in list(_BREAK.finditer(name))[-3:]:
        if split := table.splits.get(fold(name[cut.end() :].strip(")]"))):
            return name[: cut.start()], split
    return None


def _first_split(name: str, table: _Table) -> tuple[str, str] | None:
    """`validation set of COCO` as its name and `val`."""
    match = _SPLIT_BEFORE.fullmatch(name) if _JOINS.search(name) else None
    split = table.splits.get(fold(match[1])) if match else None
    return (match[2], split) if match and split else None


def _last_pair(name: str, table: _Table) -> tuple[str, str] | None:
    """`WMT14 En-De` as its name and `English-German`, where the table has the name for pairs."""
    if not any(fold(word) in table.languages for word in _LETTERS.findall(name)):
        return None
    match = _PAIR.fullmatch(name)
    if match is None:
        return None
    source, target = (table.languages.get(fold(word)) for word in match.groups()[1:])
    if source is None or target is None:
        return None
    known = _parts(match[1], table)
    return (match[1], f"{source}-{target}") if known and known.base in table.paired else None


def _shorter(name: str, table: _Table) -> str:
    """The name without one common noun at its end, else without articles at its start."""
    tokens = name.split()
    for count in range(1, min(4, len(tokens))):
        # "COCO object detection" is COCO, but words after an unknown name may be part of it.
        rest = " ".join(tokens[:-count])
        if table.tasks.fullmatch(" ".join(tokens[-count:])) and _known(rest, table):
            return rest
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
    for count in (3, 2, 1):
        if count < len(tokens) and _NOUNS.fullmatch(" ".join(tokens[-count:])):
            return count
    return 0
