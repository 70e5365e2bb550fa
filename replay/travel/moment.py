"""How did the whole case stand at one place? Everything people would have seen then, and where the code stood."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.api.history.v1 import HistoryEvent

from escalations import voting
from escalations.casefile import CaseFile
from escalations.clocks import OPEN, Clock, wanted_at
from escalations.consensus import IN_FAVOUR, Option, Stance
from escalations.enforcement import Manifest
from escalations.messages import Decide, Said
from escalations.model import Task
from escalations.record import GateCard
from replay.frames import Strand
from replay.travel import causes, state
from replay.travel.causes import Hand
from replay.travel.journey import Journey, Stop, time_of, words
from replay.travel.state import WAITING
from store.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockThen:
    """A clock with the time it had left; negative when it was late, None where it did not run."""

    rule: str
    duty: str
    status: str
    owner: str
    wants_at: datetime | None
    by_law: bool
    left: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatThen:
    """A seat at a gate: who had spoken for it, and who could still."""

    role: str
    required: bool
    may_veto: bool
    spoken: tuple[str, ...]
    could_act: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateThen:
    """A gate as its approvers saw it. `in_favour` counts persons for each option; `outcome` is empty while open."""

    id: str
    kind: str
    question: str
    opened_at: datetime
    due_at: datetime
    left: timedelta | None
    quorum: int
    in_favour: tuple[tuple[str, int], ...]
    seats: tuple[SeatThen, ...]
    excluded: tuple[str, ...]
    options: tuple[Option, ...]
    recommended: str
    default: str
    binding: bool
    digest: str
    steps: tuple[str, ...]
    rulebook: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the answers at the gates rest on; texts of people are left out."""

    plan: str
    manifest: Manifest | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a strand of the code stood: the nearest line outside the waiting helper, the way there, and the wait."""

    place: str
    way: tuple[str, ...]
    owner: str
    reason: str
    until: datetime
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A case at one place of its history. `since` is the task whose result it is; `shows` says which state that is.

    `unseen` are inputs that had arrived by then and that no task had taken in. `other` is what a workflow without a
    case file answers.
    `refused` are messages that were not taken by then, None where no casebook is at hand.
    """

    workflow_id: str
    workflow_type: str
    run: int
    runs: int
    at: datetime
    upto_event: int
    task_event: int | None
    since: datetime | None
    shows: str
    title: str = ""
    stage: str = ""
    priority: int | None = None
    severity: int | None = None
    urgency: int | None = None
    owner: str = ""
    rulebook: str = ""
    playbook: str = ""
    closed_at: datetime | None = None
    clocks: tuple[ClockThen, ...] = ()
    gates: tuple[GateThen, ...] = ()
    evidence: Evidence | None = None
    standing: tuple[Standing, ...] = ()
    hands: tuple[Hand, ...] = ()
    unseen: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    owed: tuple[str, ...] = ()
    refused: tuple[Refused, ...] | None = None
    other: dict[str, Any]


def moment(journey: Journey, stop: Stop) -> Moment:
    """Draw a case as it stood at a stop."""
    known = state.of(stop.frame)
    card, file = known.card, known.file
    told = next((each for each in causes.told(stop.film) if each.frame is stop.frame), None)
    shown: dict[str, Any] = {}
    if card is not None and file is not None:
        shown = {
            "title": card.title,
            "stage": card.stage.value,
            **{name: getattr(card, name) for name in ("priority", "severity", "urgency", "owner", "rulebook")},
            "playbook": card.playbook,
            "closed_at": card.closed_at,
            "clocks": tuple(_clock(clock, stop.at) for clock in card.clocks),
            "gates": tuple(_gate(gate, file, stop.at) for gate in card.gates),
            "evidence": _evidence(file),
            "tasks": tuple(task for task in card.tasks if task.done_at is None),
            "owed": card.open_items,
        }
    return Moment(
        workflow_id=journey.workflow_id,
        workflow_type=stop.film.run.workflow_type,
        run=stop.run,
        runs=len(journey.films),
        at=stop.at,
        upto_event=stop.upto,
        task_event=stop.frame.event_id if stop.frame else None,
        since=stop.frame.at if stop.frame else None,
        shows=words(stop),
        standing=tuple(_standing(stop.frame.strands)) if stop.frame else (),
        hands=told.hands if told else (),
        unseen=tuple(_unseen(stop)),
        refused=None if journey.refused is None else tuple(one for one in journey.refused if one.at <= stop.at),
        other=dict(known.other),
        **shown,
    )


def _clock(clock: Clock, now: datetime) -> ClockThen:
    at = wanted_at(clock)
    return ClockThen(
        rule=clock.rule,
        duty=clock.duty,
        status=clock.status.value,
        owner=clock.owner,
        wants_at=at,
        by_law=clock.due_operational is not None,
        left=at - now if at and clock.status in OPEN else None,
    )


def _gate(card: GateCard, file: CaseFile, now: datetime) -> GateThen:
    gate, outcome = card.gate, card.outcome
    favour = {option.key: 0 for option in gate.options}
    for vote in card.votes:
        if vote.stance in IN_FAVOUR and vote.option in favour:
            favour[vote.option] += 1
    return GateThen(
        id=gate.id,
        kind=gate.kind.value,
        question=gate.question,
        opened_at=gate.opened_at,
        due_at=gate.due_at,
        left=None if outcome else gate.due_at - now,
        quorum=gate.quorum,
        in_favour=tuple(favour.items()),
        seats=tuple(_seats(card, file, now)),
        excluded=gate.excluded,
        options=gate.options,
        recommended=gate.recommended,
        default=gate.default,
        binding=gate.binding,
        digest=gate.digest,
        steps=gate.steps,
        rulebook=gate.rulebook,
        outcome=f"{outcome.option} by {outcome.how}" if outcome else "",
    )


