"""In which zones and calendars is a period counted? Frozen once, so that counting again gives the same answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from escalations import rules, starting, zones
from escalations.calendars import Calendar, CalendarGap
from escalations.clocks import Clock
from escalations.counting import Reading
from escalations.rulebook import Country, Rulebook
from escalations.rules import ANYWHERE, ESTABLISHMENT, PLACES, ClockRule, Counting, Unit
from escalations.starting import Begin

LONGEST_DAY_OFF_RUN = timedelta(days=60)
WITHOUT_A_COUNT = (Unit.QUALITATIVE, Unit.AS_ORDERED, Unit.STANDING)
YEARS = range(1970, 2100)


class BadClockInput(ValueError):
    """What a clock cannot be computed from. `field` is what is wrong; the message says what to give instead."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field


class Calendars(Protocol):
    """Where frozen calendars come from. `versions` names the data they were frozen from."""

    @property
    def versions(self) -> str:
        """Name the versions of the holiday and zone data."""
        ...

    def frozen(self, calendar: str, first_year: int, last_year: int) -> Calendar:
        """Freeze a calendar such as `DE` or `AU-NSW` for whole years, both inclusive. Raises ValueError."""
        ...

    def __hash__(self) -> int:
        """Tell one source from another: what is kept by days is kept by source too."""
        ...


def alone(book: Rulebook, calendars: Calendars, rule: ClockRule, at: datetime, *, country: str = "") -> Clock:
    """Compute one rule by itself, from a start with its offset. Raises BadClockInput.

    `country` stands for the country of an order, and for the establishment: whose calendar and zone shall count.
    """
    if at.tzinfo is None:
        raise BadClockInput("at", f"{at.isoformat()} has no offset; write it like {at.isoformat()}+01:00")
    if at.year not in YEARS:
        raise BadClockInput("at", f"lies in {at.year}; calendars are known for {YEARS.start} to {YEARS.stop - 1}")
    if rule.unit is Unit.STANDING:
        raise BadClockInput("rule", f"{rule.id} is a duty at all times and has no due time")
    if rule.unit is Unit.AS_ORDERED:
        raise BadClockInput("rule", f"{rule.id} is due when the order says; there is nothing to compute")
    chosen = book.country(country) if country else book.country(book.platform.establishment)
    if chosen is None:
        known = ", ".join(one.code for one in book.countries)
        raise BadClockInput("calendar", f"{country} is not known; use one of {known}")
    home = replace(book, platform=replace(book.platform, establishment=chosen.code))
    begin = Begin(t0=at.astimezone(UTC), basis="given", countries=(chosen.code,))
    try:
        return starting.started(rule, frozen(home, calendars, rule, begin, chosen))
    except CalendarGap as gap:
        raise BadClockInput("at", f"cannot be counted from: {gap}") from None


def frozen(book: Rulebook, calendars: Calendars, rule: ClockRule, begin: Begin, ordering: Country | None) -> Begin:
    """Freeze every way to count a rule from its start on. `ordering` is the country of the order, if there is one."""
    if rule.unit in WITHOUT_A_COUNT or not rule.counting:
        return begin
    last = begin.latest or begin.t0
    number = max(rule.number, rule.most, *(counting.number for counting in rule.counting))
    span = timedelta(days=31 * number) if rule.unit is Unit.MONTH else timedelta(days=2 * number)
    years = begin.t0.year - 1, (last + span + LONGEST_DAY_OFF_RUN).year
    found = [
        _reading(calendars, counting, country, years, exclude_day_zero=rule.exclude_day_zero)
        for counting in rule.counting
        for country in _countries(book, rule, counting, begin, ordering)
    ]
    readings = [reading for at, reading in enumerate(found) if reading not in found[:at]]
    ids = ", ".join(dict.fromkeys(reading.calendar.id for reading in readings))
    return replace(begin, readings=tuple(readings), pinned=f"{calendars.versions} ({ids})")


def zone(book: Rulebook, rule: ClockRule) -> ZoneInfo:
    """Find the zone whose date says whether a rule is in force. Raises BadClockInput."""
    home = book.country(book.platform.establishment)
    own = book.country(rule.jurisdiction)
    name = rule.counting[0].zone if rule.counting else own.zone if own else ESTABLISHMENT
    name = home.zone if home and name in PLACES else name
    try:
        return zones.zone(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadClockInput("zone", f"{name} is not known; use one such as Europe/Dublin") from None


def _countries(
    book: Rulebook, rule: ClockRule, counting: Counting, begin: Begin, ordering: Country | None
) -> tuple[Country | None, ...]:
    """Find the countries to count in: None where the rule names its calendar.

    There is none for an order or a report whose country is not in the book.
    """
    match counting.calendar:
        case rules.ESTABLISHMENT:
            home = book.country(book.platform.establishment)
            return (home,) if home else ()
        case rules.ORDER_COUNTRY:
            return (ordering,) if ordering else ()
        case rules.REPORT_COUNTRIES:
            named = [country for code in begin.countries if (country := book.country(code))]
            return tuple(one for one in named if rule.jurisdiction in (ANYWHERE, one.code, one.legal_order))
        case _:
            return (None,)


def _reading(
    calendars: Calendars,
    counting: Counting,
    country: Country | None,
    years: tuple[int, int],
    *,
    exclude_day_zero: bool,
) -> Reading:
    """Freeze one way to count, in a country where the rule leaves it open."""
    calendar = calendars.frozen(country.calendar if country else counting.calendar, *years)
    own = counting.weekend and counting.weekend != calendar.weekend
    return Reading(
        zone=country.zone if country else counting.zone,
        calendar=replace(calendar, weekend=counting.weekend) if own else calendar,
        exclude_day_zero=exclude_day_zero,
        roll_forward=counting.roll_forward,
        min_working_days=counting.min_working_days,
        number=counting.number,
        working_days=counting.working_days,
    )
