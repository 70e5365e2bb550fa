"""How did a case stand before? A page with a slider over its tasks, which shows no more than the page of the case."""

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from replay.travel import state
from replay.travel import steps as stepping
from replay.travel.journey import Journey, Stop
from replay.travel.moment import by_urgency, moment
from starter.console import views
from starter.console.desk import desk, page, visitor
from starter.console.pages import card_of, top
from starter.errors import Problem
from store import refusals
from store.refusals import Refused

router = APIRouter()


@router.get("/cases/{case_id:path}/history")
async def history(request: Request, case_id: str, frame: str = "") -> Response:
    """Show a case as it stood after its n-th task, the last one if none is named."""
    at, who = desk(request), visitor(request)
    card = await card_of(at, case_id)
    way = replace(await at.past.of(await at.client(), case_id), refused=await refusals.of_case(at.engine, case_id))
    stops = way.stops()
    if not stops:
        raise Problem("nothing_happened", "No task of this case has been done yet.", next_step="Come back in a moment.")
    number = min(int(frame), len(stops)) if frame.isascii() and frame.isdigit() and int(frame or 0) else len(stops)
    stop = stops[number - 1]
    then = moment(way, stop)
    known = state.of(stop.frame)
    return page(
        request,
        "history.html",
        who=who,
        card=card,
        number=number,
        count=len(stops),
        step=_step(way, number),
        then=then,
        clocks=by_urgency(then.clocks),
        marks=views.strip(known.card) if known.card else (),
        refused=_since(way, stops, number),
        **await top(at),
    )


def _step(way: Journey, number: int) -> stepping.Step:
    return stepping.steps(way)[number - 1]


def _since(way: Journey, stops: tuple[Stop, ...], number: int) -> list[Refused]:
    """List what was refused between this task and the next one."""
    began = stops[number - 1].at
    ended: datetime | None = stops[number].at if number < len(stops) else None
    return [one for one in way.refused or () if began <= one.at and (ended is None or one.at < ended)]
