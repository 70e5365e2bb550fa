"""Whom does policy name in its answers? The people to ask at that instant, and the hours of the desk that owns a case.

Eligibility does not depend on the hour: a gate's seats list everybody who may vote. Who is asked first does.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice

from escalations import rosters, rosters_chain, rosters_duty
from escalations.calendars import is_working_day
from escalations.consensus import Gate, Seat
from escalations.model import Intake
from escalations.plans import DutyRequest, GateRequest, Plan, PlanRequest
from escalations.readings import Calendars
from escalations.rosters import Asked, Desk, How, OnDuty
from escalations.rosters_duty import ONE_DAY
from escalations.rosters_time import A_MINUTE
from escalations.rulebook import Rulebook

COMMANDER = "IC"
NAMED = 3  # how many people a page names: history has no bytes to spare, and the ladder is in the rulebook
WRITTEN_DOWN = 30  # days of a desk's hours


def named_in_plan(book: Rulebook, calendars: Calendars, plan: Plan, request: PlanRequest) -> Plan:
    """Pin in a plan who leads it now; in an emergency the incident commander is asked first."""
    places = _places(request.intakes)
    desks = rosters_chain.desks(book.roster, rosters_chain.places(book, places))
    counted = desks and plan.targets.business
    most = NAMED if plan.page or plan.contain_first else 1
    return replace(
        plan,
        on_duty=OnDuty(
            at=request.now,
            places=places,
            ask=_in_short(_leading(book, calendars, plan, places, request.now), most),
            desk=desks[0].key if desks else "",
            hours=hours(desks[0], calendars, request.now, WRITTEN_DOWN) if counted else (),
        ),
    )


def named_in_gate(book: Rulebook, calendars: Calendars, gate: Gate, request: GateRequest) -> Gate:
    """Pin in a question who is asked first for each required seat, or for each seat when none is required."""
    known = request.plan.on_duty
    ask: dict[str, Asked] = {}
    seats = tuple(one for one in gate.seats if one.required) or gate.seats
    chains = rosters_chain.for_each(
        book,
        calendars,
        tuple(seat.role for seat in seats),
        request.now,
        domain=request.plan.domain,
        jurisdictions=known.places if known else (),
        conflicted=gate.excluded,
    )
    for seat, people in zip(seats, chains, strict=True):
        one = _first(people, seat, ask)
        if one is not None:
            ask[one.person] = one
    return replace(gate, ask=tuple(ask))


def on_duty(book: Rulebook, calendars: Calendars, request: DutyRequest) -> OnDuty:
    """Say whom to wake now. From level 1 of the ladder on, nobody below it is named: they were asked before."""
    holder = book.roster.people.get(request.role)
    role = holder.roles[0] if holder else request.role
    [found] = rosters_chain.for_each(
        book,
        calendars,
        (role,),
        request.now,
        domain=request.domain,
        jurisdictions=request.places,
        conflicted=request.excluded,
    )
    if request.level:
        found = (one for one in found if one.level >= request.level)
    elif holder and not rosters_chain.absent_until(holder, book.roster, request.now):
        owes = Asked(person=holder.id, role=role, how=How.ON_CALL, why="owes it")
        found = chain((owes,), (one for one in found if one.person != holder.id))
    return OnDuty(at=request.now, places=request.places, ask=_in_short(found, NAMED))


def hours(desk: Desk, calendars: Calendars, at: datetime, days: int) -> tuple[int, ...]:
    """Write down over so many days how many minutes a desk is closed and open in turn, from an instant on.

    The first number is negative when the desk is open. Raises CalendarGap.
    """
    first = rosters_duty.local_day(desk, at)
    last = first + timedelta(days=days)
    working = rosters_duty.calendar(desk, calendars, first, last)
    found: list[int] = []
    day, before = first, at
    while day <= last:
        opens, closes = rosters_duty.span(desk.zone, day, desk.opens, desk.closes)
        if at < closes and is_working_day(working, day):
            found += [(opens - before) // A_MINUTE, (closes - opens) // A_MINUTE]
            before = closes
        day += ONE_DAY
    return tuple(found)


def _leading(
    book: Rulebook, calendars: Calendars, plan: Plan, places: tuple[str, ...], now: datetime
) -> Iterable[Asked]:
    """Go through the people who lead a case. A commander who is in the owner's chain too is named as found there."""
    roles = (COMMANDER, plan.owner) if plan.contain_first else (plan.owner,)
    *commanding, leading = rosters_chain.for_each(book, calendars, roles, now, domain=plan.domain, jurisdictions=places)
    if not commanding:
        return leading
    first = islice(commanding[0], 1)
    return {one.person: one for one in (*first, *leading)}.values()


def _in_short(people: Iterable[Asked], most: int) -> tuple[tuple[str, str], ...]:
    return tuple((one.person, f"{one.role}, {rosters.in_words(one)}") for one in islice(people, most))


def _first(people: Iterable[Asked], seat: Seat, taken: Collection[str]) -> Asked | None:
    """Take the first who may vote for a seat and is not asked for another, else whoever the chain begins with."""
    able: Asked | None = None
    first: Asked | None = None
    for one in people:
        first = first or one
        if one.person in seat.persons:
            if one.person not in taken:
                return one
            able = able or one
    return able or first


def _places(intakes: tuple[Intake, ...]) -> tuple[str, ...]:
    codes = {code.upper() for intake in intakes for code in (*intake.jurisdictions, *intake.markets) if code}
    codes |= {intake.order.country.upper() for intake in intakes if intake.order}
    return tuple(sorted(codes))
