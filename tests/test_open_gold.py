"""The open gold's own files, and the table that is made from runs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "fixtures" / "gold"


def test_the_croissant_metadata_is_of_these_files() -> None:
    told = json.loads((FOLDER / "open.croissant.json").read_text(encoding="utf-8"))
    for name in ("@context", "@type", "conformsTo", "name", "description", "license", "url",
                 "creator", "datePublished"):  # fmt: skip
        assert told[name]
    for file in told["distribution"]:
        content = (FOLDER / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest(), file["name"]


def test_the_croissant_fields_are_columns_of_the_files() -> None:
    """mlcroissant reads JSON Lines by column; a path into them gives it no record."""
    told = json.loads((FOLDER / "open.croissant.json").read_text(encoding="utf-8"))
    assert told["@type"] == "sc:Dataset"
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    files = {file["@id"]: file["contentUrl"] for file in told["distribution"]}
    ids = [one["@id"] for records in told["recordSet"] for one in (records, *records["field"])]
    assert len(set(ids)) == len(ids)
    for records in told["recordSet"]:
        for one in records["field"]:
            source = one["source"]
            with (FOLDER / files[source["fileObject"]["@id"]]).open(encoding="utf-8") as lines:
                assert all(source["extract"]["column"] in json.loads(line) for line in lines)


def test_every_abstract_says_that_it_is_invented_and_free() -> None:
    lines = [
        json.loads(line)
        for line in (FOLDER / "open-abstracts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) >= 60
    assert {line["license"] for line in lines} == {"CC0-1.0"}
    assert all(line["note"].startswith("invented") for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["quality.py", "confidence.py"])
def test_the_documents_have_the_tables_of_today(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
