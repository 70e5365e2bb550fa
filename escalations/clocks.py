"""When is something due, and why exactly then?

Here a clock lives: it warns, is met, missed, suspended. Where it comes from is counted in `starting`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, count

from escalations.model import Milestone


class ClockStatus(StrEnum):
    """The life of a clock; only `running` and `suspended` block closing."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    MET = "met"
    MISSED = "missed"
    NOT_APPLICABLE = "not_applicable"
    WITHDRAWN = "withdrawn"


class Force(StrEnum):
    """What stands behind a clock. Only `law` binds; the others are never shown as law."""

    LAW = "law"
    VOLUNTARY = "voluntary"
    HOUSE = "house"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueChange:
    """A due time that was replaced, and the reason."""

    due_operational: datetime | None
    changed_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One running instance of a versioned rule.

    `rule` is unique in a case: a second order under the same rule gets `#2` behind it. `due_operational` is the
    earliest defensible due time, `due_legal_latest` the most lenient reading (display only), `internal_target` the
    house target of a duty that has no number (never shown as law). Exactly one of `due_operational` and
    `internal_target` is set. `subject` is the order or report that started it, empty when the case did; `contested`
    means that a later start is arguable, or an earlier one is claimed; the derivation names it. `not_before` opens a
    window: fulfilled sooner is too early. `origin` is the case a merged clock came from and its name there,
    `decided_by` who decided that it does not apply. `restart_period` is set where a suspended clock starts afresh, zero
    where the rest of it runs on. Times are UTC.
    """

    rule: str
    version: int
    duty: str
    instrument: str
    meets: Milestone
    t0: datetime
    t0_basis: str
    status: ClockStatus
    owner: str
    recipient: str
    margin: timedelta
    due_operational: datetime | None = None
    due_legal_latest: datetime | None = None
    internal_target: datetime | None = None
    contested: bool = False
    may_suspend: bool = False
    due_history: tuple[DueChange, ...] = ()
    met_at: datetime | None = None
    proof: str = ""
    reason: str = ""
    derivation: tuple[str, ...] = ()
    confidence: str = "H"
    pinned: str = ""
    force: Force = Force.LAW
    subject: str = ""
    suspended_at: datetime | None = None
    restart_period: timedelta = timedelta()
    not_before: datetime | None = None
    origin: str = ""
    decided_by: str = ""


WARNINGS = (("50 %", 50), ("75 %", 75), ("90 %", 90))
LAST_CALL = "margin"
PAUSED = "suspended for "
OPEN = (ClockStatus.RUNNING, ClockStatus.SUSPENDED)


class ClockRefusal(ValueError):
    """A clock may not be turned that way. `code` is the refusal code, the message says what its rule allows."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def wanted_at(clock: Clock) -> datetime | None:
    """Say when a clock wants something: its due time, or the internal target of a duty without a number."""
    return clock.due_operational or clock.internal_target


def nearest_binding(clocks: tuple[Clock, ...]) -> Clock | None:
    """Find the running clock of law with a number that is due first; ties by name."""
    return min(_binding(clocks), key=lambda pair: (pair[0], pair[1].rule), default=(None, None))[1]


def last_call(clocks: tuple[Clock, ...]) -> tuple[datetime, Clock] | None:
    """Find the first moment at which a binding due time, less its margin, is reached; the clock comes with it."""
    calls = [(due - clock.margin, clock) for due, clock in _binding(clocks)]
    return min(calls, key=lambda pair: (pair[0], pair[1].rule), default=None)


def warnings(clock: Clock) -> tuple[tuple[str, datetime], ...]:
    """List when to warn, earliest first: at 50, 75 and 90 % of the time, and at the due time minus the margin.

    A warning that would come before the start, or at the same instant as an earlier one, is left out.
    """
    due = wanted_at(clock)
    if due is None or due <= clock.t0:
        return ()
    times = [(label, clock.t0 + (due - clock.t0) * percent / 100) for label, percent in WARNINGS]
    times.append((LAST_CALL, due - clock.margin))
    first = {at: label for label, at in reversed(times) if at > clock.t0}
    return tuple((first[at], at) for at in sorted(first))


def meet(
    clocks: tuple[Clock, ...], milestone: Milestone, at: datetime, proof: str, rules: tuple[str, ...] = ()
) -> tuple[Clock, ...]:
    """Stop the clocks that waited for a milestone; with `rules`, only those (two authorities are told separately).

    A clock that was missed stays missed and keeps when and how its duty was fulfilled after all. Order is kept.
    """
    return tuple(
        _met(clock, at, proof) if clock.meets is milestone and (not rules or clock.rule in rules) else clock
        for clock in clocks
    )


def too_early(clock: Clock, at: datetime) -> bool:
    """Ask whether a duty with a window would be fulfilled before the window opens."""
    return clock.not_before is not None and at < clock.not_before


def miss(clock: Clock, now: datetime) -> Clock:
    """Record that a due time passed. A duty without a number stays owed: only its internal target was missed.

    Anything but a running clock whose time has come is returned unchanged.
    """
    due = wanted_at(clock)
    if clock.status is not ClockStatus.RUNNING or due is None or now < due:
        return clock
    if clock.due_operational is None:
        return replace(clock, reason="the internal target has passed; the duty is still owed")
    return replace(clock, status=ClockStatus.MISSED, reason="the due time passed before the duty was fulfilled")


