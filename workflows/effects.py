"""What does a taken message do? One function a message; each returns the words of its receipt."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError
from temporalio.workflow import ChildWorkflowHandle

from escalations import consensus, facts, ids
from escalations.casefile import Opening
from escalations.clocks import Force, joined, not_applicable, parted, release, suspend, withdraw
from escalations.consensus import GateKind
from escalations.enforcement import standing
from escalations.messages import (
    Abort,
    Appeal,
    Assign,
    Claim,
    Decide,
    Delegate,
    Exempt,
    Hold,
    Kill,
    Learn,
    Merge,
    Release,
    Replan,
    Report,
    ReportFinding,
    Resume,
    Split,
    TaskDone,
    Withdraw,
)
from escalations.model import Finding, Intake, Milestone, RootCause
from escalations.plans import Plan
from workflows import options
from workflows.case import Case
from workflows.stages.containment import in_emergency, restored, taken_back
from workflows.stages.legal_review import HIDE
from workflows.stages.response import given_to_people
from workflows.stages.triage import steps_given


async def effect(case: Case, message: Any) -> str:
    """Do what an admitted message asks of the case."""
    return await _EFFECTS[type(message)](case, message)


async def _report(case: Case, message: Report) -> str:
    case.take_in(message.intake, message.said.person)
    await planned_anew(case)
    return f"added to {case.id}; the case looks again"


async def _learn(case: Case, message: Learn) -> str:
    file = case.file
    value = facts.parsed(message.fact, message.value)
    person = message.said.person
    if message.fact == "order_withdrawn":
        return await _withdraw(case, Withdraw(said=message.said, reason=message.reason or "the order was withdrawn"))
    lowered = facts.lowers(file.intakes[0], message.fact, value)
    if lowered and not _second_person(case, message.fact, message.value, person):
        return f"noted; lowering {message.fact} needs a second person to say the same"
    file.intakes[0] = facts.with_fact(file.intakes[0], message.fact, value, message.place)
    case.journal.note("fact.learned", f"{message.fact}: {message.value}", actor=person, reason=message.reason)
    await planned_anew(case)
    return f"learned; priority {file.plan.priority}" if file.plan else "learned before triage"


async def resumed(case: Case, opening: Opening) -> None:
    """Take up what a run before this one left: why it was reopened, what it was undoing, what it was asking."""
    case.begun(opening)
    if opening.reopened_with is not None:
        await planned_anew(case)
    if case.file.undoing:
        case.beside(taken_back(case))
    if case.asks(consensus.GateKind.CONTAINMENT):
        case.beside(in_emergency(case))


async def planned_anew(case: Case, *, anew: bool = False) -> None:
    """Ask policy again with what is known now; harm that calls for it is contained at once.

    When the rulebook has no answer the case goes on with the plan it has, and a person is asked to look.
    """
    if case.file.plan is None:
        return
    before = case.plan
    try:
        plan = await case.replan(anew=anew)
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
        case.supersede(kind)


def _second_person(case: Case, what: str, value: str, person: str) -> bool:
    """Ask whether two persons now say the same; the first one's word is kept until then."""
    said = f"{person}|{value}"
    first = case.file.downgrades.get(what, "")
    if first and first != said and first.split("|", 1)[1] == value:
        del case.file.downgrades[what]
        return True
    case.file.downgrades[what] = said
    case.journal.note("fact.doubted", f"{what}: {value}, not confirmed", actor=person)
    return False


async def _decide(case: Case, message: Decide) -> str:
    now = workflow.now()
    card = case.gate(message.gate)
    vote = consensus.vote(card.gate, message, now, tuple(case.file.delegations))
    card = replace(card, votes=(*card.votes, vote))
    case.put(card)
    text = f"{vote.role} {vote.stance.value}: {vote.option}"
    case.journal.note("vote.cast", text, actor=vote.person, gate=card.gate.id, reason=vote.reason, door=vote.door)
    outcome = consensus.outcome(card.gate, card.votes)
    if outcome is None:
        return f"recorded; {card.gate.kind.value} is not decided yet"
    case.conclude(card.gate.id, replace(outcome, at=now))
    return f"recorded; {card.gate.kind.value} decided: {outcome.option}"


async def _claim(case: Case, message: Claim) -> str:
    return _own(case, message.said.person, message.said.person, "claimed")


async def _assign(case: Case, message: Assign) -> str:
    return _own(case, message.to, message.said.person, message.reason)


def _own(case: Case, owner: str, actor: str, why: str) -> str:
    case.file.owner = owner
    case.journal.note("case.assigned", f"owner: {owner}", actor=actor, reason=why)
    return f"{owner} owns {case.id}"


