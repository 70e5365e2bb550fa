"""Where does a late message go? Into the next run of the same case with what it knew; never into nothing."""

import asyncio
from collections.abc import Iterator

import pytest

from escalations.consensus import GateKind
from escalations.messages import Assign, Decide, Learn, Receipt, Reopen, Report, TaskDone, Withdraw
from starter.errors import REFUSED, Problem
from starter.say import say
from starter.saying import Message
from store import queries, verification
from tests.workflows.steering import HIDE, any_run, filed, follow_up, noted, seen, still
from tests.workflows.world import HEATER, NOWHERE, Handle, World, recall


@pytest.fixture(autouse=True)
def time_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(world, monkeypatch):
        yield


async def told(world: World, handle: Handle, name: str, message: Message) -> Receipt:
    """Say something through the door that all people and hands use."""
    return await say(world.env.client, handle.id, name, message)


async def closed_by_itself(world: World) -> Handle:
    """Open a case that nobody is needed for, and see it closed."""
    handle = await world.opened(recall(NOWHERE))
    await handle.result()
    return any_run(world, handle.id)


async def test_a_late_report_goes_on_with_the_closed_case_and_a_repeat_changes_nothing(world: World) -> None:
    handle = await world.opened(recall())
    closed = await world.finish(handle)
    handle = any_run(world, handle.id)
    late = Report(said=world.by("ana.ic"), intake=recall(NOWHERE, title="Another importer sold it too"))

    receipt = await told(world, handle, "report", late)
    again = await told(world, handle, "report", late)
    file = await seen(handle, lambda file: len(file.intakes) == 2)
    review = next(task for task in file.tasks if task.id == "reopened-2")

    assert receipt == again
    assert receipt.text.startswith(f"added to {handle.id}")
    assert file.runs == 2
    assert file.opened_at == closed.opened_at
    assert file.orders == closed.orders
    assert file.sent == closed.sent
    assert file.clocks[: len(closed.clocks)] == closed.clocks
    assert closed.answers.items() <= file.answers.items()
    assert review.done_at is None
    finished = await world.finish(handle)
    entries = await queries.entries(world.engine, handle.id, limit=1000)
    assert (finished.runs, finished.seq) == (2, len(entries))
    assert len(world.hidden(handle.id)) == finished.restricted
    assert (await verification.verify(world.engine, handle.id)).whole
    assert await told(world, handle, "report", late) == receipt
    assert (await filed(handle)).runs == 2


async def test_a_late_vote_is_told_that_the_case_has_closed_and_how(world: World) -> None:
    handle = await closed_by_itself(world)
    vote = Decide(said=world.by("leo.legal"), gate=f"{handle.id}/gate/1", digest="0" * 64, option=HIDE)

    with pytest.raises(Problem) as refused:
        await told(world, handle, "decide", vote)

    assert (refused.value.code, refused.value.exit_code) == ("already_closed", REFUSED)
    assert "not_offered" in refused.value.text
    assert "seawall reopen" in refused.value.next_step
    assert (await filed(handle)).runs == 1


async def test_whoever_reopens_a_case_is_answered_once_and_their_report_is_looked_at(world: World) -> None:
    handle = await closed_by_itself(world)
    report = recall(HEATER)
    message = Reopen(said=world.by("ana.ic"), reason="the notice was amended", intake=report)

    first = await told(world, handle, "reopen", message)
    again = await told(world, handle, "reopen", message)
    review = TaskDone(said=world.by("ana.ic"), task="reopened-2")
    await told(world, handle, "task", review)
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    file = await filed(handle)

    assert first == again
    assert (file.runs, file.intakes[1:]) == (2, [report])
    assert gate.gate.digest == (file.manifest.digest if file.manifest else "")
    assert [entry.actor for entry in await noted(world, handle.id, "case.reopened")] == ["ana.ic"]


async def test_late_messages_from_several_doors_at_once_reach_one_next_run(world: World) -> None:
    handle = await closed_by_itself(world)
    facts = [Learn(said=world.by("ana.ic"), fact="units_sold", value=str(count)) for count in (10, 20, 30)]

    receipts = await asyncio.gather(*(told(world, handle, "learn", fact) for fact in [*facts, facts[0]]))
    file = await filed(handle)

    assert [receipt.request_id for receipt in receipts] == [fact.said.request_id for fact in [*facts, facts[0]]]
    assert receipts[0] == receipts[3]
    assert file.runs == 2
    assert len(await noted(world, handle.id, "case.reopened")) == 1


async def test_a_matter_that_was_withdrawn_and_is_reported_anew_is_hidden_again(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.gate(handle, GateKind.RESPONSE)
    await world.say(handle, "withdraw", Withdraw(said=world.by("ana.ic"), reason="notice retracted"))
    await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))
    closed = await world.finish(handle)
    handle = any_run(world, handle.id)
    assert closed.withdrawn

    await told(world, handle, "report", Report(said=world.by("ana.ic"), intake=recall()))
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.gate(handle, GateKind.RESPONSE)
    file = await filed(handle)

    shown = await world.listings("Hearthlow")
    assert file.withdrawn == ""
    assert file.ruling == HIDE
    assert file.restricted > 0
    assert len(world.hidden(handle.id)) == 2 * file.restricted
    assert sum(item["visibility"] == "hidden" for item in shown.values()) >= file.restricted


async def test_the_follow_up_of_an_action_is_spoken_to_by_its_own_id_and_never_reopened(world: World) -> None:
    handle = await follow_up(world)
    client = world.env.client

    given = await say(client, handle.id, "assign", Assign(said=world.by("ana.ic"), to="piotr.product"))
    done = TaskDone(said=world.by("petra.product"), task="action-1", proof="deployed")
    first = await say(client, handle.id, "task", done)
    await world.agree(handle, GateKind.VERIFICATION, "verified")
    await handle.result()
    again = await say(client, handle.id, "task", done)
    with pytest.raises(Problem) as refused:
        await say(client, handle.id, "learn", Learn(said=world.by("ana.ic"), fact="deaths", value="1"))

    assert given.text == f"piotr.product owns {handle.id}"
    assert first == again
    assert refused.value.code == "already_closed"
