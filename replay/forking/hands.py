"""Who does a fork's work? What was recorded is answered as it was, all else by hands that touch nothing.

Policy is asked for real where nothing fits, since it only reads the rulebook; the casebook and the evidence of a fork
lie in its own folder. Everything that would speak to the world is a stub: it returns what success looks like.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from activities import asked
from activities.evidence import EvidenceRoom, Gather, Gathered
from activities.policy import Policy
from escalations import ids
from escalations.consensus import Gate
from escalations.enforcement import Manifest, Sought, Span, Tally
from escalations.notices import NoticeOrder, Sent
from escalations.plans import DutyRequest, GateRequest, NoticePlan, NoticesRequest, Plan, PlanRequest
from escalations.rosters import OnDuty
from replay import histories, payload_types
from replay.facts import LOCAL_ACTIVITY
from replay.forking import moving
from replay.histories import Recorded
from replay.payload_types import Slot
from starter.sealing import SealedPayloadConverter

T = TypeVar("T")
NOTHING = "0" * 64
POLICY = ("plan_case", "draft_gate", "who_is_on_duty", "draft_notices")


@dataclass(slots=True, kw_only=True)
class Answers:
    """What was answered in the recorded runs: by activity and input, and by activity and digest of the question.

    With an answer to an input goes when it was given.
    """

    by_input: dict[tuple[str, str], list[tuple[Payload, datetime]]] = field(default_factory=dict)
    by_question: dict[tuple[str, str], Payload] = field(default_factory=dict)

    def to(self, name: str, arguments: Sequence[Payload]) -> tuple[Payload, datetime] | None:
        """Give the recorded answer to the same question; asked again and again, they come in their order."""
        held = self.by_input.get((name, _written(arguments)))
        if not held:
            return None
        return held.pop(0) if len(held) > 1 else held[0]


async def recorded(runs: Iterable[Recorded], converter: DataConverter, namespace: str) -> Answers:
    """Read every answer out of recorded runs."""
    found = Answers()
    for run in runs:
        context = WorkflowSerializationContext(namespace=namespace, workflow_id=run.workflow_id)
        codec = converter.with_context(context).payload_codec
        assert codec is not None, "a fork's payloads are sealed"
        scheduled: dict[int, tuple[str, str]] = {}
        for event in run.events:
            if event.HasField("activity_task_scheduled_event_attributes"):
                said = event.activity_task_scheduled_event_attributes
                given = await codec.decode(list(said.input.payloads))
                scheduled[event.event_id] = (said.activity_type.name, _written(given))
            elif event.HasField("activity_task_completed_event_attributes"):
                done = event.activity_task_completed_event_attributes
                answer = await codec.decode(list(done.result.payloads))
                if answer and done.scheduled_event_id in scheduled:
                    given_at = histories.written_at(event)
                    found.by_input.setdefault(scheduled[done.scheduled_event_id], []).append((answer[0], given_at))
            elif event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY:
                details = event.marker_recorded_event_attributes.details
                if {"data", "result"} <= set(details):
                    [local, *_] = await codec.decode(list(details["result"].payloads))
                    name = json.loads(details["data"].payloads[0].data)["activity_type"]
                    found.by_question[name, _question(local)] = local
    return found


def _written(arguments: Sequence[Payload]) -> str:
    return ids.canonical([json.loads(each.data) if each.data else None for each in arguments]).decode()


def _question(answer: Payload) -> str:
    try:
        value = json.loads(answer.data)
    except ValueError:
        return ""
    return str(value.get("asked", "")) if isinstance(value, dict) else ""


class Hands:
    """The hands of a fork: the house's own for policy, casebook and evidence, `anything` for the rest."""

    def __init__(self, answers: Answers, policy: Policy, evidence: EvidenceRoom) -> None:
        self._answers = answers
        self._policy = policy
        self._evidence = evidence
        self._converter = SealedPayloadConverter()
        self._types = payload_types.defined((), payload_types.our_hands()).activities

    def activities(self) -> list[Callable[..., Any]]:
        """List them all: what is not named here is for `anything`."""
        return [*(getattr(self, name) for name in POLICY), self.gather, self.anything]

    @activity.defn
    async def plan_case(self, request: PlanRequest) -> Plan:
        """See `activities.policy`. Answers what was recorded for the same question."""
        return self._same("plan_case", request, Plan) or await self._policy.plan_case(request)

    @activity.defn
    async def draft_gate(self, request: GateRequest) -> Gate:
        """See `activities.policy`. Answers what was recorded for the same question."""
        return self._same("draft_gate", request, Gate) or await self._policy.draft_gate(request)

    @activity.defn
    async def who_is_on_duty(self, request: DutyRequest) -> OnDuty:
        """See `activities.policy`. Answers what was recorded for the same question."""
        return self._same("who_is_on_duty", request, OnDuty) or await self._policy.who_is_on_duty(request)

    @activity.defn
    async def draft_notices(self, request: NoticesRequest) -> NoticePlan:
        """See `activities.policy`. Answers what was recorded for the same question."""
        return self._same("draft_notices", request, NoticePlan) or await self._policy.draft_notices(request)

    @activity.defn
    async def gather(self, wanted: Gather) -> Gathered:
        """See `activities.evidence`. Answers what was recorded for the same question."""
        return self._same("gather", wanted, Gathered) or await self._evidence.gather(wanted)

    @activity.defn(dynamic=True)
    async def anything(self, arguments: Sequence[RawValue]) -> RawValue:
        """Answer as it was recorded for the same input, else as success looks like. Opens no connection.

        What was recorded as done then is done now, so its instants are those of now. Not retried: `NotInFork` for an
        act that this code does not know.
        """
        name = activity.info().activity_type
        given = [argument.payload for argument in arguments]
        held = self._answers.to(name, given)
        if held is not None:
            return RawValue(self._now(name, *held))
        if name not in STUBS:
            raise ApplicationError(f"a fork has no hand for {name}", type="NotInFork", non_retryable=True)
        kind, stub = STUBS[name]
        value = stub(self._converter.from_payload(given[0], kind))
        [payload] = self._converter.to_payloads([value])
        return RawValue(payload)

    def _now(self, name: str, answer: Payload, given_at: datetime) -> Payload:
        known = self._types.get(name)
        slot = Slot(payload=answer, hint=known.ret_type if known else payload_types.UNKNOWN)
        return moving.Moved(by=moving.span(given_at, datetime.now(UTC))).payload(answer, slot)

    def _same(self, name: str, question: Any, kind: type[T]) -> T | None:
        held = self._answers.by_question.get((name, asked.digest(question)))
        return None if held is None else self._converter.from_payload(held, kind)


def _done(span: Span) -> Tally:
    return Tally(done=span.stop - span.start, at=datetime.now(UTC))


def _told(order: NoticeOrder) -> Sent:
    return Sent(recipient=order.notice.recipient, proof=f"fork-{order.number}", at=datetime.now(UTC))


def _nobody(_: Any) -> str:
    return "fork"


STUBS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "find_listings": (Sought, lambda _: Manifest(digest=NOTHING, count=0, sellers=0)),
    "capture_prior": (Span, lambda _: NOTHING),
    "enforce": (Span, _done),
    "verify": (Span, _done),
    "reverse": (Span, _done),
    "send_notice": (NoticeOrder, _told),
    "submit_statements": (NoticeOrder, _told),
    "post": (Any, _nobody),
    "page": (Any, _nobody),
    "resolve": (Any, _nobody),
    "tell_case": (Any, _nobody),
}
