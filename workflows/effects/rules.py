"""What does a message do that changes which rules bind the case: a clock on hold, an exemption, a new rulebook?"""

from collections.abc import Callable
from typing import Any

from temporalio import workflow

from escalations.clocks import Force, not_applicable, release, suspend
from escalations.messages import Exempt, Hold, Release, Replan
from workflows.case import Case
from workflows.effects.agreement import second_person
from workflows.replanning import planned_anew


async def held(case: Case, message: Hold) -> str:
    """Suspend a clock."""
    return _turn(case, message, suspend, "clock.suspended")


async def released(case: Case, message: Release) -> str:
    """Let a suspended clock run again."""
    return _turn(case, message, release, "clock.released")


def _turn(case: Case, message: Hold | Release, turn: Callable[..., Any], kind: str) -> str:
    index = next(i for i, clock in enumerate(case.file.clocks) if clock.rule == message.clock)
    clock = turn(case.file.clocks[index], workflow.now(), message.reason)
    case.file.clocks[index] = clock
    case.journal.note(kind, f"{clock.rule}: {message.reason}", actor=message.said.person, rule=clock.rule)
    return f"{clock.rule} is {clock.status.value}"


async def exempted(case: Case, message: Exempt) -> str:
    """End a clock that does not apply; two persons where law set it."""
    index = next(i for i, clock in enumerate(case.file.clocks) if clock.rule == message.clock)
    clock, person = case.file.clocks[index], message.said.person
    first = case.file.downgrades.get(clock.rule, "").partition("|")[0]
    if clock.force is Force.LAW and not second_person(case, clock.rule, "does not apply", person):
        return f"noted; {clock.rule} ends when a second person says the same"
    by = f"{first}, {person}" if first else person
    case.file.clocks[index] = not_applicable(clock, by, message.reason, workflow.now())
    text = f"{clock.rule} does not apply: {message.reason}"
    case.journal.note("clock.not_applicable", text, actor=person, rule=clock.rule, decided_by=by)
    case.relieved(clock.rule, by)
    return f"{clock.rule} does not apply"


async def replanned(case: Case, message: Replan) -> str:
    """Go on under the rulebook of today; two persons."""
    before = case.plan.rulebook
    if not second_person(case, "replan", "today's rulebook", message.said.person):
        return "noted; a second person must say the same"
    await planned_anew(case, today=True)
    after = case.plan.rulebook
    case.journal.note("case.replanned", f"{before} → {after}: {message.reason}", actor=message.said.person)
    return f"priority {case.plan.priority} under rulebook {after}"
