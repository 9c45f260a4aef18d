"""Scores a run against gold that people made for other purposes: recall only.

    python benchmarks/outside.py papers GOLD -o papers.jsonl
    extract run papers.jsonl -o outputs/outside --model …
    python benchmarks/outside.py score outputs/outside GOLD
    python benchmarks/outside.py pack outputs/outside -o replies.jsonl.gz
    python benchmarks/outside.py unpack replies.jsonl.gz papers.jsonl -o outputs/again

GOLD is one of: a folder of the CLEF'24 SOTA corpus (a folder a paper, with `annotations.json` or
`annotations.txt` beside the TeX); Epoch AI's table of models as CSV; or a folder with the prepared
files `sota_gold.jsonl`, `sota_abstracts.jsonl`, `epoch_gold.jsonl` and `epoch_abstracts.jsonl`.

The gold holds what people entered into Papers with Code and into Epoch AI's table, where the
abstract states it. It does not hold everything that an abstract states, so it says nothing of
precision. Texts stay out of the repository: `pack` keeps ids, hashes and replies, from which anyone
who has the corpus can make the run again.
"""

from __future__ import annotations

import argparse
import ast
import csv
import gzip
import json
import re
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimgrid.entities.benchmarks import same_benchmark
from claimgrid.evaluate.name_likeness import alike, folded, initials
from claimgrid.extraction.pipeline import read_answer
from claimgrid.io import run_folder
from claimgrid.llm.response_store import Recording
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Claim, PaperLine
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply

_ABSTRACT = re.compile(r"\\begin\{abstract\}(.*?)\\end\{abstract\}", re.DOTALL)
_TITLE = re.compile(r"\\title(?:\[[^]]*\])?\{((?:[^{}]|\{[^{}]*\})*)\}")
_COMMENT = re.compile(r"(?<!\\)%.*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CLOSE = 0.01  # of a parameter count; tables round


@dataclass(frozen=True)
class StatedScore:
    """A score of a leaderboard that the abstract states, and the data sets that have it."""

    number: str
    spans: tuple[tuple[int, int], ...]
    datasets: tuple[str, ...]


@dataclass
class OutsidePaper:
    """A paper with what people entered for it."""

    id: str
    abstract: str
    title: str = ""
    scores: list[StatedScore] = field(default_factory=list)
    params: list[int] = field(default_factory=list)


# Readers ------------------------------------------------------------------------------------------
def read_gold(path: Path) -> Iterator[OutsidePaper]:
    """The papers of any of the three layouts; those whose abstract states nothing are left out."""
    if path.suffix == ".csv":
        found = _epoch_csv(path)
    elif (path / "sota_gold.jsonl").exists() or (path / "epoch_gold.jsonl").exists():
        found = _prepared(path)
    elif path.is_dir():
        found = _sota_folder(path)
    else:
        sys.exit(f"{path}: neither a folder nor a .csv file")
    return (paper for paper in found if paper.scores or paper.params)


def _sota_folder(root: Path) -> Iterator[OutsidePaper]:
    seen: set[str] = set()
    for labels in sorted([*root.rglob("annotations.json"), *root.rglob("annotations.txt")]):
        if labels.parent.name in seen:  # the same labels in both forms
            continue
        texts = sorted(labels.parent.glob("*.tex"), key=lambda p: -p.stat().st_size)
        for path in texts:
            tex = _COMMENT.sub("", path.read_text(encoding="utf-8", errors="replace"))
            abstract = _ABSTRACT.search(tex)
            if abstract is None:
                continue
            title = _TITLE.search(tex)
            text = " ".join(abstract[1].split())
            name = " ".join(title[1].split()) if title else ""
            seen.add(labels.parent.name)
            yield OutsidePaper(labels.parent.name, text, name, _stated(text, _leaderboards(labels)))
            break


def _leaderboards(path: Path) -> Iterator[dict[str, str]]:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return  # "unanswerable", or no list of leaderboards
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict):
            inner = entry.get("LEADERBOARD", entry)
            if isinstance(inner, dict):
                yield {str(key).lower(): str(value) for key, value in inner.items()}


