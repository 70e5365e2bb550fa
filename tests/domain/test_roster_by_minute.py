"""Does a second implementation, minute by minute, find the same people and the same gaps?"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from escalations.rosters import A_DAY, Days, Desk, Duty
from escalations.rosters_cover import gaps
from escalations.rosters_duty import running
from escalations.rulebook import Roster
from tests.domain.roster_by_minute import A_MINUTE, Wall, holder, minutes_of
from tests.domain.roster_cases import CALENDARS, shipped

ZONES = {
    "Europe/Dublin": "IE",
    "America/Los_Angeles": "US-WA",
    "Asia/Singapore": "SG",
    "Asia/Riyadh": "SA",
    "Australia/Lord_Howe": "AU-NSW",
    "Asia/Kathmandu": "IN",
    "Pacific/Apia": "AU-NSW",
    "Africa/Cairo": "EG",
    "America/Santiago": "CL",
}
# A day before: clock changes in these zones, a leap day, both ends of a year, Christmas, holidays, and Apia's lost day.
DAYS = [
    date(2026, 3, 28),
    date(2026, 10, 24),
    date(2026, 3, 7),
    date(2026, 10, 31),
    date(2026, 4, 4),
    date(2026, 10, 3),
    date(2026, 4, 23),
    date(2026, 10, 29),
    date(2026, 9, 5),
    date(2028, 2, 28),
    date(2026, 12, 24),
    date(2026, 12, 30),
    date(2026, 10, 25),
    date(2011, 12, 29),
]
SPAN = 4  # days that are looked at; the wall is watched three days longer on either side
PEOPLE = ("leo.legal", "lena.legal", "lin.legal")


@st.composite
def duties(draw: st.DrawFn, number: int = 0) -> Duty:
    begins = draw(
        st.sampled_from([0, 30, 60, 90, 119, 120, 121, 150, 180, 540, 1080, 1320, 1439]) | st.integers(0, 1439)
    )
    length = draw(st.sampled_from([1, 30, 60, 540, 1439, A_DAY]) | st.integers(1, A_DAY))
    turn = draw(st.sampled_from([0, 1, 7]))
    return Duty(
        key=f"duty{number}",
        on_call=draw(st.booleans()),
        days=draw(st.sampled_from(Days)),
        begins=begins,
        ends=begins + length,
        staff=(("LEG", tuple(draw(st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True)))),),
        weekdays=tuple(sorted(draw(st.sets(st.integers(0, 6), max_size=5)))),
        turn=turn,
        since=date(2026, 1, 5) if turn else None,
    )


@st.composite
def places(draw: st.DrawFn, key: str = "here") -> Desk:
    zone = draw(st.sampled_from(sorted(ZONES)))
    return Desk(
        key=key,
        zone=zone,
        calendar=ZONES[zone],
        weekend=draw(st.sampled_from([(5, 6), (4, 5), (6,), ()])),
        opens=540,
        closes=1080,
        duties=tuple(draw(duties(number)) for number in range(draw(st.integers(1, 3)))),
    )


@settings(max_examples=60, deadline=None)
@given(desk=places(), day=st.sampled_from(DAYS))
def test_who_is_on_duty_is_what_the_wall_says_at_every_minute(desk: Desk, day: date) -> None:
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    wall = Wall(desk.zone, begins - timedelta(days=3), SPAN + 6)
    calendar = replace(CALENDARS.frozen(desk.calendar, day.year - 1, day.year + 1), weekend=desk.weekend)
    on = {duty.key: minutes_of(desk, duty, calendar, wall) for duty in desk.duties}

    for ahead in range(0, SPAN * A_DAY, 7):  # 7 and 1440 share no factor: every minute of the day is met over days
        at = begins + ahead * A_MINUTE
        minute = ahead + 3 * A_DAY
        expected = {
            (duty.key, person)
            for duty in desk.duties
            if minute in on[duty.key]
            for person in holder(duty, "LEG", on[duty.key][minute])
        }
        found = {
            (one.duty.key, person)
            for one in running(desk, CALENDARS, at)
            for person in one.duty.holders("LEG", one.day)
        }
        assert found == expected, at


@settings(max_examples=60, deadline=None)
@given(here=places("here"), there=places("there"), day=st.sampled_from(DAYS))
def test_a_gap_is_every_minute_at_which_the_wall_shows_nobody(here: Desk, there: Desk, day: date) -> None:
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = begins + timedelta(days=SPAN)
    on: set[int] = set()
    for desk in (here, there):
        wall = Wall(desk.zone, begins - timedelta(days=3), SPAN + 6)
        calendar = replace(CALENDARS.frozen(desk.calendar, day.year - 1, day.year + 1), weekend=desk.weekend)
        for duty in desk.duties:
            on |= minutes_of(desk, duty, calendar, wall).keys()
    nobody = {minute for minute in range(SPAN * A_DAY) if minute + 3 * A_DAY not in on}
    book = replace(shipped(), roster=Roster(persons=shipped().roster.persons, desks=(here, there)))

    found = gaps(book, CALENDARS, "LEG", "EU", begins, ends)

    missed = {
        minute for gap in found for minute in range((gap.begins - begins) // A_MINUTE, (gap.ends - begins) // A_MINUTE)
    }
    assert missed == nobody
    assert all(gap.after is None or gap.after.ends == gap.begins for gap in found)
