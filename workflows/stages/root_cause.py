"""Why could it happen, and what will keep it from happening again?"""

import contextlib
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from escalations import closing, ids
from escalations.consensus import SUPERSEDED, GateKind
from escalations.enforcement import Sought
from escalations.model import RootCause, Stage
from escalations.plans import Plan
from escalations.rosters import OnDuty
from workflows.case import Case
from workflows.gates import decided
from workflows.people import page
from workflows.prevention import Prevention, PreventionOrder

APPROVE = "approve"


async def root_cause_found(case: Case) -> None:
    """Have the root cause written by one person and approved by another, then start its corrective actions."""
    file = case.file
    if not closing.needs_root_cause(file):
        return
    case.enter(Stage.ROOT_CAUSE)
    while not file.root_cause_approved:
        cause = await _written(case)
        if cause is None:
            return
        outcome = await decided(case, GateKind.ROOT_CAUSE, cause.digest, moot=lambda: _moot(case))
        if outcome.how == SUPERSEDED:
            return
        if outcome.option == APPROVE:
            file.root_cause_approved = True
            case.journal.note("root_cause.approved", ", ".join(cause.factors), digest=cause.digest)
        else:
            file.root_cause = None
    await _prevented(case)


async def _written(case: Case) -> RootCause | None:
    """Wait for the analysis; whoever leads the case is paged when it is late. None when a new report comes first."""
    while case.file.root_cause is None and not _moot(case):
        until = case.target("root_cause")
        written = await case.watch.until(
            lambda: case.file.root_cause is not None or _moot(case),
            owner=case.plan.owner,
            reason="the root cause analysis",
            until=until,
            then="page the owner",
        )
        if not written:
            await page(case, "the root cause analysis is late")
    return case.file.root_cause


def _moot(case: Case) -> bool:
    """Say whether something else comes first: a new report, or a matter taken back that has no root cause of ours."""
    return case.file.again or not closing.needs_root_cause(case.file)


async def _prevented(case: Case) -> None:
    """Start one durable follow-up for each corrective action; they outlive the case."""
    file = case.file
    actions = file.root_cause.actions if file.root_cause else ()
    for number, action in enumerate(actions, 1):
        if number <= file.prevention_started:
            continue
        case.enter(Stage.PREVENTION)
        order = PreventionOrder(
            case_id=case.id, number=number, action=action, plan=_brief(case.plan), opened_at=workflow.now()
        )
        with contextlib.suppress(WorkflowAlreadyStartedError):  # a reset run finds its follow-ups at work
            await workflow.start_child_workflow(
                Prevention.run,
                order,
                id=ids.prevention_id(case.id, number),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        file.prevention_started = number
        case.journal.note("prevention.started", action.title, action=action.id, owner=action.owner)


def _brief(plan: Plan) -> Plan:
    """Leave out of a plan what only the case itself needs: its reasons and what to look for are told there."""
    return replace(
        plan,
        severity=replace(plan.severity, steps=()),
        reasons=(),
        sought=Sought(case_id=plan.sought.case_id, name=plan.sought.name),
        evidence=(),
        resweeps=(),
        targets=replace(plan.targets, business=()),
        on_duty=OnDuty(at=plan.on_duty.at, places=plan.on_duty.places) if plan.on_duty else None,
    )
