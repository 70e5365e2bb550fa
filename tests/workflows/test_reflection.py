"""Can any message wedge a case? Every handler is called with wrong arities and types, as update and as signal."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter

from escalations.admission import MESSAGES
from escalations.consensus import GateKind
from escalations.messages import Claim, TaskDone
from tests.workflows.steering import follow_up, noted, still
from tests.workflows.world import World, recall
from workflows.escalation import Escalation
from workflows.prevention import Prevention

NESTED = {"said": {"said": [{"request_id": 1, "person": None}]}, "intake": [[[]]]}
VALUES: tuple[Any, ...] = (None, 1, "", [], {}, NESTED, "x" * 1_000_000)
AT_ONCE = 8
Call = tuple[str, list[Any]]


def updates_of(cls: type) -> list[str]:
    """Name every update handler of a workflow."""
    return [str(name) for name in workflow._Definition.must_from_class(cls).updates]


def calls(names: list[str]) -> Iterator[Call]:
    """Call each handler with one of every value, and with every other arity of a value that changes with the name."""
    turning = itertools.cycle(VALUES)
    for name in names:
        yield from ((name, [value]) for value in VALUES)
        yield from ((name, [next(turning)] * arity) for arity in (0, 2, 3, 4))


@pytest.fixture(autouse=True)
def time_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(world, monkeypatch):
        yield


async def refused(handle: Any, call: Call) -> None:
    """Call an update; it must be refused."""
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(call[0], args=call[1], rpc_timeout=timedelta(seconds=60))


async def in_small_crowds(work: list[Any]) -> None:
    """Await at most eight at once: Temporal takes ten updates in flight of a workflow."""
    for start in range(0, len(work), AT_ONCE):
        await asyncio.gather(*work[start : start + AT_ONCE])


async def kinds(handle: Any) -> list[int]:
    """Name the kind of every event in the history."""
    events: AsyncIterator[Any] = handle.fetch_history_events()
    return [event.event_type async for event in events]


async def unread(world: World, case_id: str) -> list[str]:
    """Find the code of every signal that the case could not take."""
    return [dict(entry.data)["code"] for entry in await noted(world, case_id, "message.refused")]


async def until_unread(world: World, case_id: str, count: int) -> list[str]:
    for _ in range(1200):
        found = await unread(world, case_id)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(found)} of {count} signals left a trace")


def test_the_handlers_of_a_case_are_the_messages_of_the_domain_and_one_ear_for_all_signals() -> None:
    definition = workflow._Definition.must_from_class(Escalation)

    assert set(updates_of(Escalation)) == set(MESSAGES)
    assert set(updates_of(Prevention)) <= set(MESSAGES)
    assert list(definition.signals) == [None]
    assert all(update.validator is not None for update in definition.updates.values())


async def test_no_update_of_any_arity_or_type_wedges_a_case(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)

    await in_small_crowds([refused(handle, call) for call in calls([*updates_of(Escalation), "nonsense"])])
    receipt = await world.say(handle, "claim", Claim(said=world.by("ana.ic")))

    assert receipt.code == "taken"
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in await kinds(handle)
    assert await unread(world, handle.id) == []


async def test_no_signal_of_any_arity_or_type_wedges_a_case_and_each_leaves_a_trace(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    heard = list(calls(["report", "nonsense"]))
    heard += [(name, [value]) for name, value in zip(MESSAGES, itertools.cycle(VALUES), strict=False)]

    await in_small_crowds([handle.signal(name, args=args) for name, args in heard])
    codes = await until_unread(world, handle.id, len(heard))
    await handle.signal("claim", Claim(said=world.by("ana.ic")))
    card = await world.until(handle, lambda card: card.owner == "ana.ic")

    assert len(codes) == len(heard)
    assert set(codes) == {"unreadable", "wrong_arity", "unknown_message"}
    assert card.closed_at is None
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in await kinds(handle)


async def test_what_was_not_sealed_for_the_case_is_refused_and_noted(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    address = world.env.client.service_client.config.target_host
    plain = await Client.connect(address, data_converter=pydantic_data_converter)
    stranger = plain.get_workflow_handle(handle.id)
    claim = Claim(said=world.by("eve.outside"))

    await refused(stranger, ("claim", [claim]))
    await refused(stranger, ("report", ["x" * 1_000_000]))
    await stranger.signal("claim", claim)
    await stranger.signal("report", args=[1, "", None])
    codes = await until_unread(world, handle.id, 2)
    receipt = await world.say(handle, "claim", Claim(said=world.by("ana.ic")))

    assert codes == ["unreadable", "wrong_arity"]
    assert receipt.text.startswith("ana.ic owns")
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in await kinds(handle)


async def test_no_message_of_any_arity_or_type_wedges_the_follow_up_of_an_action(world: World) -> None:
    handle = await follow_up(world)
    heard: list[Call] = [(name, [value]) for name, value in zip(MESSAGES, itertools.cycle(VALUES), strict=False)]

    await in_small_crowds([refused(handle, call) for call in calls([*updates_of(Prevention), "learn"])])
    await in_small_crowds([handle.signal(name, args=args) for name, args in heard])
    codes = await until_unread(world, handle.id, len(heard))
    done = TaskDone(said=world.by("petra.product"), task="action-1", proof="deployed")
    receipt = await world.say(handle, "task", done)

    assert codes.count("unknown_message") == len(MESSAGES) - len(updates_of(Prevention))
    assert receipt.code == "taken"
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in await kinds(handle)
