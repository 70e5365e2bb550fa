"""How bad is it, how urgent, and how do we handle it?"""

from dataclasses import replace

from temporalio import workflow

from activities.policy import Policy
from escalations import closing
from escalations.model import Milestone, Stage
from escalations.plans import Plan, PlanRequest
from workflows import options
from workflows.case import Case
from workflows.people import page, until_told


async def triaged(case: Case) -> Plan:
    """Get a plan: severity, urgency, priority with their reasons, clocks with their due times."""
    if case.file.plan is not None:
        return case.file.plan
    first = case.file.intakes[0]
    case.journal.note("case.opened", first.title, source=first.source, arrived=first.kind.value)
    case.file.stage = Stage.TRIAGE
    plan = await _plan(case)
    case.file.owner = plan.owner
    case.journal.note(
        "case.triaged",
        f"P{plan.severity.band} (score {plan.severity.score}), U{plan.urgency}, priority {plan.priority}",
        rulebook=plan.rulebook,
        playbook=plan.playbook,
        reasons="; ".join((*plan.severity.steps, *plan.reasons)),
    )
    case.reached(Milestone.INTAKE_ACKNOWLEDGED, "opened")
    case.enter(Stage.INVESTIGATION)
    case.journal.show()
    woken(case)
    return plan


def woken(case: Case) -> None:
    """Page the owner once, as soon as it is known that the case concerns us; nothing waits for it."""
    if case.plan.page and not case.file.pages and closing.concerns_us(case.file):
        case.beside(page(case, f"{case.id}: {case.plan.playbook}, priority {case.plan.priority}"))
    steps_given(case, reviewed=False)


def steps_given(case: Case, *, reviewed: bool) -> None:
    """Make a task of each step that people take: some at once, the others when `reviewed`."""
    if not closing.concerns_us(case.file):
        return
    known = {task.id for task in case.file.tasks}
    for step in case.plan.steps:
        if (reviewed or step.before_review) and f"step-{step.key}" not in known:
            case.owe(f"step-{step.key}", step.title, step.owner)


async def planned(case: Case, *, today: bool = False) -> Plan:
    """Ask policy how to handle the case as it is known now. Running clocks are kept, or move earlier.

    The rulebook is the one the case was opened with, unless the case is to go on under that of `today`.
    """
    file = case.file
    request = PlanRequest(
        case_id=case.id,
        intakes=tuple(file.intakes),
        now=workflow.now(),
        clocks=tuple(file.clocks),
        contained=file.contained_at is not None,
        contained_at=file.contained_at,
        rulebook="" if today or file.plan is None else file.plan.rulebook,
    )
    answer = workflow.execute_local_activity_method(Policy.plan_case, request, **options.POLICY)
    plan = await case.journal.after(answer)
    case.take_clocks(plan.clocks)
    # The clocks live in the file; a second copy in the plan would only make the history long.
    file.plan = replace(plan, clocks=(), asked="")
    return plan


async def _plan(case: Case) -> Plan:
    """Ask policy until it has an answer: without one, a person is paged and asked again every hour."""
    while True:
        try:
            return await planned(case)
        except options.NOT_AT_ONCE as failure:
            case.journal.note("triage.blocked", f"no plan: {failure.cause or failure}")
            await page(case, "a case cannot be triaged")
            await until_told(case, "the rulebook has no answer for this case", "ask the rulebook again")
