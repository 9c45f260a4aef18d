"""The answers of the API: rows and counts from the DuckDB views, by filters.

Every filter is a parameter of the query, never part of its text; the order of rows is one of a
fixed list. Matches the page's own `local.js`, which answers the same from embedded data.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from claimgrid.report.page_data import device_names, told
from claimgrid.tables.views import Database
from claimgrid.text.readable import readable
from claimgrid.types.claim import Claim, Kind, PaperLine, Qualifier, Stance

_DEVICES = "case kind when 'hardware' then [device] else coalesce(hardware, []) end"
FACETS = {
    "kind": "kind",
    "stance": "stance",
    "bound": "bound",
    "metric": "metric",
    "hardware": _DEVICES,
    "benchmark": "benchmark",
    "sure": "case when confidence < 0.6 then 'low' when confidence < 0.8 then 'middle' "
    "when confidence is not null then 'high' end",
    "year": "coalesce(year::varchar, 'none')",
    "paper": "paper_id",
}
_MANY = "hardware"
_LONGEST_FACET = 500
_TEXT = {
    "claims": "concat_ws(chr(10), title, paper_id, subject, metric, benchmark, workload, model, "
    "device, array_to_string(baselines, ' '), array_to_string(hardware, ' '), written, quote)",
    "papers": "concat_ws(chr(10), title, paper_id, abstract, array_to_string(authors, ' '), "
    "array_to_string(organizations, ' '))",
    "rejected": "concat_ws(chr(10), title, paper_id, reason, detail, words)",
    "unclaimed": 'concat_ws(chr(10), title, paper_id, "text", reason, around)',
}
# Rows as they stand in the files, numbered in that order.
_NUMBERED = "(select *, row_number() over () as place from {})"
_FROM = {name: _NUMBERED.format(name) for name in ("claims", "rejected")}
# What a paper says of its own work, by kind: background claims are counted where asked for alone.
_FROM["papers"] = (
    "(select p.*, own, coalesce(list_sum(map_values(own)), 0) as own_count "
    "from (select *, row_number() over () as place from papers) p left join "
    "(select run, paper_id, map(list(kind), list(n)) as own from "
    "(select run, paper_id, kind, count(*) as n from claims where stance = 'own' group by all) "
    "group by all) using (run, paper_id))"
)
# Offsets count from 0, DuckDB's from 1; 60 characters before and after are shown.
_FROM["unclaimed"] = (
    '(select u.*, abstract[greatest(1, u."start" - 59):u."end" + 60] as around '
    "from (select *, row_number() over () as place from unclaimed) u "
    "join papers using (run, paper_id))"
)
_SORTS = {
    "claims": {
        "ratio": "ratio.high",
        "value": "value.high",
        "count": "count",
        "params": "params",
        "active_params": "active_params",
        "year": "if(year is null, null, date)",
        "title": "lower(title)",
        "kind": "kind",
        "subject": "lower(subject)",
        "metric": "lower(metric)",
        "workload": "lower(workload)",
        "baselines": "lower(nullif(array_to_string(baselines, ', '), ''))",
        "hardware": "lower(nullif(array_to_string(hardware, ', '), ''))",
        "qualifier": "bound",
        "benchmark": "lower(benchmark)",
        "role": "role",
        "device": "device",
        "category": "category",
        "model": "lower(model)",
        "confidence": "confidence",
    },
    "papers": {
        "title": "lower(title)",
        "year": "if(year is null, null, date)",
        "own": "own_count",
        "status": "status",
        "unclaimed": "unclaimed",
    },
    "rejected": {"kind": "kind", "reason": "reason", "title": "lower(title)"},
    "unclaimed": {"text": 'lower("text")', "reason": "reason", "title": "lower(title)"},
}
_FIELDS = {
    get_args(line.model_fields["kind"].annotation)[0]: tuple(line.model_fields)
    for line in get_args(get_args(Claim)[0])
}
# The rest of a paper line is counted anew, or is of no use to a reader.
_PAPER_FIELDS = tuple(
    name
    for name in PaperLine.model_fields
    if name not in {"abstract_sha256", "claims", "rejected", "extra"}
)

# Written only where they say something, as in the files.
_OPTIONAL = ("ambiguous", "confidence", "confidence_source", "support", "checked")
_OPTIONAL_OF_PAPER = (
    "citation_key", "doi", "arxiv_id", "arxiv_version", "venue", "year", "url",
)  # fmt: skip

List = Literal["claims", "papers", "rejected", "unclaimed"]
_IDS = {"claims": "claim_id", "papers": "paper_id"}


class Search(BaseModel):
    """Words of a search; all of them must occur, in any order and case."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=500, description="Words that must all occur.")] = ""


