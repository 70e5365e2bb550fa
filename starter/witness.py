"""Who remembers what a case refused? The door that was told so; history keeps no trace of it."""

from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from escalations.messages import Receipt
from starter import say
from starter.errors import REFUSED, Problem
from store import refusals
from store.errors import StoreMisconfigured, StoreUnavailable
from store.refusals import Refused

log = structlog.get_logger(__name__)


class Speak(Protocol):
    """Say a message to a case; `starter.say.say` is the one that does."""

    async def __call__(self, client: Client, case_id: str, name: str, message: Any) -> Receipt:
        """Return the receipt or raise Problem."""


async def said(
    engine: AsyncEngine, client: Client, case_id: str, name: str, message: Any, *, at: datetime, speak: Speak = say.say
) -> Receipt:
    """Say a message to a case, and note in the casebook when it is refused. Raises Problem as `say.say` does.

    A casebook that is away does not change the answer.
    """
    try:
        return await speak(client, case_id, name, message)
    except Problem as problem:
        if problem.exit_code == REFUSED:
            refused = Refused(at=at, message=name, code=problem.code, door=message.said.door)
            try:
                await refusals.note(engine, case_id, message.said.request_id, refused)
            except (StoreUnavailable, StoreMisconfigured) as away:
                log.warning("refusal.unnoted", case_id=case_id, code=away.code)
        raise
