"""Is a working day counted as an independent, slower count finds it?"""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalations.calendars import (
    CalendarGap,
    days_in_words,
    holiday,
    is_working_day,
    next_working_day,
    working_day_after,
)
from rulebook.calendars import Calendars

CODES = ("IE", "DE", "US", "AU-NSW", "CA", "IN")
days = st.dates(min_value=date(2026, 1, 1), max_value=date(2027, 11, 30))


def working_days_in(calendar, after, until):
    walked = (after + timedelta(days=offset) for offset in range(1, (until - after).days + 1))
    return sum(is_working_day(calendar, day) for day in walked)


@pytest.mark.parametrize(
    ("code", "day", "off"),
    [
        pytest.param("DE", date(2026, 4, 3), True, id="trap-2-good-friday-in-germany"),
        pytest.param("IE", date(2026, 4, 3), False, id="trap-2-good-friday-not-in-ireland"),
        pytest.param("IE", date(2026, 10, 26), True, id="trap-2-october-holiday-in-ireland"),
        pytest.param("DE", date(2026, 10, 26), False, id="trap-2-no-october-holiday-in-germany"),
        pytest.param("AU-NSW", date(2026, 12, 28), True, id="boxing-day-observed-in-new-south-wales"),
        pytest.param("US", date(2026, 12, 24), False, id="christmas-eve-works-in-the-us"),
    ],
)
def test_public_holidays_are_those_of_the_place(code, day, off):
    calendar = Calendars().frozen(code, 2026, 2026)

    assert bool(holiday(calendar, day)) is off


@settings(max_examples=60, deadline=None)
@given(code=st.sampled_from(CODES), day=days, number=st.integers(1, 12))
def test_the_nth_working_day_is_the_one_a_plain_walk_finds(code, day, number):
    calendar = Calendars().frozen(code, 2026, 2028)
    off = {one for one, _ in calendar.holidays}
    walked, left = day, number
    while left:
        walked += timedelta(days=1)
        if walked.weekday() < 5 and walked not in off:
            left -= 1

    found = working_day_after(calendar, day, number)

    assert found == walked
    assert working_days_in(calendar, day, found) == number


@settings(max_examples=60, deadline=None)
@given(code=st.sampled_from(CODES), day=days)
def test_the_next_working_day_skips_only_days_off(code, day):
    calendar = Calendars().frozen(code, 2026, 2028)

    found = next_working_day(calendar, day)

    assert is_working_day(calendar, found)
    assert working_days_in(calendar, day, found) == (0 if found == day else 1)


def test_christmas_is_told_in_words():
    calendar = Calendars().frozen("DE", 2026, 2027)

    words = days_in_words(calendar, date(2026, 12, 24), date(2026, 12, 29), counted=2)

    assert words == ("25, 26 Dec holidays DE", "27 Sun", "28 Mon = 1", "29 Tue = 2")


def test_a_month_is_named_when_it_changes():
    calendar = Calendars().frozen("IE", 2026, 2027)

    words = days_in_words(calendar, date(2026, 12, 30), date(2027, 1, 4), counted=2)

    assert words == ("31 Thu = 1", "1 Jan holiday IE", "2 Sat", "3 Sun", "4 Mon = 2")


def test_a_day_outside_the_frozen_years_is_refused():
    calendar = Calendars().frozen("DE", 2026, 2026)

    with pytest.raises(CalendarGap, match="freeze more years"):
        holiday(calendar, date(2027, 1, 1))


def test_an_unknown_calendar_is_refused():
    with pytest.raises(ValueError, match="no calendar XX"):
        Calendars().frozen("XX", 2026, 2026)


def test_the_same_years_freeze_to_the_same_value():
    assert Calendars().frozen("AU-NSW", 2026, 2027) == Calendars().frozen("AU-NSW", 2026, 2027)


def test_versions_name_holidays_and_zone_data():
    assert Calendars().versions.startswith("holidays 0.")
    assert "tzdata 20" in Calendars().versions


@pytest.mark.parametrize(("code", "year"), [("DE", 2101), ("US", 2101), ("IN", 2050), ("IN", 2101)])
def test_a_year_that_nobody_knows_the_holidays_of_is_refused_and_not_taken_for_one_without_any(code, year):
    with pytest.raises(CalendarGap, match=f"not known for {year}; give a time in another year"):
        Calendars().frozen(code, year, year)
