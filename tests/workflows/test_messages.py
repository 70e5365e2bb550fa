"""What does each message do, as an update and as a signal, and what when it is repeated, refused or late?"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from escalations import ids
from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus
from escalations.consensus import GateKind, Stance
from escalations.messages import (
    Abort,
    Appeal,
    Assign,
    Claim,
    Decide,
    Delegate,
    Exempt,
    Hold,
    Kill,
    Learn,
    Merge,
    Release,
    Reopen,
    Replan,
    Report,
    ReportFinding,
    Resume,
    Said,
    Split,
    TaskDone,
    Withdraw,
)
from escalations.model import Milestone
from escalations.record import Card
from standins.faults import assert_all_fired
from tests.workflows.steering import HIDE, asked, filed, held_sweep, noted, refusal, seen, still
from tests.workflows.world import BLENDER, INJURED, NOWHERE, PAUSABLE, POWER_BANK, Handle, World, pausable_order, recall
from workflows.sweep import Sweep

OTHER = recall(NOWHERE)
OTHER_ID = ids.case_id(OTHER.source, OTHER.source_ref)
MORE = recall(NOWHERE)


@pytest.fixture(autouse=True)
def time_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(world, monkeypatch):
        yield


@dataclass(frozen=True, kw_only=True)
class Row:
    """One message: how it is said to a case as it stands, and how its effect is seen in the file."""

    name: str
    by: str
    build: Callable[[Said, CaseFile], Any]
    seen: Callable[[CaseFile], bool]
    noted: bool = True


def _vote(said: Said, file: CaseFile) -> Decide:
    gate = file.gates[0].gate
    return Decide(
        said=said, gate=gate.id, digest=gate.digest, option=HIDE, stance=Stance.CONDITIONS, role="LEG",
        reason="seen", conditions=("tell the importer",), on_behalf_of="leo.legal",
    )  # fmt: skip


def _clock(file: CaseFile) -> ClockStatus:
    return next(clock.status for clock in file.clocks if clock.rule == PAUSABLE)


def _until() -> datetime:
    return datetime.now(UTC) + timedelta(days=3)


BEFORE_THE_RULING = (
    Row(name="claim", by="ana.ic", build=lambda said, _: Claim(said=said), seen=lambda file: file.owner == "ana.ic"),
    Row(
        name="assign", by="ana.ic",
        build=lambda said, _: Assign(said=said, to="ivo.ic", reason="shift ends"),
        seen=lambda file: file.owner == "ivo.ic",
    ),
    Row(
        name="learn", by="ana.ic",
        build=lambda said, _: Learn(said=said, fact="media", value="2", reason="in the news"),
        seen=lambda file: file.intakes[0].facts.media == 2,
    ),
    Row(
        name="finding", by="sam.safety",
        build=lambda said, _: ReportFinding(said=said, kind="importer", text="one importer only"),
        seen=lambda file: [one.text for one in file.findings] == ["one importer only"],
    ),
    Row(
        name="hold", by="lena.legal",
        build=lambda said, _: Hold(said=said, clock=PAUSABLE, reason="the order names no listing"),
        seen=lambda file: _clock(file) is ClockStatus.SUSPENDED,
    ),
    Row(
        name="release", by="lena.legal",
        build=lambda said, _: Release(said=said, clock=PAUSABLE, reason="it was corrected"),
        seen=lambda file: _clock(file) is ClockStatus.RUNNING and bool(file.clocks),
    ),
    Row(
        name="exempt", by="lena.legal",
        build=lambda said, _: Exempt(said=said, clock=PAUSABLE, reason="the duty is another's"),
        seen=lambda file: PAUSABLE in file.downgrades and _clock(file) is ClockStatus.RUNNING,
    ),
    Row(
        name="replan", by="ana.ic",
        build=lambda said, _: Replan(said=said, reason="the scale was mended"),
        seen=lambda file: "replan" in file.downgrades,
    ),
    Row(
        name="merge", by="ana.ic",
        build=lambda said, _: Merge(said=said, other=OTHER_ID, intake=OTHER, reason="same product"),
        seen=lambda file: OTHER in file.intakes and file.merged == [OTHER_ID],
    ),
    Row(
        name="split", by="ana.ic",
        build=lambda said, _: Split(said=said, other=OTHER_ID, reason="another model"),
        seen=lambda file: len(file.intakes) == 1 and file.merged == [],
    ),
    Row(
        name="report", by="ana.ic",
        build=lambda said, _: Report(said=said, intake=MORE),
        seen=lambda file: file.intakes[1:] == [MORE] and file.again,
    ),
    Row(
        name="delegate", by="leo.legal",
        build=lambda said, _: Delegate(said=said, to="cora.comms", role="LEG", until=_until()),
        seen=lambda file: [one.to for one in file.delegations] == ["cora.comms"],
    ),
    Row(
        name="decide", by="cora.comms", build=_vote,
        seen=lambda file: [(vote.person, vote.on_behalf_of) for vote in file.gates[0].votes]
        == [("cora.comms", "leo.legal")],
    ),
)  # fmt: skip
AFTER_THE_SWEEP = (
    Row(
        name="task", by="omar.ops",
        build=lambda said, file: TaskDone(said=said, task=file.tasks[0].id, proof="letter of today"),
        seen=lambda file: file.tasks[0].done_by == "omar.ops",
    ),
    Row(
        name="kill", by="ana.ic",
        build=lambda said, _: Kill(said=said, sweep=1, reason="stop"),
        seen=lambda file: not file.sweeps[0].killed,
        noted=False,
    ),
    Row(
        name="resume", by="ana.ic",
        build=lambda said, _: Resume(said=said, sweep=1, reason="go on"),
        seen=lambda file: not file.sweeps[0].killed,
        noted=False,
    ),
    Row(
        name="appeal", by="cora.comms",
        build=lambda said, file: Appeal(said=said, listings=file.orders[0].manifest.sample[:1], reason="other model"),
        seen=lambda file: len(file.appeals) == 1 and file.appeals[0].reason == "other model",
    ),
    Row(
        name="abort", by="ana.ic",
        build=lambda said, _: Abort(said=said, reason="wrong product"),
        seen=lambda file: file.aborted == "wrong product" and file.undone == [1] and not file.undoing,
    ),
    Row(
        name="withdraw", by="ana.ic",
        build=lambda said, _: Withdraw(said=said, reason="the order was lifted"),
        seen=lambda file: all(clock.status is not ClockStatus.RUNNING for clock in file.clocks),
    ),
)  # fmt: skip


async def said_as_update(world: World, handle: Handle, name: str, message: Any) -> None:
    receipt = await world.say(handle, name, message)
    assert (receipt.code, receipt.request_id) == ("taken", message.said.request_id)


async def said_as_signal(_world: World, handle: Handle, name: str, message: Any) -> None:
    await handle.signal(name, message)


Say = Callable[[World, Handle, str, Any], Any]
FORMS = pytest.mark.parametrize("say", [said_as_update, said_as_signal], ids=["update", "signal"])


async def said_one_by_one(world: World, handle: Handle, rows: tuple[Row, ...], say: Say) -> None:
    """Say each message of a table and see its effect, and its receipt kept under its request id."""
    file = await filed(handle)
    for row in rows:
        message = row.build(world.by(row.by), file)
        await say(world, handle, row.name, message)
        # A query that meets a task of the same case costs a worker without a cache half a minute; so wait first.
        await world.until(handle, partial(_written, file.seq if row.noted else 0))
        file = await seen(handle, partial(_taken, row, message.said.request_id))


def _written(seq: int, card: Card) -> bool:
    return card.seq > seq


def _taken(row: Row, request_id: str, file: CaseFile) -> bool:
    return request_id in file.answers and file.answers[request_id].code == "taken" and row.seen(file)


@FORMS
async def test_each_message_has_the_same_effect_as_update_and_as_signal(world: World, say: Say) -> None:
    listings = tuple(sorted(await world.listings("Tumblebee"))[:2])
    before = await world.listings("Tumblebee")
    handle = await world.opened(pausable_order(listings))
    await world.gate(handle, GateKind.LEGAL_REVIEW)

    await said_one_by_one(world, handle, BEFORE_THE_RULING, say)
    await world.vote(handle, await world.gate(handle, GateKind.LEGAL_REVIEW), "PSAF", HIDE)
    await world.until(handle, lambda card: card.sweeps)
    await said_one_by_one(world, handle, AFTER_THE_SWEEP, say)
    await say_reopen(world, handle, say)

    assert await world.listings("Tumblebee") == before


async def say_reopen(world: World, handle: Handle, say: Say) -> None:
    """An open case refuses to be reopened: an update is told so, a signal leaves a trace."""
    message = Reopen(said=world.by("ana.ic"), reason="again")
    if say is said_as_update:
        assert await refusal(world, handle, "reopen", message) == "already_open"
        return
    await handle.signal("reopen", message)
    await world.say(handle, "claim", Claim(said=world.by("olga.ops")))
    await world.until(handle, lambda card: card.owner == "olga.ops")
    assert [dict(one.data)["code"] for one in await noted(world, handle.id, "message.refused")] == ["already_open"]


async def test_a_repeated_request_id_gets_the_first_receipt_by_whatever_way_it_comes(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    message = Claim(said=Said(request_id="one-delivery", person="ana.ic", door="console", attestation="a"))

    first = await world.say(handle, "claim", message)
    again = await world.say(handle, "claim", message)
    await handle.signal("claim", message)
    other_door = replace(message, said=replace(message.said, door="chat", attestation="b"))
    by_chat = await world.say(handle, "claim", other_door)
    other_words = Assign(said=message.said, to="ivo.ic")
    code = await refusal(world, handle, "assign", other_words)
    await handle.signal("assign", other_words)
    await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="media", value="1"))
    card = await world.until(handle, lambda card: card.owner == "ana.ic")

    assert again == by_chat == first
    assert code == "request_id_conflict"
    assert len(await noted(world, handle.id, "case.assigned")) == 1
    conflicts = [dict(one.data)["code"] for one in await noted(world, handle.id, "message.refused")]
    assert conflicts == ["request_id_conflict"]
    assert card.owner == "ana.ic"


async def test_a_refused_update_leaves_no_event(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    stale = Decide(said=world.by("leo.legal"), gate=gate.gate.id, digest="0" * 64, option=HIDE, role="LEG")
    before = (await handle.describe()).history_length

    code = await refusal(world, handle, "decide", stale)

    assert code == "stale_digest"
    assert (await handle.describe()).history_length == before


async def test_a_message_repeated_while_it_is_being_done_waits_for_the_same_answer(world: World) -> None:
    handle = await world.opened(recall(BLENDER))
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: card.sweeps)
    assert card.manifest is not None
    rule = {"id": "slow-lift", "op": "lift", "kind": "pause_before", "barrier": "slow-lift"}
    world.standins.script("marketplace", [rule])
    barrier = world.standins.barrier("marketplace", "slow-lift")
    grant = Appeal(said=world.by("olga.ops"), listings=card.manifest.sample[:1], reason="other model", grant=True)

    first = asyncio.create_task(world.say(handle, "appeal", grant))
    await barrier.arrived()
    second = asyncio.create_task(world.say(handle, "appeal", grant))
    code = await refusal(world, handle, "claim", Claim(said=grant.said))
    done_early = first.done() or second.done()
    barrier.release()

    assert code == "request_id_conflict"
    assert not done_early
    assert await first == await second
    assert len(await noted(world, handle.id, "listings.restored")) == 1
    assert_all_fired(world.standins)


async def test_a_delegate_never_speaks_twice_for_one_voice(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    trust = Delegate(said=world.by("leo.legal"), to="cora.comms", role="LEG", until=_until())
    await world.say(handle, "delegate", trust)
    onward = Delegate(said=world.by("cora.comms"), to="gabe.gov", role="LEG", until=_until())
    vote = Decide(
        said=world.by("cora.comms"), gate=gate.gate.id, digest=gate.gate.digest, option=HIDE,
        role="LEG", reason="seen", on_behalf_of="leo.legal",
    )  # fmt: skip

    await world.say(handle, "delegate", onward)
    once_more = Delegate(said=world.by("gabe.gov"), to="petra.product", role="LEG", until=_until())
    chain = await refusal(world, handle, "delegate", once_more)
    await world.say(handle, "decide", vote)
    own = replace(vote, said=world.by("leo.legal"), on_behalf_of="")

    assert chain == "delegation_chain"
    assert await refusal(world, handle, "decide", own) == "already_voted"


async def test_a_suspended_clock_stands_still_and_starts_afresh_when_it_is_released(world: World) -> None:
    listings = tuple(sorted(await world.listings("Tumblebee"))[:1])
    handle = await world.opened(pausable_order(listings))
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    held = Hold(said=world.by("lena.legal"), clock=PAUSABLE, reason="the order names no listing")

    await world.say(handle, "hold", held)
    not_twice = await refusal(world, handle, "hold", replace(held, said=world.by("lena.legal")))
    never = await refusal(world, handle, "hold", replace(held, said=world.by("lena.legal"), clock="EU-DSA-9"))
    await world.forward(handle, timedelta(minutes=10))
    during = await filed(handle)
    await world.say(handle, "release", Release(said=world.by("lena.legal"), clock=PAUSABLE, reason="corrected"))
    file = await filed(handle)

    clock = next(clock for clock in file.clocks if clock.rule == PAUSABLE)
    assert (not_twice, never) == ("not_running", "not_suspendable")
    assert _clock(during) is ClockStatus.SUSPENDED
    assert clock.status is ClockStatus.RUNNING
    assert clock.due_operational is not None
    assert clock.due_operational - clock.t0 == timedelta(hours=1)
    assert clock.t0 - file.opened_at >= timedelta(minutes=10)


def sweep_of(world: World, handle: Handle) -> Any:
    return world.env.client.get_workflow_handle_for(Sweep.run, ids.sweep_id(handle.id, 1))


async def stopped(world: World, handle: Handle) -> None:
    """Wait until a killed sweep stands between two batches: it has set the timer of its patience."""
    for _ in range(1200):
        events = [event.event_type async for event in sweep_of(world, handle).fetch_history_events()]
        if EventType.EVENT_TYPE_TIMER_STARTED in events:
            assert len(world.hidden(handle.id)) == 2
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the sweep went on")


async def test_a_killed_sweep_stops_between_two_batches_and_goes_on_when_it_is_resumed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_sweep(world, monkeypatch, "kill") as (handle, barrier):
        receipt = await world.say(handle, "kill", Kill(said=world.by("ana.ic"), sweep=1, reason="wrong seller?"))
        barrier.release()
        await stopped(world, handle)
        during = await world.card(handle)
        await world.say(handle, "resume", Resume(said=world.by("ana.ic"), sweep=1, reason="it was right"))
        card = await world.until(handle, lambda card: card.sweeps)

    assert receipt.text.startswith("sweep 1: kill ordered")
    assert during is not None
    assert during.sweeps == ()
    assert card.manifest is not None
    assert card.sweeps[0].applied.done == card.manifest.count > 2
    assert not card.sweeps[0].killed
    assert len(set(world.hidden(handle.id))) == len(world.hidden(handle.id)) == card.manifest.count


async def test_a_sweep_that_nobody_resumes_is_left_to_people_and_meets_no_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_sweep(world, monkeypatch, "left") as (handle, barrier):
        await world.say(handle, "kill", Kill(said=world.by("ana.ic"), sweep=1, reason="wrong seller?"))
        barrier.release()
        await stopped(world, handle)
        await world.forward(sweep_of(world, handle), timedelta(days=1, minutes=1))
        card = await world.until(handle, lambda card: any(task.id == "killed-1" for task in card.tasks))

    contained = [clock for clock in card.clocks if clock.meets is Milestone.CONTAINED]
    assert card.sweeps[0].killed
    assert card.sweeps[0].applied.done == 2
    assert [clock.status for clock in contained] == [ClockStatus.RUNNING]
    assert any(task.id == contained[0].rule for task in card.tasks)


@pytest.mark.parametrize("message", [Abort, Withdraw])
async def test_a_takedown_stopped_in_the_middle_is_too_late_to_prevent_and_undone_exactly(
    world: World, monkeypatch: pytest.MonkeyPatch, message: Any
) -> None:
    before = await world.listings("Hearthlow")
    name = message.__name__.lower()
    async with held_sweep(world, monkeypatch, name) as (handle, barrier):
        receipt = await world.say(handle, name, message(said=world.by("ana.ic"), reason="wrong product"))
        waiting = await asked(handle, "card", Card)
        barrier.release()
        card = await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))
        file = await seen(handle, lambda file: not file.undoing)

    assert receipt.text == "too late to prevent it: the sweep is stopped and its reversal ordered"
    assert "the reversal is not finished" in waiting.open_items
    assert len(world.hidden(handle.id)) == 2
    assert sum(swept.reversed.done for swept in card.sweeps) == 2
    assert sum(swept.reversed.wrong for swept in card.sweeps) == 0
    assert file.restricted == 0
    assert await world.listings("Hearthlow") == before


async def test_what_was_revoked_in_an_emergency_is_hidden_when_legal_review_rules_so(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK, facts=INJURED))
    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    await world.until(handle, lambda card: card.sweeps)
    await world.agree(handle, GateKind.RATIFICATION, "revoke")
    await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))

    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: sum(bool(swept.applied.done) for swept in card.sweeps) == 2)

    assert card.manifest is not None
    shown = await world.listings("Ohmberry")
    assert sum(item["visibility"] == "hidden" for item in shown.values()) >= card.manifest.count
