"""Which spans does a worker draw? Activities, outside calls, and the stages and gates that the casebook tells of."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.watching import Call
from escalations.model import Stage
from escalations.record import Card, Entry
from starter.seeing import tracing
from store import tables
from store.engine import reading
from store.errors import StoreMisconfigured, StoreUnavailable

OPENED, ENTERED, DECIDED = "case.opened", "stage.entered", "gate.decided"
_drawing: set[asyncio.Task[None]] = set()


class Planned(RandomIdGenerator):
    """Gives a span the ids that are planned for it here, else random ones."""

    def __init__(self, planned: ContextVar[tuple[int, int] | None]) -> None:
        self._planned = planned

    def generate_trace_id(self) -> int:
        """Make the id of a new trace."""
        planned = self._planned.get()
        return planned[0] if planned else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Make the id of a span."""
        planned = self._planned.get()
        return planned[1] if planned else super().generate_span_id()


class Traced(Interceptor):
    """Draws a span for every attempt of an activity. Nothing else is intercepted, so nothing enters a history."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stand before the activities."""
        return _Activity(super().intercept_activity(next))


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        case_id = tracing.case_of(info.workflow_id)
        name, kind = f"activity {info.activity_type}", info.workflow_type or ""
        with tracing.span(name, case_id, attempt=info.attempt, workflow_type=kind):
            return await self.next.execute_activity(input)


@contextmanager
def outside(call: Call) -> Iterator[None]:
    """Draw a call to an outside system under the activity that makes it."""
    attempt = activity.info().attempt if activity.in_activity() else 1
    name = f"{call.system} {call.method}"
    with tracing.span(name, client=True, system=call.system, method=call.method, attempt=attempt) as drawn:
        try:
            yield
        finally:
            tracing.told(drawn, outcome=call.outcome)
            if call.status:
                tracing.told(drawn, status=call.status)


def facts(engine: AsyncEngine) -> Callable[[Card, Sequence[Entry]], None]:
    """Draw stages and gates when they have ended, as the casebook is told of it for the first time."""

    def told(card: Card, new: Sequence[Entry]) -> None:
        if not tracing.on():
            return
        for entry in new:
            if entry.kind == DECIDED:
                _gate(card, entry, dict(entry.data))
            elif entry.kind == ENTERED:
                task = asyncio.get_running_loop().create_task(_stage(engine, card.case_id, entry))
                _drawing.add(task)
                task.add_done_callback(_drawing.discard)

    return told


def _gate(card: Card, entry: Entry, data: dict[str, str]) -> None:
    asked = next((each.gate for each in card.gates if each.gate.id == data.get("gate")), None)
    if asked is None:
        return
    name, key, how = f"gate {asked.kind.value}", f"gate {asked.id}", data.get("how", "")
    tracing.drawn(name, card.case_id, asked.opened_at, entry.at, key=key, how=how)


async def _stage(engine: AsyncEngine, case_id: str, entry: Entry) -> None:
    """Draw the stage that has ended: it began with the entry of its kind before this one."""
    columns = tables.entries.c
    query = (
        select(columns.seq, columns.kind, columns.at, columns.data)
        .where(columns.case_id == case_id, columns.seq < entry.seq, columns.kind.in_((OPENED, ENTERED)))
        .order_by(columns.seq.desc())
        .limit(1)
    )
    try:
        async with reading(engine) as connection:
            row = (await connection.execute(query)).first()
    except (StoreUnavailable, StoreMisconfigured):
        return  # a span less; the entry itself is written
    if row is None:
        return
    stage = Stage.TRIAGE.value if row.kind == OPENED else dict(row.data).get("stage", "")
    began: datetime = row.at
    tracing.drawn(f"stage {stage}", case_id, began, entry.at, key=f"stage {row.seq}", stage=stage)
