"""Was the promised corrective action really done? One durable follow-up until somebody else has verified it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from escalations import ids, messages, parts, waking
    from escalations.casefile import CaseFile, Opening
    from escalations.consensus import GateKind
    from escalations.messages import Receipt
    from escalations.model import Action, Intake, IntakeKind, Stage
    from escalations.plans import Plan
    from escalations.record import Card
    from workflows.case import Case
    from workflows.effects import effect
    from workflows.gates import decided
    from workflows.people import page
    from workflows.reception import Reception, judged
    from workflows.waiting import HistoryGrewLong

ACTION = "action"
SAYABLE = ("decide", "task", "delegate", "assign")
VERIFIED = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreventionOrder:
    """Follow one corrective action of a case; `number` counts from 1, `plan` is the case's in brief.

    `file` is what the run before it remembers, if its history grew long.
    """

    case_id: str
    number: int
    action: Action
    plan: Plan
    opened_at: datetime
    file: CaseFile | None = None


@workflow.defn
class Prevention:
    """owner does the action → somebody else verifies it → closed; overdue or failed: paged and asked again."""

    @workflow.init
    def __init__(self, order: PreventionOrder) -> None:
        action = order.action
        intake = Intake(
            source=parts.FOLLOW_UP,
            source_ref=ids.prevention_id(order.case_id, order.number),
            kind=IntakeKind.INCIDENT_REPORT,
            title=action.title,
            received_at=order.opened_at,
        )
        self.case = Case(Opening(case_id=intake.source_ref, intake=intake, file=order.file), searched=False)
        if order.file is None:
            self.case.file.plan = replace(order.plan, owner=action.owner)
            self.case.file.stage = Stage.PREVENTION
            self.case.file.owner = action.owner
        self.reception = Reception(self.case.file, self.case.watch, self.case.journal, self._effect, SAYABLE)

    @workflow.run
    async def run(self, order: PreventionOrder) -> None:
        """Follow the action until it is verified."""
        try:
            await self.case.attended(self._story(order))
        except HistoryGrewLong:
            workflow.continue_as_new(replace(order, file=self.case.handed_over()))

    async def _story(self, order: PreventionOrder) -> None:
        case, action = self.case, order.action
        if order.file is None:
            case.journal.note("prevention.opened", action.title, owner=action.owner, strength=action.strength)
        attempt = max(1, len([task for task in case.file.tasks if task.id.startswith(f"{ACTION}-")]))
        verified = False
        while not verified:
            await self._done(action, f"{ACTION}-{attempt}", order.opened_at)
            digest = ids.digest(f"{action.id}:{attempt}".encode())
            outcome = await decided(case, GateKind.VERIFICATION, digest)
            verified = outcome.option == VERIFIED and outcome.how == "quorum"
            attempt += 1
        case.file.closed_at = workflow.now()
        case.journal.note("prevention.verified", action.title)
        case.enter(Stage.CLOSED)
        case.show()
        await case.settled()

    async def _done(self, action: Action, task_id: str, opened_at: datetime) -> None:
        """Wait for the owner; an overdue action pages every week."""
        case = self.case
        due = waking.action_due_at(action, opened_at, workflow.now())
        if all(task.id != task_id for task in case.file.tasks):
            case.owe(task_id, action.title, action.owner, due)
        while any(task.id == task_id and not task.done_at for task in case.file.tasks):
            done = await case.watch.until(
                lambda: all(task.done_at for task in case.file.tasks if task.id == task_id),
                owner=action.owner,
                reason=action.title,
                until=due,
                then="page the owner",
            )
            if not done:
                await page(case, f"a corrective action is overdue: {action.id}")
                due = workflow.now() + waking.OVERDUE_AGAIN

    async def _effect(self, message: object) -> str:
        return await effect(self.case, message)

    @workflow.query
    def file(self) -> CaseFile:
        """Everything the follow-up knows."""
        return self.case.file

    @workflow.query
    def card(self) -> Card:
        """The action as people see it."""
        return self.case.card()

    @workflow.update
    async def decide(self, message: messages.Decide) -> Receipt:
        """Vote on whether the action works."""
        return await self.reception.take(message)

    @workflow.update
    async def task(self, message: messages.TaskDone) -> Receipt:
        """Say that the action is done."""
        return await self.reception.take(message)

    @workflow.update
    async def delegate(self, message: messages.Delegate) -> Receipt:
        """Let somebody speak for you, for a time."""
        return await self.reception.take(message)

    @workflow.update
    async def assign(self, message: messages.Assign) -> Receipt:
        """Give the action to somebody else."""
        return await self.reception.take(message)

    _taken: tuple[Any, ...] = (decide, task, delegate, assign)
    for _said in _taken:
        _said.validator(judged(_said))
    del _said, _taken

    @workflow.signal(dynamic=True)
    async def said(self, name: str, args: Sequence[RawValue]) -> None:
        """Take any of these as a signal too."""
        await self.reception.overhear(name, args)
