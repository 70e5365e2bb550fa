"""Can everybody on the roster be asked, and is there always a legal delegate where the law is in a hurry?"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from escalations import rosters_chain, rosters_cover, rosters_duty
from escalations.calendars import CalendarGap
from escalations.model import Domain
from escalations.readings import Calendars
from escalations.rosters import A_DAY, Days, Desk, Duty
from escalations.rosters_chain import OWNER
from escalations.rosters_cover import Gap
from escalations.rosters_duty import Stretch
from escalations.rulebook import Person, Roster, Rulebook
from rulebook import calendars as holidays
from rulebook.checks import Fault
from rulebook.reading import Place

LEGAL = "LEG"
LEVELS = 4
YEAR = timedelta(days=366)
Pair = tuple[tuple[Desk, Duty], tuple[Desk, Duty]]


def people_faults(roster: Roster, *, keeps_hours: bool) -> Iterator[Fault]:
    """Judge rosters/persons.yaml; places are relative to it. A roster of before, without desks, keeps no hours."""
    desks = [one.key for one in roster.desks]
    known = {one.id for one in roster.persons}
    for person in roster.persons:
        if person.desk and person.desk not in desks:
            yield ("persons", person.id, "desk"), f"is no desk; use one of {', '.join(desks) or 'rosters/<desk>.yaml'}"
    yield from _delegation_faults(roster, known)
    yield from _level_faults(roster, known, keeps_hours=keeps_hours)
    if keeps_hours and not roster.desks:
        yield ("persons",), "nobody has hours; add a desk as rosters/<desk>.yaml"


def desk_faults(book: Rulebook, desk: Desk, years: tuple[date, ...]) -> Iterator[Fault]:
    """Judge the file of one desk; places are relative to it."""
    yield from _place_faults(book, desk)
    yield from _reach_faults(book, desk)
    if desk.closes > A_DAY:
        yield ("hours", "to"), 'business hours end on their day; write "24:00" or earlier'
    people = {one.id: one for one in book.roster.persons}
    for duty in desk.duties:
        yield from _duty_faults(people, desk, duty)
    if [one.key for one in book.roster.desks].count(desk.key) > 1:
        yield ("desk",), "another file has this desk; rename one"
    try:
        holidays.Calendars().frozen(desk.calendar, min(years).year, max(years).year + 1)
    except CalendarGap as gap:
        yield ("calendar",), f"{gap}"
    except ValueError:
        pass  # an unknown code is told above


def overlap_faults(book: Rulebook, calendars: Calendars, year: date) -> Iterator[tuple[str, Fault]]:
    """Find shifts that overlap within a year: of one role at one desk, or of one person anywhere. With the desk's key.

    Times on call may overlap, and shifts of different desks: that is how one hands over to the next.
    """
    shifts = [(desk, duty) for desk in book.roster.desks for duty in desk.duties if not duty.on_call]
    for pair in combinations(shifts, 2):
        found = _overlap(pair, calendars, year) if _may_overlap(pair) else None
        if found is not None:
            (other, earlier), (desk, later) = pair
            day, whom = found
            text = f"overlaps the shift {earlier.key} of {other.key} on {day:%a %d %b %Y} for {whom}"
            yield desk.key, (("shifts", later.key, "from"), f"{text}; end one before the other begins, or name others")


def cover_faults(book: Rulebook, calendars: Calendars, year: date) -> Iterator[tuple[str, Fault]]:
    """Find every hour of a year without a legal delegate where a clock of 4 h or less may run. With the desk's key.

    Times that begin where the same duty ends are one fault, which names the first of them.
    """
    begins = datetime.combine(year, time(), UTC)
    period = (begins, begins + YEAR)
    alike: dict[frozenset[str], tuple[Gap, ...]] = {}
    found: dict[tuple[Gap, ...], list[str]] = {}
    for jurisdiction in rosters_cover.urgent(book, *period):
        places = rosters_chain.places(book, (jurisdiction,))
        serving = frozenset(one.key for one in rosters_chain.desks(book.roster, places))
        if not serving:
            where = book.roster.desks[0].key
            yield where, (("serves",), f"no desk serves {jurisdiction}, where a clock of 4 h may run; add it to one")
            continue
        # Without delegations for some places only, the same desks leave the same gaps.
        key = serving | {jurisdiction} if any(one.jurisdictions for one in book.roster.delegations) else serving
        if key not in alike:
            alike[key] = rosters_cover.gaps(book, calendars, LEGAL, jurisdiction, *period)
        if alike[key]:
            found.setdefault(alike[key], []).append(jurisdiction)
    for holes, jurisdictions in found.items():
        yield from _told(book, holes, ", ".join(jurisdictions))


def _told(book: Rulebook, holes: tuple[Gap, ...], jurisdictions: str) -> Iterator[tuple[str, Fault]]:
    by_duty: dict[tuple[str, str, bool], list[Gap]] = {}
    for hole in holes:
        after = hole.after
        key = (after.desk.key, after.duty.key, after.duty.on_call) if after else ("", "", False)
        by_duty.setdefault(key, []).append(hole)
    for (desk_key, duty_key, on_call), same in by_duty.items():
        desk = next((one for one in book.roster.desks if one.key == desk_key), book.roster.desks[0])
        place: Place = ("on_call" if on_call else "shifts", duty_key, "to") if duty_key else ("desk",)
        more = f", and {len(same) - 1} more times" if len(same) > 1 else ""
        mend = "let this duty end later, or put somebody on call then" if duty_key else "put somebody on call then"
        yield (
            desk.key,
            (place, f"no {LEGAL} is on shift or on call for {jurisdictions} {_when(desk, same[0])}{more}; {mend}"),
        )


def _when(desk: Desk, hole: Gap) -> str:
    zone = ZoneInfo(desk.zone)
    local, until = hole.begins.astimezone(zone), hole.ends.astimezone(zone)
    same_day = hole.begins.date() == hole.ends.date()
    utc = f"from {hole.begins:%Y-%m-%d %H:%M}Z to {hole.ends:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}}Z"
    return f"{utc} ({local:%a %d %b %H:%M} to {until:%a %d %b %H:%M} {desk.zone})"


def _place_faults(book: Rulebook, desk: Desk) -> Iterator[Fault]:
    try:
        ZoneInfo(desk.zone)
    except (KeyError, ValueError, OSError):
        yield ("zone",), "is no time zone; use a name such as Europe/Dublin"
    if not holidays.Calendars.known(desk.calendar):
        yield ("calendar",), "is no known calendar; use a code such as IE or US-WA"
    others = [one.key for one in book.roster.desks if one.key != desk.key]
    if desk.next and desk.next not in others:
        yield ("next",), f"is no other desk; use one of {', '.join(others) or 'rosters/<desk>.yaml'}, or remove it"


def _reach_faults(book: Rulebook, desk: Desk) -> Iterator[Fault]:
    places = rosters_chain.places(book, tuple(country.code for country in book.countries))
    known = {*places, *(rule.jurisdiction for rule in book.clocks)}
    for field, codes in (("home", desk.home), ("serves", desk.serves)):
        for number, code in enumerate(codes):
            if code not in known:
                yield (field, number), f"{code} is no market or legal order; use a code of rulebook.yaml, such as EU"
    if desk.serves and not set(desk.home) <= set(desk.serves):
        yield ("home",), "names what the desk does not serve; add it to `serves`"


def _duty_faults(people: dict[str, Person], desk: Desk, duty: Duty) -> Iterator[Fault]:
    here: Place = ("on_call" if duty.on_call else "shifts", duty.key)
    yield from _scope_faults(here, duty.domains)
    held = {role for person in people.values() for role in person.roles}
    for role, persons in duty.staff:
        if role not in held:
            yield (*here, "staff", role), f"nobody holds the role {role}; add it to somebody in rosters/persons.yaml"
            continue
        for number, person in enumerate(persons):
            if person not in people:
                yield (*here, "staff", role, number), f"{person} is not in rosters/persons.yaml; add them there"
            elif role not in people[person].roles:
                yield (*here, "staff", role, number), f"{person} does not hold {role}; name somebody who does"
            elif person in persons[:number]:
                yield (*here, "staff", role, number), f"{person} is there twice; keep one"


def _delegation_faults(roster: Roster, known: set[str]) -> Iterator[Fault]:
    for number, one in enumerate(roster.delegations):
        here: Place = ("delegations", number)
        for field, person_id in (("principal", one.principal), ("delegate", one.delegate)):
            if person_id not in known:
                yield (*here, field), f"{person_id} is not among `persons`; add them or correct the name"
        if one.principal == one.delegate:
            yield (*here, "delegate"), "nobody stands in for themselves; name somebody else"
        yield from _scope_faults(here, one.domains)
        for role in one.roles:
            if one.principal in known and role not in roster.roles_of(one.principal):
                yield (*here, "roles"), f"{one.principal} does not hold {role}; name a role they can pass on"


def _scope_faults(here: Place, domains: tuple[str, ...]) -> Iterator[Fault]:
    known = {one.value for one in Domain}
    for number, domain in enumerate(domains):
        if domain not in known:
            yield (*here, "domains", number), f"{domain} is no domain; use one such as PSAFE"


def _level_faults(roster: Roster, known: set[str], *, keeps_hours: bool) -> Iterator[Fault]:
    levels = roster.levels
    if (keeps_hours or levels) and len(levels) != LEVELS:
        yield ("levels",), f"the ladder has the levels L0 to L3, not {len(levels)}; write four"
    for number, level in enumerate(levels):
        here: Place = ("levels", number)
        top = number == len(levels) - 1
        if (level.after is None) is not top:
            text = (
                "nobody is above the top level; remove it" if top else "is needed below the top; add one such as PT30M"
            )
            yield (*here, "after"), text
        for place, ask in enumerate(level.asks):
            if ask != OWNER and ask not in known and not roster.persons_in(ask):
                yield (*here, "asks", place), f"{ask} is no person and no role that anybody holds; correct it"


def _may_overlap(pair: Pair) -> bool:
    """Leave out pairs that share nobody and no role, and those of one desk that can never meet on a day."""
    (one_desk, one), (other_desk, other) = pair
    if one.domains and other.domains and not set(one.domains) & set(other.domains):
        return False
    if one_desk is not other_desk:
        return bool(_people(one) & _people(other))
    if not {role for role, _ in one.staff} & {role for role, _ in other.staff} and not _people(one) & _people(other):
        return False
    if max(one.ends, other.ends) > A_DAY:
        return True
    apart = {one.days, other.days} == {Days.WORKING, Days.OFF}
    weekdays = bool(one.weekdays and other.weekdays and not set(one.weekdays) & set(other.weekdays))
    return not (apart or weekdays or one.ends <= other.begins or other.ends <= one.begins)


def _people(duty: Duty) -> set[str]:
    return {person for _, persons in duty.staff for person in persons}


def _overlap(pair: Pair, calendars: Calendars, year: date) -> tuple[date, str] | None:
    """Find the first day of a year on which two shifts overlap, and the role or person that they share then."""
    ones, others = (_year(desk, duty, calendars, year) for desk, duty in pair)
    at = 0
    for one in ones:
        while at < len(others) and others[at].ends <= one.begins:
            at += 1
        for other in others[at : at + 2]:
            shared = _shared(one, other) if other.begins < one.ends else ""
            if shared:
                return other.day, shared
    return None


def _year(desk: Desk, duty: Duty, calendars: Calendars, year: date) -> list[Stretch]:
    last = year + YEAR
    return list(rosters_duty.stretches(desk, duty, rosters_duty.calendar(desk, calendars, year, last), year, last))


def _shared(one: Stretch, other: Stretch) -> str:
    roles = [role for role, _ in one.duty.staff if role in dict(other.duty.staff)]
    if one.desk is other.desk and roles:
        return roles[0]
    there = [
        {person for role, _ in each.duty.staff for person in each.duty.holders(role, each.day)} for each in (one, other)
    ]
    return min(there[0] & there[1], default="")
