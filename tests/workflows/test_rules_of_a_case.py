"""Which rules does a case follow, and who may say that one does not apply?"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from escalations import ids
from escalations.clocks import ClockStatus
from escalations.consensus import GateKind
from escalations.messages import Exempt, Learn, Merge, Replan, Split, TaskDone
from escalations.model import Domain, Facts, IntakeKind
from tests.workflows.steering import HIDE, filed, noted, refusal, seen, still
from tests.workflows.world import NOWHERE, World, order, recall


@pytest.fixture(autouse=True)
def time_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(world, monkeypatch):
        yield


async def test_a_duty_of_law_ends_when_two_persons_say_that_it_does_not_apply(world: World) -> None:
    handle = await world.opened(order(tuple(sorted(await world.listings("Tumblebee"))[:1])))
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    exempt = Exempt(said=world.by("lena.legal"), clock="EU-GPSR-22-4", reason="a toy of another maker")

    first = await world.say(handle, "exempt", exempt)
    between = {clock.rule: clock.status for clock in (await filed(handle)).clocks}
    await world.say(handle, "exempt", replace(exempt, said=world.by("leo.legal")))
    code = await refusal(world, handle, "exempt", replace(exempt, said=world.by("leo.legal")))
    ended = next(clock for clock in (await filed(handle)).clocks if clock.rule == "EU-GPSR-22-4")

    assert "second person" in first.text
    assert between["EU-GPSR-22-4"] is ClockStatus.RUNNING
    assert (ended.status, ended.decided_by) == (ClockStatus.NOT_APPLICABLE, "lena.legal, leo.legal")
    assert ended.due_history[-1].reason == "does not apply: a toy of another maker"
    assert code == "not_running"


async def test_a_case_moves_to_todays_rulebook_when_two_persons_say_so(world: World) -> None:
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    replan = Replan(said=world.by("ana.ic"), reason="a weight was wrong")

    await world.say(handle, "replan", replan)
    await world.say(handle, "replan", replace(replan, said=world.by("ana.ic")))
    alone = await noted(world, handle.id, "case.replanned")
    receipt = await world.say(handle, "replan", replace(replan, said=world.by("ivo.ic")))

    assert alone == []
    assert "under rulebook" in receipt.text
    assert len(await noted(world, handle.id, "case.replanned")) == 1


async def test_a_finding_about_a_child_hands_the_case_to_other_people(world: World) -> None:
    listings = tuple(sorted(await world.listings("Tumblebee"))[:1])
    notice = replace(
        recall(kind=IntakeKind.NOTICE, domain=Domain.ILLEG, listings=listings, jurisdictions=("IE",)), product=None
    )
    handle = await world.opened(notice)
    before = await world.gate(handle, GateKind.LEGAL_REVIEW)

    await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="csam", value="true", reason="seen by CSAFE"))
    emergency = await world.gate(handle, GateKind.CONTAINMENT)
    await world.agree(handle, GateKind.CONTAINMENT, "proceed")
    review = await world.gate(handle, GateKind.LEGAL_REVIEW)
    file = await filed(handle)
    superseded = next(one for one in file.gates if one.gate.id == before.gate.id)

    assert file.plan is not None
    assert file.plan.domain is Domain.MINOR
    assert superseded.outcome is not None
    assert superseded.outcome.how == "superseded"
    assert {seat.role for seat in emergency.gate.seats} == {"CSAFE"}
    assert {seat.role for seat in review.gate.seats if seat.required} >= {"CSAFE", "LEG"}
    assert len(await noted(world, handle.id, "case.handed_over")) == 1


async def test_a_breach_without_listings_is_contained_by_people_in_steps(world: World) -> None:
    told = Facts(marks=("personal_data_breach",), people_affected=10)
    alert = recall(kind=IntakeKind.ALERT, domain=Domain.PRIV, hazard="", jurisdictions=("IE",), facts=told)
    alert = replace(alert, product=None, title="A bucket was open")
    handle = await world.opened(alert)

    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    card = await world.until(handle, lambda card: [task for task in card.tasks if task.id.startswith("step-")])
    task = next(task for task in card.tasks if task.id.startswith("step-"))
    await world.say(handle, "task", TaskDone(said=world.by("omar.ops"), task=task.id, proof="ticket 1"))
    file = await world.finish(handle)

    assert file.restricted == 0
    assert all(task.done_at for task in file.tasks)
    assert file.closed_at is not None


async def test_merged_clocks_keep_their_past_and_go_back_as_they_were(world: World) -> None:
    listings = tuple(sorted(await world.listings("Tumblebee"))[:1])
    other = recall(NOWHERE)
    other_id = ids.case_id(other.source, other.source_ref)
    handle = await world.opened(order(listings))
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    first = (await filed(handle)).clocks[0]
    theirs = replace(first, subject="THEIR-ORDER", status=ClockStatus.MET, met_at=first.t0, proof="letter 7")
    merge = Merge(said=world.by("ana.ic"), other=other_id, intake=other, clocks=(theirs,))

    await world.say(handle, "merge", merge)
    joined = await seen(handle, lambda file: other in file.intakes)
    taken = [clock for clock in joined.clocks if clock.origin]
    await world.say(handle, "split", Split(said=world.by("ana.ic"), other=other_id, reason="another brand"))
    file = await filed(handle)

    assert [(one.subject, one.status, one.proof) for one in taken] == [("THEIR-ORDER", ClockStatus.MET, "letter 7")]
    assert taken[0].rule != first.rule
    assert [clock for clock in file.clocks if clock.origin] == []
    assert first.rule in {clock.rule for clock in file.clocks}
