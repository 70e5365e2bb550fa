"""When does a period end, counted the way its law counts?

Hours are elapsed UTC hours: nothing is ever added to local wall time, so a change of the clocks cannot move a due
time. Days are counted in the rule's own zone and calendar.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from escalations import calendars, zones
from escalations.calendars import Calendar
from escalations.rules import Unit

LAST_SECOND = time(23, 59, 59)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to count, with its calendar frozen. `min_working_days` is that of Regulation 1182/71 art. 3(5).

    `number` replaces the rule's where it is not 0; `working_days` counts only those of a period in calendar days.
    """

    zone: str
    calendar: Calendar
    roll_forward: bool = False
    min_working_days: int = 0
    exclude_day_zero: bool = True
    number: int = 0
    working_days: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of a period, in UTC, and how it was reached."""

    at: datetime
    steps: tuple[str, ...]


def elapsed_hours(t0: datetime, number: int) -> End:
    """Count hours that never stand still: `number` times 3600 seconds after `t0`."""
    at = t0.astimezone(UTC) + timedelta(hours=number)
    return End(at=at, steps=(f"start {utc(t0)}", f"{number} h elapsed → {utc(at)}"))


def working_hours(t0: datetime, number: int, reading: Reading) -> End:
    """Count hours that stand still on days off, midnight to midnight local time (16 CFR 1115.14(a))."""
    zone = zones.zone(reading.zone)
    now, left = t0.astimezone(UTC), timedelta(hours=number)
    day = t0.astimezone(zone).date()
    steps = [_start(t0, zone)]
    while True:
        midnight = datetime.combine(day + ONE_DAY, time(), zone).astimezone(UTC)
        if calendars.is_working_day(reading.calendar, day):
            runs = min(left, midnight - now)
            now, left = now + runs, left - runs
            steps.append(f"{_day(day)} runs {_duration(runs)}")
            if not left:
                return End(at=now, steps=(*steps, f"→ {utc(now)}"))
        else:
            steps.extend(calendars.days_in_words(reading.calendar, day - ONE_DAY, day))
        now, day = midnight, day + ONE_DAY


def working_days(t0: datetime, number: int, reading: Reading) -> End:
    """Count working days to the end of the last one. Day zero is left out unless the reading says otherwise."""
    zone = zones.zone(reading.zone)
    before = _day_before_counting(t0, zone, reading)
    last = calendars.working_day_after(reading.calendar, before, number)
    words = calendars.days_in_words(reading.calendar, before, last, counted=number)
    return _end_of_day(last, zone, (*_opening(t0, zone, reading), *words))


def calendar_days(t0: datetime, number: int, reading: Reading) -> End:
    """Count every day to the end of the last one, then move on to a working day where the reading says so.

    Zero days end with the day of the event itself.
    """
    zone = zones.zone(reading.zone)
    before = _day_before_counting(t0, zone, reading)
    last = before + timedelta(days=number)
    return _whole_days(t0, before, last, f"+ {number} d = {_day(last)}", reading)


def months(t0: datetime, number: int, reading: Reading) -> End:
    """Count months to the end of the day of the same number, or of the month's last day where there is none.

    Regulation 1182/71 art. 3(2)(c); moved on to a working day where the reading says so.
    """
    day = t0.astimezone(zones.zone(reading.zone)).date()
    year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    last = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return _whole_days(t0, day, last, f"+ {number} months = {_day(last)} {last.year}", reading)


def ends(unit: Unit, number: int, t0: datetime, reading: Reading | None, *, working_time_only: bool = False) -> End:
    """Count a period. `reading` may be absent for elapsed hours only. Raises ValueError for a unit without a number."""
    if unit is Unit.HOUR and not (working_time_only and reading):
        return _at_least_working_days(t0, elapsed_hours(t0, number), reading)
    if reading is None:
        raise ValueError(f"a period in {unit.value} needs a calendar; add `counting` to the rule")
    number = reading.number or number
    match unit:
        case Unit.CALENDAR_DAY if reading.working_days:
            return working_days(t0, number, reading)
        case Unit.HOUR:
            return working_hours(t0, number, reading)
        case Unit.WORKING_DAY | Unit.BUSINESS_DAY:
            return working_days(t0, number, reading)
        case Unit.CALENDAR_DAY:
            return calendar_days(t0, number, reading)
        case Unit.MONTH:
            return months(t0, number, reading)
        case _:
            raise ValueError(f"a duty counted {unit.value} has no period to count")


def utc(at: datetime) -> str:
    """Write an instant in UTC to the second."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _whole_days(t0: datetime, before: date, last: date, sum_step: str, reading: Reading) -> End:
    zone = zones.zone(reading.zone)
    steps = [*_opening(t0, zone, reading), sum_step]
    if reading.roll_forward:
        working = calendars.next_working_day(reading.calendar, last)
        if working != last:
            steps.extend(calendars.days_in_words(reading.calendar, last - ONE_DAY, working))
            steps.append("moved to the next working day")
        last = working
    last, extended = _extended(before, last, reading)
    return _end_of_day(last, zone, (*steps, *extended))


def _at_least_working_days(t0: datetime, end: End, reading: Reading | None) -> End:
    if reading is None or not reading.min_working_days:
        return end
    zone = zones.zone(reading.zone)
    before, last = t0.astimezone(zone).date(), end.at.astimezone(zone).date()
    moved, steps = _extended(before, last, reading)
    return _end_of_day(moved, zone, (*end.steps, *steps)) if moved != last else end


def _extended(before: date, last: date, reading: Reading) -> tuple[date, tuple[str, ...]]:
    """Make a period of two days or more include the working days it must include (1182/71 art. 3(5))."""
    if not reading.min_working_days or (last - before).days < 2:
        return last, ()
    moved = calendars.working_day_after(reading.calendar, before, reading.min_working_days)
    if moved <= last:
        return last, ()
    return moved, (f"extended to {_day(moved)} to include {reading.min_working_days} working days",)


def _day_before_counting(t0: datetime, zone: ZoneInfo, reading: Reading) -> date:
    day = t0.astimezone(zone).date()
    return day if reading.exclude_day_zero else day - ONE_DAY


def _opening(t0: datetime, zone: ZoneInfo, reading: Reading) -> tuple[str, str]:
    return _start(t0, zone), "day 0 excluded" if reading.exclude_day_zero else "day 0 counts"


def _end_of_day(day: date, zone: ZoneInfo, steps: tuple[str, ...]) -> End:
    at = datetime.combine(day, LAST_SECOND, zone).replace(fold=1).astimezone(UTC)
    return End(at=at, steps=(*steps, f"end of day → {utc(at)}"))


def _start(t0: datetime, zone: ZoneInfo) -> str:
    return f"start {t0.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"


def _day(day: date) -> str:
    return f"{day.day} {calendars.MONDAY_TO_SUNDAY[day.weekday()]} {calendars.MONTHS[day.month]}"


def _duration(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min"
