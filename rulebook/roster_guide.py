"""Who works when, in words: desks, shifts, times on call, who stands in, and the ladder."""

from collections.abc import Iterator

from escalations.calendars import MONDAY_TO_SUNDAY
from escalations.rosters import A_DAY, Delegation, Desk, Duty
from escalations.rulebook import Roster


def written(roster: Roster) -> Iterator[str]:
    """Write the part of the guide about hours, line by line."""
    yield "\n### Desks\n"
    yield "Hours are those of the clock on the wall; a duty ends before the minute that it names as its end.\n"
    yield "| desk | zone | holidays | weekend | business hours | asked first for | decides for | then |"
    yield "|" + " --- |" * 8
    for desk in roster.desks:
        yield "| " + " | ".join(_desk(desk)) + " |"
    for desk in roster.desks:
        yield f"\n**{desk.key}**\n"
        yield from (f"* {_duty(duty)}" for duty in desk.duties)
    yield "\n### Who stands in\n"
    yield from (f"* {_delegation(one)}" for one in roster.delegations)
    yield "\n### The ladder\n"
    for number, level in enumerate(roster.levels):
        after = f"; the next level after {int(level.after.total_seconds()) // 60} min" if level.after else ""
        yield f"* L{number}, {level.title}: {', '.join(level.asks)}{after}"


def clock(minutes: int) -> str:
    """Write minutes after midnight as a time; one of the next day says so."""
    day, rest = divmod(minutes, A_DAY)
    if minutes == A_DAY:
        return "24:00"
    return f"{rest // 60:02}:{rest % 60:02}" + (" the next day" if day else "")


def _desk(desk: Desk) -> tuple[str, ...]:
    return (
        desk.key,
        desk.zone,
        desk.calendar,
        ", ".join(MONDAY_TO_SUNDAY[day] for day in desk.weekend) or "none",
        f"{clock(desk.opens)} to {clock(desk.closes)}",
        ", ".join(desk.home) or "nowhere",
        ", ".join(desk.serves) or "everywhere",
        desk.next or "nobody",
    )


def _duty(duty: Duty) -> str:
    kind = "on call" if duty.on_call else "shift"
    days = duty.days.value.replace("_", " ")
    only = f", only {', '.join(MONDAY_TO_SUNDAY[day] for day in duty.weekdays)}" if duty.weekdays else ""
    about = f", only {', '.join(duty.domains)}" if duty.domains else ""
    turns = f", turns of {duty.turn} days from {duty.since}" if duty.turn else ""
    staff = "; ".join(f"{role}: {', '.join(persons)}" for role, persons in duty.staff)
    return f"{kind} {duty.key}, {days}{only}, {clock(duty.begins)} to {clock(duty.ends)}{about}{turns}: {staff}"


def _delegation(one: Delegation) -> str:
    scopes = [", ".join(names) for names in (one.roles, one.domains, one.jurisdictions) if names]
    dates = f" from {one.begins or 'ever'} to {one.ends or 'further notice'}" if one.begins or one.ends else ""
    return f"{one.delegate} for {one.principal}{dates}: {'; '.join(scopes) or 'everything'}"