def was_suspended(clock: Clock) -> bool:
    """Ask whether a clock stands still, or ever did: its due time is then not that of its rule any more."""
    return clock.suspended_at is not None or any(step.startswith(PAUSED) for step in clock.derivation)


def suspend(clock: Clock, now: datetime, reason: str) -> Clock:
    """Let a clock stand still, where its rule allows it. Raises ClockRefusal."""
    if not clock.may_suspend:
        text = f"{clock.rule} ({clock.instrument}) never pauses; go on, or record why it does not apply"
        raise ClockRefusal("not_suspendable", text)
    if clock.status is not ClockStatus.RUNNING:
        raise ClockRefusal("not_running", f"{clock.rule} is {clock.status.value}; only a running clock pauses")
    return replace(clock, status=ClockStatus.SUSPENDED, suspended_at=now, reason=reason)


def release(clock: Clock, now: datetime, reason: str = "") -> Clock:
    """Let a suspended clock run again: afresh where its rule says so, else with the time that was left.

    Raises ClockRefusal when it is not suspended.
    """
    if clock.status is not ClockStatus.SUSPENDED or clock.suspended_at is None:
        raise ClockRefusal("not_suspended", f"{clock.rule} is {clock.status.value}, not suspended")
    pause, why = now - clock.suspended_at, reason or "released"
    history = DueChange(due_operational=clock.due_operational, changed_at=now, reason=why)
    running = replace(
        clock,
        status=ClockStatus.RUNNING,
        suspended_at=None,
        reason=why,
        due_history=(*clock.due_history, history),
        derivation=(*clock.derivation, f"{PAUSED}{_minutes(pause)}, released {now:%Y-%m-%dT%H:%M:%SZ}"),
    )
    if not clock.restart_period:
        return replace(
            running,
            due_operational=_later(clock.due_operational, pause),
            due_legal_latest=_later(clock.due_legal_latest, pause),
            internal_target=_later(clock.internal_target, pause),
        )
    due = now + clock.restart_period
    step = f"starts afresh → {due:%Y-%m-%dT%H:%M:%SZ}"
    basis = f"release: {why}"
    return replace(
        running,
        t0=now,
        t0_basis=basis,
        due_operational=due,
        due_legal_latest=due,
        derivation=(*running.derivation, step),
    )


def withdraw(clocks: tuple[Clock, ...], reason: str, subject: str = "") -> tuple[Clock, ...]:
    """End the open clocks of a withdrawn order, or with no subject every open clock; what is met stays met."""
    return tuple(
        replace(clock, status=ClockStatus.WITHDRAWN, reason=reason)
        if clock.status in OPEN and subject in ("", clock.subject)
        else clock
        for clock in clocks
    )


def not_applicable(clock: Clock, by: str, reason: str, now: datetime) -> Clock:
    """Record that a duty is not owed after all, with who decided it and why. Raises ClockRefusal for an ended clock."""
    if clock.status not in OPEN:
        raise ClockRefusal("not_running", f"{clock.rule} is {clock.status.value}; only an open clock can be exempted")
    change = DueChange(due_operational=clock.due_operational, changed_at=now, reason=f"does not apply: {reason}")
    return replace(
        clock,
        status=ClockStatus.NOT_APPLICABLE,
        reason=reason,
        decided_by=by,
        due_history=(*clock.due_history, change),
    )


def joined(mine: tuple[Clock, ...], theirs: tuple[Clock, ...], origin: str) -> tuple[Clock, ...]:
    """Take the clocks of a merged case over as they stand, each named for a free number of its rule.

    `origin` is the case they come from; what they were called there is found again by `parted`.
    """
    taken = list(mine)
    for clock in theirs:
        names = {one.rule for one in taken}
        base = clock.rule.partition("#")[0]
        numbered = (f"{base}#{number}" for number in count(2))
        free = next(name for name in chain((clock.rule,), numbered) if name not in names)
        taken.append(replace(clock, rule=free, origin=f"{origin} {clock.origin} {clock.rule}"))
    return tuple(taken)


def parted(clocks: tuple[Clock, ...], origin: str) -> tuple[tuple[Clock, ...], tuple[Clock, ...]]:
    """Undo `joined`: return the clocks that stay, and those of the other case as they were, its own names included."""
    stay = tuple(clock for clock in clocks if clock.origin.partition(" ")[0] != origin)
    back = []
    for clock in clocks:
        if clock not in stay:
            before, _, name = clock.origin.partition(" ")[2].rpartition(" ")
            back.append(replace(clock, rule=name, origin=before))
    return stay, tuple(back)


def _binding(clocks: tuple[Clock, ...]) -> list[tuple[datetime, Clock]]:
    return [
        (clock.due_operational, clock)
        for clock in clocks
        if clock.status is ClockStatus.RUNNING and clock.force is Force.LAW and clock.due_operational
    ]


def _met(clock: Clock, at: datetime, proof: str) -> Clock:
    if too_early(clock, at):
        return replace(clock, reason=f"done {_at(at)}, too early: the window opens {_at(clock.not_before)}")
    if clock.status in OPEN:
        late = clock.due_operational is not None and at > clock.due_operational
        return replace(clock, status=ClockStatus.MISSED if late else ClockStatus.MET, met_at=at, proof=proof)
    if clock.status is ClockStatus.MISSED and clock.met_at is None:
        return replace(clock, met_at=at, proof=proof)
    return clock


def _later(at: datetime | None, pause: timedelta) -> datetime | None:
    return at + pause if at else None


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "never"


def _minutes(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 60)} min"
