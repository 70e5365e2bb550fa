"""Who answers a case on the throw-away server? Policy by the candidate, everything else from the record."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.casebook import Written
from activities.evidence import Gather, Gathered
from activities.policy import Policy
from escalations.enforcement import SweepOrder, Swept, Tally
from escalations.readings import Calendars
from escalations.record import Batch, Entry
from escalations.rulebook import Rulebook
from replay import payload_types, reading
from replay.simulation.traces import Trace
from replay.simulation.world import Beginning, Call, Living
from replay.whatif.other import Other
from replay.whatif.rules import Whichever, questions
from starter.sealing import SealedPayloadConverter, scope_of
from workflows.prevention import PreventionOrder

QUEUE = "second-opinion"
CHILD = "recorded_child"
HANDS = payload_types.our_hands
LONG = 1_000_000_000
PATIENT = timedelta(days=400)


@workflow.defn(name="Sweep", sandboxed=False)
class RecordedSweep:
    """ordered → ended as recorded."""

    @workflow.run
    async def run(self, order: SweepOrder) -> Swept:
        """End as the record says."""
        swept: Swept = await workflow.execute_activity(
            CHILD, order, result_type=Swept, start_to_close_timeout=PATIENT, schedule_to_close_timeout=PATIENT
        )
        return swept

    @workflow.signal
    def kill(self) -> None:
        """Change nothing: how it ended is recorded."""

    @workflow.signal
    def resume(self) -> None:
        """Change nothing."""

    @workflow.signal
    def stop(self) -> None:
        """Change nothing."""


@workflow.defn(name="Prevention", sandboxed=False)
class RecordedPrevention:
    """started → ended: it outlives the case and is not looked at."""

    @workflow.run
    async def run(self, order: PreventionOrder) -> None:
        """End at once."""


class Hands:
    """The activities of the throw-away worker. `entries` is the casebook, by case."""

    def __init__(self, calendars: Calendars, candidate: Rulebook) -> None:
        self.entries: dict[str, list[Entry]] = {}
        self._policy = Policy(Whichever(candidate), calendars)
        self._types = payload_types.defined(reading.workflows(), HANDS()).activities
        self._others: dict[str, Other] = {}
        self._answers: dict[tuple[str, str], tuple[Any, int]] = {}
        self._read = SealedPayloadConverter()

    def expect(self, trace: Trace, other: Other) -> None:
        """Be ready for a case."""
        self._others[trace.case_id] = other

    def activities(self) -> list[Callable[..., Any]]:
        """List them all."""
        asked = [getattr(self._policy, question.ask.__name__) for question in questions().values()]
        return [*asked, self.record, self.gather, self.child, self.recorded]

    @activity.defn(name="record")
    async def record(self, batch: Batch) -> Written:
        """Keep entries in memory. Idempotent: what is kept already is kept once."""
        kept = self.entries.setdefault(batch.case_id, [])
        known = {entry.seq for entry in kept}
        kept.extend(entry for entry in batch.entries if entry.seq not in known)
        return Written(seq=batch.entries[-1].seq if batch.entries else len(kept))

    @activity.defn(name="gather")
    async def gather(self, wanted: Gather) -> Gathered:
        """Gather nothing: what was kept decides nothing."""
        return Gathered(digests=())

    @activity.defn(name=CHILD)
    async def child(self, order: SweepOrder) -> Swept:
        """End a sweep as recorded, after as long as it took. Asked again, it answers the same."""
        value, took = self._once("child", "Sweep", order)
        _patiently(took)
        ended: Swept = value
        return ended

    @activity.defn(dynamic=True)
    async def recorded(self, args: Sequence[RawValue]) -> Any:
        """Answer any other call from the record, after as long as it took. Asked again, it answers the same."""
        name = activity.info().activity_type
        hint = (self._types[name].arg_types or [object])[-1]
        value, took = self._once("activity", name, self._read.from_payload(args[0].payload, hint))
        _patiently(took)
        return value

    def _once(self, kind: str, name: str, asked: Any) -> tuple[Any, int]:
        info = activity.info()
        key = (str(info.workflow_id), info.activity_id)
        if key not in self._answers:
            other = self._others[scope_of(str(info.workflow_id))]
            answered = self._child(other, asked) if kind == "child" else self._call(other, name, asked)
            self._answers[key] = answered
        return self._answers[key]

    def _call(self, other: Other, name: str, asked: Any) -> tuple[Any, int]:
        call = Call(kind="activity", type=name, key="", at=0, arguments=(other.values.payload(asked),))
        coming = other.answer(_NOBODY, call)
        if coming is None or coming.resolution is None:
            raise ApplicationError(f"the record has no answer to {name}", type="NotRecorded", non_retryable=True)
        if not coming.resolution.HasField("completed"):
            raise ApplicationError("failed as recorded", type="Recorded", non_retryable=True)
        answered = other.values.value(coming.resolution.completed.result, self._types[name].ret_type)
        return answered, coming.at

    def _child(self, other: Other, order: SweepOrder) -> tuple[Swept, int]:
        call = Call(kind="child", type="Sweep", key="", at=0, arguments=(other.values.payload(order),))
        birth = other.birth(_NOBODY, call)
        if birth is None or birth.end is None or birth.end.child is None:
            tally = Tally(done=order.manifest.count)
            return Swept(order=order.number, applied=tally, verified=tally), LONG
        return other.values.value(birth.end.child.completed.result, Swept), birth.end.at


def _patiently(took: int) -> None:
    """Let a long call take its time: refused once, it is tried again when that time has passed."""
    if took > LONG and activity.info().attempt == 1:
        later = timedelta(microseconds=took // 1_000)
        benign = ApplicationErrorCategory.BENIGN
        raise ApplicationError("not yet", type="NotYet", next_retry_delay=later, category=benign)


_NOBODY = Living(
    workflow_id="",
    number=0,
    begun=Beginning(at=0, run_id="", type="", input=(), started=0),
    instance=None,
)
