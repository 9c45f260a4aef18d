"""The web application of a run: its page, a read-only JSON API and, where asked for, its review.

FastAPI rather than Starlette alone: the API is described in OpenAPI from the types of its
parameters, which are checked against the same types. Its pages for browsing that description load
scripts from elsewhere, so they are left out; `/openapi.json` is what tools read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from claimgrid.errors import UsageError
from claimgrid.serve import answers
from claimgrid.serve.answers import ClaimFilters, List, Search, Window
from claimgrid.serve.live_database import LiveDatabase
from claimgrid.serve.review_api import add_review
from claimgrid.serve.review_session import Session
from claimgrid.tables.views import Database

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ClaimsAsked(ClaimFilters, Window):
    """Filters, order and window of `/api/claims`."""

    sort: Annotated[str, Field(pattern=answers.sorts("claims"))] = ""


class PapersAsked(Search, Window):
    """Search, order and window of `/api/papers`."""

    sort: Annotated[str, Field(pattern=answers.sorts("papers"))] = ""


class ClaimPlaceAsked(ClaimFilters):
    """A claim, and the filters and order of the list that it is looked up in."""

    id: str
    sort: Annotated[str, Field(pattern=answers.sorts("claims"))] = ""


class PaperPlaceAsked(Search):
    """A paper, and the search and order of the list that it is looked up in."""

    id: str
    sort: Annotated[str, Field(pattern=answers.sorts("papers"))] = ""


class RejectedAsked(Search, Window):
    """Search, order and window of `/api/rejected`."""

    sort: Annotated[str, Field(pattern=answers.sorts("rejected"))] = ""


class UnclaimedAsked(Search, Window):
    """Search, order and window of `/api/unclaimed`."""

    sort: Annotated[str, Field(pattern=answers.sorts("unclaimed"))] = ""


Source = Database | LiveDatabase


class Rows(BaseModel):
    """Some of the rows that fit; a claim is its line in claims.jsonl with its paper's title."""

    total: Annotated[int, Field(description="How many rows fit, in all.")]
    limit: int
    offset: int
    rows: list[dict[str, Any]]


def create(
    database: Source,
    page: str,
    run: dict[str, Any],
    *,
    hosts: list[str] | None,
    review: tuple[Session, str] | None = None,
) -> FastAPI:
    """The application.

    Args:
        hosts: the names that it answers to; None answers to any.
        review: the session of a review and its token; without them nothing can be written.
    """
    app = FastAPI(
        title="claimgrid",
        version=version("claimgrid"),
        description="What papers claim, each number with its exact words."
        + ("" if review else " Read-only."),
        docs_url=None,
        redoc_url=None,
    )
    if hosts is not None:
        # A page elsewhere can point a name of its own at this address; it cannot change the Host.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.middleware("http")(_with_headers)

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/api/run", summary="The run, and how many rows each list has")
    def about() -> dict[str, Any]:
        cursor = database.cursor()
        return {"run": run | {"devices": answers.devices(cursor)}, "sizes": answers.sizes(cursor)}

    if review is not None:
        add_review(app, *review)
    _lists(app, database)
    _counts(app, database)
    _places(app, database)
    _single(app, database)
    return app


def _lists(app: FastAPI, database: Source) -> None:
    def rows(list_: List, asked: Any) -> Rows:
        try:
            total, found = answers.rows(database.cursor(), list_, asked, asked, asked.sort)
        except UsageError as error:
            raise HTTPException(422, str(error)) from error
        return Rows(total=total, limit=asked.limit, offset=asked.offset, rows=found)

    @app.get("/api/claims", summary="Claims by filter")
    def claims(asked: Annotated[ClaimsAsked, Query()]) -> Rows:
        return rows("claims", asked)

    @app.get("/api/papers", summary="Papers, and how each ended")
    def papers(asked: Annotated[PapersAsked, Query()]) -> Rows:
        return rows("papers", asked)

    @app.get("/api/rejected", summary="What the model claimed and the abstract does not hold")
    def rejected(asked: Annotated[RejectedAsked, Query()]) -> Rows:
        return rows("rejected", asked)

    @app.get("/api/unclaimed", summary="Numbers that no claim covers")
    def unclaimed(asked: Annotated[UnclaimedAsked, Query()]) -> Rows:
        return rows("unclaimed", asked)


def _counts(app: FastAPI, database: Source) -> None:
    @app.get("/api/facets", summary="Per filter, how many claims have each value")
    def facets(asked: Annotated[ClaimFilters, Query()]) -> dict[str, dict[str, list[list[Any]]]]:
        return {"facets": answers.facets(database.cursor(), asked)}

    @app.get("/api/timeline", summary="How many papers name each device in each year")
    def timeline(asked: Annotated[ClaimFilters, Query()]) -> dict[str, list[dict[str, Any]]]:
        return {"counts": answers.timeline(database.cursor(), asked)}


def _places(app: FastAPI, database: Source) -> None:
    @app.get("/api/places/claims", summary="Where a claim stands in a list; null if it does not")
    def claim(asked: Annotated[ClaimPlaceAsked, Query()]) -> dict[str, int | None]:
        return {"place": answers.place(database.cursor(), "claims", asked, asked.sort, asked.id)}

    @app.get("/api/places/papers", summary="Where a paper stands in a list; null if it does not")
    def paper(asked: Annotated[PaperPlaceAsked, Query()]) -> dict[str, int | None]:
        return {"place": answers.place(database.cursor(), "papers", asked, asked.sort, asked.id)}


def _single(app: FastAPI, database: Source) -> None:
    @app.get("/api/claims/{claim_id}", summary="One claim")
    def claim(claim_id: str) -> dict[str, Any]:
        return _found(answers.claim(database.cursor(), claim_id), "claim")

    @app.get("/api/papers/{paper_id:path}", summary="One paper, its claims and rejected items")
    def paper(paper_id: str) -> dict[str, Any]:
        return _found(answers.paper(database.cursor(), paper_id), "paper")


def _found(line: dict[str, Any] | None, name: str) -> dict[str, Any]:
    if line is None:
        raise HTTPException(404, f"this run has no such {name}")
    return line


async def _with_headers(
    request: Request, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await answer(request)
    response.headers.update(_HEADERS)
    return response
