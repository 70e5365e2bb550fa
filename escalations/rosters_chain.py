"""Who is to be asked, at this hour, and in which order? People on shift, then on call, then delegates, then the ladder.

Nobody stands there twice, nobody who is absent, and nobody who is conflicted or would speak for somebody who is.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from escalations import rosters_duty
from escalations.model import Domain
from escalations.readings import Calendars
from escalations.rosters import Asked, Delegation, Desk, How
from escalations.rosters_duty import Stretch
from escalations.rulebook import Person, Roster, Rulebook
from escalations.situation import ALIASES

OWNER = "@owner"
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Everything the places of a chain are judged by, looked up once.

    `places` hold the legal orders too; `running` are the duties of all desks, shifts first.
    """

    roster: Roster
    at: datetime
    places: frozenset[str]
    domain: Domain | None
    owner: str
    conflicted: frozenset[str]
    running: tuple[Stretch, ...]


def who(
    book: Rulebook,
    calendars: Calendars,
    role: str,
    at: datetime,
    *,
    domain: Domain | None = None,
    jurisdictions: tuple[str, ...] = (),
    conflicted: tuple[str, ...] = (),
) -> tuple[Asked, ...]:
    """List the people to ask for a role at an instant, first one first, each with the reason for the place.

    `jurisdictions` are codes of countries or legal orders (`EU`); none means that any desk may be asked. `conflicted`
    persons are left out with everybody who would speak for them. Empty when nobody is left. Raises CalendarGap for a
    year whose holidays are not known.
    """
    return tuple(_chain(_scene(book, calendars, at, domain, jurisdictions, conflicted), role))


def for_each(
    book: Rulebook,
    calendars: Calendars,
    roles: tuple[str, ...],
    at: datetime,
    *,
    domain: Domain | None = None,
    jurisdictions: tuple[str, ...] = (),
    conflicted: tuple[str, ...] = (),
) -> tuple[Iterator[Asked], ...]:
    """Go through the people to ask for each of some roles: what `who` says, with one look at the desks.

    Each chain can be gone through once, and is only found as far as somebody asks: mostly the first few do.
    """
    scene = _scene(book, calendars, at, domain, jurisdictions, conflicted)
    return tuple(_chain(scene, role) for role in roles)


def _chain(scene: _Scene, role: str) -> Iterator[Asked]:
    found: set[str] = set()
    for one in chain(_duties(scene, role), _standing_in(scene, role), _ladder(scene, found)):
        if one.person not in found and _free(scene, one.person):
            found.add(one.person)
            yield one


def desks(roster: Roster, places: frozenset[str]) -> tuple[Desk, ...]:
    """Order the desks that may decide for some places: those at home there, then as the sun goes round from the first.

    `places` hold legal orders beside countries; none of them leaves out no desk.
    """
    serving = [one for one in roster.desks if not places or not one.serves or places & set(one.serves)]
    at_home = [one for one in serving if places & set(one.home)]
    by_key = {one.key: one for one in serving}
    ordered = {one.key: one for one in at_home or serving[:1]}
    after = next(iter(ordered.values())).next if ordered else ""
    while after in by_key and (after not in ordered or len(ordered) < len(at_home)):
        ordered[after] = by_key[after]
        after = by_key[after].next
    return tuple({**ordered, **by_key}.values())


def places(book: Rulebook, codes: tuple[str, ...]) -> frozenset[str]:
    """Write codes one way and add the legal order of each country: a desk that serves the EU serves Germany."""
    found = {ALIASES.get(code.upper(), code.upper()) for code in codes if code}
    return frozenset(found | {book.legal_order(code) for code in found})


def absent_until(person: Person, roster: Roster, at: datetime) -> str:
    """Say until which day somebody is away, empty when they are not."""
    if not person.absent:
        return ""
    day = _day_of(person, roster, at)
    away = next((one for one in person.absent if one.begins <= day <= one.ends), None)
    return f"{away.ends:%d %b}" if away else ""


def _day_of(person: Person, roster: Roster, at: datetime) -> date:
    desk = roster.desk_of(person)
    return rosters_duty.local_day(desk, at) if desk else at.astimezone(UTC).date()


def _scene(
    book: Rulebook,
    calendars: Calendars,
    at: datetime,
    domain: Domain | None,
    jurisdictions: tuple[str, ...],
    conflicted: tuple[str, ...],
) -> _Scene:
    roster = book.roster
    asked = places(book, jurisdictions)
    owner = next((one.owner for one in book.playbooks if one.domain is domain), "")
    running = [one for desk in desks(roster, asked) for one in rosters_duty.running(desk, calendars, at)]
    return _Scene(
        roster=roster,
        at=at,
        places=asked,
        domain=domain,
        owner=owner,
        conflicted=frozenset(conflicted),
        running=tuple(sorted(running, key=lambda one: one.duty.on_call)),
    )


