"""What does every stage of a case have at hand? The file, the pen, the watch, its clocks and its tasks."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

from escalations import cards, clocks, rosters_time
from escalations.casefile import CaseFile, Opening
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import GateKind
from escalations.model import Intake, Milestone, Stage, Task
from escalations.plans import Plan
from escalations.record import Card
from workflows import attributes
from workflows.journal import Journal
from workflows.waiting import HistoryGrewLong, Watch

A_DAY = timedelta(days=1)
T = TypeVar("T")


class Case:
    """One run of a case. Stages are functions of it; everything it must remember is in `file`.

    What is not `searched` in Temporal, such as a follow-up, writes no search attributes: each write is a billed action.
    """

    def __init__(self, opening: Opening, *, searched: bool = True) -> None:
        now = workflow.now()
        self.file = opening.file or CaseFile(case_id=opening.case_id, opened_at=now, intakes=[opening.intake])
        self.watch = Watch(self.show)
        self.journal = Journal(self.file, self.watch, self._drawn)
        self.sweeps: dict[int, workflow.ChildWorkflowHandle[Any, Any]] = {}
        self.sweeping = asyncio.Lock()
        self.asking: dict[GateKind, asyncio.Lock] = {}
        self._beside: list[asyncio.Task[Any]] = []
        self._shown = attributes.shown(workflow.info().typed_search_attributes)
        self._searched = searched

    async def attended(self, story: Coroutine[Any, Any, T]) -> T:
        """Live the story with its keepers beside it. An error in any of them halts the case for repair.

        Raises HistoryGrewLong when the run should hand its file over: everything stands in a wait, all is written.
        """
        told = asyncio.create_task(story)
        self._beside.append(told)
        keepers = [asyncio.create_task(self.watch.keep()), asyncio.create_task(self.journal.keep())]
        try:
            while not told.done():
                await self.watch.settled(lambda: told.done() or self._failed(keepers) or self._may_hand_over())
                for task in (*self._beside, *keepers):
                    if _failed(task):
                        task.result()
                if self._may_hand_over():
                    if self.journal.clean:
                        raise HistoryGrewLong
                    self.journal.show()
            return told.result()
        except FailureError as bug:
            # Left as it is, it would fail the run, and the case would be over.
            raise RuntimeError(f"{self.id} cannot go on") from bug
        finally:
            for task in (*self._beside, *keepers):
                task.cancel()

    def _failed(self, keepers: list[asyncio.Task[Any]]) -> bool:
        return any(_failed(task) for task in (*self._beside, *keepers))

    def _may_hand_over(self) -> bool:
        stories = sum(not task.done() for task in self._beside)
        return not self.journal.writing and self.watch.may_hand_over(stories)

    async def settled(self) -> None:
        """Finish what is under way: handlers answered, entries written, those of the last moment too."""
        while not (workflow.all_handlers_finished() and self.journal.clean):
            await self.watch.settled(workflow.all_handlers_finished)
            await self.journal.written()

    def look_again(self, why: str) -> None:
        """Begin another round of the process; what was done stays done."""
        self.file.again = False
        self.file.investigated = False
        self.file.manifest = None
        self.file.ruling = ""
        self.journal.note("case.continued", why)

    def take_in(self, intake: Intake, person: str) -> None:
        """Take another report into the case and ask for another round of the process."""
        self.file.intakes.append(intake)
        self.file.again = True
        self.journal.note("report.received", intake.title, actor=person, source=intake.source)

    def handed_over(self) -> CaseFile:
        """Give the file to the next run."""
        self.file.runs += 1
        return self.file

    def beside(self, story: Coroutine[Any, Any, Any]) -> None:
        """Let something go on beside the story, such as a ratification; people see what came of it."""

        async def shown() -> None:
            await story
            self.show()

        self._beside.append(asyncio.create_task(shown()))

    # what it is

    @property
    def id(self) -> str:
        """The case id, which is also the workflow id."""
        return self.file.case_id

    @property
    def plan(self) -> Plan:
        """The plan pinned at triage; stages after triage may rely on it."""
        if self.file.plan is None:
            raise RuntimeError(f"{self.id} was not triaged")
        return self.file.plan

    def card(self) -> Card:
        """Draw the card that people see."""
        return cards.card(self.file, tuple(self.watch.waits), workflow.now(), self.watch.taken)

    def _drawn(self) -> Card:
        """Draw the card to be written down, and keep the text shown in the Temporal UI in step with it."""
        card = self.card()
        workflow.set_current_details(_details(card))
        return card

    def enter(self, stage: Stage) -> None:
        """Reach a stage."""
        if self.file.stage is not stage:
            self.file.stage = stage
            self.journal.note("stage.entered", f"stage: {stage.value}", stage=stage.value)

    def show(self) -> None:
        """Show people where the case stands: the casebook at the end of this step, search attributes per stage."""
        self.journal.show()
        if not self._searched:
            return
        plan = self.file.plan
        now = attributes.of(
            stage=self.file.stage,
            domain=plan.domain if plan else None,
            owner=plan.owner if plan else "",
            priority=plan.priority if plan else None,
            due=cards.next_due(self.file),
            waiting_for=sorted({seat.role for card in self.file.gates if not card.outcome for seat in card.gate.seats}),
        )
        if now["stage"] != self._shown.get("stage"):
            workflow.upsert_search_attributes(attributes.changes(self._shown, now))
            self._shown = now

    # its clocks

    def take_clocks(self, new: tuple[Clock, ...]) -> None:
        """Replace the clocks of the case and note those that started or moved."""
        before = {clock.rule: clock for clock in self.file.clocks}
        for clock in new:
            old = before.get(clock.rule)
            if old is None or clocks.wanted_at(old) != clocks.wanted_at(clock):
                self.journal.note(
                    "clock.started" if old is None else "clock.moved",
                    f"{clock.rule}: {clock.duty}, {_wanted(clock)}",
                    rule=clock.rule,
                    derivation="; ".join(clock.derivation),
                )
        self.file.clocks[:] = new

    def reached(self, milestone: Milestone, proof: str, rules: tuple[str, ...] = ()) -> None:
        """Stop the clocks that waited for a milestone; with `rules`, only those (each authority is told on its own)."""
        self._turn(clocks.meet(tuple(self.file.clocks), milestone, workflow.now(), proof, rules), milestone.value)

    def not_owed(self, milestone: Milestone, reason: str, rules: tuple[str, ...] = ()) -> None:
        """End the clocks that ask for something nobody is owed; with `rules`, only those. A record with its reason."""
        ended = [
            replace(clock, status=ClockStatus.NOT_APPLICABLE, reason=reason)
            if clock.meets is milestone and clock.status is ClockStatus.RUNNING and (not rules or clock.rule in rules)
            else clock
            for clock in self.file.clocks
        ]
        self._turn(tuple(ended), reason)

    def _turn(self, turned: tuple[Clock, ...], why: str) -> None:
        for before, after in zip(self.file.clocks, turned, strict=True):
            if before.status is not after.status:
                text = f"{after.rule}: {after.status.value}, {why}"
                self.journal.note(f"clock.{after.status.value}", text, rule=after.rule, proof=after.proof)
        self.file.clocks[:] = turned

    # its tasks

    def owe(self, task_id: str, title: str, owner: str, due_at: datetime | None = None) -> None:
        """Give somebody a task, once; it blocks closing until it is done."""
        if any(task.id == task_id and not task.done_at for task in self.file.tasks):
            return
        if any(task.id == task_id for task in self.file.tasks):
            task_id = f"{task_id}-{len(self.file.tasks) + 1}"
        due_at = due_at or self.target("decide")
        self.file.tasks.append(Task(id=task_id, title=title, owner=owner, due_at=due_at))
        self.journal.note("task.opened", f"{title} ({owner}, until {_when(due_at)})", task=task_id)

    def target(self, name: str) -> datetime:
        """Say when an internal target that begins now is due; one in business time counts the hours of the desk."""
        plan = self.file.plan
        if plan is None:
            return workflow.now() + A_DAY
        known = plan.on_duty if name in plan.targets.business else None
        return rosters_time.due(known, workflow.now(), getattr(plan.targets, name))

    def relieved(self, task_id: str, by: str) -> None:
        """End the task of a duty that is no longer owed."""
        for index, task in enumerate(self.file.tasks):
            if task.id == task_id and task.done_at is None:
                self.file.tasks[index] = replace(task, done_at=workflow.now(), done_by=by)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _wanted(clock: Clock) -> str:
    """Say when; an internal target is never called due, since no law says so."""
    word = "due" if clock.due_operational else "internal target"
    return f"{word} {_when(clocks.wanted_at(clock))}"


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "without a number"


def _details(card: Card) -> str:
    lines = [f"**{card.stage.value}** priority {card.priority if card.priority is not None else '?'}"]
    lines += [
        f"- waits for {wait.owner}: {wait.reason} (until {_when(wait.until)}, then {wait.then})"
        for wait in card.waiting
    ]
    lines += [f"- {item}" for item in card.open_items]
    return "\n".join(lines)
