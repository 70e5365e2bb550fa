"""What is the life of a case? This page."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from escalations import messages
    from escalations.casefile import CaseFile, Closed, Opening
    from escalations.messages import Receipt
    from escalations.record import Card
    from workflows.case import Case
    from workflows.clockwork import clocks_kept
    from workflows.effects import effect
    from workflows.reception import Reception, judged
    from workflows.runs import taken_up
    from workflows.stages.closing import closed
    from workflows.stages.containment import contained, contained_in_emergency, ratified_beside, taken_back
    from workflows.stages.investigation import investigated
    from workflows.stages.legal_review import ruled
    from workflows.stages.response import responded
    from workflows.stages.root_cause import root_cause_found
    from workflows.stages.triage import triaged
    from workflows.waiting import HistoryGrewLong


@workflow.defn
class Escalation:
    """intake → triage → investigation → legal review → containment → external response → root cause → closed.

    In an emergency containment comes before investigation and legal review, and is ratified beside them.
    """

    @workflow.init
    def __init__(self, opening: Opening) -> None:
        self.case = Case(opening)
        self.reception = Reception(self.case.file, self.case.watch, self.case.journal, self._effect)

    @workflow.run
    async def run(self, opening: Opening) -> Closed:
        """Live a case until nothing is owed. From its file it can be reopened later."""
        try:
            await self.case.attended(self._story(opening))
        except HistoryGrewLong:
            workflow.continue_as_new(Opening(case_id=self.case.id, intake=opening.intake, file=self.case.handed_over()))
        file = self.case.file
        return Closed(case_id=file.case_id, ruling=file.ruling, closed_at=file.closed_at, runs=file.runs)

    async def _story(self, opening: Opening) -> None:
        case = self.case
        case.beside(clocks_kept(case))
        await taken_up(case, opening)
        while True:
            plan = await triaged(case)
            if plan.contain_first:
                await contained_in_emergency(case)
            ratified_beside(case)
            await investigated(case)
            if await ruled(case):
                await contained(case)
            await taken_back(case)
            await responded(case)
            await root_cause_found(case)
            if await closed(case):
                return

    async def _effect(self, message: object) -> str:
        return await effect(self.case, message)

    # What people may ask

    @workflow.query
    def file(self) -> CaseFile:
        """Everything the case knows."""
        return self.case.file

    @workflow.query
    def card(self) -> Card:
        """The case as people see it."""
        return self.case.card()

    # What people may say: each is judged first (see escalations/admission.py), done once and answered

    @workflow.update
    async def report(self, message: messages.Report) -> Receipt:
        """Add another report about the same matter."""
        return await self.reception.take(message)

    @workflow.update
    async def learn(self, message: messages.Learn) -> Receipt:
        """Tell the case a fact: an injury, an earlier awareness, an extension, a withdrawn order."""
        return await self.reception.take(message)

    @workflow.update
    async def decide(self, message: messages.Decide) -> Receipt:
        """Vote at a gate."""
        return await self.reception.take(message)

    @workflow.update
    async def claim(self, message: messages.Claim) -> Receipt:
        """Become the owner of the case."""
        return await self.reception.take(message)

    @workflow.update
    async def assign(self, message: messages.Assign) -> Receipt:
        """Give the case to somebody."""
        return await self.reception.take(message)

    @workflow.update
    async def delegate(self, message: messages.Delegate) -> Receipt:
        """Let somebody speak for you, for a time."""
        return await self.reception.take(message)

    @workflow.update
    async def finding(self, message: messages.ReportFinding) -> Receipt:
        """Report what the investigation established, or the root cause."""
        return await self.reception.take(message)

    @workflow.update
    async def task(self, message: messages.TaskDone) -> Receipt:
        """Say that a task is done."""
        return await self.reception.take(message)

    @workflow.update
    async def hold(self, message: messages.Hold) -> Receipt:
        """Suspend a clock whose rule allows it."""
        return await self.reception.take(message)

    @workflow.update
    async def release(self, message: messages.Release) -> Receipt:
        """Let a suspended clock run again."""
        return await self.reception.take(message)

    @workflow.update
    async def exempt(self, message: messages.Exempt) -> Receipt:
        """Say that a clock does not apply, and why."""
        return await self.reception.take(message)

    @workflow.update
    async def replan(self, message: messages.Replan) -> Receipt:
        """Go on under the rulebook of today."""
        return await self.reception.take(message)

    @workflow.update
    async def kill(self, message: messages.Kill) -> Receipt:
        """Stop a sweep between two batches."""
        return await self.reception.take(message)

    @workflow.update
    async def resume(self, message: messages.Resume) -> Receipt:
        """Let a stopped sweep go on."""
        return await self.reception.take(message)

    @workflow.update
    async def merge(self, message: messages.Merge) -> Receipt:
        """Take another case's report and duties over."""
        return await self.reception.take(message)

    @workflow.update
    async def split(self, message: messages.Split) -> Receipt:
        """Undo a merge."""
        return await self.reception.take(message)

    @workflow.update
    async def withdraw(self, message: messages.Withdraw) -> Receipt:
        """Take the whole matter back; what was hidden is restored."""
        return await self.reception.take(message)

    @workflow.update
    async def appeal(self, message: messages.Appeal) -> Receipt:
        """Say that listings were hidden wrongly, or grant that."""
        return await self.reception.take(message)

    @workflow.update
    async def reopen(self, message: messages.Reopen) -> Receipt:
        """Refused while the case is open; a closed one is reopened at the doors."""
        return await self.reception.take(message)

    @workflow.update
    async def abort(self, message: messages.Abort) -> Receipt:
        """Stop the takedown, with an honest answer."""
        return await self.reception.take(message)

    _taken: tuple[Any, ...] = (report, learn, decide, claim, assign, delegate, finding, task, hold, release)
    _taken += (exempt, replan)
    _taken += (kill, resume, merge, split, withdraw, appeal, reopen, abort)
    for _said in _taken:
        _said.validator(judged(_said))
    del _said, _taken

    @workflow.signal(dynamic=True)
    async def said(self, name: str, args: Sequence[RawValue]) -> None:
        """Take any of these as a signal too: the same meaning, its refusal noted in the case."""
        await self.reception.overhear(name, args)
