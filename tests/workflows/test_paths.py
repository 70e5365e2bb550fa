"""Every path of the process, on the real server, with time skipped."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from escalations import ids
from escalations.clocks import ClockStatus
from escalations.consensus import GateKind, Stance
from escalations.messages import Abort, Appeal, Decide, Kill, Learn, Report, TaskDone, Withdraw
from escalations.model import Action, IntakeKind, Stage
from store import queries, verification
from tests.workflows.world import BLENDER, INJURED, NOWHERE, POWER_BANK, World, order, recall

HIDE, NO_ACTION = "hide", "no_action"


async def test_an_ordinary_recall_runs_from_intake_to_closed(world: World) -> None:
    handle = await world.opened(recall())

    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    file = await world.finish(handle)

    card = await world.card(handle)
    assert file.ruling == HIDE
    assert len(world.hidden(handle.id)) == file.restricted > 0
    assert card is not None
    assert card.stage is Stage.CLOSED
    assert card.open_items == ()


async def test_every_entry_of_a_closed_case_is_in_the_chained_casebook(world: World) -> None:
    handle = await world.opened(recall())
    file = await world.finish(handle)

    entries = await queries.entries(world.engine, handle.id, limit=1000)
    verdict = await verification.verify(world.engine, handle.id)

    assert [entry.seq for entry in entries] == list(range(1, file.seq + 1))
    assert verdict.whole


async def test_a_rejected_case_hides_nothing_and_its_clocks_do_not_apply(world: World) -> None:
    handle = await world.opened(recall())

    await world.agree(handle, GateKind.LEGAL_REVIEW, NO_ACTION)
    file = await world.finish(handle)

    assert file.ruling == NO_ACTION
    assert world.hidden(handle.id) == []
    assert all(clock.status is not ClockStatus.RUNNING for clock in file.clocks)


async def test_a_veto_against_hiding_a_dangerous_product_is_refused_as_out_of_scope(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.vote(handle, gate, "LEG", HIDE, Stance.VETO, "not proven")

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "veto_out_of_scope"
    await world.finish(handle)


async def test_a_veto_stops_what_leaves_the_house(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    gate = await world.gate(handle, GateKind.RESPONSE)

    await world.vote(handle, gate, "LEG", "send", Stance.VETO, "an investigation would be tipped off")

    card = await world.until(handle, lambda card: any(task.id == "EU-DSA-17" for task in card.tasks))
    outcome = next(one.outcome for one in card.gates if one.gate.id == gate.gate.id)
    assert outcome is not None
    assert (outcome.how, outcome.option) == ("veto", "hold_back")
    assert card.sent == ()
    await world.finish(handle)


async def test_when_nobody_decides_the_reversible_default_is_taken_at_the_time_box(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)

    await world.forward(handle, gate.gate.due_at - gate.gate.opened_at + timedelta(minutes=1))

    card = await world.until(handle, lambda card: card.sweeps)
    outcome = next(one.outcome for one in card.gates if one.gate.id == gate.gate.id)
    assert outcome is not None
    assert (outcome.how, outcome.option) == ("default", HIDE)
    assert len(world.hidden(handle.id)) > 0
    await world.finish(handle)


async def test_an_emergency_hides_before_legal_review_and_is_ratified_by_somebody_else(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK, facts=INJURED))

    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    card = await world.until(handle, lambda card: card.sweeps)
    ratification = await world.gate(handle, GateKind.RATIFICATION)
    await world.agree(handle, GateKind.RATIFICATION, "ratify")
    file = await world.finish(handle)

    actors = {vote.person for one in card.gates if one.gate.kind is GateKind.CONTAINMENT for vote in one.votes}
    assert actors <= set(ratification.gate.excluded)
    assert not any(one.gate.kind is GateKind.LEGAL_REVIEW and one.outcome for one in card.gates)
    assert file.ratified
    assert len(file.orders) == 1
    assert len(world.hidden(handle.id)) == len(set(world.hidden(handle.id))) == file.restricted


async def test_a_revoked_emergency_act_is_undone_exactly(world: World) -> None:
    before = await world.listings("Ohmberry")
    handle = await world.opened(recall(POWER_BANK, facts=INJURED))
    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    await world.until(handle, lambda card: card.sweeps)
    during = await world.listings("Ohmberry")

    await world.agree(handle, GateKind.RATIFICATION, "revoke")
    card = await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))

    assert during != before
    assert await world.listings("Ohmberry") == before
    assert sum(swept.reversed.wrong for swept in card.sweeps) == 0
    await world.agree(handle, GateKind.LEGAL_REVIEW, NO_ACTION)
    await world.finish(handle)


async def test_an_injury_learned_later_starts_emergency_containment(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK))
    await world.gate(handle, GateKind.LEGAL_REVIEW)

    learn = Learn(said=world.by("ana.ic"), fact="child_injured", value="true", reason="hospital called")
    await world.say(handle, "learn", learn)
    learn = Learn(said=world.by("ana.ic"), fact="serious_injuries", value="1", reason="hospital called")
    receipt = await world.say(handle, "learn", learn)
    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    card = await world.until(handle, lambda card: card.sweeps)

    assert receipt.text.startswith("learned; priority 0")
    assert card.priority == 0
    file = await world.finish(handle)
    assert len(world.hidden(handle.id)) == len(set(world.hidden(handle.id))) == file.restricted


async def test_lowering_severity_takes_two_people(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK, facts=INJURED))
    await world.until(handle, lambda card: card.priority == 0)

    alone = Learn(said=world.by("ana.ic"), fact="child_injured", value="false", reason="it was an adult")
    first = await world.say(handle, "learn", alone)
    again = Learn(said=world.by("ana.ic"), fact="child_injured", value="false", reason="it was an adult")
    second = await world.say(handle, "learn", again)
    other = Learn(said=world.by("leo.legal"), fact="child_injured", value="false", reason="report read")
    third = await world.say(handle, "learn", other)

    assert "second person" in first.text
    assert "second person" in second.text
    assert third.text.startswith("learned")
    await world.finish(handle)


async def test_an_order_is_executed_answered_and_its_clocks_are_met(world: World) -> None:
    listings = await world.listings("Tumblebee")
    handle = await world.opened(order(tuple(sorted(listings)[:2])))

    file = await world.finish(handle)

    assert file.plan is not None
    assert file.plan.binding
    assert any(sent.recipient.value == "authority" and sent.count == 1 for sent in file.sent)
    assert all(clock.status is ClockStatus.MET for clock in file.clocks), file.clocks


async def test_a_recall_of_something_nobody_offers_closes_by_itself(world: World) -> None:
    handle = await world.opened(recall(NOWHERE))

    card = await world.until(handle, lambda card: card.closed_at)

    assert card.stage is Stage.CLOSED
    assert card.gates == ()
    assert world.hidden(handle.id) == []


async def test_a_wrongly_matched_seller_is_restored_exactly_and_only_it(world: World) -> None:
    before = await world.listings("Brightnook")
    handle = await world.opened(recall(BLENDER))
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.until(handle, lambda card: card.sweeps)
    wronged = tuple(sorted(one for one, item in before.items() if item["seller"] == "second-spring"))

    grant = Appeal(said=world.by("olga.ops"), listings=wronged, reason="second generation", grant=True)
    receipt = await world.say(handle, "appeal", grant)

    after = await world.listings("Brightnook")
    assert receipt.text == f"{len(wronged)} listings restored, 0 differ from before"
    assert {one: after[one] for one in wronged} == {one: before[one] for one in wronged}
    assert any(after[one] != before[one] for one in before)
    await world.finish(handle)


async def test_who_decided_the_act_may_not_grant_the_appeal(world: World) -> None:
    handle = await world.opened(recall(BLENDER))
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: card.sweeps)
    decider = card.gates[0].votes[0].person

    grant = Appeal(said=world.by(decider), listings=("L-00001",), reason="mine", grant=True)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.say(handle, "appeal", grant)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "separation_of_duties"
    await world.finish(handle)


async def test_a_withdrawn_matter_is_undone_and_says_so(world: World) -> None:
    before = await world.listings("Hearthlow")
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.gate(handle, GateKind.RESPONSE)

    receipt = await world.say(handle, "withdraw", Withdraw(said=world.by("ana.ic"), reason="notice retracted"))
    await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))

    assert "reversal ordered" in receipt.text
    assert await world.listings("Hearthlow") == before
    await world.finish(handle)


async def test_an_abort_before_anything_was_hidden_is_in_time(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)

    receipt = await world.say(handle, "abort", Abort(said=world.by("ana.ic"), reason="wrong product"))
    file = await world.finish(handle)

    assert receipt.text.startswith("in time")
    assert world.hidden(handle.id) == []
    assert file.aborted == "wrong product"


async def test_a_case_does_not_close_while_something_is_owed_and_lists_it(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.agree(handle, GateKind.RESPONSE, "send")
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))
    await world.explain(handle)
    await world.agree(handle, GateKind.ROOT_CAUSE, "approve")

    card = await world.until(handle, lambda card: card.waiting and card.stage is not Stage.CLOSED)

    owed = [task for task in card.tasks if not task.done_at]
    assert owed
    assert len(card.open_items) >= len(owed)
    assert all(any(task.id in item for item in card.open_items) for task in owed)
    await world.finish(handle)


async def test_a_second_report_on_an_open_case_starts_another_round(world: World) -> None:
    handle = await world.opened(recall(NOWHERE, kind=IntakeKind.INCIDENT_REPORT))
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))

    more = recall(BLENDER)
    await world.say(handle, "report", Report(said=world.by("ana.ic"), intake=more))
    file = await world.finish(handle)

    assert len(file.intakes) == 2


async def test_corrective_actions_are_followed_until_somebody_else_verified_them(world: World) -> None:
    action = Action(
        id="block", title="block relisting", owner="petra.product", strength="automate",
        due=timedelta(days=30), verifier_role="PSAF",
    )  # fmt: skip
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.agree(handle, GateKind.RESPONSE, "send")
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))
    await world.explain(handle, action)
    await world.finish(handle)
    prevention = world.env.client.get_workflow_handle(ids.prevention_id(handle.id, 1))

    await world.say(prevention, "task", TaskDone(said=world.by("petra.product"), task="action-1", proof="deployed"))
    gate = await world.gate(prevention, GateKind.VERIFICATION)
    await world.agree(prevention, GateKind.VERIFICATION, "verified")
    await prevention.result()

    assert "petra.product" in gate.gate.excluded


async def test_a_late_vote_is_refused_with_what_happened(world: World) -> None:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)

    late = Decide(said=world.by("lena.legal"), gate=gate.gate.id, digest=gate.gate.digest, option=HIDE, role="LEG")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.say(handle, "decide", late)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "gate_closed"
    assert HIDE in str(refused.value.cause)
    await world.finish(handle)


async def test_a_kill_that_comes_after_the_sweep_says_so(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.until(handle, lambda card: card.sweeps)

    receipt = await world.say(handle, "kill", Kill(said=world.by("ana.ic"), sweep=1, reason="stop"))

    assert receipt.text.startswith("too late")
    await world.finish(handle)
