"""Compares the pace of grounding and normalizing in this checkout with that of an earlier commit.

    python benchmarks/versions.py [COMMIT] [--passes N] [--replies FILE]

Both read the same abstracts with the same stored replies (the seeds and the open gold, or FILE:
JSON Lines of title, abstract and reply). Each is a process of its own; the two take turns, so that
other work on the machine slows both alike. The figures are processor time: of a first pass, in
which tables are read and patterns compiled, and of the best of three more. COMMIT is 88f0154 if
none is named: the last one before the rooms moved.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Run in either version: modules have other names in commits before the rooms moved.
CHILD = """
import json, sys, time
try:
    from claimgrid.extraction.pipeline import read_answer
    from claimgrid.quantities.lexer import lex
    from claimgrid.types.answer import Answer, Usage
    from claimgrid.types.paper import Paper
    from claimgrid.types.reply import Reply
except ImportError:
    from claimgrid.llm.answer import Answer, Usage
    from claimgrid.normalize.numbers import lex
    from claimgrid.papers import Paper
    from claimgrid.pipeline import read_answer
    from claimgrid.reply import Reply

work = [
    (Paper(paper_id=str(n), title=title, abstract=abstract),
     Answer(Reply.model_validate(json.loads(reply)), (), Usage(), "recording", "benchmark", "any"))
    for n, (title, abstract, reply) in enumerate(json.load(open(sys.argv[1])))
]

def once(run):
    started = time.process_time()
    for item in work:
        run(item)
    return (time.process_time() - started) / len(work)

def seconds(run):
    times = []
    for _ in range(3):
        started = time.process_time()
        for item in work:
            run(item)
        times.append(time.process_time() - started)
    return min(times) / len(work)

print(json.dumps({
    "first": once(lambda pair: read_answer(*pair)),
    "path": seconds(lambda pair: read_answer(*pair)),
    "lexer": seconds(lambda pair: lex(pair[0].abstract)),
    "claims": sum(len(read_answer(*pair).claims) for pair in work),
    "abstracts": len(work),
}))
"""


def stored_replies() -> list[tuple[str, str, str]]:
    """Title, abstract and reply of each paper that the strong model's recordings answer."""
    from claimgrid import sources
    from claimgrid.types.paper import Paper

    files = (ROOT / "seeds", ROOT / "fixtures/gold/open-abstracts.jsonl")
    papers = {
        item.abstract_sha256: item
        for file in files
        for item in sources.read(str(file))
        if isinstance(item, Paper)
    }
    found = []
    for path in sorted((ROOT / "fixtures/recordings/claude").glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        paper = papers.get(record["abstract_sha256"])
        if paper is not None:
            message = record["attempts"][-1]["body"]["choices"][0]["message"]
            found.append((paper.title or "", paper.abstract, message["content"]))
    return found


def measured(tree: Path, work: Path) -> dict[str, float]:
    """Seconds of processor time for an abstract, with the package of `tree`."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(work)],
        env=os.environ | {"PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?", default="88f0154")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--replies", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        old, work = Path(folder, "old"), Path(folder, "work.json")
        lines = options.replies.read_text("utf-8").splitlines() if options.replies else []
        work.write_text(json.dumps([json.loads(line) for line in lines] or stored_replies()))
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(old), options.commit], check=True)
        try:
            pairs = [(measured(old, work), measured(ROOT, work)) for _ in range(options.passes)]
        finally:
            subprocess.run([*git, "remove", "--force", str(old)], check=True)
    before, now = pairs[0]
    print(f"{now['abstracts']} abstracts; claims: {before['claims']} before, {now['claims']} now")
    for part, label in (
        ("first", "ground + normalize + audit, first pass"),
        ("path", "ground + normalize + audit, again"),
        ("lexer", "the lexer alone"),
    ):
        ratios = sorted(one[part] / two[part] for one, two in pairs)
        best = [min(pair[n][part] for pair in pairs) for n in (0, 1)]
        print(
            f"{label:38} before {1000 * best[0]:.2f} ms, now {1000 * best[1]:.2f} ms; "
            f"pace now: {statistics.median(ratios):.2f} times the earlier one "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
