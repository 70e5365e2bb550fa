"""What a fresh reading of the process found, each with the case that shows it."""

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from escalations.consensus import GateKind
from escalations.messages import Appeal, Learn, Report, ReportFinding, TaskDone, Withdraw
from escalations.model import Facts, IntakeKind, Stage
from tests.workflows.world import INJURED, POWER_BANK, World, recall

HIDE, NO_ACTION = "hide", "no_action"


async def test_a_ruling_against_an_emergency_act_brings_everything_back(world: World) -> None:
    before = await world.listings("Ohmberry")
    handle = await world.opened(recall(POWER_BANK, facts=INJURED))
    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    await world.agree(handle, GateKind.RATIFICATION, "ratify")

    await world.agree(handle, GateKind.LEGAL_REVIEW, NO_ACTION)
    await world.until(handle, lambda card: any(swept.reversed.done for swept in card.sweeps))

    assert await world.listings("Ohmberry") == before
    await world.finish(handle)


async def test_an_emergency_question_ends_when_legal_review_has_ruled(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK))
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    learn = Learn(said=world.by("ana.ic"), fact="child_injured", value="true", reason="hospital")
    await world.say(handle, "learn", learn)
    learn = Learn(said=world.by("ana.ic"), fact="serious_injuries", value="1", reason="hospital")
    await world.say(handle, "learn", learn)
    await world.gate(handle, GateKind.CONTAINMENT)

    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: card.sweeps)

    emergency = [one for one in card.gates if one.gate.kind is GateKind.CONTAINMENT]
    assert [one.outcome.how for one in emergency if one.outcome] == ["superseded"]
    file = await world.finish(handle)
    assert not file.emergency
    assert len(world.hidden(handle.id)) == len(set(world.hidden(handle.id))) == file.restricted


async def test_harm_learned_after_a_ruling_not_to_act_asks_again(world: World) -> None:
    handle = await world.opened(recall(POWER_BANK, kind=IntakeKind.INCIDENT_REPORT))
    await world.agree(handle, GateKind.LEGAL_REVIEW, NO_ACTION)
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))

    await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="deaths", value="1", reason="police"))

    gate = await world.gate(handle, GateKind.CONTAINMENT)
    assert gate.outcome is None
    await world.finish(handle)


async def test_a_matter_withdrawn_while_the_root_cause_is_awaited_closes(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.agree(handle, GateKind.RESPONSE, "send")
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))

    await world.say(handle, "withdraw", Withdraw(said=world.by("ana.ic"), reason="retracted"))
    file = await world.finish(handle)

    assert file.root_cause is None
    assert file.stage is Stage.CLOSED


async def test_a_second_notice_is_acknowledged_and_can_be_closed(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)

    notice = recall(kind=IntakeKind.NOTICE, jurisdictions=("EU",), facts=Facts())
    await world.say(handle, "report", Report(said=world.by("ana.ic"), intake=notice))
    file = await world.finish(handle)

    assert len(file.intakes) == 2


async def test_nobody_approves_an_analysis_that_was_put_in_its_place_meanwhile(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.agree(handle, GateKind.RESPONSE, "send")
    await world.until(handle, lambda card: any("root cause" in wait.reason for wait in card.waiting))
    await world.explain(handle)
    await world.gate(handle, GateKind.ROOT_CAUSE)

    own = ReportFinding(said=world.by("sofia.safety"), kind="root_cause", text="mine", factors=("DET-2",))
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.say(handle, "finding", own)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "gate_open"
    await world.finish(handle)


async def test_an_unfounded_appeal_is_denied_by_somebody_who_did_not_decide_and_no_longer_keeps_the_case_open(
    world: World,
) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: card.sweeps)
    assert card.manifest is not None
    listings = card.manifest.sample[:2]
    await world.say(handle, "appeal", Appeal(said=world.by("seller"), listings=listings, reason="mine is safe"))

    turned = tuple(reversed(listings))
    deny = Appeal(said=world.by("olga.ops"), listings=turned, reason="same batch", deny=True)
    receipt = await world.say(handle, "appeal", deny)
    file = await world.finish(handle)

    assert "denied" in receipt.text
    assert file.appeals == []
    assert file.restricted > 0


async def test_a_task_of_a_clock_meets_only_that_clock(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: len([t for t in card.tasks if not t.done_at]) >= 2)
    task = next(task for task in card.tasks if any(clock.rule == task.id for clock in card.clocks))

    await world.say(handle, "task", TaskDone(said=world.by("sam.safety"), task=task.id, proof="filed"))
    card = await world.until(handle, lambda card: any(t.id == task.id and t.done_at for t in card.tasks))

    met = [clock.rule for clock in card.clocks if clock.proof == "filed"]
    assert met == [task.id]
    await world.finish(handle)
