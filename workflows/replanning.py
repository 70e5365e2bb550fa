"""What changes when more is known? Policy is asked again, and what follows from its new plan is done."""

from escalations.consensus import GateKind
from escalations.model import Milestone
from escalations.plans import Plan
from workflows import options
from workflows.case import Case
from workflows.gates import supersede
from workflows.stages.containment import in_emergency
from workflows.stages.legal_review import HIDE
from workflows.stages.response import given_to_people
from workflows.stages.triage import planned, steps_given


async def planned_anew(case: Case, *, today: bool = False) -> None:
    """Ask policy again with what is known now; harm that calls for it is contained at once.

    When the rulebook has no answer the case goes on with the plan it has, and a person is asked to look.
    """
    if case.file.plan is None:
        return
    before = case.plan
    try:
        plan = await planned(case, today=today)
    except options.NOT_AT_ONCE as failure:
        case.journal.note("triage.blocked", f"no new plan: {failure}")
        case.owe(f"replan-{len(case.file.tasks) + 1}", "the rulebook has no answer to what is known now", "OPS")
        return
    case.journal.note("case.triaged", f"priority {plan.priority}, score {plan.severity.score}", rulebook=plan.rulebook)
    case.reached(Milestone.INTAKE_ACKNOWLEDGED, "added to the case")
    if case.file.answered:
        given_to_people(case)
    flipped = plan.domain is not before.domain
    if flipped:
        _handed_to_other_people(case, before)
    steps_given(case, reviewed=case.file.ruling == HIDE)
    if plan.contain_first and case.file.ruling and case.file.ruling != HIDE:
        case.file.again = True
    if plan.contain_first and not flipped:  # a flipped case comes round to its emergency by itself, at once
        case.beside(in_emergency(case))


def _handed_to_other_people(case: Case, before: Plan) -> None:
    """Ask the people of another domain from now on: what the wrong ones were asked is off, and answered anew."""
    file, domain = case.file, case.plan.domain
    case.journal.note("case.handed_over", f"{before.domain.value} → {domain.value}: {case.plan.playbook} from now on")
    if file.owner == before.owner:
        file.owner = case.plan.owner
    file.again, file.answered = True, 0
    for kind in (GateKind.CONTAINMENT, GateKind.LEGAL_REVIEW, GateKind.RESPONSE):
        supersede(case, kind)
