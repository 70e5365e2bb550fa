"""How does a rule become a clock, and what moves it?

A clock is computed once, outside the workflow, from a frozen rule and frozen calendars; afterwards it is a value. Where
several ways to count or several starts are defensible, all are computed: work goes to the earliest, the latest is shown
only.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from escalations import clocks, counting
from escalations.clocks import Clock, ClockStatus, DueChange
from escalations.counting import End, Reading
from escalations.rules import ClockRule, Unit

FOLLOWED = (ClockStatus.RUNNING, ClockStatus.MET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """What starts a clock. `latest` is a later start that could be argued, `ordered` the date an order itself sets.

    `claimed` is an earlier start that somebody claims and nobody accepted: it is shown and not worked to.
    `subject` is the order or report; `pinned` names the versions of the calendars and of the zone data; `covered`: it
    names only offers that reports before it named. `countries` are those that the report names.
    """

    t0: datetime
    basis: str
    latest: datetime | None = None
    ordered: datetime | None = None
    subject: str = ""
    recipient: str = ""
    readings: tuple[Reading, ...] = ()
    pinned: str = ""
    covered: bool = False
    countries: tuple[str, ...] = ()
    claimed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a clock wants and how that was reached: either a due time with its latest reading, or a house target."""

    steps: tuple[str, ...]
    due: datetime | None = None
    latest: datetime | None = None
    target: datetime | None = None
    opens: datetime | None = None
    pinned: str = ""


def started(rule: ClockRule, begin: Begin) -> Clock:
    """Start a clock. Raises ValueError when the rule needs a calendar or an ordered date that `begin` lacks."""
    qualitative = rule.unit is Unit.QUALITATIVE and begin.ordered is None
    wanted = _target(rule, begin) if qualitative else _due(rule, begin)
    return Clock(
        rule=rule.id,
        version=rule.version,
        duty=rule.duty,
        instrument=rule.instrument,
        meets=rule.meets,
        t0=begin.t0.astimezone(UTC),
        t0_basis=begin.basis,
        status=ClockStatus.RUNNING,
        owner=rule.owner,
        recipient=begin.recipient or rule.recipient,
        margin=rule.margin,
        contested=_argued(begin) or _claims(begin),
        may_suspend=bool(rule.suspends_on),
        confidence=rule.confidence,
        force=rule.force,
        subject=begin.subject,
        restart_period=timedelta(hours=rule.number) if rule.restarts else timedelta(),
        due_operational=wanted.due,
        due_legal_latest=wanted.latest,
        internal_target=wanted.target,
        not_before=wanted.opens,
        pinned=wanted.pinned,
        derivation=(*wanted.steps, *_contested(rule, begin, wanted)),
    )


def merged(kept: Clock | None, fresh: Clock, now: datetime, *, order_moved: bool = False) -> Clock:
    """Bring a clock of the case in line with what is known now.

    It moves earlier when an earlier start or a shorter date becomes known, and later only when the authority itself
    moved the date of its order (`order_moved`). What was fulfilled in time may turn out to have been late. A clock that
    ended otherwise, or was ever suspended, is left as it is.
    """
    if kept is None:
        return fresh
    before, after = clocks.wanted_at(kept), clocks.wanted_at(fresh)
    if kept.status not in FOLLOWED or clocks.was_suspended(kept) or before is None or after is None:
        return kept
    if before == after:
        return _claimed(kept, fresh)
    if after > before and (kept.status is ClockStatus.MET or not order_moved):
        return kept
    way = "earlier" if after < before else "later"
    reason = f"moved {way}: {fresh.t0_basis}" if fresh.t0 != kept.t0 else f"moved {way}: the order's date"
    change = DueChange(due_operational=kept.due_operational, changed_at=now, reason=reason)
    moved = replace(fresh, rule=kept.rule, due_history=(*kept.due_history, change))
    return _judged_again(kept, moved) if kept.status is ClockStatus.MET else moved


def _claimed(kept: Clock, fresh: Clock) -> Clock:
    """Take over that another start is claimed; nothing else changes while the due time stands."""
    if kept.contested == fresh.contested or kept.status is not ClockStatus.RUNNING:
        return kept
    return replace(kept, contested=fresh.contested, derivation=fresh.derivation)


