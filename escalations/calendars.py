"""Which days count as working days, in one frozen calendar?

A calendar is a value: its dates were written down once, outside the workflow, so counting again gives the same answer.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta

MONDAY_TO_SUNDAY = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SATURDAY_SUNDAY = (5, 6)
SUNDAY_ONLY = (6,)
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ONE_DAY = timedelta(days=1)


class CalendarGap(LookupError):
    """A day outside the years a calendar was frozen for. Freeze it for more years and ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The public holidays of a place in some whole years, and its weekend.

    `holidays` is sorted by date; `weekend` holds weekday numbers, Monday is 0. Years are inclusive.
    """

    id: str
    first_year: int
    last_year: int
    holidays: tuple[tuple[date, str], ...] = ()
    weekend: tuple[int, ...] = SATURDAY_SUNDAY


def holiday(calendar: Calendar, day: date) -> str:
    """Name the public holiday on a day, or return an empty text. Raises CalendarGap outside the frozen years."""
    if not calendar.first_year <= day.year <= calendar.last_year:
        raise CalendarGap(
            f"calendar {calendar.id} is frozen for {calendar.first_year}-{calendar.last_year}, not for {day}; "
            "freeze more years"
        )
    at = bisect_left(calendar.holidays, (day, ""))
    found = at < len(calendar.holidays) and calendar.holidays[at][0] == day
    return calendar.holidays[at][1] if found else ""


def is_working_day(calendar: Calendar, day: date) -> bool:
    """All days except public holidays and the weekend (Regulation (EEC, Euratom) 1182/71 art. 2(2))."""
    return not holiday(calendar, day) and day.weekday() not in calendar.weekend


def next_working_day(calendar: Calendar, day: date) -> date:
    """Return the day itself if it is a working day, else the first working day after it."""
    while not is_working_day(calendar, day):
        day += ONE_DAY
    return day


def working_day_after(calendar: Calendar, day: date, number: int) -> date:
    """Return the n-th working day strictly after a day; `number` is at least 1."""
    if number < 1:
        raise ValueError(f"working days are counted from 1, not {number}")
    while number:
        day += ONE_DAY
        number -= is_working_day(calendar, day)
    return day


def days_in_words(calendar: Calendar, after: date, until: date, *, counted: int = 0) -> tuple[str, ...]:
    """Say for each day after the first, up to the last, why it does or does not count.

    `counted` is the number of working days numbered at most; later ones get no number. Neighbouring holidays share a
    step: `25, 26 Dec holidays DE`, `27 Sun`, `28 Mon = 1`. A month is named when it differs from the step before.
    """
    steps: list[str] = []
    run: list[date] = []
    month, number = after.month, 0
    for offset in range(1, (until - after).days + 1):
        day = after + timedelta(days=offset)
        if holiday(calendar, day):
            run.append(day)
            continue
        if run:
            steps.append(_holidays(calendar, run))
            month, run = run[-1].month, []
        number += is_working_day(calendar, day)
        label = f"{day.day} {MONDAY_TO_SUNDAY[day.weekday()]}" + ("" if day.month == month else f" {MONTHS[day.month]}")
        month = day.month
        steps.append(f"{label} = {number}" if is_working_day(calendar, day) and number <= counted else label)
    if run:
        steps.append(_holidays(calendar, run))
    return tuple(steps)


def _holidays(calendar: Calendar, days: list[date]) -> str:
    if len({day.month for day in days}) > 1:
        return f"{', '.join(f'{day.day} {MONTHS[day.month]}' for day in days)} holidays {calendar.id}"
    word = "holiday" if len(days) == 1 else "holidays"
    return f"{', '.join(str(day.day) for day in days)} {MONTHS[days[0].month]} {word} {calendar.id}"
