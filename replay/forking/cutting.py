"""Where may a history be cut so that a server can go on? Where a task of its code was completed, commands and all.

An event that comes between two tasks, such as an answer, was written in one transaction with others; half of them make
no state of a case. So the cut is at the end of the last completed task, and what came after it is asked for again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from replay import histories
from replay.histories import Recorded
from starter.errors import BAD_INPUT, Problem

_UPDATES = (
    "workflow_execution_update_accepted_event_attributes",
    "workflow_execution_update_completed_event_attributes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A history up to an event; `asked` is the event that was asked for, `at` when the last kept one was written."""

    run: Recorded
    event: int
    asked: int
    at: datetime


def cut(run: Recorded, asked: int) -> Cut:
    """Cut at an event or at the nearest boundary before it.

    Raises Problem: `no_such_event`, `too_early` before the first completed task, `at_the_end` where the run has closed.
    """
    last = run.events[-1].event_id
    if not 1 <= asked <= last:
        where = "Name one of them, or another run of it with --run."
        raise _refused("no_such_event", f"Run {run.run_id} of {run.workflow_id} has the events 1 to {last}.", where)
    ends = [end for end in boundaries(run.events) if end <= asked]
    if not ends:
        first = next(boundaries(run.events), 0)
        where = f"Name event {first} or later." if first else "It has none yet; wait for a worker."
        raise _refused("too_early", f"Before event {first or last} no task of {run.workflow_id} was completed.", where)
    kept = histories.recorded(run.events[: ends[-1]], origin=run.origin)
    if kept.closed:
        earlier = ends[-2] if len(ends) > 1 else 1
        ended = f"has gone on as run {run.next_run_id}" if kept.next_run_id else "has ended"
        text = f"At event {ends[-1]} the run of {run.workflow_id} {ended}; nothing goes on from there."
        other = f", or fork that run: --run {run.next_run_id}" if kept.next_run_id else ""
        raise _refused("at_the_end", text, f"Name event {earlier} or an earlier one{other}.")
    return Cut(run=kept, event=ends[-1], asked=asked, at=_at(kept.events[-1]))


def running_at(run: Recorded, moment: datetime) -> Cut | None:
    """Cut another run of the case as it stood at a moment; None when it had not begun or had ended by then.

    One that had begun and done nothing yet is kept with the task that waits for a worker.
    """
    before = [event for event in run.events if _at(event) <= moment]
    if not before or histories.recorded(before, origin=run.origin).closed:
        return None
    ends = list(boundaries(before))
    end = ends[-1] if ends else min(2, len(before))
    kept = histories.recorded(run.events[:end], origin=run.origin)
    return Cut(run=kept, event=end, asked=before[-1].event_id, at=_at(kept.events[-1]))


def boundaries(events: Sequence[HistoryEvent]) -> Iterator[int]:
    """List the events that end a completed task with all it commanded."""
    open_task = 0
    for event, after in zip(events, [*events[1:], None], strict=True):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            open_task = event.event_id
        if open_task and (after is None or not _commanded(after, open_task)):
            yield event.event_id
            open_task = 0


def _commanded(event: HistoryEvent, task: int) -> bool:
    name = event.WhichOneof("attributes") or ""
    if name in _UPDATES:
        return True
    return bool(getattr(getattr(event, name), "workflow_task_completed_event_id", 0) == task)


def _at(event: HistoryEvent) -> datetime:
    return histories.written_at(event)


def _refused(code: str, text: str, next_step: str) -> Problem:
    return Problem(code, text, next_step=next_step, exit_code=BAD_INPUT)
