"""How is a recorded case moved to now? Every date in what it was told, by the same span."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from escalations.casefile import Opening
from replay.simulation.traces import Trace
from replay.simulation.values import Values
from replay.whatif.people import Saying

MICRO = 1_000


def moved(value: Any, by: timedelta) -> Any:
    """Move every time inside a value."""
    if isinstance(value, datetime):
        return value + by
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: moved(getattr(value, field.name), by) for field in fields(value)})
    if isinstance(value, tuple | list):
        return type(value)(moved(one, by) for one in value)
    if isinstance(value, dict):
        return {name: moved(one, by) for name, one in value.items()}
    return value


def moved_trace(trace: Trace, values: Values, by: timedelta) -> Trace:
    """Move the runs of a trace. Answers stay as they are, since only how long they took is asked for; children end at
    once, because on the server each has a clock of its own.
    """
    span = (by // timedelta(microseconds=1)) * MICRO
    runs = [
        replace(
            run,
            started=run.started + span,
            tasks=[at + span for at in run.tasks],
            input=(values.payload(moved(values.value(run.input[0], Opening), by)),),
            timers={},
        )
        for run in trace.runs
    ]
    answers = [
        replace(answer, seen=answer.begun) if answer.kind == "child" and answer.seen is not None else answer
        for answer in trace.answers
    ]
    return replace(trace, runs=runs, answers=answers, ends=trace.ends + span)


def moved_sayings(said: list[Saying], values: Values, by: timedelta) -> list[Saying]:
    """Move the dates inside what was said; when it is said is counted from what it answers."""
    found = []
    for saying in said:
        if saying.said is None:
            found.append(saying)
            continue
        later = moved(saying.said, by)
        message = replace(saying.message, payloads=(values.payload(later),))
        found.append(replace(saying, said=later, message=message))
    return found