class ClaimFilters(Search):
    """Which claims are meant: any of the values given for one filter, and all of the filters."""

    kind: list[Kind] = []
    stance: list[Stance] = []
    bound: list[Qualifier] = []
    metric: list[str] = []
    hardware: Annotated[list[str], Field(description="Device slugs, such as nvidia-a100.")] = []
    benchmark: list[str] = []
    sure: Annotated[
        list[Literal["low", "middle", "high"]],
        Field(description="Confidence below 0.6, below 0.8, or from 0.8 on."),
    ] = []
    year: Annotated[list[str], Field(description="Years of papers, or none.")] = []
    paper: Annotated[list[str], Field(description="Ids of papers.")] = []


class Window(BaseModel):
    """Which rows of a list, in which order."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


def sorts(list_: List) -> str:
    """The pattern of the orders that a list can be asked for; `-` puts the highest first."""
    return f"^(-?({'|'.join(_SORTS[list_])}))?$"


def devices(database: Database) -> dict[str, str]:
    """What the devices of the claims are called, by slug."""
    every = "unnest(list_append(coalesce(hardware, []), device))"
    found = database.query(f"select distinct {every} from claims").rows  # noqa: S608 our words
    return device_names({"device": [slug for (slug,) in found]})


def rows(
    database: Database, list_: List, search: Search, window: Window, sort: str
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows fit, and those in the window."""
    where, given = _where(list_, search)
    found = database.query(f"select count(*) from {_FROM[list_]} where {where}", given)  # noqa: S608
    total: int = found.rows[0][0]
    sql = (
        f"select * from {_FROM[list_]} where {where} "  # noqa: S608
        f"order by {_order(list_, sort)} limit $limit offset $offset"
    )
    frame = database.query(sql, given | window.model_dump(include={"limit", "offset"}))
    return total, [_SHAPES[list_](row) for row in frame.dicts()]


def place(
    database: Database, list_: Literal["claims", "papers"], search: Search, sort: str, row_id: str
) -> int | None:
    """The place of a claim or paper among the rows that fit, from 0; None where it is none of them.

    Args:
        row_id: the id of the claim or paper.
    """
    where, given = _where(list_, search)
    sql = (
        f"select seat from (select {_IDS[list_]} as id, "  # noqa: S608
        f"row_number() over (order by {_order(list_, sort)}) - 1 as seat "
        f"from {_FROM[list_]} where {where}) where id = $id order by seat limit 1"
    )
    found = database.query(sql, given | {"id": row_id}).rows
    return found[0][0] if found else None


def facets(database: Database, filters: ClaimFilters) -> dict[str, list[list[Any]]]:
    """Per filter its values with how many claims have each, most first, by the other filters."""
    made = {}
    for name, column in FACETS.items():
        where, given = _where("claims", filters, leave_out=name)
        value = f"unnest(list_distinct({column}))" if name == _MANY else column
        title = ", any_value(title)" if name == "paper" else ""
        sql = (
            f"select value, count(*) as n{title} from "  # noqa: S608
            f"(select {value} as value, title from claims where {where}) "
            f"where value is not null group by value order by n desc, value limit {_LONGEST_FACET}"
        )
        made[name] = [list(row) for row in database.query(sql, given).rows]
    return made


def timeline(database: Database, filters: ClaimFilters) -> list[dict[str, Any]]:
    """How many papers name each device in each year; those without a year under `no year`."""
    where, given = _where("claims", filters)
    sql = (
        "select device, coalesce(year::varchar, 'no year') as year, "  # noqa: S608
        f"count(distinct paper_id) as papers from claims where {where} and device is not null "
        "group by all order by all"
    )
    return list(database.query(sql, given).dicts())


