"""The routes of a review: what to decide on, and saving a decision.

A decision needs the token that the page was sent with and must come from that page's own origin, so
that no other page in the same browser can decide anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from claimgrid.errors import StoreError
from claimgrid.serve.review_request import Decision
from claimgrid.serve.review_session import RefusedChangeError, Session, StaleError

TOKEN = "X-Claimgrid-Token"  # noqa: S105 the name of a header


def add_review(app: FastAPI, session: Session, token: str) -> None:
    """Give an application the routes of a review."""
    guarded = Depends(_guard(token))

    @app.exception_handler(StaleError)
    def stale(_: Request, error: StaleError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=409)

    @app.exception_handler(RefusedChangeError)
    def refused(_: Request, error: RefusedChangeError) -> JSONResponse:
        return JSONResponse({"detail": str(error), "field": error.field}, status_code=422)

    @app.exception_handler(StoreError)
    def unwritten(_: Request, error: StoreError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=507)

    @app.get("/api/review", summary="What to decide on, the most urgent first")
    def overview() -> dict[str, Any]:
        return session.overview()

    @app.get("/api/review/papers/{paper_id:path}", summary="One paper as it stands")
    def paper(paper_id: str) -> dict[str, Any]:
        found = session.paper(paper_id)
        if found is None:
            raise HTTPException(404, "this run has no such paper")
        return found

    @app.post("/api/review/decisions", summary="Save one decision", dependencies=[guarded])
    def decide(asked: Decision) -> dict[str, Any]:
        return session.decide(asked)


def _guard(token: str) -> Callable[..., None]:
    def check(request: Request) -> None:
        given = request.headers.get(TOKEN, "")
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise HTTPException(403, "this page is not of this session; load it again")
        origin, host = request.headers.get("origin"), request.headers.get("host")
        site = request.headers.get("sec-fetch-site", "same-origin")
        if origin != f"http://{host}" or site != "same-origin":
            raise HTTPException(403, "a decision must come from the page of this server")

    return check
