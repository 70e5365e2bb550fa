"""Through which frames does a case go? All its runs as one sequence, with a way to name a place in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from replay import frames
from replay.check import type_name
from replay.frames import Film, Frame
from replay.histories import Recorded
from replay.opening import closed_door
from starter.errors import BAD_INPUT, Problem
from store.refusals import Refused

PLACE = re.compile(r"(?:([1-9][0-9]{0,4})/)?([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place on the way: a frame of a run (None before its first task) and the instant that is looked at.

    `run` counts from 1, and `upto` is the last event that is taken to have happened.
    """

    run: int
    film: Film
    frame: Frame | None
    at: datetime
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The films of all runs of one workflow id, oldest first; never empty.

    `live` says that it goes on, on the server that it was fetched from.
    `refused` is what the casebook knows of refused messages, which leave no trace in history; None without a casebook.
    """

    workflow_id: str
    films: tuple[Film, ...]
    refused: tuple[Refused, ...] | None = None
    live: bool = False

    @property
    def workflow_type(self) -> str:
        """The type of the last run."""
        return self.films[-1].run.workflow_type

    def stops(self) -> tuple[Stop, ...]:
        """List every frame in order."""
        return tuple(
            Stop(run=number, film=film, frame=frame, at=frame.at, upto=frame.event_id)
            for number, film in enumerate(self.films, 1)
            for frame in film.frames
        )


async def travelled(
    runs: Sequence[Recorded],
    *,
    workflows: Sequence[type],
    converter: DataConverter,
    namespace: str,
    runtime: Runtime,
    refused: tuple[Refused, ...] | None = None,
) -> Journey:
    """Replay the runs of one workflow id. Raises Problem `unreadable`, `unknown_type` or `other_code` (exit code 2)."""
    known = {type_name(each): each for each in workflows}
    for run in runs:
        if run.workflow_type not in known:
            raise _bad(
                "unknown_type", f"{run.origin} is of the type {run.workflow_type}, which this code does not have."
            )
        if reason := await closed_door(run, converter, namespace):
            raise _bad("unreadable", f"{run.origin} cannot be read: {reason}.")
    filming = frames.of_runs(runs, workflows=workflows, converter=converter, namespace=namespace, runtime=runtime)
    films = sorted([film async for film in filming], key=lambda film: film.run.events[0].event_time.ToNanoseconds())
    for film in films:
        if not film.whole:
            raise _other_code(film)
    return Journey(workflow_id=runs[0].workflow_id, films=tuple(films), refused=refused)


def at_end(journey: Journey, now: datetime) -> Stop:
    """Find the last state: as it stands now if the case goes on, else as it stood at its last event."""
    last = journey.films[-1].run.events[-1]
    # Time that a server skipped is ahead of ours.
    stop = at_event(journey, str(last.event_id))
    return replace(stop, at=max(stop.at, now)) if journey.live else stop


def at_event(journey: Journey, place: str) -> Stop:
    """Find the state after the last task that began at or before an event: `57`, or `2/57` in the second run.

    Without a run the last one is meant. Raises Problem `bad_place` with the places that there are.
    """
    found = PLACE.fullmatch(place)
    if found is None:
        raise _bad("bad_place", "Name an event by its number, such as 57, or 2/57 in the second run.")
    number = int(found[1] or len(journey.films))
    if number > len(journey.films):
        raise _bad("bad_place", f"The case has {len(journey.films)} runs.")
    film, event_id = journey.films[number - 1], int(found[2])
    if event_id > len(film.run.events):
        raise _bad("bad_place", f"Run {number} has the events 1 to {len(film.run.events)}.")
    return Stop(
        run=number,
        film=film,
        frame=_last(film, event_id),
        at=time_of(film.run.events[event_id - 1]),
        upto=event_id,
    )


def at_time(journey: Journey, at: datetime) -> Stop:
    """Find the state at a time. Raises Problem `bad_place` before the case began."""
    began = [film for film in journey.films if time_of(film.run.events[0]) <= at]
    if not began:
        first = time_of(journey.films[0].run.events[0])
        raise _bad("bad_place", f"The case began {first:%Y-%m-%d %H:%M:%S}Z.")
    film = began[-1]
    upto = max(event.event_id for event in film.run.events if time_of(event) <= at)
    return Stop(run=len(began), film=film, frame=_last(film, upto), at=at, upto=upto)


def time_of(event: HistoryEvent) -> datetime:
    """Say when an event was recorded."""
    return event.event_time.ToDatetime(UTC)


def words(stop: Stop) -> str:
    """Say exactly which state is shown."""
    if stop.frame is None:
        return f"no task had begun by event {stop.upto}: nothing was known yet{_left_out(stop)}"
    own = stop.frame.event_id
    unsure = f"; {doubt(stop.film)}" if stop.film.unsure == own else ""
    if stop.upto == own:
        return f"the state after the task that began at event {own}{unsure}"
    if stop.upto <= _written(stop.film, own):
        return f"the state after the task that began at event {own} and wrote event {stop.upto}{unsure}"
    if stop.film.cut and stop.upto >= stop.film.cut:
        return f"the state after the task that began at event {own}{_left_out(stop)}"
    return f"the state after the task that began at event {own}; no later one had begun by event {stop.upto}"


def left_out(film: Film) -> str:
    """Say which task stands nowhere, and why; "" if all do."""
    if not film.cut:
        return ""
    return (
        f"the task at event {film.cut} is left out: the history ends in the middle of what it wrote, or it is at work "
        "still, or this code does something else"
    )


def doubt(film: Film) -> str:
    """Say what may be missing at the end of a history; "" if nothing can be."""
    if not film.unsure:
        return ""
    return (
        f"the history ends with what the task at event {film.unsure} wrote: if it was cut off there, messages that "
        "this task heard are not in it"
    )


def _left_out(stop: Stop) -> str:
    return f"; {left_out(stop.film)}" if stop.film.cut and stop.upto >= stop.film.cut else ""


def _written(film: Film, event_id: int) -> int:
    """Find the last event that the task begun at `event_id` wrote."""
    completed = next(
        event.event_id
        for event in film.run.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        and event.workflow_task_completed_event_attributes.started_event_id == event_id
    )
    last = completed
    for event in film.run.events[completed:]:
        if not frames.acted(event):
            break
        last = event.event_id
    return last


def _last(film: Film, upto: int) -> Frame | None:
    return next((frame for frame in reversed(film.frames) if frame.event_id <= upto), None)


def _bad(code: str, text: str) -> Problem:
    return Problem(code, text, exit_code=BAD_INPUT)


def _other_code(film: Film) -> Problem:
    how = f"the code here raised {film.broke}" if film.broke else "the code here does something else"
    return Problem(
        "other_code",
        f"{film.run.origin} cannot be lived again past event {film.reached}: {how}.",
        next_step="Use the code that recorded it, or see `seawall replay check`.",
        exit_code=BAD_INPUT,
    )
