"""When is a duty, in instants? Local hours of a desk turned into UTC, over working days, days off and clock changes.

A local time that a clock change skips is the moment at which the clock jumps; of one that comes twice it is the first.
So a duty that ends and another that begins at the same local time always meet, without a gap and without an overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from escalations import zones
from escalations.calendars import Calendar, is_working_day
from escalations.readings import Calendars
from escalations.rosters import Days, Desk, Duty

ONE_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One time that a duty is done: from `begins`, inclusive, to `ends`, exclusive, in UTC. `day` is its local day."""

    desk: Desk
    duty: Duty
    day: date
    begins: datetime
    ends: datetime


def local_day(desk: Desk, at: datetime) -> date:
    """Say which day it is at a desk."""
    return at.astimezone(zones.zone(desk.zone)).date()


def instant(zone: str, day: date, minutes: int) -> datetime:
    """Turn so many minutes after a zone's local midnight, by the clock on the wall, into UTC."""
    local = zones.zone(zone)
    wall = datetime(day.year, day.month, day.day, tzinfo=local) + timedelta(minutes=minutes)
    found = wall.astimezone(UTC)
    shown = found.astimezone(local).replace(tzinfo=None)
    return found if shown == wall.replace(tzinfo=None) else _jump(local, wall.replace(fold=1).astimezone(UTC), found)


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the minute at which a clock jumps, between an instant before it and one after it."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > A_MINUTE:
        between = before + (after - before) // A_MINUTE // 2 * A_MINUTE
        if between.astimezone(zone).utcoffset() == offset:
            before = between
        else:
            after = between
    return after


def calendar(desk: Desk, calendars: Calendars, first: date, last: date) -> Calendar:
    """Freeze a desk's calendar, with its weekend. Raises CalendarGap for years whose holidays are not known."""
    found = calendars.frozen(desk.calendar, first.year, last.year)
    return found if found.weekend == desk.weekend else replace(found, weekend=desk.weekend)


def falls_on(duty: Duty, days: Calendar, day: date) -> bool:
    """Ask whether a duty begins on a day. A night shift belongs to the day it begins on, whatever the next one is."""
    if duty.weekdays and day.weekday() not in duty.weekdays:
        return False
    return duty.days is Days.EVERY or is_working_day(days, day) is (duty.days is Days.WORKING)


def stretches(desk: Desk, duty: Duty, days: Calendar, first: date, last: date) -> Iterator[Stretch]:
    """List every time of a duty that begins on the days from first to last, both inclusive, in order.

    One whose hours a clock change swallowed is left out.
    """
    day = first
    while day <= last:
        if falls_on(duty, days, day):
            begins, ends = span(desk.zone, day, duty.begins, duty.ends)
            if begins < ends:
                yield Stretch(desk=desk, duty=duty, day=day, begins=begins, ends=ends)
        day += ONE_DAY


def running(desk: Desk, calendars: Calendars, at: datetime) -> tuple[Stretch, ...]:
    """List the duties of a desk that are being done at an instant, shifts first, what began yesterday first."""
    at, today = at.astimezone(UTC), local_day(desk, at)  # instants of one zone are compared far faster
    begun = (*_begun_on(desk, calendars, today - ONE_DAY), *_begun_on(desk, calendars, today))
    return tuple(sorted((one for one in begun if one.begins <= at < one.ends), key=lambda one: one.duty.on_call))


@lru_cache(maxsize=4096)  # a year of eleven desks: many cases ask about the same days
def _begun_on(desk: Desk, calendars: Calendars, day: date) -> tuple[Stretch, ...]:
    """List the duties of a desk that begin on a day."""
    days = calendar(desk, calendars, day, day)
    return tuple(one for duty in desk.duties for one in stretches(desk, duty, days, day, day))


@lru_cache(maxsize=8192)
def span(zone: str, day: date, begins: int, ends: int) -> tuple[datetime, datetime]:
    """Turn the hours of a duty that begins on a day into UTC.

    Between midnights that are 24 h apart no clock changes, and minutes can be added to the first of them.
    """
    first, second, third = (_midnight(zone, day + ahead) for ahead in _AHEAD)
    if second - first == third - second == ONE_DAY:
        return first + A_MINUTE * begins, first + A_MINUTE * ends
    return instant(zone, day, begins), instant(zone, day, ends)


@lru_cache(maxsize=8192)
def _midnight(zone: str, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zones.zone(zone)).astimezone(UTC)


_AHEAD = (timedelta(), ONE_DAY, 2 * ONE_DAY)
