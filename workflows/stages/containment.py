"""How are listings taken down, once, and brought back exactly?"""

import contextlib
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import FailureError
from temporalio.workflow import ParentClosePolicy

from escalations import ids
from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus, wanted_at
from escalations.consensus import SUPERSEDED, GateKind
from escalations.enforcement import Manifest, SweepOrder, Swept, combined, standing
from escalations.model import Milestone, Stage
from workflows.case import Case
from workflows.gates import decided
from workflows.people import insisted
from workflows.stages.investigation import searched
from workflows.sweep import Sweep

PROCEED = "proceed"
REVOKE = "revoke"


async def contained_in_emergency(case: Case) -> None:
    """Hide before legal review: reversible, by the people the blast tier asks for, ratified by somebody else later."""
    file = case.file
    if _too_late(file):
        return
    manifest = await searched(case)
    if not manifest.count or any(order.manifest.digest == manifest.digest for order in _in_force(file)):
        return
    outcome = await decided(
        case, GateKind.CONTAINMENT, manifest.digest, manifest=manifest, moot=lambda: _too_late(file)
    )
    if outcome.option != PROCEED or outcome.how == SUPERSEDED or _too_late(file):
        return
    file.emergency, file.ratified = True, False
    case.journal.note("emergency.ordered", f"hide {manifest.count} listings before legal review")
    await contained(case)


def _too_late(file: CaseFile) -> bool:
    """Say whether legal review has ruled, or the matter is off: then there is no emergency act any more."""
    return bool(file.ruling or file.aborted or file.withdrawn)


async def in_emergency(case: Case) -> None:
    """Contain in an emergency and have it ratified, beside the story."""
    await contained_in_emergency(case)
    await ratified(case)


def ratified_beside(case: Case) -> None:
    """Have an act that still waits for it ratified, beside the story."""
    if not case.file.ratified:
        case.beside(ratified(case))


async def ratified(case: Case) -> None:
    """Have an emergency act confirmed by somebody who took no part in it; otherwise it is undone."""
    file = case.file
    if file.ratified or file.manifest is None:
        return
    outcome = await decided(case, GateKind.RATIFICATION, file.manifest.digest, manifest=file.manifest)
    if outcome.option == REVOKE and not file.ratified:
        file.undoing = f"the emergency act was revoked by {outcome.how}"
        await taken_back(case)
    file.ratified = True


async def contained(case: Case) -> None:
    """Hide every listing of the manifest, once; verify. The sweep itself keeps looking for what comes back."""
    file = case.file
    async with case.sweeping:
        manifest = file.manifest
        if manifest is None or not manifest.count:
            return
        if file.aborted or file.withdrawn:
            case.not_owed(Milestone.CONTAINED, file.aborted or file.withdrawn)
            return
        order = next((one for one in _in_force(file) if one.manifest.digest == manifest.digest), None)
        if order is None or not _ended(file, order):
            case.enter(Stage.CONTAINMENT)
            await _swept(case, order or _ordered(case, manifest))
    await taken_back(case)
    if file.aborted or file.withdrawn:
        case.not_owed(Milestone.CONTAINED, file.aborted or file.withdrawn)
    elif any(swept.killed for swept in file.sweeps if swept.order == file.orders[-1].number):
        _left_to_people(case)
    else:
        case.reached(Milestone.CONTAINED, f"sweep {len(file.orders)}")


def _in_force(file: CaseFile) -> tuple[SweepOrder, ...]:
    return standing(file.orders, file.undone)


def _ended(file: CaseFile, order: SweepOrder) -> bool:
    """Say whether a sweep has come home. One that failed and waits for its next try has not."""
    return any(swept.order == order.number for swept in file.sweeps)


def _ordered(case: Case, manifest: Manifest) -> SweepOrder:
    file = case.file
    number = len(file.orders) + 1
    known = (*(one.manifest.digest for one in _in_force(file)), manifest.digest)
    order = SweepOrder(
        case_id=case.id,
        number=number,
        decision=number,
        action=case.plan.action,
        reason_code=case.plan.reason_code,
        manifest=manifest,
        batch=case.plan.batch,
        resweeps=case.plan.resweeps,
        sought=replace(case.plan.sought, beyond=known, spare=tuple(file.spared)),
        spare=tuple(file.spared),
    )
    file.orders.append(order)
    return order


async def _swept(case: Case, order: SweepOrder) -> None:
    file, number, manifest = case.file, order.number, order.manifest
    swept = await _run(case, order, ids.sweep_id(case.id, number))
    file.sweeps.append(swept)
    file.restricted += swept.applied.done + swept.applied.already
    file.contained_at = workflow.now()
    text = f"{swept.applied.done} hidden, {swept.verified.done} verified, {swept.applied.gone} already gone"
    case.journal.note("listings.hidden", text, sweep=str(number), manifest=manifest.digest)
    wrong = (*swept.applied.failed, *swept.verified.failed)
    if wrong:
        case.owe(f"sweep-{number}", f"{len(wrong)} listings could not be hidden: {wrong[0]}", "OPS")


def _left_to_people(case: Case) -> None:
    """Give a sweep that was killed for good to people: part of it was hidden, so its clocks are not met."""
    number = case.file.orders[-1].number
    case.owe(f"killed-{number}", f"sweep {number} was stopped half-way: hide the rest, or undo it", "OPS")
    for clock in case.file.clocks:
        if clock.meets is Milestone.CONTAINED and clock.status is ClockStatus.RUNNING:
            case.owe(clock.rule, clock.duty, clock.owner, wanted_at(clock))


async def taken_back(case: Case) -> None:
    """Restore everything, if that was ordered; an order that was given in an earlier run is carried out too."""
    if case.file.undoing:
        await restored(case, case.file.undoing)
        case.file.undoing = ""


async def restored(case: Case, why: str, listings: tuple[str, ...] = ()) -> Swept:
    """Bring listings back exactly as they were before: the named ones, or all of the case."""
    file = case.file
    total = Swept(order=0)
    async with case.sweeping:
        for order in _in_force(file):
            file.restores += 1
            back = replace(order, mode="restore", restrict_to=listings, resweeps=(), sought=None)
            swept = await _run(case, back, f"{case.id}/restore/{file.restores}")
            file.sweeps.append(swept)
            file.restricted -= swept.reversed.done + swept.reversed.wrong
            total = replace(total, reversed=combined(total.reversed, swept.reversed))
            text = f"{swept.reversed.done} restored, {swept.reversed.wrong} differ from before: {why}"
            case.journal.note("listings.restored", text, sweep=str(order.number))
            if swept.reversed.wrong or swept.reversed.failed:
                case.owe(f"restore-{file.restores}", "restored listings differ from their recorded state", "OPS")
            if not listings:
                file.undone.append(order.number)
                await _unwatched(case, order)
        file.spared.extend(listings)
    return total


async def _unwatched(case: Case, order: SweepOrder) -> None:
    """Stop looking for what comes back: it was brought back on purpose."""
    if not order.resweeps:
        return
    watch = workflow.get_external_workflow_handle(f"{ids.sweep_id(case.id, order.number)}/watch")
    with contextlib.suppress(FailureError):  # it has ended, or never began
        await watch.signal("stop")


async def _run(case: Case, order: SweepOrder, sweep_id: str) -> Swept:
    async def child() -> Swept:
        handle = await workflow.start_child_workflow(
            Sweep.run, order, id=sweep_id, parent_close_policy=ParentClosePolicy.ABANDON
        )
        case.sweeps[order.number] = handle
        try:
            return await handle
        finally:
            del case.sweeps[order.number]

    return await insisted(case, f"sweep {order.number}", child)
