"""Claims, paper lines and rejected items ─► the columns that a page embeds. Knows no HTML.

A column is shorter than the same objects one by one and is read faster; what the page can work out
itself (the quoted words from their offsets, counts from the claims) is left out.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

from claimgrid.types.claim import Claim, PaperLine, Rejected

_UNUSED_OF_PAPER = {"abstract_sha256", "claims", "rejected"}
_RUN = ("claimgrid", "source", "model", "prompt", "finished", "papers")

Columns = dict[str, list[Any]]


def payload(
    manifest: Mapping[str, Any],
    papers: Iterable[PaperLine],
    claims: Iterable[Claim],
    rejected: Iterable[Rejected],
) -> dict[str, Any]:
    """All that the page shows of a run. A claim or rejected item names its paper by position."""
    lines = [paper.model_dump(mode="json", exclude=_UNUSED_OF_PAPER) for paper in papers]
    # A run may read one id twice (a source that repeats itself): the first line has its claims.
    places: dict[str, int] = {}
    for place, line in enumerate(lines):
        places.setdefault(line["paper_id"], place)
    return {
        "run": facts(manifest),
        "papers": columns(lines),
        "claims": columns(_flat(claim, places) for claim in claims),
        "rejected": columns(
            {"paper": places.get(item.paper_id), **item.model_dump(mode="json")}
            for item in rejected
        ),
    }


def facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says about the run itself."""
    return {name: manifest.get(name) for name in _RUN}


def columns(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Rows ─► columns of equal length, null where a row lacks the field."""
    found: Columns = {}
    for place, row in enumerate(rows):
        for name in row:
            if name not in found:
                found[name] = [None] * place
        for name, column in found.items():
            column.append(row.get(name))
    return found


def pack(value: Any) -> str:
    """JSON, gzipped, in base64: nothing in it can end a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return pack_text(text)


def pack_text(text: str) -> str:
    """Text, gzipped without a time stamp, in base64."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def _flat(claim: Claim, places: Mapping[str, int]) -> dict[str, Any]:
    row = claim.model_dump(mode="json")
    value = row.pop("value") or {}
    evidence = row.pop("evidence")
    ratio = row.pop("ratio", None) or {}
    row["paper"] = places.get(row.pop("paper_id"))
    row |= {"text": value.get("text"), "low": value.get("low"), "high": value.get("high")}
    row |= {"unit": value.get("unit"), "start": evidence["start"], "end": evidence["end"]}
    if ratio:
        row |= {"ratio_low": ratio["low"], "ratio_high": ratio["high"]}
    return row
