"""Do two implementations that share nothing agree on every due time?"""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import rulebook
from escalations import calendars as days
from escalations import readings
from escalations.clocks import wanted_at
from escalations.rules import PLACES as LEFT_OPEN
from escalations.rules import ClockRule, Counting, Unit
from rulebook.calendars import Calendars
from tests.domain import second_opinion

BOOK = rulebook.load()
FREEZER = Calendars()
COUNTED = [rule for rule in BOOK.clocks if rule.unit not in readings.WITHOUT_A_COUNT]
ODD_ZONES = (
    "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran",
    "Pacific/Kiritimati", "America/Santiago", "Europe/Dublin", "America/New_York", "Asia/Beirut",
)  # fmt: skip
PLACES = ("DE", "IE", "US", "AU-NSW", "IN", "BR", "JP", "CA", "GB-ENG")
EDGES = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2026-10-25T00:30", "2026-10-25T01:30", "2026-11-01T05:30", "2026-11-01T06:30", "2027-03-14T06:59",
        "2027-03-28T00:59", "2027-03-28T01:01", "2026-12-24T14:40", "2026-12-31T23:59", "2028-02-28T23:30",
        "2028-02-29T12:00", "2027-01-31T10:00", "2026-04-02T22:30", "2011-12-29T09:59", "2011-12-31T10:01",
        "2026-12-25T12:59", "2027-01-01T00:00", "2026-10-04T15:30", "2027-04-03T15:00",
    )
)  # fmt: skip


def expected(rule: ClockRule, one: Counting, zone: ZoneInfo, place: str, t0: datetime) -> datetime:
    """Work out one reading the slow way."""
    number = one.number or max(rule.number, rule.most)
    calendar = FREEZER.frozen(place, t0.year - 1, t0.year + 2)
    free, weekend = {day for day, _ in calendar.holidays}, one.weekend or calendar.weekend

    def works(day: date) -> bool:
        return day not in free and day.weekday() not in weekend

    if rule.unit is Unit.HOUR and rule.working_time_only:
        return second_opinion.working_hours(t0, number, zone, works)
    first = second_opinion.local_day(t0, zone)
    if rule.unit is Unit.HOUR:
        end = second_opinion.hours(t0, number)
        last = second_opinion.local_day(end, zone)
        moved = second_opinion.stretched(first, last, one.min_working_days, works)
        return end if moved == last else second_opinion.last_second_of(moved, zone, t0)
    if rule.unit is Unit.MONTH:
        last = second_opinion.nth_month(t0, number, zone)
    else:
        only = rule.unit in (Unit.WORKING_DAY, Unit.BUSINESS_DAY) or one.working_days
        last = second_opinion.nth_day(t0, number, zone, works, day_zero=not rule.exclude_day_zero, only_working=only)
        if only:
            return second_opinion.last_second_of(last, zone, t0)
    last = second_opinion.rolled(last, works) if one.roll_forward else last
    before = first if rule.exclude_day_zero or rule.unit is Unit.MONTH else first - second_opinion.DAY
    return second_opinion.last_second_of(second_opinion.stretched(before, last, one.min_working_days, works), zone, t0)


def places(rule: ClockRule, country: str) -> list[tuple[Counting, ZoneInfo, str]]:
    chosen = BOOK.country(country)
    assert chosen is not None
    return [
        (one, ZoneInfo(chosen.zone), chosen.calendar)
        if one.calendar in LEFT_OPEN
        else (one, ZoneInfo(one.zone), one.calendar)
        for one in rule.counting
    ] or [(Counting(zone="UTC", calendar="IE"), ZoneInfo("UTC"), "IE")]


def instants(seed: str, number: int) -> list[datetime]:
    """The known edges, and minutes of many years drawn with a fixed seed."""
    draw = random.Random(seed)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [*EDGES, *(start + timedelta(minutes=draw.randrange(8 * 365 * 24 * 60)) for _ in range(number))]


@pytest.mark.parametrize("rule", COUNTED, ids=lambda rule: f"{rule.id}-{rule.version}")
def test_both_implementations_agree_on_the_rule(rule: ClockRule) -> None:
    for t0 in instants(rule.id, 12):
        for country in ("IE", "DE"):
            clock = readings.alone(BOOK, FREEZER, rule, t0, country=country)
            ends = [expected(rule, one, zone, place, t0) for one, zone, place in places(rule, country)]

            assert clock.due_operational == min(ends), (t0, country, clock.derivation)
            assert clock.due_legal_latest == max(ends), (t0, country, clock.derivation)
            if rule.most:
                opens = [expected(replace(rule, most=0), *how, t0) for how in places(rule, country)]
                assert clock.not_before == max(opens) + second_opinion.SECOND, (t0, country, clock.derivation)


SHAPES = [
    (Unit.HOUR, 72, False), (Unit.HOUR, 24, True), (Unit.HOUR, 1, False), (Unit.WORKING_DAY, 2, False),
    (Unit.BUSINESS_DAY, 10, False), (Unit.CALENDAR_DAY, 3, False), (Unit.CALENDAR_DAY, 1, False),
    (Unit.MONTH, 1, False), (Unit.MONTH, 6, False),
]  # fmt: skip


@pytest.mark.parametrize("zone", ODD_ZONES)
@pytest.mark.parametrize(("unit", "number", "working_only"), SHAPES, ids=str)
def test_both_implementations_agree_in_zones_with_odd_rules(
    zone: str, unit: Unit, number: int, working_only: bool
) -> None:
    draw = random.Random(f"{zone} {unit} {number}")
    for t0 in instants(f"{zone}{unit}{number}", 6):
        one = Counting(
            zone=zone,
            calendar=draw.choice(PLACES),
            roll_forward=draw.random() < 0.5,
            min_working_days=draw.choice((0, 2)),
        )
        rule = replace(
            COUNTED[0],
            unit=unit,
            number=number,
            most=0,
            counting=(one,),
            working_time_only=working_only,
            exclude_day_zero=draw.random() < 0.7,
            restarts=False,
        )
        clock = readings.alone(BOOK, FREEZER, rule, t0)

        assert wanted_at(clock) == expected(rule, one, ZoneInfo(zone), one.calendar, t0), (t0, one, clock.derivation)


def test_a_calendar_that_was_frozen_for_other_years_is_not_guessed_from() -> None:
    calendar = FREEZER.frozen("DE", 2026, 2026)

    with pytest.raises(days.CalendarGap, match="freeze more years"):
        days.is_working_day(calendar, date(2027, 1, 4))
