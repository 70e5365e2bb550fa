"""Who is told before a clock runs out, and what happens when it does?"""

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

from escalations import clocks
from escalations.clocks import Clock, ClockStatus, wanted_at
from workflows.case import Case
from workflows.people import page

DUE = "due"


async def clocks_kept(case: Case) -> None:
    """Warn at half, three quarters and nine tenths of the time, page at the margin, record a miss at the due time."""
    while True:
        changed = _changed(case)
        alarm = _next_alarm(case)
        if alarm is None:
            await case.watch.tick(changed, None)
            continue
        at, clock, label = alarm
        # A clock that was met or moved in the very moment of its alarm no longer rings.
        if await case.watch.tick(changed, at) and clock in case.file.clocks:
            case.file.rung.append(_name(clock, label))
            await _ring(case, clock, label)
            case.journal.show()


def _changed(case: Case) -> Callable[[], bool]:
    seen = tuple(case.file.clocks)
    return lambda: tuple(case.file.clocks) != seen


def _next_alarm(case: Case) -> tuple[datetime, Clock, str] | None:
    alarms = [
        (at, clock, label)
        for clock in case.file.clocks
        if clock.status is ClockStatus.RUNNING
        for label, at in (*clocks.warnings(clock), (DUE, wanted_at(clock)))
        if at is not None and _name(clock, label) not in case.file.rung
    ]
    return min(alarms, key=lambda alarm: alarm[0], default=None)


def _name(clock: Clock, label: str) -> str:
    return f"{clock.rule}@{label}@{wanted_at(clock):%Y%m%dT%H%M%S}"


async def _ring(case: Case, clock: Clock, label: str) -> None:
    if label == DUE:
        await _fell_due(case, clock)
        return
    case.journal.note("clock.warned", f"{clock.rule}: {label} of its time is gone", rule=clock.rule, at=label)
    if label == clocks.LAST_CALL:
        case.beside(page(case, f"{clock.rule} is due at {wanted_at(clock):%H:%M}Z", role=clock.owner))


async def _fell_due(case: Case, clock: Clock) -> None:
    after = clocks.miss(clock, workflow.now())
    case.file.clocks[case.file.clocks.index(clock)] = after
    missed = after.status is ClockStatus.MISSED
    case.journal.note(
        "clock.missed" if missed else "clock.target_passed", f"{clock.rule}: {clock.duty}", rule=clock.rule
    )
    text = f"{clock.rule} was missed" if missed else f"the target of {clock.rule} has passed"
    case.beside(page(case, text, role=clock.owner))