def _duties(scene: _Scene, role: str) -> Iterator[Asked]:
    """List who is on shift and then who is on call."""
    for person, one in _posts(scene, role):
        how = How.ON_CALL if one is None or one.duty.on_call else How.ON_SHIFT
        yield Asked(person=person, role=role, how=how, why=_where(one), until=one.ends if one else None)


def _posts(scene: _Scene, role: str) -> Iterator[tuple[str, Stretch | None]]:
    """List who does a duty of a role now, shifts first; without desks, everybody who holds the role."""
    if not scene.roster.desks:
        yield from ((person, None) for person in scene.roster.persons_in(role))
    for one in scene.running:
        if _about(scene.domain, one.duty.domains):
            yield from ((person, one) for person in one.duty.holders(role, one.day))


def _where(one: Stretch | None) -> str:
    if one is None:
        return "this roster keeps no hours"
    return f"{'on call' if one.duty.on_call else 'on shift'} at {one.desk.key}"


def _standing_in(scene: _Scene, role: str) -> Iterator[Asked]:
    """List the delegates: first of those whose duty it is and who are away, then of everybody else with the role."""
    on_duty = {person: one.ends if one else None for person, one in _posts(scene, role)}
    for person in dict.fromkeys((*on_duty, *scene.roster.persons_in(role))):
        if person in scene.conflicted:
            continue
        away = absent_until(scene.roster.people[person], scene.roster, scene.at)
        if person in on_duty and not away:
            continue
        state = f"away until {away}" if away else "off duty"
        for delegate, via in _delegates(scene, person, role):
            why = f"delegate of {person}, who is {state}{f' (through {via})' if via else ''}"
            yield Asked(
                person=delegate,
                role=role,
                how=How.DELEGATE,
                why=why,
                until=on_duty.get(person),
                on_behalf_of=person,
            )


def _delegates(scene: _Scene, principal: str, role: str) -> Iterator[tuple[str, str]]:
    """Follow delegations, the second step only past somebody who is away; never further than two."""
    direct = [one.delegate for one in _given(scene, principal, role) if one.delegate not in scene.conflicted]
    away = [one for one in direct if absent_until(scene.roster.people[one], scene.roster, scene.at)]
    yield from ((one, "") for one in direct if one not in away)
    for between in away:
        yield from ((one.delegate, between) for one in _given(scene, between, role) if one.delegate != principal)


def _given(scene: _Scene, principal: str, role: str) -> Iterator[Delegation]:
    for one in scene.roster.delegations:
        if one.principal != principal or (one.roles and role not in one.roles) or not _about(scene.domain, one.domains):
            continue
        if one.jurisdictions and scene.places and not scene.places & set(one.jurisdictions):
            continue
        if _holds_today(scene, one):
            yield one


def _holds_today(scene: _Scene, one: Delegation) -> bool:
    if one.begins is None and one.ends is None:
        return True
    day = _day_of(scene.roster.people[one.principal], scene.roster, scene.at)
    return (one.begins or day) <= day <= (one.ends or day)


def _ladder(scene: _Scene, found: Set[str]) -> Iterator[Asked]:
    """List who stands on the levels, without those who were found before."""
    waited = timedelta()
    for number, level in enumerate(scene.roster.levels):
        minutes = waited // A_MINUTE
        why = f"L{number} {level.title}" + (f", {minutes} min after L0" if minutes else "")
        for ask in level.asks:
            for person, role, where, until in _level(scene, ask):
                if person not in found:
                    reason = f"{why}; {where}" if where else why
                    yield Asked(person=person, role=role, how=How.LADDER, why=reason, until=until, level=number)
        waited += level.after or timedelta()


def _level(scene: _Scene, ask: str) -> Iterator[tuple[str, str, str, datetime | None]]:
    """List a person who is named, or whoever is on duty in a role, or else all who hold it."""
    if ask in scene.roster.people:
        yield ask, scene.roster.people[ask].roles[0], "", None
        return
    role = scene.owner if ask == OWNER else ask
    on_duty = [(person, one) for person, one in _posts(scene, role) if _free(scene, person)]
    yield from ((person, role, _where(one), one.ends if one else None) for person, one in on_duty)
    if not on_duty:
        yield from ((person, role, "off duty", None) for person in scene.roster.persons_in(role))


def _free(scene: _Scene, person: str) -> bool:
    return person not in scene.conflicted and not absent_until(scene.roster.people[person], scene.roster, scene.at)


def _about(domain: Domain | None, domains: tuple[str, ...]) -> bool:
    return not domains or domain is None or domain.value in domains
