"""Which kept reports still wait for their case, and who starts them?

A report waits when Temporal was away while it was taken, or when its door died between the two steps. Any number of
dispatchers may run: starting and telling are safe to repeat.
"""

import asyncio
import random
from enum import Enum, auto

import structlog

from escalations import ids
from starter.intake import desk as desks
from starter.intake.desk import Desk
from starter.intake.refusals import BadInput
from store import intakes
from store.errors import StoreMisconfigured, StoreUnavailable

SHORTEST, LONGEST = 1.0, 30.0
PAGE = 500


class Brought(Enum):
    """What became of one waiting report: it went through, it stays behind, or Temporal is away."""

    GONE = auto()
    LEFT = auto()
    AWAY = auto()


log = structlog.get_logger(__name__)


async def once(desk: Desk, *, limit: int = PAGE) -> tuple[int, int]:
    """Start or tell what waits, oldest first; return how many went through and how many still wait."""
    waiting = await intakes.waiting(desk.engine, limit)
    gone = 0
    for kept in waiting:
        brought = await _brought(desk, kept)
        if brought is Brought.AWAY:
            break  # the rest would only wait for its time-outs too
        gone += brought is Brought.GONE
    return gone, len(waiting) - gone


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Dispatch until `stop` is set: every second while there is work or hope, backing off to 30 s with jitter."""
    pause = SHORTEST
    while not stop.is_set():
        try:
            _, left = await once(desk)
            pause = min(pause * 2, LONGEST) if left else SHORTEST
        except (StoreUnavailable, StoreMisconfigured) as away:
            log.warning("dispatch.failed", code=away.code)
            pause = min(pause * 2, LONGEST)
        try:
            async with asyncio.timeout(pause * random.uniform(0.75, 1.25)):
                await stop.wait()
        except TimeoutError:
            continue


async def _brought(desk: Desk, kept: intakes.Kept) -> Brought:
    if kept.intake is None:
        log.error("intake.unreadable", case_id=kept.case_id, source=kept.source)
        return Brought.LEFT
    if kept.case_id == ids.case_id(kept.source, kept.source_ref):
        started = await desks.start_waiting(desk, kept.case_id, kept.intake)
        return Brought.GONE if started else Brought.AWAY
    try:
        await desks.tell(desk, kept.case_id, kept.intake)
    except BadInput as refused:
        log.warning("intake.not_told", case_id=kept.case_id, code=refused.code)
        outcomes = {"unavailable": Brought.AWAY, "report_refused": Brought.GONE}
        return outcomes.get(refused.code, Brought.LEFT)
    return Brought.GONE
