"""When is a period over, by walking through it? A second implementation that shares nothing with the first.

It steps through time minute by minute in UTC and asks of each minute which local day it belongs to and whether that day
counts. Slow, and simple enough to be read against the law. It imports nothing of ours.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
Works = Callable[[date], bool]


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def last_second_of(day: date, zone: ZoneInfo, near: datetime) -> datetime:
    """Walk in UTC from an instant that lies before the end of the day until the local date is past it."""
    at = near.astimezone(UTC).replace(second=0, microsecond=0)
    while local_day(at, zone) <= day:
        at += timedelta(hours=6) if local_day(at + timedelta(hours=6), zone) <= day else MINUTE
    return at - SECOND


def hours(t0: datetime, number: int) -> datetime:
    at = t0.astimezone(UTC)
    for _ in range(number * 60):
        at += MINUTE
    return at


def working_hours(t0: datetime, number: int, zone: ZoneInfo, works: Works) -> datetime:
    """Count the minutes that lie on working days, one by one."""
    at, left = t0.astimezone(UTC), number * 60
    while left:
        left -= works(local_day(at, zone))
        at += MINUTE
    return at


def nth_day(t0: datetime, number: int, zone: ZoneInfo, works: Works, *, day_zero: bool, only_working: bool) -> date:
    day = local_day(t0, zone)
    if day_zero:
        day -= DAY
    counted = 0
    while counted < number:
        day += DAY
        counted += 1 if works(day) or not only_working else 0
    return day


def nth_month(t0: datetime, number: int, zone: ZoneInfo) -> date:
    day = local_day(t0, zone)
    year, month = day.year, day.month
    for _ in range(number):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def rolled(day: date, works: Works) -> date:
    while not works(day):
        day += DAY
    return day


def stretched(first: date, last: date, least: int, works: Works) -> date:
    """Make a period of two days or more hold its working days (Regulation 1182/71 art. 3(5))."""
    if (last - first).days < 2:
        return last
    while sum(works(first + DAY * step) for step in range(1, (last - first).days + 1)) < least:
        last += DAY
    return last
