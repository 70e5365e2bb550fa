"""Is there always somebody? Every time at which nobody of a role is on shift or on call, over a whole year.

Stretches of time are joined and taken from each other; no hour is looked at by itself, so a year costs milliseconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from escalations import rosters_chain, rosters_duty
from escalations.readings import Calendars
from escalations.rosters import Delegation
from escalations.rosters_duty import ONE_DAY, Stretch
from escalations.rulebook import Person, Roster, Rulebook
from escalations.rules import ClockRule, Unit

Span = tuple[datetime, datetime]
ANYWHERE = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without anybody: from `begins`, inclusive, to `ends`, exclusive. `after` is the duty that ended there."""

    begins: datetime
    ends: datetime
    after: Stretch | None


def urgent(book: Rulebook, begins: datetime, ends: datetime) -> tuple[str, ...]:
    """List the jurisdictions where a clock as short as U0 (4 h) runs at some time of a period. Sorted.

    A rule that holds everywhere counts for the legal order of every market.
    """
    most = book.severity.urgency[0]
    found = {rule.jurisdiction for rule in book.clocks if _urgent(rule, most, begins, ends)}
    if ANYWHERE in found:
        found |= {country.legal_order for country in book.countries}
    return tuple(sorted(found - {ANYWHERE}))


def gaps(
    book: Rulebook, calendars: Calendars, role: str, jurisdiction: str, begins: datetime, ends: datetime
) -> tuple[Gap, ...]:
    """List every time of a period without anybody of a role who may decide for a jurisdiction, in order.

    Somebody is there who is on shift or on call, for every domain, and not away; or the delegate of one who is away.
    Raises CalendarGap for a year whose holidays are not known.
    """
    places = rosters_chain.places(book, (jurisdiction,))
    away = {one.id: one for one in book.roster.persons} if any(one.absent for one in book.roster.persons) else {}
    done: list[Stretch] = []
    there: list[Span] = []
    for stretch, persons in _duties(book.roster, calendars, role, places, (begins, ends)):
        done.append(stretch)
        if any(one not in away for one in persons):
            there.append((stretch.begins, stretch.ends))
        else:
            there += _present(book.roster, away, role, places, stretch, persons)
    ended = {one.ends: one for one in done}
    return tuple(Gap(begins=one, ends=other, after=ended.get(one)) for one, other in taken([(begins, ends)], there))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or meet; the answer is in order."""
    found: list[Span] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            if ends > found[-1][1]:
                found[-1] = (found[-1][0], ends)
        elif begins < ends:
            found.append((begins, ends))
    return found


def taken(spans: Iterable[Span], away: Iterable[Span]) -> list[Span]:
    """Take spans from spans; the answer is in order."""
    holes = joined(away)
    found: list[Span] = []
    at = 0
    for begins, ends in joined(spans):
        while at < len(holes) and holes[at][1] <= begins:
            at += 1
        here, left = at, begins
        while here < len(holes) and holes[here][0] < ends:
            if holes[here][0] > left:
                found.append((left, holes[here][0]))
            left = max(left, holes[here][1])
            here += 1
        if left < ends:
            found.append((left, ends))
    return found


def _urgent(rule: ClockRule, most: timedelta, begins: datetime, ends: datetime) -> bool:
    if rule.unit is not Unit.HOUR or timedelta(hours=rule.number) > most or rule.effective_from is None:
        return False
    return rule.effective_from <= ends.date() and (rule.effective_to or date.max) >= begins.date()


def _duties(
    roster: Roster, calendars: Calendars, role: str, places: frozenset[str], period: Span
) -> Iterator[tuple[Stretch, tuple[str, ...]]]:
    for desk in rosters_chain.desks(roster, places):
        first, last = (rosters_duty.local_day(desk, at) for at in period)
        days = rosters_duty.calendar(desk, calendars, first - ONE_DAY, last)
        for duty in desk.duties:
            if duty.domains or not any(one == role for one, _ in duty.staff):
                continue
            for one in rosters_duty.stretches(desk, duty, days, first - ONE_DAY, last):
                yield one, duty.holders(role, one.day)


def _present(
    roster: Roster,
    known: dict[str, Person],
    role: str,
    places: frozenset[str],
    stretch: Stretch,
    persons: tuple[str, ...],
) -> Iterator[Span]:
    """List the parts of a duty at which somebody does it, or a delegate of somebody away."""
    whole = [(stretch.begins, stretch.ends)]
    for person in persons:
        away = _away(roster, known[person], whole)
        yield from taken(whole, away)
        if away:
            yield from _stood_in(roster, known, role, places, person, away, steps=2)


def _stood_in(
    roster: Roster,
    known: dict[str, Person],
    role: str,
    places: frozenset[str],
    principal: str,
    away: list[Span],
    *,
    steps: int,
) -> Iterator[Span]:
    for one in roster.delegations if steps else ():
        if one.principal != principal or one.domains or (one.roles and role not in one.roles):
            continue
        if one.jurisdictions and not places & set(one.jurisdictions):
            continue
        given = _shared(away, _lasts(roster, known[principal], one, away))
        also_away = _away(roster, known[one.delegate], given)
        yield from taken(given, also_away)
        if also_away:
            yield from _stood_in(roster, known, role, places, one.delegate, also_away, steps=steps - 1)


def _away(roster: Roster, person: Person, spans: list[Span]) -> list[Span]:
    off = [_days(roster, person, one.begins, one.ends) for one in person.absent]
    return _shared(spans, off) if off else []


def _lasts(roster: Roster, principal: Person, one: Delegation, spans: list[Span]) -> list[Span]:
    if not spans or (one.begins is None and one.ends is None):
        return spans
    first = one.begins or spans[0][0].date() - ONE_DAY
    return [_days(roster, principal, first, one.ends or spans[-1][1].date() + ONE_DAY)]


def _days(roster: Roster, person: Person, first: date, last: date) -> Span:
    """Turn whole days, both inclusive, in the zone of a person's desk into a span."""
    zone = next((one.zone for one in roster.desks if one.key == person.desk), "UTC")
    return rosters_duty.instant(zone, first, 0), rosters_duty.instant(zone, last + ONE_DAY, 0)


def _shared(spans: list[Span], others: list[Span]) -> list[Span]:
    return taken(spans, taken(spans, others))
