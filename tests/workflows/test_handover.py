"""Does a case that outgrows one history go on as if nothing had happened? The threshold is lowered to see it cross."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import workflows.waiting
from escalations import ids
from escalations.consensus import GateKind
from escalations.messages import Assign, Claim, Learn, TaskDone
from store import queries, verification
from tests.workflows.steering import HIDE, filed, follow_up, held_sweep, noted, seen, still
from tests.workflows.world import World, recall

FEW = 4


@pytest.fixture(autouse=True)
def histories_are_short(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(workflows.waiting, "UPDATES_PER_RUN", FEW)
    with still(world, monkeypatch):
        yield


async def next_run(handle: Any, before: str) -> str:
    """Wait until another run of the workflow lives."""
    for _ in range(1200):
        run = str((await handle.describe()).run_id)
        if run != before:
            return run
        await asyncio.sleep(0.05)
    raise AssertionError("it never continued as new")


async def run_of(handle: Any) -> str:
    return str((await handle.describe()).run_id)


async def chatter(world: World, handle: Any, messages: int) -> None:
    """Say small things, so that the history grows long."""
    for level in range(messages):
        await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="media", value=str(level)))


async def test_a_case_crosses_over_with_its_votes_clocks_and_answers_and_closes_with_one_chain(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    claim = Claim(said=world.by("ana.ic"))
    first_run = await run_of(handle)
    first = await world.say(handle, "claim", claim)
    await world.vote(handle, gate, "LEG", HIDE)
    before = await seen(handle, lambda file: bool(file.gates[0].votes))

    await chatter(world, handle, FEW - 2)
    await next_run(handle, first_run)
    after = await seen(handle, lambda file: file.runs == 2)
    again = await world.say(handle, "claim", claim)
    card = await world.gate(handle, GateKind.LEGAL_REVIEW)
    await world.vote(handle, card, "PSAF", HIDE)
    closed = await world.finish(handle)
    entries = await queries.entries(world.engine, handle.id, limit=1000)

    assert again == first
    assert (card.gate.id, card.gate.due_at) == (gate.gate.id, gate.gate.due_at)
    assert after.gates == before.gates
    assert after.clocks == before.clocks
    assert after.opened_at == before.opened_at
    assert closed.runs > 2
    assert closed.ruling == HIDE
    assert claim.said.request_id in closed.answers
    assert len(set(world.hidden(handle.id))) == len(world.hidden(handle.id)) == closed.restricted
    assert [entry.seq for entry in entries] == list(range(1, closed.seq + 1))
    assert sum(entry.kind == "gate.opened" and "hidden" in entry.text for entry in entries) == 1
    assert (await verification.verify(world.engine, handle.id)).whole


async def test_a_case_does_not_cross_over_in_the_middle_of_a_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_sweep(world, monkeypatch, "crossing") as (handle, barrier):
        run = await run_of(handle)
        await chatter(world, handle, FEW + 1)
        during = await run_of(handle)
        barrier.release()
        await next_run(handle, run)
        file = await seen(handle, lambda file: file.runs == 2)

    assert during == run
    assert len(file.orders) == len(file.sweeps) == 1
    assert file.manifest is not None
    assert len(world.hidden(handle.id)) == len(set(world.hidden(handle.id))) == file.manifest.count


async def test_the_follow_up_of_an_action_crosses_over_too(world: World) -> None:
    handle: Any = await follow_up(world)
    run = await run_of(handle)
    for number in range(FEW):
        await world.say(handle, "assign", Assign(said=world.by("ana.ic"), to=f"piotr.product-{number}"))

    await next_run(handle, run)
    await world.say(handle, "task", TaskDone(said=world.by("petra.product"), task="action-1", proof="deployed"))
    gate = await world.gate(handle, GateKind.VERIFICATION)
    await world.agree(handle, GateKind.VERIFICATION, "verified")
    await handle.result()
    file = await filed(handle)

    assert gate.gate.id == ids.gate_id(handle.id, 1)
    assert file.runs == 2
    assert [task.id for task in file.tasks] == ["action-1"]
    assert len(await noted(world, handle.id, "prevention.opened")) == 1
    assert (await verification.verify(world.engine, handle.id)).whole
