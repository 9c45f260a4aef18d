"""What the reader learns from: examples, their variation, and a real training if torch is here."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

from claimgrid.training import reader_examples
from claimgrid.training.reader_examples import Example, example, roles, vary
from claimgrid.types.paper import Paper

ABSTRACT = (
    "We present Zephyr. Zephyr is up to 2.5x faster than Boreas for decoding on an NVIDIA A100 "
    "GPU. On FooBench, Zephyr reaches 71.9% accuracy. Our Zephyr-7B model is small."
)
PAPER = Paper(paper_id="z", title="Zephyr: a system", abstract=ABSTRACT)


def gold(kind: str, quote: str, **more: object) -> dict[str, object]:
    start = ABSTRACT.index(quote)
    line = {"kind": kind, "quote": quote, "start": start, "end": start + len(quote)}
    return line | {"stance": "own", "qualifier": "exact"} | more


def number(text: str, low: float, unit: str) -> dict[str, object]:
    return {"text": text, "low": low, "high": low, "unit": unit}


KNOWN = [
    gold(
        "speedup", "up to 2.5x faster than Boreas", value=number("2.5x", 2.5, "x"),
        ratio={"low": 2.5, "high": 2.5}, qualifier="up_to", metric="speed", subject="Zephyr",
        baselines=["Boreas"], workload="decoding", hardware=["nvidia-a100"],
    ),
    gold(
        "benchmark", "reaches 71.9% accuracy", role="result", relation="absolute",
        value=number("71.9%", 71.9, "%"), metric="accuracy", benchmark="FooBench",
        subject="Zephyr", baselines=[],
    ),
    gold("model_size", "Zephyr-7B", model="Zephyr-7B", params=7_000_000_000),
    gold("hardware", "an NVIDIA A100 GPU", device="nvidia-a100", count=1, role="evaluation"),
]  # fmt: skip


def marks(one: Example) -> dict[str, reader_examples.Mark]:
    return {
        one.abstract[q.start : q.end]: mark
        for q, mark in zip(one.questions, one.marks, strict=True)
        if mark.label != "no"
    }


def words(one: Example, mark: reader_examples.Mark, field: str) -> list[str]:
    return [one.abstract[slice(*places[0])] for places in mark.fields[field]]


def test_an_example_points_at_the_words_of_each_field() -> None:
    one = example(PAPER, KNOWN)
    found = marks(one)
    speedup = found["2.5x"]
    assert (speedup.label, speedup.metric, speedup.bound) == ("up", "speed", "up_to")
    assert words(one, speedup, "subject") == ["Zephyr"]
    assert words(one, speedup, "baselines") == ["Boreas"]
    assert words(one, speedup, "workload") == ["decoding"]
    assert speedup.hardware == ("nvidia-a100",)
    score = found["71.9%"]
    assert words(one, score, "benchmark") == ["FooBench"]
    assert score.fields["baselines"] == ()
    assert words(one, found["7B"], "model") == ["Zephyr-7B"]


def test_a_field_is_looked_for_in_the_sentence_of_its_number_first() -> None:
    one = example(PAPER, KNOWN)
    (places,) = marks(one)["2.5x"].fields["subject"]
    assert [ABSTRACT[:start].count(".") for start, _ in places] == [1]


def test_background_is_learned_as_background() -> None:
    line = {**KNOWN[0], "stance": "background"}
    assert marks(example(PAPER, [line]))["2.5x"].background


ASIDE = "Memory is what such systems lack."


@pytest.mark.parametrize("seed", range(20))
def test_variation_moves_everything_with_its_words(seed: int) -> None:
    one = example(PAPER, KNOWN)
    pool = {role: ["Quagga", "A Longer Name"] for role in ("subject", "benchmark", "baselines", "")}
    new = vary(one, pool, random.Random(seed), 0.6, [ASIDE])
    before, after = marks(one), marks(new)
    assert len(before) == len(after)
    assert [mark.label for mark in after.values()] == [mark.label for mark in before.values()]
    for mark in after.values():
        for field, values in mark.fields.items():
            for places in values:
                assert len({new.abstract[s:e] for s, e in places}) == 1, (field, places)
    for question in new.questions:
        if question.about == "name":
            assert new.abstract[question.start : question.end] == question.shown
    for slug, start, end in new.devices:
        assert slug == "nvidia-a100"
        assert new.abstract[start:end] == "NVIDIA A100 GPU"


def test_numbers_are_also_written_in_latex_and_sentences_mixed_in() -> None:
    one = example(PAPER, KNOWN)
    varied = [vary(one, {}, random.Random(seed), 0.9, [ASIDE]) for seed in range(40)]
    numbers = {new.abstract[q.start : q.end] for new in varied for q in new.questions}
    assert any(words.startswith("$") and words.endswith("\\times$") for words in numbers)
    assert any(words.endswith("\\%$") for words in numbers)
    before = {new.abstract.partition(ASIDE)[0] for new in varied if ASIDE in new.abstract}
    assert len({text.count(". ") for text in before}) > 2
    assert {text[-2:] for text in before} <= {"", ". "}


def test_sentences_without_candidates_are_asides() -> None:
    paper = Paper(paper_id="a", title="A", abstract=f"{ASIDE} It is 2x faster than Boreas.")
    assert reader_examples.asides([example(paper, []), example(PAPER, KNOWN)]) == [ASIDE]


def test_names_are_swapped_for_names_of_their_role() -> None:
    assert roles([example(PAPER, KNOWN)]) == {
        "subject": ["Zephyr"],
        "baselines": ["Boreas"],
        "benchmark": ["FooBench"],
    }


# For real ─────────────────────────────────────────────────────────────────────────────────────────

_NEEDED = ("torch", "onnx", "onnxscript", "onnxruntime", "safetensors", "tokenizers")
LACKING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def tiny_base(folder: Path) -> Path:
    """A BERT with random weights and the shipped vocabulary."""
    import json
    import shutil

    import torch
    from safetensors.torch import save_file

    from claimgrid.engines import in_process

    config = {
        "vocab_size": 30522, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 512,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copyfile(in_process.shipped() / "tokenizer.json", folder / "tokenizer.json")
    torch.manual_seed(1)
    shapes = {
        "embeddings.word_embeddings.weight": (30522, 16),
        "embeddings.position_embeddings.weight": (512, 16),
        "embeddings.token_type_embeddings.weight": (2, 16),
        "embeddings.LayerNorm.weight": (16,),
        "embeddings.LayerNorm.bias": (16,),
    }
    at = "encoder.layer.0."
    for name, rows, columns in (
        ("attention.self.query", 16, 16), ("attention.self.key", 16, 16),
        ("attention.self.value", 16, 16), ("attention.output.dense", 16, 16),
        ("intermediate.dense", 32, 16), ("output.dense", 16, 32),
    ):  # fmt: skip
        shapes |= {f"{at}{name}.weight": (rows, columns), f"{at}{name}.bias": (rows,)}
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        shapes |= {f"{at}{name}.weight": (16,), f"{at}{name}.bias": (16,)}
    weights = {name: 0.1 * torch.randn(shape) for name, shape in shapes.items()}
    save_file(weights, str(folder / "model.safetensors"))
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of itself
@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
def test_a_reader_is_trained_goes_on_and_answers(tmp_path: Path) -> None:
    import json

    from claimgrid.engines import in_process
    from claimgrid.training import reader_distilling
    from claimgrid.training.reader_loop import ReaderPlan

    base = tiny_base(tmp_path / "base")
    known = [(PAPER, KNOWN)] * 8
    out = tmp_path / "out"
    plan = ReaderPlan(epochs=4, batch=4, kept_every=2)
    reader_distilling.distill(base, known, known[:2], out, plan)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == 8
    assert losses[-1] < losses[0]
    measured = reader_distilling.distill(base, known, known[:2], out, plan)  # nothing is left to do
    assert len((out / "log.jsonl").read_text().splitlines()) == len(lines)
    assert measured["abstracts"] == 2
    assert (out / "README.md").read_text().count("|") > 10
    answer, doubt = in_process.load(f"reader:{out}").answer(PAPER.title, ABSTRACT)
    assert doubt >= 0
    assert answer.model.startswith("reader@")
