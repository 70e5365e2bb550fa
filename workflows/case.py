"""What does every stage of a case need at hand? The file, the pen, the watch, policy and the gates."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
)

from activities.chat import Chat, ChatPost
from activities.paging import Page, Paging, Urgency
from activities.policy import Policy
from escalations import cards, clocks, consensus, ids, parts, rosters_time
from escalations.casefile import CaseFile, Opening
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import Gate, GateKind, Outcome
from escalations.enforcement import Manifest
from escalations.model import Intake, Milestone, Stage, Task
from escalations.plans import DutyRequest, GateRequest, Plan, PlanRequest
from escalations.record import Card, GateCard
from workflows import attributes, options
from workflows.journal import Journal
from workflows.waiting import HistoryGrewLong, Watch

WAKE_UP = 1  # priorities up to this one wake people
A_DAY = timedelta(days=1)
SUPERSEDED = "superseded"
RETRY_AFTER = timedelta(hours=1)
STILL_THERE = timedelta(minutes=5)  # who was on duty so long ago is asked without asking policy again
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
        self._asking: dict[GateKind, asyncio.Lock] = {}
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

    def begun(self, opening: Opening) -> None:
        """Note how this run began, if it is not the first: reopened, or handed over by a run that grew long.

        What was withdrawn or aborted is over; whoever reopens the case has a new reason to look.
        """
        if opening.reopened_by:
            self.file.closed_at = None
            self.file.runs += 1
            self.file.stage = Stage.TRIAGE
            if self.file.withdrawn or self.file.aborted:
                # What was restored stays restored until it was found and judged anew.
                self.file.withdrawn = self.file.aborted = ""
                self.look_again("another round: the case was reopened")
            self.journal.note("case.reopened", opening.reopened_why, actor=opening.reopened_by)
            # Without something owed the case would close again before anybody has looked.
            self.owe(f"reopened-{self.file.runs}", f"review: {opening.reopened_why}", self.plan.owner)
        if opening.reopened_with is not None:
            self.take_in(opening.reopened_with, opening.reopened_by)

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

    # policy and clocks

    async def replan(self, *, anew: bool = False) -> Plan:
        """Ask policy how to handle the case as it is known now. Running clocks are kept, or move earlier.

        The rulebook is the one the case was opened with, unless the case is to go on `anew` under that of today.
        """
        pinned = "" if anew or self.file.plan is None else self.file.plan.rulebook
        request = PlanRequest(
            case_id=self.id,
            intakes=tuple(self.file.intakes),
            now=workflow.now(),
            clocks=tuple(self.file.clocks),
            contained=self.file.contained_at is not None,
            contained_at=self.file.contained_at,
            rulebook=pinned,
        )
        answer = workflow.execute_local_activity_method(Policy.plan_case, request, **options.POLICY)
        plan = await self.journal.after(answer)
        self.take_clocks(plan.clocks)
        # The clocks live in the file; a second copy in the plan would only make the history long.
        self.file.plan = replace(plan, clocks=(), asked="")
        return plan

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

    # decisions

    async def decided(
        self,
        kind: GateKind,
        digest: str,
        *,
        manifest: Manifest | None = None,
        escalated: int = 0,
        moot: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Ask people one question and wait for their answer; at the time-box the default is taken and marked so.

        A question that became `moot` meanwhile is closed as superseded.
        """
        async with self._asking.setdefault(kind, asyncio.Lock()):
            card = self.asks(kind) or await self._ask(kind, digest, manifest, escalated)
        gate = card.gate
        await self.watch.until(
            lambda: self.gate(gate.id).outcome is not None or moot(),
            owner=", ".join(seat.role for seat in gate.seats),
            reason=gate.question,
            until=gate.due_at,
            then=f"default: {gate.default}",
        )
        if moot():
            self.supersede(kind)
        outcome = self.gate(gate.id).outcome
        if outcome is None:
            outcome = consensus.by_default(gate, self.gate(gate.id).votes, workflow.now())
            self.conclude(gate.id, outcome)
            text = f"nobody decided {gate.kind.value} in time; default {gate.default} taken"
            self.beside(self.page(text, level=escalated + 1, excluded=gate.excluded))
        return outcome

    def supersede(self, kind: GateKind) -> None:
        """Close an open question that no longer needs an answer."""
        card = self.asks(kind)
        if card is not None:
            gate = card.gate
            over = Outcome(gate=gate.id, option=gate.default, how=SUPERSEDED, at=workflow.now(), votes=card.votes)
            self.conclude(gate.id, over)

    def gate(self, gate_id: str) -> GateCard:
        """Find a gate of the case by its id."""
        return next(card for card in self.file.gates if card.gate.id == gate_id)

    def conclude(self, gate_id: str, outcome: Outcome) -> None:
        """Close a gate. Its conditions become tasks that block closing."""
        card = self.gate(gate_id)
        self.put(replace(card, outcome=outcome))
        text = f"{card.gate.kind.value}: {outcome.option} by {outcome.how}"
        self.journal.note("gate.decided", text, gate=gate_id, option=outcome.option, how=outcome.how)
        for number, condition in enumerate(outcome.conditions, 1):
            self.owe(f"{gate_id.rsplit('/', 1)[-1]}-condition-{number}", condition, self.plan.owner)

    def put(self, card: GateCard) -> None:
        """Replace a gate's card."""
        index = next(i for i, one in enumerate(self.file.gates) if one.gate.id == card.gate.id)
        self.file.gates[index] = card

    async def _ask(self, kind: GateKind, digest: str, manifest: Manifest | None, escalated: int) -> GateCard:
        def drafted() -> Awaitable[Gate]:
            # Asked anew after a failure, with what is known then: the case may follow another rulebook by now.
            request = GateRequest(
                case_id=self.id,
                number=len(self.file.gates) + 1,
                kind=kind,
                plan=replace(self.plan, clocks=tuple(self.file.clocks)),
                digest=digest,
                now=workflow.now(),
                manifest=manifest,
                parts=parts.taken(self.file),
                escalated=escalated,
            )
            answer = workflow.execute_local_activity_method(Policy.draft_gate, request, **options.POLICY)
            return self.journal.after(answer)

        gate = await self.insisted(f"the question of {kind.value}", drafted)
        # Two questions may be drafted at the same time; the number is taken when the answer is here.
        gate = replace(gate, id=ids.gate_id(self.id, len(self.file.gates) + 1), asked="")
        card = GateCard(gate=gate)
        self.file.gates.append(card)
        roles = ", ".join(seat.role for seat in gate.seats)
        first = f"; ask {', '.join(gate.ask)}" if gate.ask else ""
        self.journal.note(
            "gate.opened",
            f"{gate.question} ({roles}, until {_when(gate.due_at)}{first})",
            gate=gate.id,
            asks=kind.value,
        )
        return card

    def asks(self, kind: GateKind) -> GateCard | None:
        """Find the open question of a kind."""
        return next((card for card in self.file.gates if card.gate.kind is kind and card.outcome is None), None)

    # people

    async def page(self, why: str, *, role: str = "", level: int = 0, excluded: tuple[str, ...] = ()) -> None:
        """Wake whoever is on duty for a role, the owner's by default. A pager that is away is noted; the case goes on.

        From `level` 1 on the ladder is asked from that level up, because those below it were asked in vain.
        """
        self.file.pages += 1
        number = self.file.pages
        urgent = self.file.plan is None or self.file.plan.priority <= WAKE_UP
        severity: Urgency = "critical" if urgent else "error"
        ask = await self._on_duty(role, level, excluded)
        details = tuple((f"ask {place}", f"{person}: {why}") for place, (person, why) in enumerate(ask, 1))
        page = Page(case_id=self.id, number=number, summary=why, severity=severity, details=details)
        hands = workflow.execute_activity_method(Paging.page, page, **options.why(options.PAGING, f"page: {why}"))
        await self.attempted("paging", hands)

    async def _on_duty(self, role: str, level: int, excluded: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Find whom to ask now: as pinned in the plan while that is fresh, else policy is asked again.

        Nobody is named without a plan, or by a plan of before rosters had hours.
        """
        plan = self.file.plan
        if plan is None or plan.on_duty is None:
            return ()
        # A plan that wakes nobody names its lead only.
        fresh = plan.page and workflow.now() - plan.on_duty.at <= STILL_THERE
        if fresh and not level and role in ("", plan.owner):
            return plan.on_duty.ask
        request = DutyRequest(
            case_id=self.id,
            rulebook=plan.rulebook,
            role=role or plan.owner,
            domain=plan.domain,
            now=workflow.now(),
            places=plan.on_duty.places,
            excluded=excluded,
            level=level,
        )
        answer = workflow.execute_local_activity_method(Policy.who_is_on_duty, request, **options.POLICY)
        try:
            return (await self.journal.after(answer)).ask
        except options.NOT_AT_ONCE as failure:
            self.journal.note("roster.silent", f"nobody could say who is on duty: {_cause(failure)}")
            return plan.on_duty.ask

    async def announce(self, text: str) -> None:
        """Say it in the team's channel."""
        post = ChatPost(case_id=self.id, channel=self.plan.channel, text=text)
        hands = workflow.execute_activity_method(Chat.post, post, **options.why(options.CHAT, "announce in chat"))
        await self.attempted("chat", hands)

    async def insisted(self, what: str, hands: Callable[[], Awaitable[T]], within: timedelta | None = None) -> T:
        """Do not go on without a result: when an effort ends, page, and try again after an hour or a message."""
        while True:
            try:
                return await self.watch.busy(hands(), within)
            except (*options.NOT_AT_ONCE, ChildWorkflowError, WorkflowAlreadyStartedError) as failure:
                self.journal.note("hand.failed", f"{what} failed: {_cause(failure)}", system=what)
                await self.page(f"{what} failed")
                await self.until_told(f"{what} failed ({_cause(failure)})", "try again")

    async def until_told(self, reason: str, then: str) -> None:
        """Wait until anybody says anything, an hour at most."""
        seen = self.watch.taken
        again = workflow.now() + RETRY_AFTER
        await self.watch.until(lambda: self.watch.taken > seen, owner="OPS", reason=reason, until=again, then=then)

    async def attempted(self, what: str, hands: Awaitable[T]) -> T | None:
        """Await an effort whose end must not stop the case: a failure is noted and becomes a person's task."""
        try:
            return await self.watch.busy(hands)
        except (ActivityError, ChildWorkflowError) as failure:
            kind = _cause(failure)
            self.owe(f"reconcile-{len(self.file.tasks) + 1}", f"{what} failed ({kind}); reconcile by hand", "OPS")
            self.journal.note("hand.failed", f"{what} failed: {kind}", system=what, code=kind)
            self.journal.show()
            return None

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


def _cause(failure: FailureError) -> str:
    cause = failure if isinstance(failure, ApplicationError) else failure.cause
    return cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__


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
