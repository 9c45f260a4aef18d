"""The data of a page: claims, paper lines and rejected items as columns.

A column is shorter than the same objects one by one and is read faster; what the page can work out
itself (the quoted words from their offsets, counts from the claims) is left out.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from claimgrid.entities.device_names import product_name
from claimgrid.entities.metrics import direction_in
from claimgrid.quantities import shown_numbers
from claimgrid.report.comparison import Comparison, Pair
from claimgrid.text.readable import readable
from claimgrid.types.claim import Claim, PaperLine, Rejected

_UNUSED_OF_PAPER = {"abstract_sha256", "claims", "rejected"}
_RUN = ("claimgrid", "source", "model", "prompt", "finished", "papers", "caution")
_WORDED = ("subject", "benchmark", "metric", "workload", "model", "baselines")

Columns = dict[str, list[Any]]


def payload(
    manifest: Mapping[str, Any],
    papers: Iterable[PaperLine],
    claims: Iterable[Claim],
    rejected: Iterable[Rejected],
) -> dict[str, Any]:
    """All that the page shows of a run. A claim or rejected item names its paper by position."""
    lines = [
        paper.model_dump(mode="json", exclude=_UNUSED_OF_PAPER) | {"title": readable(paper.title)}
        for paper in papers
    ]
    # A run may read one id twice (a source that repeats itself): the first line has its claims.
    places: dict[str, int] = {}
    for place, line in enumerate(lines):
        places.setdefault(line["paper_id"], place)
    made = columns(_flat(claim, places) for claim in claims)
    return {
        "run": facts(manifest) | {"devices": device_names(made)},
        "papers": columns(lines),
        "claims": made,
        "rejected": columns(
            {"paper": places.get(item.paper_id), **item.model_dump(mode="json")}
            for item in rejected
        ),
    }


def payload_of_runs(
    manifests: Mapping[str, Mapping[str, Any]], compared: Comparison
) -> dict[str, Any]:
    """All that the page shows of several runs: each claim once, with the runs that make it."""
    names = list(manifests)
    made = payload({}, compared.papers, [pair.claim for pair in compared.pairs], compared.rejected)
    made["claims"]["runs"] = [_in_runs(pair, names) for pair in compared.pairs]
    made["claims"]["differences"] = [
        [
            {"field": name, "said": {run: _shown(value) for run, value in of.items()}}
            for name, of in pair.differences().items()
        ]
        for pair in compared.pairs
    ]
    made["runs"] = {name: facts(manifest) for name, manifest in manifests.items()}
    made["run"] = facts({}) | {"model": None, "devices": made["run"]["devices"]}
    return made


def _in_runs(pair: Pair, names: list[str]) -> str:
    """`in all`, or the runs that have it: `A alone`."""
    own = list(pair.by_run)
    if len(own) == len(names):
        return "differ in a field" if pair.differences() else "the same in all"
    return f"{' and '.join(own)} alone"


def _shown(value: Any) -> str:
    """A field's value in few words."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        ends = f"{low:g}" if low == high else f"{low:g}–{high:g}"
        return str(value["text"]) if "text" in value else ends
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else readable(str(value))


def facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says about the run itself."""
    return {name: manifest.get(name) for name in _RUN}


def facts_of_runs(manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same of several runs: what they all say, and each caution once."""
    every = [facts(manifest) for manifest in manifests]
    if len(every) == 1:
        return every[0]
    told: dict[str, Any] = {}
    for name in _RUN:
        said = list(dict.fromkeys(str(one[name]) for one in every if one[name]))
        told[name] = "; ".join(said) or None
    # The papers of several runs overlap: the page counts those that it shows.
    return told | {"papers": None}


def device_names(claims: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """What the devices of these claims (as columns) are called: `nvidia-a100` is NVIDIA A100."""
    slugs = {slug for slug in claims.get("device", ()) if slug}
    slugs |= {slug for held in claims.get("hardware", ()) for slug in held or ()}
    return {slug: product_name(slug) for slug in sorted(slugs)}


def columns(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Rows as columns of equal length, null where a row lacks the field."""
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


def told(line: Mapping[str, Any]) -> dict[str, Any]:
    """What the page needs besides a claim's line: readable words, and which way is better.

    `plain` holds the fields whose words have LaTeX markup, without it; `way` is `higher` or `lower`
    for a score, None where it is not known. `unit_words` is the unit as people write it, where that
    differs.
    """
    value, evidence = line.get("value") or {}, line["evidence"]
    given = {name: line.get(name) for name in _WORDED}
    given |= {"text": value.get("text"), "quote": evidence["quote"]}
    plain: dict[str, Any] = {}
    for name, words in given.items():
        made: Any = words
        if isinstance(words, list):
            made = [readable(one) for one in words]
        elif isinstance(words, str):
            made = readable(words)
        if made != words:
            plain[name] = made
    absolute = line.get("relation") == "absolute"
    way = direction_in(value.get("unit") or "", line.get("metric")) if absolute else None
    unit = value.get("unit")
    spelled = shown_numbers.unit_words(unit) if unit else None
    return {"plain": plain or None, "way": way, "unit_words": spelled if spelled != unit else None}


def _flat(claim: Claim, places: Mapping[str, int]) -> dict[str, Any]:
    row = claim.model_dump(mode="json")
    row |= told(row)
    value = row.pop("value") or {}
    evidence = row.pop("evidence")
    ratio = row.pop("ratio", None) or {}
    row["paper"] = places.get(row.pop("paper_id"))
    row |= {"text": value.get("text"), "low": value.get("low"), "high": value.get("high")}
    row |= {"unit": value.get("unit"), "start": evidence["start"], "end": evidence["end"]}
    if ratio:
        row |= {"ratio_low": ratio["low"], "ratio_high": ratio["high"]}
    return row
