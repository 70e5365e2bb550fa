"""How often does the watchdog look, and what if it cannot? A Temporal that stays away is trouble too."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.clients import http
from activities.clients.paging import PagerDuty
from activities.paging import Paging
from starter.errors import Problem
from starter.settings import Settings
from starter.watchdog import troubles
from starter.watchdog.alarm import NAME, Alarm
from starter.watchdog.troubles import Trouble
from store.errors import StoreMisconfigured, StoreUnavailable

FILE = "watchdog.json"
Connect = Callable[[], Awaitable[Client]]

log = structlog.get_logger(__name__)


async def run(told: Settings, connect: Connect, engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Look every `watchdog_seconds` until told to stop."""
    async with AsyncExitStack() as stack:
        pager = await stack.enter_async_context(http.client(told.pager_url)) if told.pager_url else None
        key = told.pager_routing_key.get_secret_value()
        alarm = Alarm(Paging(PagerDuty(pager, key)), told.home / FILE) if pager else None
        since: dict[str, datetime] = {}
        while not stop.is_set():
            seen = await _looked(connect, engine)
            telling = ripe(seen, since, _now())
            if telling or not seen:  # nobody is stood down while anything is unclear
                await _told(alarm, telling)
            try:
                async with asyncio.timeout(told.watchdog_seconds * random.uniform(0.9, 1.1)):
                    await stop.wait()
            except TimeoutError:
                continue


def ripe(seen: Sequence[Trouble], since: dict[str, datetime], now: datetime) -> list[Trouble]:
    """Keep what has lasted long enough; `since` remembers from when on. What is new is logged, once."""
    keys = {trouble.key for trouble in seen}
    for key in [key for key in since if key not in keys]:
        del since[key]
    for trouble in seen:
        if trouble.key not in since:
            since[trouble.key] = now
            log.error("case.stuck", workflow_id=trouble.workflow_id, reason=trouble.text)
    return [trouble for trouble in seen if now - since[trouble.key] >= trouble.patience]


async def _looked(connect: Connect, engine: AsyncEngine) -> list[Trouble]:
    try:
        return await troubles.found(await connect(), engine, _now())
    except (Problem, RPCError, StoreUnavailable, StoreMisconfigured) as away:
        log.warning("watchdog.blind", error=type(away).__name__)
        return [troubles.AWAY]


async def _told(alarm: Alarm | None, seen: Sequence[Trouble]) -> None:
    if alarm is None:
        return
    try:
        await alarm.tell(seen)
    except ApplicationError as refused:  # the pager is away; the next round says it again
        log.warning("page.failed", system=NAME, code=refused.type)


def _now() -> datetime:
    return datetime.now(UTC)
