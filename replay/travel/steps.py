"""What happened at each task of a case? One step a task: what woke it, what it did, what changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from replay.travel import causes, changes, state
from replay.travel import journey as travelling
from replay.travel.journey import Journey, Stop
from store.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task of a case in words; `run` counts from 1."""

    run: int
    event_id: int
    at: datetime
    woken_by: tuple[str, ...]
    did: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Every task of a case; `left_out` says which stands nowhere or may lack a message. `refused` as in `Journey`."""

    steps: tuple[Step, ...]
    left_out: tuple[str, ...]
    refused: tuple[Refused, ...] | None


def timeline(journey: Journey) -> Timeline:
    """List every task of all runs, and what was refused."""
    said = [words(film) for film in journey.films for words in (travelling.left_out, travelling.doubt)]
    left_out = tuple(filter(None, said))
    return Timeline(steps=steps(journey), left_out=left_out, refused=journey.refused)


def steps(journey: Journey) -> tuple[Step, ...]:
    """List every task of all runs. What a run takes over from the run before is no change."""
    found: list[Step] = []
    before = state.of(None)
    for run, film in enumerate(journey.films, 1):
        for told in causes.told(film):
            after = state.of(told.frame)
            found.append(
                Step(
                    run=run,
                    event_id=told.frame.event_id,
                    at=told.frame.at,
                    woken_by=told.woken_by,
                    did=told.did,
                    changed=changes.between(before, after),
                )
            )
            before = after
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What changed from one place to another, and the tasks in between."""

    from_run: int
    from_event: int
    from_at: datetime
    to_run: int
    to_event: int
    to_at: datetime
    tasks: int
    changed: tuple[str, ...]


def compared(journey: Journey, before: Stop, after: Stop) -> Compared:
    """Compare two places. What changed and changed back in between is no change."""
    place = [(stop.run, stop.frame.event_id if stop.frame else 0) for stop in (before, after)]
    between: Sequence[Stop] = [
        stop for stop in journey.stops() if stop.frame and place[0] < (stop.run, stop.frame.event_id) <= place[1]
    ]
    return Compared(
        from_run=before.run,
        from_event=before.upto,
        from_at=before.at,
        to_run=after.run,
        to_event=after.upto,
        to_at=after.at,
        tasks=len(between),
        changed=changes.between(state.of(before.frame), state.of(after.frame)),
    )
