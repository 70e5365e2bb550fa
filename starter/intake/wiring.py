"""Which casebook, Temporal and voice does this installation's intake use? The one place that joins them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from escalations.messages import Receipt, Report
from starter import connect, signin, witness
from starter.errors import Problem
from starter.faults import of_store
from starter.intake.desk import Desk
from starter.settings import Settings
from store import migrations
from store.engine import open_engine
from store.errors import StoreMisconfigured, StoreUnavailable

PAUSE = 15.0


def held(client: Client) -> Callable[[], Awaitable[Client]]:
    """Always answer with a client that is connected already."""

    async def answer() -> Client:
        return client

    return answer


def reconnecting(settings: Settings) -> Callable[[], Awaitable[Client]]:
    """Connect when first asked and keep the client; after a failure, fail at once for `PAUSE` seconds."""
    kept: list[Client] = []
    failed: list[tuple[float, Problem]] = []
    alone = asyncio.Lock()

    async def answer() -> Client:
        clock = asyncio.get_running_loop().time
        async with alone:
            if failed and clock() - failed[-1][0] < PAUSE:
                raise failed[-1][1]
            if not kept:
                try:
                    kept.append(await connect.connect(settings))
                except Problem as away:
                    failed[:] = [(clock(), away)]
                    raise
        return kept[0]

    return answer


def desk(settings: Settings, engine: AsyncEngine, client: Callable[[], Awaitable[Client]]) -> Desk:
    """Make the desk of a door: it speaks to cases with the intake door's attestation."""

    async def speak(case_id: str, message: Report) -> Receipt:
        attested = signin.attested(message, case_id, door="intake", home=settings.home)
        return await witness.said(engine, await client(), case_id, "report", attested, at=datetime.now(UTC))

    return Desk(engine=engine, connect=client, say=speak)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """Open the casebook, bring it to its newest shape, and close it at the end. Raises Problem."""
    try:
        engine = open_engine(settings.database_url)
    except StoreMisconfigured as wrong:
        raise of_store(wrong) from None
    try:
        await _upgraded(engine)
        yield desk(settings, engine, reconnecting(settings))
    finally:
        await engine.dispose()


async def _upgraded(engine: AsyncEngine) -> None:
    try:
        await migrations.upgrade(engine)
    except (StoreMisconfigured, StoreUnavailable) as wrong:
        raise of_store(wrong) from None
