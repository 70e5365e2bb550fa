"""What does every page of the console need at hand? The desk: database, Temporal, roster, the time, the templates."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from temporalio.client import Client

from escalations.rulebook import Roster
from starter import signin
from starter.console import views, wording
from starter.console.past import LookBack
from starter.console.security import COOKIE
from starter.errors import NOT_PERMITTED, Problem
from starter.signin import Session
from starter.witness import Speak

FOLDER = Path(__file__).parent
ClientFactory = Callable[[], Awaitable[Client]]


class SignedOut(Exception):
    """Nobody is signed in; the answer is the way to the sign-in page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the pages share. `client` connects once, on the first message."""

    engine: AsyncEngine
    client: ClientFactory
    speak: Speak
    past: LookBack
    home: Path
    roster: Roster
    now: Callable[[], datetime]
    templates: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who looks at a page, by which session, in which roles."""

    session: Session
    roles: tuple[str, ...]

    @property
    def person(self) -> str:
        """The person's id."""
        return self.session.person


def templates() -> Environment:
    """Load the templates: escaped, and refusing a name that is not there."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=wording.plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    vendored = json.loads((FOLDER / "static" / "vendor" / "manifest.json").read_text())
    environment.globals.update(
        vendored=vendored, views=views, wording=wording, STANCES=wording.STANCES, STAGES=wording.STAGES
    )
    environment.filters.update(
        utc=wording.utc,
        iso=wording.iso,
        words=wording.words,
        band=wording.band,
        blast=wording.blast,
    )
    return environment


def once(factory: ClientFactory) -> ClientFactory:
    """Connect on first use and keep the connection; a failed attempt is made anew the next time."""
    lock = asyncio.Lock()
    kept: list[Client] = []

    async def client() -> Client:
        async with lock:
            if not kept:
                kept.append(await factory())
            return kept[0]

    return client


def desk(request: Request) -> Desk:
    """Find the desk of the running application."""
    found: Desk = request.app.state.desk
    return found


def visitor(request: Request) -> Visitor:
    """Say who is signed in. Raises SignedOut, or Problem `not_on_roster` for somebody who left the roster."""
    at = desk(request)
    session = signin.session(at.home, request.cookies.get(COOKIE, ""), now=at.now())
    if session is None:
        raise SignedOut
    roles = at.roster.roles_of(session.person)
    if not roles:
        raise Problem("not_on_roster", "You are not on the roster any more.", exit_code=NOT_PERMITTED)
    return Visitor(session=session, roles=roles)


def is_fragment(request: Request) -> bool:
    """Ask whether htmx wants a piece for the page that is open, not a page."""
    return request.headers.get("hx-request") == "true"


def page(request: Request, template: str, *, status: int = 200, who: Visitor | None = None, **shown: Any) -> Response:
    """Lay out a page or a fragment."""
    at = desk(request)
    now = at.now().astimezone(UTC)
    text = at.templates.get_template(template).render(now=now, who=who, path=request.url.path, **shown)
    return HTMLResponse(text, status_code=status)
