"""What waits for me, how does this case stand, which cases are there? The pages that only read."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from escalations.model import Domain, Stage
from escalations.record import Card, Entry
from starter import signin
from starter.console import views
from starter.console.desk import Desk, Visitor, desk, page, visitor
from starter.errors import Problem, unknown_case
from store import quarantine, queries, tables
from store.engine import reading

router = APIRouter()

PAGE = 50
MOMENTS = 30
LONGEST_FIND = 100


@router.get("/")
async def inbox(request: Request, after: str = "") -> Response:
    """Show what waits for this person, due first, then what waits for others in the same roles."""
    at, who = desk(request), visitor(request)
    found = await queries.inbox(at.engine, who.roles, after=after, limit=PAGE)
    questions = [(one, views.gate_view(one.gate, who.person)) for one in found]
    return page(
        request,
        "inbox.html",
        who=who,
        mine=[pair for pair in questions if not pair[1].why_not],
        others=[pair for pair in questions if pair[1].why_not],
        more=queries.cursor(found[-1]) if len(found) == PAGE else "",
        first=not after,
        **await top(at),
    )


@router.get("/cases")
async def cases(
    request: Request,
    stage: str = "",
    priority: str = "",
    domain: str = "",
    owner: str = "",
    state: str = "open",
    find: str = "",
    after: str = "",
) -> Response:
    """List cases, most urgent first; closed ones newest first."""
    at, who = desk(request), visitor(request)
    chosen = {"stage": stage, "priority": priority, "domain": domain, "owner": owner, "state": state, "find": find}
    newest = state != "open"
    found = await queries.cards(
        at.engine,
        stage=_one_of(Stage, stage),
        priority=int(priority) if priority in tuple("012345") and priority else None,
        domain=_one_of(Domain, domain),
        owner=owner or None,
        open={"open": True, "closed": False}.get(state),
        words=find[:LONGEST_FIND],
        newest=newest,
        after=after,
        limit=PAGE,
    )
    return page(
        request,
        "cases.html",
        who=who,
        cases=found,
        chosen=chosen,
        domains=tuple(Domain),
        more=queries.cursor(found[-1], newest=newest) if len(found) == PAGE else "",
        **await top(at),
    )


@router.get("/cases/{case_id:path}/timeline")
async def timeline(request: Request, case_id: str, before: int = 0) -> Response:
    """Show what happened before entry number `before`, newest first."""
    at, who = desk(request), visitor(request)
    card = await card_of(at, case_id)
    moments = await _moments(at, card, before if 0 < before <= card.seq else card.seq + 1)
    return page(request, "timeline.html", who=who, card=card, moments=moments, **await top(at))


@router.get("/cases/{case_id:path}")
async def case(request: Request, case_id: str) -> Response:
    """Show one case: where it stands, what is asked, what runs, what happened."""
    at, who = desk(request), visitor(request)
    card = await card_of(at, case_id)
    moments = await _moments(at, card, card.seq + 1)
    return page(
        request,
        "case.html",
        who=who,
        card=card,
        marks=views.strip(card),
        gates=views.open_gates(card, who.person),
        decided=[shown for shown in card.gates if shown.outcome is not None],
        clocks=views.clocks(card),
        moments=moments,
        **_forms(who),
        **await top(at),
    )


@router.get("/quarantine")
async def kept(request: Request, after: int = 0) -> Response:
    """List what arrived and could not become a case, with the reason; never the content."""
    at, who = desk(request), visitor(request)
    records = await quarantine.list(at.engine, after=max(after, 0), limit=PAGE)
    more = records[-1].id if len(records) == PAGE else 0
    return page(request, "quarantine.html", who=who, records=records, more=more, csrf=who.session.csrf, **await top(at))


async def card_of(at: Desk, case_id: str) -> Card:
    """Read a case. Raises Problem `unknown_case`."""
    card = await queries.card(at.engine, case_id) if len(case_id) <= 64 else None
    if card is None:
        raise unknown_case()
    return card


async def _moments(at: Desk, card: Card, before: int) -> list[Entry]:
    """Read the entries just before a number, newest first; numbers have no gaps, so they are their own keyset."""
    found = await queries.entries(at.engine, card.case_id, max(0, before - 1 - MOMENTS), MOMENTS)
    return [entry for entry in reversed(found) if entry.seq < before]


async def top(at: Desk) -> dict[str, Any]:
    """Count what could not be read on arrival and nobody has dealt with, for the bar on every page."""
    undone = select(func.count()).select_from(tables.quarantine).where(tables.quarantine.c.resolved_at.is_(None))
    async with reading(at.engine) as connection:
        return {"quarantined": (await connection.execute(undone)).scalar_one()}


def _forms(who: Visitor) -> dict[str, Any]:
    return {"csrf": who.session.csrf, "new_id": signin.new_request_id}


def _one_of(kind: Any, value: str) -> Any:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError:
        raise Problem(
            "unknown_value", "There is no such filter value.", next_step="Choose one from the list."
        ) from None