async def _delegate(case: Case, message: Delegate) -> str:
    case.file.delegations.append(message)
    text = f"{message.to} speaks for {message.said.person} as {message.role} until {message.until:%Y-%m-%d %H:%M}Z"
    case.journal.note("vote.delegated", text, actor=message.said.person)
    return text


async def _finding(case: Case, message: ReportFinding) -> str:
    file, person = case.file, message.said.person
    if message.factors:
        if file.root_cause_approved:
            return "the root cause is approved already; this one is kept as a finding"
        digest = ids.digest(repr((message.text, message.factors, message.actions)).encode())
        file.root_cause = RootCause(
            summary=message.text, factors=message.factors, author=person, actions=message.actions, digest=digest
        )
        case.journal.note("root_cause.written", message.text, actor=person, digest=digest)
        return "root cause written; somebody else approves it"
    finding = Finding(kind=message.kind, text=message.text, by=person, at=workflow.now(), evidence=message.evidence)
    file.findings.append(finding)
    if message.kind == "resweep_found":
        file.again = True
    case.journal.note("finding.reported", message.text, actor=person, word=message.kind)
    return "finding kept"


async def _task(case: Case, message: TaskDone) -> str:
    file = case.file
    index = next(i for i, task in enumerate(file.tasks) if task.id == message.task)
    file.tasks[index] = replace(file.tasks[index], done_at=workflow.now(), done_by=message.said.person)
    case.journal.note("task.done", file.tasks[index].title, actor=message.said.person, task=message.task)
    clock = next((clock for clock in file.clocks if clock.rule == message.task), None)
    if clock is not None:
        case.reached(clock.meets, message.proof or message.said.person, (clock.rule,))
    return f"{message.task} is done"


async def _hold(case: Case, message: Hold) -> str:
    return _turn(case, message, suspend, "clock.suspended")


async def _release(case: Case, message: Release) -> str:
    return _turn(case, message, release, "clock.released")


def _turn(case: Case, message: Hold | Release, turn: Callable[..., Any], kind: str) -> str:
    index = next(i for i, clock in enumerate(case.file.clocks) if clock.rule == message.clock)
    clock = turn(case.file.clocks[index], workflow.now(), message.reason)
    case.file.clocks[index] = clock
    case.journal.note(kind, f"{clock.rule}: {message.reason}", actor=message.said.person, rule=clock.rule)
    return f"{clock.rule} is {clock.status.value}"


async def _exempt(case: Case, message: Exempt) -> str:
    index = next(i for i, clock in enumerate(case.file.clocks) if clock.rule == message.clock)
    clock, person = case.file.clocks[index], message.said.person
    first = case.file.downgrades.get(clock.rule, "").partition("|")[0]
    if clock.force is Force.LAW and not _second_person(case, clock.rule, "does not apply", person):
        return f"noted; {clock.rule} ends when a second person says the same"
    by = f"{first}, {person}" if first else person
    case.file.clocks[index] = not_applicable(clock, by, message.reason, workflow.now())
    text = f"{clock.rule} does not apply: {message.reason}"
    case.journal.note("clock.not_applicable", text, actor=person, rule=clock.rule, decided_by=by)
    case.relieved(clock.rule, by)
    return f"{clock.rule} does not apply"


async def _replan(case: Case, message: Replan) -> str:
    before = case.plan.rulebook
    if not _second_person(case, "replan", "today's rulebook", message.said.person):
        return "noted; a second person must say the same"
    await planned_anew(case, anew=True)
    after = case.plan.rulebook
    case.journal.note("case.replanned", f"{before} → {after}: {message.reason}", actor=message.said.person)
    return f"priority {case.plan.priority} under rulebook {after}"


async def _kill(case: Case, message: Kill) -> str:
    return await _steer(case, message, "kill", "sweep.killed")


async def _resume(case: Case, message: Resume) -> str:
    return await _steer(case, message, "resume", "sweep.resumed")


async def _steer(case: Case, message: Kill | Resume, signal: str, kind: str) -> str:
    number = message.sweep

    def ended() -> bool:
        return any(swept.order == number for swept in case.file.sweeps)

    # A sweep that was ordered a moment ago, or is tried again after a failure, has no handle yet.
    await case.watch.settled(lambda: ended() or number in case.sweeps)
    if ended() or not await _signalled(case.sweeps[number], signal):
        return f"too late: sweep {number} has ended"
    case.journal.note(kind, f"sweep {number}: {message.reason}", actor=message.said.person)
    return f"sweep {number}: {signal} ordered; it acts between two batches"


