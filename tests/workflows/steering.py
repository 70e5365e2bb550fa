"""What else does a test need that steers a case closely? Its file, its refusals, its notes, a sweep that is held."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

import workflows.sweep
from escalations import enforcement, ids
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.enforcement import Span, SweepOrder
from escalations.model import Action
from escalations.record import Entry
from standins.faults import assert_all_fired
from store import queries
from tests.workflows.world import SILENCE, Handle, Silence, World, recall
from workflows import options
from workflows.escalation import Escalation
from workflows.prevention import Prevention, PreventionOrder

HIDE = "hide"
ACTION = Action(
    id="block", title="block it", owner="petra.product", strength="automate",
    due=timedelta(days=30), verifier_role="PSAF",
)  # fmt: skip


@contextlib.contextmanager
def still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let time stand still in every workflow that is started, until a test moves it.

    A worker without a cache now and then loses a workflow task of a case (SDK 1.35); the server sends it again after
    the task's timeout, so that one is short here.
    """
    monkeypatch.setattr(world, "task_timeout", timedelta(seconds=4))
    with world.env.with_time_skipping_disabled():
        yield


def any_run(world: World, case_id: str) -> Handle:
    """Speak to whichever run of a case lives; the handle of its start is bound to the runs that follow from it."""
    return world.env.client.get_workflow_handle_for(Escalation.run, case_id)


async def asked(handle: Any, query: str, answer: Any) -> Any:
    """Query a workflow, and again when the query got lost: a worker without a cache drops some (SDK 1.35).

    Such a worker also fails a query now and then for a history that it could replay a moment later, when the other
    worker has a local activity of the case under way. A case that cannot be replayed at all never answers.
    """
    for patience in (1, 1, 2, 4, 8, 16, 32):
        with contextlib.suppress(RPCError, WorkflowQueryFailedError):
            return await handle.query(query, result_type=answer, rpc_timeout=timedelta(seconds=patience))
        await asyncio.sleep(patience / 10)
    raise AssertionError("the workflow never answered")


async def filed(handle: Any) -> CaseFile:
    """Read the case's file."""
    file: CaseFile = await asked(handle, "file", CaseFile)
    return file


async def seen(handle: Any, wanted: Callable[[CaseFile], bool]) -> CaseFile:
    """Wait until the case's file shows something."""
    silence = Silence(SILENCE)
    while not wanted(file := await filed(handle)):
        assert not silence.too_long(file.seq), f"the file never showed it: {file}"
        await asyncio.sleep(0.05)
    return file


async def refusal(world: World, handle: Any, name: str, message: Any) -> str:
    """Say something that is refused, and get the code."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.say(handle, name, message)
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause.type or ""


async def noted(world: World, case_id: str, kind: str) -> list[Entry]:
    """Find the entries of a kind in the casebook."""
    return [one for one in await queries.entries(world.engine, case_id, limit=1000) if one.kind == kind]


@asynccontextmanager
async def held_sweep(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> AsyncIterator[tuple[Handle, Any]]:
    """Hold a sweep of batches of two within its first batch; give the case, and the barrier that holds it."""

    def by_two(order: SweepOrder) -> tuple[Span, ...]:
        return enforcement.spans(replace(order, batch=2))

    monkeypatch.setattr(workflows.sweep, "spans", by_two)
    name = f"{name}-{len(world.cases)}"
    rule = {"id": name, "op": "restrict", "kind": "pause_before", "barrier": name}
    world.standins.script("marketplace", [rule])
    barrier = world.standins.barrier("marketplace", name)
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await barrier.arrived()
    yield handle, barrier
    assert_all_fired(world.standins)


async def follow_up(world: World) -> WorkflowHandle[Prevention, None]:
    """Start the follow-up of a corrective action of a new case."""
    case = await world.opened(recall())
    await world.gate(case, GateKind.LEGAL_REVIEW)
    file = await filed(case)
    assert file.plan is not None
    order = PreventionOrder(
        case_id=case.id, number=1, action=ACTION, plan=replace(file.plan, clocks=()), opened_at=file.opened_at
    )
    return await world.env.client.start_workflow(
        Prevention.run, order, id=ids.prevention_id(case.id, 1), task_queue=options.TASK_QUEUE
    )
