"""Measures how fast grounding and normalizing are, and that their time is linear.

    pip install -r benchmarks/requirements-normalize.txt
    PYTHONHASHSEED=0 python benchmarks/normalize.py [compare] [throughput] [linear] [--largest N]

Without a section, all three; `compare` is in `normalize_compare.py`. Needs no network and no model.
The hash seed: what quantulum3 reads depends on it now and then. Figures: `normalize.md`.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from claimgrid import sources
from claimgrid.entities import hardware, model_sizes
from claimgrid.extraction.pipeline import read_answer
from claimgrid.quantities import lexer
from claimgrid.quantities.lexer import lex
from claimgrid.text import alignment, latex, sentences
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.paper import Paper
from claimgrid.types.reply import LISTS, Reply

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "fixtures/recordings/claude"
Work = Sequence[tuple[Paper, str]]  # a paper and the JSON that a model replied

# Throughput ──────────────────────────────────────────────────────────────────────────────────────


def throughput() -> None:
    """Print abstracts a second on one core, for real replies and for made ones."""
    for name, work in (("recorded", _recorded()), ("made", list(_made(400)))):
        parsed = [(paper, _answer(reply)) for paper, reply in work]
        size = sum(len(paper.abstract) for paper, _ in work) / len(work)
        claims = sum(len(read_answer(*pair).claims) for pair in parsed) / len(work)
        print(f"{name}: {len(work)} abstracts of {size:.0f} characters and {claims:.1f} claims")
        path = _rate(lambda pair: read_answer(*pair), parsed)
        rows = {
            "ground + normalize + audit": path,
            "the lexer alone": _rate(lambda pair: lex(pair[0].abstract), work),
            "json + pydantic, the same replies": _rate(lambda pair: _answer(pair[1]), work),
            "quantulum3, the same abstracts": _rate(_quantulum(), work[:40], passes=1),
        }
        for label, rate in rows.items():
            print(f"  {label:36}{rate:9,.0f} a second{path / rate:12.3g}")
    print("  (last column: the path's rate as a multiple of the row's)")


def _rate(run: Callable[[Any], object], work: Sequence[Any], *, passes: int = 5) -> float:
    """Items a second of processor time, of the best pass; the first call is not timed."""
    run(work[0])
    times = []
    for _ in range(passes):
        for remembered in (lexer._read, model_sizes._read, latex.plain_text):
            remembered.cache_clear()  # a run does not read the same abstract twice
        started = time.process_time()
        for item in work:
            run(item)
        times.append(time.process_time() - started)
    return len(work) / min(times)


def _quantulum() -> Callable[[tuple[Paper, str]], object]:
    from quantulum3 import parser

    def run(pair: tuple[Paper, str]) -> object:
        try:
            return parser.parse(pair[0].abstract)
        except Exception as error:  # noqa: BLE001 - it fails on some abstracts; the time counts
            return error

    return run


def _answer(reply: str) -> Answer:
    checked = Reply.model_validate(json.loads(reply))
    return Answer(checked, (), Usage(), "recording", "benchmark", "any")


def _recorded() -> Work:
    """The seed abstracts with the replies that a real model gave."""
    read = (item for item in sources.read(str(ROOT / "seeds")) if isinstance(item, Paper))
    papers = {paper.abstract_sha256: paper for paper in read}
    records = [json.loads(path.read_text("utf-8")) for path in sorted(RECORDINGS.glob("*.json"))]
    return [
        (papers[record["abstract_sha256"]], body["choices"][0]["message"]["content"])
        for record in records
        if record["abstract_sha256"] in papers
        for body in (record["attempts"][-1]["body"],)
    ]


PROSE = (
    "Serving long inputs is slow because caches grow with every request.",
    "Earlier work trades quality for speed or needs hardware that few groups have.",
    "We present Zephyr, a scheduler that splits work by what limits it.",
    "The key idea is to keep hot state near the code that reads it and to move the rest.",
    "A planner chooses among layouts, guided by a cost model that is fitted once.",
    "Zephyr needs no change to models and falls back to Boreas where a plan would not pay.",
    "An analysis shows where the remaining time goes and which assumptions matter.",
    "Code and traces are available.",
)


def _made(count: int) -> Iterator[tuple[Paper, str]]:
    """Abstracts of prose and of phrases from the case files, and a reply that names their numbers.

    No two are alike; the last item of each reply quotes what is not in the abstract.
    """
    numbers = [json.loads(line)["text"] for line in _lines("numbers.jsonl")]
    phrases = [json.loads(line)["phrase"] for line in _lines("hardware.jsonl")]
    for n in range(count):
        told = [numbers[(17 * n + 31 * k + k * n) % len(numbers)] for k in range(7)]
        phrase = phrases[n % len(phrases)]
        texts = [
            text
            for both in zip(PROSE, [*told, f"We run on {phrase}."], strict=True)
            for text in both
        ]
        abstract = " ".join(texts)
        lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        borders = sentences.spans(abstract)
        for quantity in [q for q in lex(abstract) if q.reason is None][:5]:
            start, end = next(span for span in borders if quantity.start < span[1])
            name, item = _item(abstract[quantity.start : quantity.end], quantity.unit)
            lists[name].append(item | {"quote": abstract[start:end]})
        lists["hardware"].append({"quote": f"run on {phrase}", "device": phrase})
        lists["benchmarks"].append({"quote": "as nobody wrote", "value": "7"})
        paper = Paper(paper_id=f"made-{n}", title="Made", abstract=abstract)
        yield paper, json.dumps(lists)


def _item(words: str, unit: str) -> tuple[str, dict[str, Any]]:
    """The list that an item goes to, and its fields but for the quote."""
    if unit in ("x", "%"):
        more = {"change": "up", "subject": "Zephyr", "baselines": ["Boreas"]}
        return "speedups", {"value": words, **more}
    if unit:
        return "efficiencies", {"value": words}
    return "benchmarks", {"value": words, "metric": "accuracy", "subject": "Zephyr"}


def _lines(name: str) -> list[str]:
    return (ROOT / "tests/cases" / name).read_text(encoding="utf-8").splitlines()


# Linear time ─────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "1", "$", "{", "1-", "a-1-", "NVIDIA, ", "1 to ", " ", "e\u0301", "\\textbf{", "1, ", "10^",
    "8x A100 ", "-128K", "from 1 to 2 ", "twenty-", "A. ", "O((", "average of a b 1 ", "$1$ and ",
)  # fmt: skip
SMALLEST = 1 << 16
ENOUGH = 0.02  # seconds below which a ratio says more of the clock than of the code


def linear(largest: int) -> None:
    """Print seconds per million characters, and how time grows where the text doubles."""
    stages: dict[str, Callable[[str], object]] = {
        "lex": lex,
        "align": _aligned,
        "sentences": sentences.spans,
        "hardware": hardware.find,
        "whole path": _whole,
    }
    sizes = [SMALLEST]
    while sizes[-1] < largest:
        sizes.append(2 * sizes[-1])
    print(f"texts of {sizes[0]:,} to {sizes[-1]:,} characters; seconds per million characters of")
    print("the largest, and in brackets the mean ratio of times where the length doubles (2 is")
    print(f"linear; none for what takes less than {ENOUGH} s)\n")
    print(f"{'repeated':22}" + "".join(f"{name:>16}" for name in stages))
    worst = 0.0
    for piece in HOSTILE:
        cells = ""
        for run in stages.values():
            run(piece * 10)  # compile what is compiled at first use
            times = [(size, _seconds(run, (piece * size)[:size])) for size in sizes]
            ratio = _doubling(times)
            worst = max(worst, ratio or 0.0)
            told = f" ({ratio:.2f})" if ratio else ""
            cells += f"{times[-1][1] / sizes[-1] * 1e6:9.2f}{told:7}"
        print(f"{json.dumps(piece):22}{cells}", flush=True)
    print(f"\nlargest mean ratio: {worst:.2f}")


def _seconds(run: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    run(text)
    return time.process_time() - started


def _doubling(times: Sequence[tuple[int, float]]) -> float | None:
    """The mean ratio of times where the length doubles, over the lengths that take long enough."""
    enough = [seconds for _, seconds in times if seconds >= ENOUGH]
    if len(enough) < 2:
        return None
    ratio: float = (enough[-1] / enough[0]) ** (1 / (len(enough) - 1))
    return ratio


def _aligned(text: str) -> object:
    doc = alignment.read(text)
    copied = (text[:40], text[:2000], text, "zephyr is 1x", text[:20] + "9")
    return [alignment.locate(doc, words) or alignment.why_not(doc, words) for words in copied]


def _whole(text: str) -> object:
    middle = len(text) // 2
    quotes = (text[:900], text[middle : middle + 900], text, "zephyr is 2.5x faster")
    reply = {
        "speedups": [{"quote": q, "value": text[:6] or "1", "change": "up"} for q in quotes],
        "benchmarks": [{"quote": text[:900], "value": "1", "benchmark": text[:30]}],
        "hardware": [{"quote": text[:900], "device": text[:20]}],
        "model_sizes": [{"quote": text[:900], "total": "1"}],
    }
    paper = Paper(paper_id="hostile", title="Hostile", abstract=text)
    return read_answer(paper, _answer(json.dumps(reply)))


def main() -> None:
    sections = ("compare", "throughput", "linear")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("section", nargs="*", help=f"of {', '.join(sections)}; default: all")
    parser.add_argument("--largest", type=int, default=1 << 20, help="characters of a hostile text")
    arguments = parser.parse_args()
    if unknown := set(arguments.section) - set(sections):
        parser.error(
            f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(sections)}"
        )
    warnings.simplefilter("ignore")  # quantulum3 warns of the classifier that it does without
    chosen = arguments.section or sections
    if "compare" in chosen:
        from normalize_compare import compare

        compare()
    if "throughput" in chosen:
        throughput()
    if "linear" in chosen:
        linear(arguments.largest)


if __name__ == "__main__":
    main()