async def _signalled(handle: ChildWorkflowHandle[Any, Any], signal: str) -> bool:
    """Signal a sweep; False when it ended meanwhile."""
    try:
        await handle.signal(signal)
    except FailureError:
        return False
    return True


async def _merge(case: Case, message: Merge) -> str:
    case.file.merged.append(message.other)
    if message.intake is not None:
        case.take_in(message.intake, message.said.person)
    # What the other case had is taken as it stands: met, moved and suspended clocks keep their past.
    case.take_clocks(joined(tuple(case.file.clocks), message.clocks, message.other))
    case.journal.note("case.merged", f"{message.other} joined", actor=message.said.person, other=message.other)
    await planned_anew(case)
    return f"{message.other} is part of {case.id}; its intake keeps its own reply duty"


async def _split(case: Case, message: Split) -> str:
    file = case.file
    file.merged.remove(message.other)
    left = [one for one in file.intakes if ids.case_id(one.source, one.source_ref) == message.other]
    file.answered -= len([one for one in file.intakes[: file.answered] if one in left])
    file.intakes[:] = [one for one in file.intakes if one not in left]
    file.clocks[:] = parted(tuple(file.clocks), message.other)[0]
    kept = [_subject(one).casefold() for one in file.intakes]
    for subject in map(_subject, left):
        if subject and subject.casefold() not in kept:
            file.clocks[:] = withdraw(tuple(file.clocks), f"{message.other} left the case", subject)
    case.journal.note("case.split", f"{message.other} left", actor=message.said.person, reason=message.reason)
    await planned_anew(case)
    return f"{message.other} is a case of its own again; open it from its report"


def _subject(intake: Intake) -> str:
    """Name what its clocks are about: the order, or the report."""
    return (intake.order.reference if intake.order else intake.source_ref).strip()


async def _withdraw(case: Case, message: Withdraw) -> str:
    case.file.withdrawn = message.reason
    return await _stop(case, message.said.person, "case.withdrawn", message.reason)


async def _abort(case: Case, message: Abort) -> str:
    case.file.aborted = message.reason
    return await _stop(case, message.said.person, "takedown.aborted", message.reason)


async def _stop(case: Case, person: str, kind: str, reason: str) -> str:
    """Answer honestly: in time, or too late and reversed (reliability part 6, the point of no return)."""
    file = case.file
    case.journal.note(kind, reason, actor=person)
    if kind == "case.withdrawn":
        file.clocks[:] = withdraw(tuple(file.clocks), reason)
    if not standing(file.orders, file.undone):
        return "in time: nothing was hidden"
    file.undoing = reason
    case.beside(taken_back(case))
    handle = case.sweeps.get(file.orders[-1].number)
    if handle is not None and await _signalled(handle, "stop"):
        return "too late to prevent it: the sweep is stopped and its reversal ordered"
    return "too late to prevent it: reversal ordered"


async def _appeal(case: Case, message: Appeal) -> str:
    file, person = case.file, message.said.person
    waiting = next((one for one in file.appeals if set(one.listings) == set(message.listings)), None)
    if message.deny:
        file.appeals[:] = [one for one in file.appeals if one is not waiting]
        case.journal.note("appeal.denied", message.reason, actor=person, listings=" ".join(message.listings))
        return "the appeal is denied; the listings stay hidden"
    if not message.grant:
        if waiting is None:
            file.appeals.append(message)
        case.journal.note("appeal.received", message.reason, actor=person, listings=" ".join(message.listings))
        return "the appeal waits for somebody who did not decide the act"
    if waiting is not None:
        file.appeals.remove(waiting)
    case.journal.note("appeal.granted", message.reason, actor=person, listings=" ".join(message.listings))
    swept = await restored(case, "appeal granted", message.listings)
    return f"{swept.reversed.done} listings restored, {swept.reversed.wrong} differ from before"


_EFFECTS: dict[type[Any], Callable[[Case, Any], Awaitable[str]]] = {
    Report: _report,
    Learn: _learn,
    Decide: _decide,
    Claim: _claim,
    Assign: _assign,
    Delegate: _delegate,
    ReportFinding: _finding,
    TaskDone: _task,
    Hold: _hold,
    Release: _release,
    Exempt: _exempt,
    Replan: _replan,
    Kill: _kill,
    Resume: _resume,
    Merge: _merge,
    Split: _split,
    Withdraw: _withdraw,
    Abort: _abort,
    Appeal: _appeal,
}
