"""Are the people woken who are on duty at that instant, and those above them when nobody below answered?"""

from datetime import timedelta

from escalations.consensus import GateKind
from tests.workflows.steering import filed
from tests.workflows.world import INJURED, World, recall


def paged(world: World, case_id: str) -> list[tuple[str, list[str]]]:
    """What the pager was told about a case, in order: the summary, and whom to ask."""
    entries = [one for one in world.standins.journal("pager") if one["key"].startswith(f"seawall:{case_id}:page:")]
    return [(one["now"]["summary"], list(one["now"].get("details", {}).values())) for one in entries]


async def test_the_page_of_a_case_names_whom_its_plan_found_on_duty(world: World) -> None:
    handle = await world.opened(recall(facts=INJURED))
    await world.gate(handle, GateKind.CONTAINMENT)
    known = (await filed(handle)).plan

    pages = paged(world, handle.id)

    assert known is not None
    assert known.on_duty is not None
    assert pages[0][1] == [f"{person}: {why}" for person, why in known.on_duty.ask]
    assert pages[0][1]


async def test_a_question_that_nobody_answered_wakes_the_next_level_of_the_ladder(world: World) -> None:
    handle = await world.opened(recall())
    gate = (await world.gate(handle, GateKind.LEGAL_REVIEW)).gate

    await world.forward(handle, gate.due_at - gate.opened_at + timedelta(minutes=1))
    await world.until(handle, lambda card: card.sweeps)
    late = [ask for summary, ask in paged(world, handle.id) if "nobody decided" in summary]

    assert gate.ask
    assert len(late) == 1
    assert all(", L1 " in line or ", L2 " in line for line in late[0])
    await world.finish(handle)