def _stated(abstract: str, entries: Iterable[dict[str, str]]) -> list[StatedScore]:
    datasets: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        number = _NUMBER.search(entry.get("score", ""))
        if number and "." in number[0]:  # whole numbers are often something else
            datasets[number[0]].append(entry.get("dataset", ""))
    found = (
        (number, tuple(_places(abstract, number)), names) for number, names in datasets.items()
    )
    return [StatedScore(n, spans, tuple(names)) for n, spans, names in found if spans]


def _places(text: str, words: str) -> Iterator[tuple[int, int]]:
    pattern = rf"(?<![0-9.]){re.escape(words)}(?![0-9]|\.[0-9])"
    return (match.span() for match in re.finditer(pattern, text))


def _epoch_csv(path: Path) -> Iterator[OutsidePaper]:
    from claimgrid.entities.model_sizes import sizes

    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            abstract, given = row.get("Abstract", ""), row.get("Parameters", "")
            if not abstract or not given:
                continue
            params = _count(given)
            if params is None:
                continue
            stated = any(abs(s.params - params) <= _CLOSE * params for s in sizes(abstract))
            name = row.get("Model") or row.get("System") or f"row {number}"
            yield OutsidePaper(f"epoch-{number}", abstract, name, [], [params] if stated else [])


def _count(text: str) -> int | None:
    """A number of parameters as the table writes it: `70000000000.0`, `7e+10`, `70,000`."""
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return round(number) if 0 < number < float("inf") else None


