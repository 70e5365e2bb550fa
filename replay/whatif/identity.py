"""Is the simulation to be trusted with this case? Only if, with nothing changed, it lives exactly what was recorded.

Compared are stages with their times, what people and policy decided, when things fall due, every call, every timer to
the nanosecond, every receipt and the outcome. The words of explanations are not: a rulebook may say them better today.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.activity_result import ActivityResolution

from escalations.clocks import Clock
from escalations.consensus import Gate
from escalations.plans import NoticePlan, Plan
from escalations.rosters import OnDuty
from replay.simulation.traces import Answer, Deed, Run, Trace
from replay.simulation.values import Values
from replay.simulation.world import Living
from replay.whatif.retold import Telling

NOT_DONE, DONE = "not done", "done"
# Core starts timers of its own between the attempts of a local activity.
CORES_OWN = "timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """The first thing that a case did otherwise than recorded: at which task of which run, what, and both sides."""

    case_id: str
    run: int
    task: int
    what: str
    recorded: str
    now: str

    def line(self) -> str:
        """Write it on one line."""
        return f"run {self.run + 1}, task {self.task + 1}: {self.what}: recorded {self.recorded}, now {self.now}"


def deviation(trace: Trace, telling: Telling) -> Deviation | None:
    """Find the first deviation of a story told again, or None when it is the same."""
    life = telling.life
    for number, run in enumerate(trace.runs):
        if number >= len(life.runs):
            return _deviation(trace, number, 0, "the run", DONE, life.halted or NOT_DONE)
        stopped = life.halted and number == len(life.runs) - 1
        found = [(run.task_of(life.ended_at), "the code", "goes on", life.halted)] if stopped else []
        found += [*_ruled(telling, run, number), *_deeds(telling.values, run, life.runs[number])]
        if found:
            task, what, recorded, now = min(found, key=lambda one: one[0])
            return _deviation(trace, number, task, what, recorded, now)
    return None


Found = tuple[int, str, str, str]


def _deviation(trace: Trace, run: int, task: int, what: str, recorded: str, now: str) -> Deviation:
    return Deviation(case_id=trace.case_id, run=run, task=task, what=what, recorded=recorded, now=now)


def _deeds(values: Values, run: Run, living: Living) -> Iterator[Found]:
    done = {(deed.kind, deed.key): deed for deed in living.deeds}
    told = {(deed.kind, deed.key): deed for deed in run.deeds}
    for key, recorded in told.items():
        now = done.get(key)
        if now is None and recorded.kind != CORES_OWN:
            yield recorded.at, _name(recorded), DONE, NOT_DONE
        elif now is not None:
            yield from _compared(values, run, recorded, now)
    for key, now in done.items():
        if key not in told and not _passing(run, living, now):
            yield run.task_of(now.at), _name(now), NOT_DONE, DONE


def _passing(run: Run, living: Living, deed: Deed) -> bool:
    """A timer that was started and cancelled within one task never reached the server."""
    cut = living.cut.get(deed.key) if deed.kind == "timer" else None
    return cut is not None and run.task_of(cut) == run.task_of(deed.at)


def _compared(values: Values, run: Run, recorded: Deed, now: Deed) -> Iterator[Found]:
    task = run.task_of(now.at)
    if task != recorded.at:
        yield min(task, recorded.at), _name(recorded), f"in task {recorded.at + 1}", f"in task {task + 1}"
        return
    was, is_now = _value(values, recorded.value, now.value), _plain(values, now.value)
    if was != is_now:
        yield task, _name(recorded), *_both(was, is_now)


def _value(values: Values, recorded: Any, now: Any) -> Any:
    if isinstance(recorded, Payload) and isinstance(now, Payload):
        return values.value(recorded, type(values.value(now)))
    return recorded


def _plain(values: Values, value: Any) -> Any:
    return values.value(value) if isinstance(value, Payload) else value


def _both(was: Any, now: Any) -> tuple[str, str]:
    """Show both sides where they are no values of the case."""
    shown = (str, int)
    return (str(was), str(now)) if isinstance(was, shown) and isinstance(now, shown) else ("one value", "another")


def _name(deed: Deed) -> str:
    kinds = {"local": "the call of", "activity": "the call of", "child": "the start of", "signal": "the signal"}
    named = deed.value if deed.kind in ("local", "activity") and isinstance(deed.value, str) else deed.key
    return f"{kinds.get(deed.kind, deed.kind)} {named}"


def _ruled(telling: Telling, run: Run, number: int) -> Iterator[Found]:
    for answer, now in telling.ruled:
        if answer.run == number and answer.resolution is not None:
            what = _ruling(telling.values, answer, answer.resolution, now)
            if what:
                yield answer.task, f"the answer of {answer.type}", *what


def _ruling(values: Values, answer: Answer, was: ActivityResolution, now: ActivityResolution) -> tuple[str, str] | None:
    if was.WhichOneof("status") != now.WhichOneof("status"):
        return str(was.WhichOneof("status")), str(now.WhichOneof("status"))
    if not now.HasField("completed"):
        return None
    answered = values.value(now.completed.result)
    recorded = substance(values.value(was.completed.result, type(answered)))
    fresh = substance(answered)
    name = next((name for name in fresh if recorded[name] != fresh[name]), None)
    return None if name is None else (f"another {name}", "this one")


def substance(answer: Any) -> dict[str, Any]:
    """Take out of an answer of policy what decides: no explanations, no wordings."""
    if isinstance(answer, Plan):
        names = ("domain", "priority", "urgency", "contain_first", "binding", "page", "owner", "targets", "called")
        return {
            **{name: getattr(answer, name) for name in names},
            "severity": answer.severity.band,
            "steps": tuple(step.key for step in answer.steps),
            "clocks": _clocks(answer.clocks),
        }
    if isinstance(answer, Gate):
        names = ("kind", "opened_at", "due_at", "quorum", "default", "recommended", "seats", "excluded", "binding")
        return {name: getattr(answer, name) for name in names}
    if isinstance(answer, NoticePlan):
        return {
            "notices": tuple((notice.recipient, notice.template, notice.clocks) for notice in answer.notices),
            "people": tuple(step.key for step in answer.by_people),
            "clocks": _clocks(answer.clocks),
        }
    if isinstance(answer, OnDuty):
        return {"persons": tuple((person, why.partition(",")[0]) for person, why in answer.ask)}
    return {"answer": answer}


def _clocks(clocks: tuple[Clock, ...]) -> tuple[Any, ...]:
    return tuple(
        (clock.rule, clock.status, clock.t0, clock.due_operational, clock.due_legal_latest, clock.internal_target)
        for clock in clocks
    )