def _judged_again(kept: Clock, moved: Clock) -> Clock:
    """Hold what was fulfilled against a due time that moved earlier; of a duty without a number nothing changes."""
    if moved.due_operational is None or kept.met_at is None:
        return kept
    late = kept.met_at > moved.due_operational
    return replace(
        moved,
        status=ClockStatus.MISSED if late else ClockStatus.MET,
        met_at=kept.met_at,
        proof=kept.proof,
        reason="fulfilled after the due time that the earlier start gives" if late else kept.reason,
    )


def _argued(begin: Begin) -> bool:
    return begin.latest is not None and begin.latest > begin.t0


def _claims(begin: Begin) -> bool:
    return begin.claimed is not None and begin.claimed < begin.t0


def _contested(rule: ClockRule, begin: Begin, wanted: _Wanted) -> tuple[str, ...]:
    """Say what an earlier start that is claimed would change."""
    if begin.claimed is None or not _claims(begin):
        return ()
    step = f"an earlier start {counting.utc(begin.claimed)} is claimed and contested"
    if wanted.due and not begin.ordered:
        step += f"; it would be due {counting.utc(min(end.at for end in _ends(rule, begin.claimed, begin)))}"
    return (step,)


def _target(rule: ClockRule, begin: Begin) -> _Wanted:
    start = begin.t0.astimezone(UTC)
    target = start + (rule.internal_target or timedelta())
    step = f"no number in the law; internal target {_span(rule.internal_target)} → {counting.utc(target)}"
    return _Wanted(target=target, steps=(f"start {counting.utc(start)}", step))


def _due(rule: ClockRule, begin: Begin) -> _Wanted:
    at_start = _ends(rule, begin.t0, begin)
    first = min(at_start, key=lambda end: end.at)
    later = _ends(rule, begin.latest, begin) if begin.latest and _argued(begin) else ()
    last = max((*at_start, *later), key=lambda end: end.at)
    due, steps, latest = first.at, first.steps, last.at
    if last.at != first.at:
        steps = (*steps, f"latest reading {last.steps[0]} → {counting.utc(last.at)}")
    if begin.ordered is not None and begin.ordered < due:
        due = latest = begin.ordered.astimezone(UTC)
        steps = (*steps, f"the order sets an earlier date → {counting.utc(due)}")
    opens = _opens(rule, begin) if rule.most else None
    if opens:
        steps = (*steps, f"not before {counting.utc(opens)}")
    uses_calendar = rule.unit not in (Unit.AS_ORDERED, Unit.QUALITATIVE) and bool(begin.readings)
    return _Wanted(due=due, latest=latest, steps=steps, opens=opens, pinned=begin.pinned if uses_calendar else "")


def _opens(rule: ClockRule, begin: Begin) -> datetime:
    """Find when a window opens: after the whole of its least number of days, by the latest reading.

    17 USC 512(g)(2)(C): "not less than 10" business days must have passed.
    """
    least = [
        counting.ends(rule.unit, rule.number, begin.latest or begin.t0, reading)
        for reading in begin.readings or (None,)
    ]
    return max(end.at for end in least) + timedelta(seconds=1)


def _ends(rule: ClockRule, t0: datetime, begin: Begin) -> tuple[End, ...]:
    number = max(rule.number, rule.most)
    if rule.unit in (Unit.AS_ORDERED, Unit.QUALITATIVE):
        if begin.ordered is None:
            raise ValueError(f"{rule.id} is due when the order says, and this order sets no date")
        at = begin.ordered.astimezone(UTC)
        return (End(at=at, steps=(f"start {counting.utc(t0)}", f"the order sets the date → {counting.utc(at)}")),)
    if not begin.readings:
        return (counting.ends(rule.unit, number, t0, None),)
    return tuple(
        counting.ends(rule.unit, number, t0, reading, working_time_only=rule.working_time_only)
        for reading in begin.readings
    )


def _span(span: timedelta | None) -> str:
    minutes = int((span or timedelta()).total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" if not minutes else f"{hours} h {minutes} min" if hours else f"{minutes} min"