def _prepared(folder: Path) -> Iterator[OutsidePaper]:
    for name in ("sota", "epoch"):
        gold = folder / f"{name}_gold.jsonl"
        if not gold.exists():
            continue
        texts = {line["id"]: line for line in _lines(folder / f"{name}_abstracts.jsonl")}
        for line in _lines(gold):
            text = texts[line["id"]]
            paper = OutsidePaper(line["id"], text["abstract"], text.get("title", ""))
            grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for score in line.get("scores", ()):
                if not score.get("doubtful") and score["kind"] == "quality":
                    grouped[score["number"]].append(score)
            for number, scores in grouped.items():
                spans = scores[0].get("spans", [scores[0]["span"]])
                names = tuple(score["dataset"] for score in scores)
                paper.scores.append(StatedScore(number, tuple(map(tuple, spans)), names))
            counts = [e["params"] for e in line.get("params", ()) if not e.get("doubtful")]
            paper.params = list(counts)
            yield paper


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    for line in text.decode("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


# Scores -------------------------------------------------------------------------------------------
class Board:
    """Found and of, for each yardstick, in the order of first use."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def add(self, name: str, found: bool) -> None:
        row = self.rows.setdefault(name, [0, 0])
        row[0] += found
        row[1] += 1


def score(gold: Iterable[OutsidePaper], folder: Path) -> Board:
    """Score the papers of the gold that the run has; one that failed there counts as missed."""
    board = Board()
    wanted = {paper.id: paper for paper in gold}
    lines = {p.paper_id: p for p in run_folder.read_papers(folder) if p.paper_id in wanted}
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in run_folder.read_claims(folder):
        if claim.paper_id in lines:
            claims[claim.paper_id].append(claim)
    for name, line in lines.items():
        paper = wanted[name]
        for stated in paper.scores:
            _add_score(board, stated, line, paper.abstract, claims[name])
        for params in paper.params:
            counts = [n for c in claims[name] for n in _counts(c)]
            close = any(abs(n - params) <= _CLOSE * params for n in counts)
            board.add("parameter counts, within 1%", close)
    return board


def _counts(claim: Claim) -> list[int]:
    if claim.kind != "model_size":
        return []
    return [n for n in (claim.params, claim.active_params) if n]


def _add_score(
    board: Board, stated: StatedScore, line: PaperLine, abstract: str, claims: list[Claim]
) -> None:
    spans = (
        stated.spans if line.abstract == abstract else tuple(_places(line.abstract, stated.number))
    )
    number = float(stated.number)
    same = [
        claim
        for claim in claims
        if claim.kind == "benchmark"
        and claim.role == "result"
        and _equals(claim, number)
        and any(_covers(claim, span) for span in spans)
    ]
    board.add("scores that the abstract states", bool(same))
    names = [name for name in stated.datasets if _named_in(line.abstract, name)]
    if same and names:
        made = [claim.benchmark for claim in same if claim.kind == "benchmark" and claim.benchmark]
        lenient = any(alike(a, b) for a in names for b in made)
        strict = any(same_benchmark(a, b) for a in names for b in made)
        board.add("… with the right data set, where the abstract names it", lenient)
        board.add("… with its very name", strict)


def _equals(claim: Claim, number: float) -> bool:
    ends = (claim.value.low, claim.value.high) if claim.value else ()
    return any(end is not None and abs(end - number) <= 1e-6 * abs(number) for end in ends)


def _covers(claim: Claim, span: tuple[int, int]) -> bool:
    inside = claim.evidence.start <= span[0] and span[1] <= claim.evidence.end
    marked = claim.spans.get("value", ())
    return inside or any(s.start < span[1] and span[0] < s.end for s in marked)


def _named_in(abstract: str, name: str) -> bool:
    text = f" {folded(abstract)} "
    key = folded(name)
    short = initials(name)
    return f" {key} " in text or bool(short and f" {short} " in text) or _shares(text, key)


def _shares(text: str, key: str) -> bool:
    words = [word for word in key.split() if len(word) > 2]
    return bool(words) and sum(f" {word} " in text for word in words) * 2 >= len(words)


# Replies ------------------------------------------------------------------------------------------
def pack(folder: Path, out: Path) -> int:
    """Write the replies of a run with ids and hashes, and without any text of an abstract."""
    keys = {}
    with closing(sqlite3.connect(folder / run_folder.REPLIES)) as cache:
        for (text,) in cache.execute("SELECT recording FROM replies"):
            recording = Recording.model_validate_json(text)
            keys[recording.paper_id] = recording
    count = 0
    with gzip.GzipFile(out, "wb", mtime=0) as file:
        for paper in run_folder.read_papers(folder):
            recording = keys.get(paper.paper_id)
            if recording is None:
                continue
            content = recording.attempts[-1].body["choices"][0]["message"]["content"]
            line = {
                "id": paper.paper_id,
                "abstract_sha256": paper.abstract_sha256,
                "key": recording.key,
                "model": recording.model,
                "prompt_sha256": recording.prompt_sha256,
                "reply": json.loads(content),
            }
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
            count += 1
    return count


def unpack(replies: Path, papers: Iterable[Paper], out: Path) -> tuple[int, int]:
    """Make a run of packed replies; a paper whose text differs is left out.

    Returns:
        How many papers came out, and how many replies have no text.
    """
    texts = {paper.abstract_sha256: paper for paper in papers}
    made = lost = 0
    with run_folder.RunWriter(out) as writer:
        for line in _lines(replies):
            paper = texts.get(line["abstract_sha256"])
            if paper is None:
                lost += 1
                continue
            reply = Reply.model_validate(line["reply"])
            answer = Answer(reply, (), Usage(), "recording", "batch-file", line["model"])
            writer.add(read_answer(paper, answer))
            made += 1
    return made, lost


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("papers", "score", "pack", "unpack"):
        one = commands.add_parser(name)
        if name == "papers":
            one.add_argument("gold", type=Path)
        elif name == "unpack":
            one.add_argument("replies", type=Path)
            one.add_argument("papers", type=Path)
        else:
            one.add_argument("run", type=Path)
        if name == "score":
            one.add_argument("gold", type=Path)
            one.add_argument("--json", action="store_true")
        else:
            one.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    if given.command == "papers":
        with given.out.open("w", encoding="utf-8") as file:
            for paper in read_gold(given.gold):
                line = {"id": paper.id, "title": paper.title, "abstract": paper.abstract}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    elif given.command == "score":
        rows = score(read_gold(given.gold), given.run).rows
        if given.json:
            print(json.dumps(rows, ensure_ascii=False))
        for name, (found, of) in () if given.json else rows.items():
            print(f"{name:<58} {found:>5}/{of:<5} {found / of:6.1%}")
    elif given.command == "pack":
        print(f"{pack(given.run, given.out)} replies packed into {given.out}")
    else:
        from claimgrid import sources

        papers = (item for item in sources.read(str(given.papers)) if isinstance(item, Paper))
        made, lost = unpack(given.replies, papers, given.out)
        print(f"{made} papers in {given.out}; {lost} replies are of texts that are not there")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
