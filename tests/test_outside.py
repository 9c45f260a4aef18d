"""The outside yardsticks' readers, on small invented files in the layouts of the real ones."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_cli import extract, lines

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import outside  # noqa: E402

TEX = r"""
\documentclass{article}
\title{Zephyr: Wind for \emph{Every} Sail}
% \begin{abstract} an old one, 11.1 \end{abstract}
\begin{document}
\begin{abstract}
Zephyr reaches 91.4 accuracy
on Foo-Bench and 37.5 BLEU on Bar-MT.  % 12.5 is said in a comment
\end{abstract}
\section{Introduction} It reaches 55.5 on Baz.
\end{document}
"""


def board(dataset: str, score: str, metric: str = "Accuracy") -> dict[str, Any]:
    return {"LEADERBOARD": {"Task": "T", "Dataset": dataset, "Metric": metric, "Score": score}}


BOARDS = [
    board("Foo-Bench", "91.4%"),
    board("Bar-MT", "37.5", "BLEU"),
    board("Bar-MT (test)", "37.5", "BLEU"),
    board("Baz", "55.5"),  # not in the abstract
    board("Qux", "12.5"),  # in a comment alone
    board("Foo-Bench", "9"),  # a whole number
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three folders: labels as JSON, labels as Python writes them, and none."""
    for name, labels, text in (
        ("2401.00001v1", "annotations.json", json.dumps(BOARDS)),
        ("2401.00002v1", "annotations.txt", repr(BOARDS)),
        ("2401.00003v1", "annotations.txt", "unanswerable\n"),
    ):
        folder = tmp_path / "corpus" / "train" / name
        folder.mkdir(parents=True)
        (folder / labels).write_text(text, encoding="utf-8")
        (folder / f"{name}.tex").write_text(TEX, encoding="utf-8")
        (folder / "macros.tex").write_text("\\newcommand{\\x}{1}", encoding="utf-8")
    return tmp_path / "corpus"


def test_the_clef_folders_give_the_scores_that_abstracts_state(corpus: Path) -> None:
    found = list(outside.read_gold(corpus))
    assert [paper.id for paper in found] == ["2401.00001v1", "2401.00002v1"]
    for paper in found:
        assert paper.abstract == (
            "Zephyr reaches 91.4 accuracy on Foo-Bench and 37.5 BLEU on Bar-MT."
        )
        assert paper.title.startswith("Zephyr: Wind for")
        stated = {score.number: score.datasets for score in paper.scores}
        assert stated == {"91.4": ("Foo-Bench",), "37.5": ("Bar-MT", "Bar-MT (test)")}
        for score in paper.scores:
            for start, end in score.spans:
                assert paper.abstract[start:end] == score.number


def test_labels_in_both_forms_are_one_paper(corpus: Path) -> None:
    (corpus / "train/2401.00001v1/annotations.txt").write_text(repr(BOARDS), encoding="utf-8")
    assert len(list(outside.read_gold(corpus))) == 2


HEAD = ("Model", "Domain", "Organization", "Publication date", "Parameters", "Abstract", "Link")
SIZES = "We train Zephyr with 7 billion parameters and Boreas with 1.3B parameters."


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [
        ("Zephyr-7B", "Language", "Aeolus", "2025-01-01", "7000000000.0", SIZES, ""),
        ("Boreas", "Language", "Aeolus", "2025-01-01", "1.3e+09", SIZES, ""),
        ("Auster", "Vision", "Aeolus", "2025-01-01", "9000000000", SIZES, ""),  # not stated
        ("Notus", "Vision", "Aeolus", "2025-01-01", "", SIZES, ""),
        ("Eurus", "Vision", "Aeolus", "2025-01-01", "7000000000", "", ""),
        ("Kaikias", "Vision", "Aeolus", "2025-01-01", "unknown", SIZES, ""),
    ]
    path = tmp_path / "all_ai_models.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return path


def test_the_epoch_table_gives_the_counts_that_abstracts_state(table: Path) -> None:
    found = [(paper.title, paper.params) for paper in outside.read_gold(table)]
    assert found == [("Zephyr-7B", [7_000_000_000]), ("Boreas", [1_300_000_000])]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["corpus", "table"])
def test_a_run_is_scored_by_recall(
    layout: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    gold = request.getfixturevalue(layout)

    def script(*words: object) -> str:
        command = [sys.executable, str(ROOT / "benchmarks" / "outside.py"), *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    papers, run = tmp_path / "papers.jsonl", tmp_path / "run"
    script("papers", gold, "-o", papers)
    assert extract("run", papers, "-o", run, "--model", "rules", "--keep-versions").returncode == 0
    told = json.loads(script("score", run, gold, "--json"))
    # The baseline finds what cue words show; what counts here is that its claims are compared.
    of = {name: counts[1] for name, counts in told.items()}
    if layout == "table":
        assert of == {"parameter counts, within 1%": 2}
        assert told["parameter counts, within 1%"][0] == 2
    else:
        assert of["scores that the abstract states"] == 4
        kept = lines(run / "claims.jsonl")
        numbers = {c["value"]["low"] for c in kept if c["kind"] == "benchmark" and c["value"]}
        found = 2 * len(numbers & {91.4, 37.5})
        assert told["scores that the abstract states"][0] == found > 0


@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["LEADERBOARD", "Score", "x"]), inner, max_size=3)
            ),
            max_leaves=8,
        ).map(json.dumps),
    )
)
def test_labels_of_any_kind_are_read_or_passed_over(text: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "annotations.txt")
        path.write_text(text, encoding="utf-8", errors="replace")
        for entry in outside._leaderboards(path):
            assert all(isinstance(part, str) for pair in entry.items() for part in pair)


@given(st.text(alphabet="0123456789. ,-%x", max_size=60), st.floats(0.1, 999).map("{:.1f}".format))
def test_a_number_is_found_where_it_stands_alone(text: str, number: str) -> None:
    around = f"{text} {number} {text}"
    places = list(outside._places(around, number))
    assert (len(text) + 1, len(text) + 1 + len(number)) in places
    for start, end in places:
        assert around[start:end] == number
        assert not around[end : end + 1].isdigit()
