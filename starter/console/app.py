"""How is the console put together? Pages, forms, sign-in, the intake's routes beside them, and one way to say no."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from escalations.rulebook import Rulebook
from starter import say
from starter.console import answers, desk, entrance, history, pages
from starter.console.desk import FOLDER, ClientFactory, Desk, SignedOut
from starter.console.past import LookBack, Past
from starter.console.security import SecurityHeaders
from starter.errors import BUSY, NOT_PERMITTED, REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from starter.faults import of_store
from starter.seeing import health
from starter.witness import Speak
from store.errors import StoreMisconfigured, StoreUnavailable
from store.queries import BadCursor

STATUS = {UNKNOWN_CASE: 404, REFUSED: 409, UNAVAILABLE: 503, BUSY: 429, NOT_PERMITTED: 403}
STATUS_OF_CODE = {"body_too_large": 413, "content_type": 415, "not_utf8": 400, "duplicate_key": 400, "signed_out": 401}

log = structlog.get_logger(__name__)


class Home(Protocol):
    """The part of `starter.settings.Settings` that the console reads."""

    @property
    def home(self) -> Path: ...


def create_app(
    *,
    engine: AsyncEngine,
    client_factory: ClientFactory,
    settings: Home,
    rulebook: Rulebook,
    intake_router: APIRouter | None = None,
    speak: Speak = say.say,
    past: LookBack | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """Make the console over a casebook engine and a way to reach Temporal. The caller disposes of both."""
    app = FastAPI(title="Seawall", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(
        engine=engine,
        client=desk.once(client_factory),
        speak=speak,
        past=past or Past(),
        home=settings.home,
        roster=rulebook.roster,
        now=now,
        templates=desk.templates(),
    )
    app.router.routes.extend(health.routes(health.of_door(engine, app.state.desk.client)))
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    for router in (entrance.router, history.router, pages.router, answers.router):
        app.include_router(router)
    if intake_router is not None:
        app.include_router(intake_router)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(SignedOut, _signed_out)
    for kind in (Problem, StoreUnavailable, StoreMisconfigured, BadCursor, HTTPException, Exception):
        app.add_exception_handler(kind, _refused)
    return app


async def _signed_out(request: Request, error: Exception) -> Response:
    """Lead to signing in; a page that is open stays, with what was written on it, and says that it stands still."""
    if desk.is_fragment(request):
        return desk.page(request, "_signed_out.html", status=401)
    return RedirectResponse("/signin", status_code=303)


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a refusal as a page, as a piece of a page, or, to a program, as problem+json (RFC 9457)."""
    problem, status = _explained(request, error)
    told = error.headers if isinstance(error, HTTPException) and error.headers else {}
    allowed = {name: value for name, value in told.items() if name.lower() == "allow"}  # owed with a 405
    if request.url.path.startswith("/v1/"):
        body = {"type": "about:blank", "title": problem.text, "status": status, "code": problem.code}
        return JSONResponse(body, status_code=status, headers=allowed, media_type="application/problem+json")
    template = "_refusal.html" if desk.is_fragment(request) else "problem.html"
    answer = desk.page(request, template, status=status, problem=problem)
    answer.headers.update(allowed)
    if status in (429, 503):
        answer.headers["Retry-After"] = "5"
    return answer


def _explained(request: Request, error: Exception) -> tuple[Problem, int]:
    if isinstance(error, Problem):
        return error, STATUS_OF_CODE.get(error.code) or STATUS.get(error.exit_code, 422)
    if isinstance(error, StoreUnavailable | StoreMisconfigured):
        return of_store(error), 503
    if isinstance(error, BadCursor):
        return Problem("bad_cursor", "That page does not exist.", next_step="Start from the first page."), 404
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return Problem("not_found", "There is nothing here.", next_step="Go back to the inbox."), 404
        return Problem("not_allowed", "That cannot be done here."), error.status_code
    log.error("page.failed", path=request.scope.get("route") and request.scope["route"].path, exc_info=error)
    return Problem("internal", "The console made a mistake; nothing was changed.", next_step="Try again."), 500