def _seats(card: GateCard, file: CaseFile, now: datetime) -> Iterator[SeatThen]:
    for seat in card.gate.seats:
        delegates = [one for one in file.delegations if one.role == seat.role and one.said.person in seat.persons]
        could = [person for person in seat.persons if _could_act(card, file, now, person, "", seat.role)]
        could += [
            f"{one.to} for {one.said.person}"
            for one in delegates
            if _could_act(card, file, now, one.to, one.said.person, seat.role)
        ]
        yield SeatThen(
            role=seat.role,
            required=seat.required,
            may_veto=seat.may_veto,
            spoken=tuple(
                f"{vote.person}: {vote.stance.value.replace('_', ' ')} {vote.option}".rstrip()
                for vote in card.votes
                if vote.role == seat.role
            ),
            could_act=tuple(could),
        )


def _could_act(card: GateCard, file: CaseFile, now: datetime, person: str, principal: str, role: str) -> bool:
    """Ask the judge of the gate itself: would a word of this person have been taken?"""
    asked = Decide(
        said=Said(request_id="asked-later", person=person),
        gate=card.gate.id,
        digest=card.gate.digest,
        option="",
        stance=Stance.ABSTAIN,
        role=role,
        on_behalf_of=principal,
    )
    return voting.refusal(card.gate, card.votes, card.outcome, asked, now, tuple(file.delegations)) is None


def by_urgency(clocks: Sequence[ClockThen]) -> tuple[ClockThen, ...]:
    """Put what was late or due first in front, and what did not run behind."""
    return tuple(sorted(clocks, key=lambda one: (one.left is None, one.left or timedelta())))


def open_gates(shown: Moment) -> tuple[GateThen, ...]:
    """List the gates that were undecided."""
    return tuple(gate for gate in shown.gates if not gate.outcome)


def _evidence(file: CaseFile) -> Evidence:
    plan = file.plan
    said = f"{plan.action} for {plan.reason_code}, {plan.playbook}, rulebook {plan.rulebook}" if plan else ""
    return Evidence(
        plan=said,
        manifest=file.manifest,
        findings=tuple(
            f"{one.kind} by {one.by}, evidence {', '.join(digest[:12] for digest in one.evidence) or 'none'}"
            for one in file.findings
        ),
    )


def _standing(strands: tuple[Strand, ...]) -> Iterator[Standing]:
    """List the strands that stood in a wait; the keepers of clocks, timer and journal wait for nobody."""
    for strand in strands:
        if strand.wait is not None:
            way = tuple(place for place in strand.places if not place.startswith(WAITING)) or strand.places
            yield Standing(
                place=way[0],
                way=way,
                owner=strand.wait.owner,
                reason=strand.wait.reason,
                until=strand.wait.until,
                then=strand.wait.then,
            )


def _unseen(stop: Stop) -> Iterator[str]:
    """Name what arrived after the last task began, up to the place that is looked at."""
    since = stop.frame.event_id if stop.frame else 0
    for event in stop.film.run.events[since : stop.upto]:
        reader = _INPUTS.get(event.WhichOneof("attributes") or "")
        if reader is not None:
            yield f"event {event.event_id}, {time_of(event):%H:%M:%S}Z: {reader(event, stop)}"


def _scheduled(event_id: int, stop: Stop) -> str:
    return stop.film.run.events[event_id - 1].activity_task_scheduled_event_attributes.activity_type.name


def _activity(how: str) -> Callable[[HistoryEvent, Stop], str]:
    def said(event: HistoryEvent, stop: Stop) -> str:
        attributes = getattr(event, event.WhichOneof("attributes") or "")
        return f"activity {_scheduled(attributes.scheduled_event_id, stop)} {how}"

    return said


def _child(how: str) -> Callable[[HistoryEvent, Stop], str]:
    def said(event: HistoryEvent, stop: Stop) -> str:
        attributes = getattr(event, event.WhichOneof("attributes") or "")
        named = attributes.workflow_execution.workflow_id.removeprefix(f"{stop.film.run.workflow_id}/")
        return f"child {named} {how}"

    return said


_INPUTS: dict[str, Callable[[HistoryEvent, Stop], str]] = {
    "workflow_execution_signaled_event_attributes": lambda event, _stop: (
        f"signal {event.workflow_execution_signaled_event_attributes.signal_name}"
    ),
    "timer_fired_event_attributes": lambda _event, _stop: "a timer rang",
    "activity_task_completed_event_attributes": _activity("completed"),
    "activity_task_failed_event_attributes": _activity("failed"),
    "activity_task_timed_out_event_attributes": _activity("timed out"),
    "child_workflow_execution_started_event_attributes": _child("started"),
    "child_workflow_execution_completed_event_attributes": _child("closed"),
    "child_workflow_execution_failed_event_attributes": _child("failed"),
    "child_workflow_execution_terminated_event_attributes": _child("was terminated"),
    "workflow_task_failed_event_attributes": lambda _event, _stop: "a task failed, and is tried again",
    "workflow_task_timed_out_event_attributes": lambda _event, _stop: "a task was not done in time, and is tried again",
    "workflow_execution_cancel_requested_event_attributes": lambda _event, _stop: "its cancellation was asked for",
}
