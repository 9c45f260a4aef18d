"""MeasEval and Every Eval Ever: what the adapters write is valid and points at the right words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema

from claimgrid.evaluate.export_targets import write_every_eval_ever, write_meas_eval
from claimgrid.evaluate.meas_eval import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = str(ROOT / "fixtures" / "golden" / "seeds")
SCHEMA = ROOT / "tests" / "data" / "every-eval-ever-0.3.0.schema.json"


def test_every_record_is_valid_and_carries_its_quote(tmp_path: Path) -> None:
    told = write_every_eval_ever([GOLDEN], tmp_path)
    files = sorted(tmp_path.glob("*.json"))
    assert told.startswith(f"{len(files)} records")
    assert files
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert list(validator.iter_errors(record)) == []
        assert record["source_metadata"]["source_type"] == "documentation"
        for result in record["evaluation_results"]:
            details = result["score_details"]["details"]
            assert int(details["end"]) - int(details["start"]) == len(details["quote"])
            source = result["source_data"]["additional_details"]
            assert source == {name: details[name] for name in ("quote", "start", "end")}


def test_scores_keep_their_benchmark(tmp_path: Path) -> None:
    write_every_eval_ever([GOLDEN], tmp_path)
    scores = {
        (result["evaluation_name"], result["score_details"]["score"])
        for path in tmp_path.glob("seed1-5*.json")
        for result in json.loads(path.read_text(encoding="utf-8"))["evaluation_results"]
    }
    assert scores == {("AIME 2024", 86.7), ("Codeforces", 55.0), ("GPQA", 77.3)}


def test_meas_eval_rows_point_at_their_words(tmp_path: Path) -> None:
    write_meas_eval([GOLDEN], tmp_path)
    tables = sorted(tmp_path.glob("*.tsv"))
    assert len(tables) == 14
    kinds = set()
    for path in tables:
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        for row in rows:
            assert tuple(row) == COLUMNS
            words = text[int(row["startOffset"]) : int(row["endOffset"])]
            assert " ".join(words.split()) == row["text"]
            kinds.add(row["annotType"])
            if row["other"]:
                json.loads(row["other"])
        sets = [row["annotSet"] for row in rows if row["annotType"] == "Quantity"]
        assert len(sets) == len(set(sets))
    assert kinds == {"Quantity", "MeasuredEntity", "MeasuredProperty"}