def paper(database: Database, paper_id: str) -> dict[str, Any] | None:
    """A paper line with its claims and rejected items, or None."""
    given = {"id": paper_id}
    sql = f"from {_FROM['papers']} where paper_id = $id limit 1"
    found = list(database.query(sql, given).dicts())
    if not found:
        return None
    claims = database.query("from claims where paper_id = $id", given).dicts()
    rejected = database.query("from rejected where paper_id = $id", given).dicts()
    return {
        "paper": _paper(found[0]),
        "claims": [_claim(row) for row in claims],
        "rejected": [_rejected(row) for row in rejected],
    }


def claim(database: Database, claim_id: str) -> dict[str, Any] | None:
    """A claim line, or None."""
    found = database.query("from claims where claim_id = $id limit 1", {"id": claim_id})
    return next((_claim(row) for row in found.dicts()), None)


def sizes(database: Database) -> dict[str, int]:
    """How many rows each list has."""
    return {
        name: database.query(f"select count(*) from {name}").rows[0][0]  # noqa: S608
        for name in _TEXT
    }


def _order(list_: List, sort: str) -> str:
    down = "desc" if sort.startswith("-") else "asc"
    return f"{_SORTS[list_][sort.removeprefix('-')]} {down} nulls last, place" if sort else "place"


def _where(list_: List, search: Search, *, leave_out: str = "") -> tuple[str, dict[str, Any]]:
    parts, given = ["true"], {}
    for place, word in enumerate(search.q.lower().split()):
        parts.append(f"contains(lower({_TEXT[list_]}), $word{place})")
        given[f"word{place}"] = word
    for name, column in FACETS.items() if list_ == "claims" else ():
        values = getattr(search, name, None)
        if not values or name == leave_out:
            continue
        asked = f"list_has_any({column}, $f_{name})" if name == _MANY else ""
        parts.append(asked or f"list_contains($f_{name}, {column})")
        given[f"f_{name}"] = values
    return " and ".join(parts), given


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    shown = _stated({name: row[name] for name in _FIELDS[row["kind"]]}, _OPTIONAL)
    shown["candidates"] = row["candidates"] or []
    paper = {"title": readable(row["title"] or ""), "year": _year(row), "date": row["date"]}
    return shown | told(shown) | paper


def _paper(row: dict[str, Any]) -> dict[str, Any]:
    shown = _stated({name: row[name] for name in _PAPER_FIELDS}, _OPTIONAL_OF_PAPER)
    shown["date"] = row["dated"]  # as the source states it
    counts = {kind: number for kind, number in (row["claims"] or {}).items() if number}
    return shown | {
        "title": readable(row["title"]),
        "extra": _json(row["extra"]),
        "year": _year(row),
        "claims": counts,
        "own": row["own"] or {},
    }


def _rejected(row: dict[str, Any]) -> dict[str, Any]:
    columns = ("paper_id", "title", "kind", "reason", "detail", "field", "words")
    shown = {name: row[name] for name in columns} | {"item": _json(row["item"])}
    return shown | {"title": readable(row["title"] or "")}


def _unclaimed(row: dict[str, Any]) -> dict[str, Any]:
    before = min(row["start"], 60)
    after = before + row["end"] - row["start"]
    around = [row["around"][:before], row["around"][before:after], row["around"][after:]]
    columns = ("paper_id", "title", "text", "start", "end", "reason")
    shown = {name: row[name] for name in columns} | {"around": around}
    return shown | {"title": readable(row["title"] or "")}


def _stated(line: dict[str, Any], optional: tuple[str, ...]) -> dict[str, Any]:
    return {n: value for n, value in line.items() if value is not None or n not in optional}


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _year(row: dict[str, Any]) -> str | None:
    return None if row["year"] is None else f"{row['year']:04}"


_SHAPES = {"claims": _claim, "papers": _paper, "rejected": _rejected, "unclaimed": _unclaimed}
